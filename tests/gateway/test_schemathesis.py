"""Requests that schemathesis makes of Jikan's OpenAPI file: whatever is asked, it is answered.

Right requests and wrong ones of every route that is served. What is answered with 200 is held
against the file, whose known faults are listed and mended here; a refusal has a recorded shape;
nothing is answered with 5xx.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.gateway.facets import store_whole

pytestmark = [
    pytest.mark.timeout(300),
    # It is the gateway's pool that uses it, on a thread of this process.
    pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies"),
]

#: Requests of each kind to each route.
EXAMPLES = 8
#: What the file has wrong: where, what it says, and what the recordings show instead.
FAULTS: list[tuple[str, Any, Any]] = [
    ("anime_episodes/allOf/0/properties/data/items/properties/score/type", "float", "number"),
    ("anime_episodes/allOf/0/properties/data/items/properties/score/maximum", "5", 5),
    ("anime_episodes/allOf/0/properties/data/items/properties/score/minimum", "1", 1),
    ("anime_review/properties/episodes_watched", {
        "description": "Number of episodes watched", "type": "integer",
    }, {"type": "integer", "nullable": True}),
    ("entry_recommendations/properties/data/items/properties/entry", {
        "type": "object",
        "oneOf": [
            {"$ref": "#/components/schemas/anime_meta"},
            {"$ref": "#/components/schemas/manga_meta"},
        ],
    }, {"$ref": "#/components/schemas/anime_meta"}),
]  # fmt: skip
#: Routes that take nothing which could be wrong.
WITHOUT_PARAMETERS = {"/random/anime", "/seasons"}
REFUSALS = {
    400: {"ValidationException"},
    404: {"HttpException", "BadResponseException"},
    405: {"HttpException"},
    413: {"HttpException"},
    414: {"HttpException"},
}


def mended(openapi: dict[str, Any]) -> dict[str, Any]:
    """The file without its known faults; each must be there still."""
    for place, wrong, right in FAULTS:
        *way, last = place.split("/")
        inside = openapi["components"]["schemas"]
        for step in way:
            inside = inside[int(step)] if isinstance(inside, list) else inside[step]
        key: Any = int(last) if isinstance(inside, list) else last
        assert inside[key] == wrong, place
        inside[key] = right
    return openapi


def fault(route: Any, answer: requests.Response) -> str | None:
    """What is wrong with an answer."""
    if answer.status_code == 200:
        try:
            route.validate_response(answer)
        except Exception as error:
            return str(error)[:500]
        return None
    if answer.status_code not in REFUSALS:
        return f"answered {answer.status_code}"
    said = answer.json()
    keys = {"status", "type", "messages" if said["type"] == "ValidationException" else "message"}
    if said.keys() != keys | {"error"} or said["status"] != answer.status_code:
        return f"said {said}"
    if said["type"] not in REFUSALS[answer.status_code]:
        return f"a {answer.status_code} of type {said['type']}"
    return None


def answers(route: Any, mode: Any, url: str) -> list[requests.Response]:
    """What is answered to some requests to a route."""
    said: list[requests.Response] = []

    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(route.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        mal_id = case.path_parameters.get("id")
        if type(mal_id) is int and mal_id > 0:
            case.path_parameters["id"] = 1  # of a title that is not here the answer is a 504
        said.append(case.call(base_url=url))

    ask()
    return said


@pytest.mark.parametrize(
    "mode", [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
)
def test_whatever_is_asked_is_answered(
    connection: psycopg.Connection[Any],
    serve: Callable[..., str],
    shared: Path,
    mode: schemathesis.GenerationMode,
) -> None:
    store_whole(connection)
    served = {row[0] for row in connection.execute("SELECT pattern FROM jikan_sync.v4_route")}
    openapi = mended(json.loads((shared / "jikan/openapi.json").read_text()))
    openapi["paths"] = {path: told for path, told in openapi["paths"].items() if path in served}
    assert served - openapi["paths"].keys() == {"/schedules/{filter}"}, "a route nobody looks at"
    url, seen, wrong = f"{serve()}/v4", Counter[int](), []
    for found in schemathesis.openapi.from_dict(openapi).get_all_operations():
        route = found.ok()
        if mode is schemathesis.GenerationMode.NEGATIVE and route.path in WITHOUT_PARAMETERS:
            continue
        for answer in answers(route, mode, url):
            seen[answer.status_code] += 1
            if (what := fault(route, answer)) is not None:
                wrong.append(f"{answer.request.path_url}: {what}")
    assert not wrong, "\n\n".join(wrong)
    assert sum(seen.values()) > 100, seen
    assert seen[200 if mode is schemathesis.GenerationMode.POSITIVE else 400] > 40, seen
