"""A service with three routes over the schema `anime`: search, one title, what to watch next.

DATABASE_URL=$(pgjikan server dsn --app) uvicorn service:app
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from psycopg import errors
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

# Autocommit: what a search asks for is queued at once, and nothing is held open.
pool = AsyncConnectionPool(
    os.environ["DATABASE_URL"],
    open=False,
    max_size=8,
    kwargs={"autocommit": True, "row_factory": dict_row},
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Open the pool with the service, close it with it."""
    async with pool:
        yield


app = FastAPI(title="Anime from your own database", lifespan=lifespan)


async def rows(query: str, **parameters: Any) -> list[dict[str, Any]]:
    """What a query answers."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query, parameters)
        return await cursor.fetchall()


@app.get("/search")
async def search(q: str, limit: int = 10) -> list[dict[str, Any]]:
    """The titles that fit best, misspelt or not."""
    return await rows("SELECT * FROM anime.search(%(q)s, max_rows => %(limit)s)", q=q, limit=limit)


@app.get("/anime/{mal_id}")
async def one(mal_id: int) -> Any:
    """Everything about a title; 202 when it is not here yet: it was queued, ask again."""
    [row] = await rows("SELECT anime.get(%(mal_id)s) AS anime", mal_id=mal_id)
    if row["anime"] is None:
        raise HTTPException(202, "queued", headers={"Retry-After": "2"})
    return row["anime"]


@app.get("/next")
async def watch_next(liked: Annotated[list[int], Query()]) -> list[dict[str, Any]]:
    """What suits whoever liked these."""
    return await rows(
        "SELECT mal_id, title, year, score, why FROM anime.recommend(liked => %(liked)s)",
        liked=liked,
    )


@app.exception_handler(errors.InvalidParameterValue)
async def refuse(_: Request, error: errors.InvalidParameterValue) -> JSONResponse:
    """22023: an argument cannot be so; the database says how it can."""
    diagnosis = error.diag
    return JSONResponse({"error": diagnosis.message_primary, "hint": diagnosis.message_hint}, 400)
