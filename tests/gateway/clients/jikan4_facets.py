"""Calls every method of jikan4 about a title, of both of its clients; prints what came, as JSON.

python jikan4_facets.py URL
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from jikan4.aiojikan import AioJikan
from jikan4.jikan import Jikan

PARTS = (
    "characters", "staff", "episodes", "news", "videos", "episode_videos", "pictures",
    "statistics", "moreinfo", "recommendations", "reviews", "relations", "themes", "external",
    "streaming", "forum", "articles", "stacks",
)  # fmt: skip


def size(answer: Any) -> int | str:
    """How many things are in a list; of what is one thing its type."""
    data = getattr(answer, "data", answer)
    return len(data) if isinstance(data, list) else type(data).__name__


async def main(url: str) -> None:
    told: dict[str, Any] = {}
    sync, aio = Jikan(url, rate_limit=0), AioJikan(url, rate_limit=0)
    for part in ("", "_full", *(f"_{part}" for part in PARTS), "_episode"):
        arguments = (1, 1) if part == "_episode" else (1,)
        try:
            told[f"sync{part}"] = size(getattr(sync, f"get_anime{part}")(*arguments))
        except Exception as error:
            told[f"sync{part}"] = str(error)[:60]
        try:
            told[f"async{part}"] = size(await getattr(aio, f"get_anime{part}")(*arguments))
        except Exception as error:
            told[f"async{part}"] = str(error)[:60]
    await aio.close()
    print(json.dumps(told))


asyncio.run(main(sys.argv[1]))
