"""Recorded responses: what Jikan really said to a URL, with status, headers and body."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pgjikan.simulator import Simulator

_CARRIED = frozenset(
    {
        *("content-type", "cache-control", "pragma", "expires", "last-modified"),
        *("x-request-fingerprint", "x-cache-status", "x-powered-by", "retry-after"),
    }
)


class Recordings:
    """A folder of bodies and its ``manifest.json``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries: dict[str, dict[str, Any]] = json.loads(
            (folder / "manifest.json").read_text(encoding="utf-8")
        )

    def names(self) -> list[str]:
        return list(self._entries)

    def status(self, name: str) -> int:
        return int(self._entries[name]["status"])

    def say_by_name(self, simulator: Simulator) -> None:
        """Let each be the answer to its file's name."""
        for name in self._entries:
            self._say(simulator, f"/{name}", name)

    def say_by_url(self, simulator: Simulator) -> None:
        """Let each be the answer to the URL that it was the answer to; the newest counts."""
        for name in sorted(self._entries, key=lambda name: str(self._entries[name]["captured_at"])):
            url = self._entries[name]["url"]
            path = urlsplit(url).path.partition("/v4")[2]
            if path and not {"<", "{", "…", "("} & set(url):
                self._say(simulator, url.partition("/v4")[2], name)

    def titles(self) -> list[dict[str, Any]]:
        """Every title seen in a recorded answer, as it was seen newest and fullest."""
        seen: list[tuple[bool, str, dict[str, Any]]] = []
        for name, entry in self._entries.items():
            path = urlsplit(entry["url"]).path.split("/v4", 1)[-1]
            if entry["status"] != 200 or not path.startswith(("/anime", "/seasons/", "/top/anime")):
                continue
            data = json.loads((self._folder / name).read_text(encoding="utf-8")).get("data")
            for item in data if isinstance(data, list) else [data]:
                if isinstance(item, dict) and {"mal_id", "titles", "aired"} <= item.keys():
                    seen.append(("relations" in item, str(entry["captured_at"]), item))
        seen.sort(key=lambda sighting: sighting[:2])
        return list({document["mal_id"]: document for _, _, document in seen}.values())

    def _say(self, simulator: Simulator, url: str, name: str) -> None:
        headers = dict(self._carried(name))
        body = (self._folder / name).read_bytes()
        simulator.say(url, body, self.status(name), **headers)

    def _carried(self, name: str) -> Iterator[tuple[str, str]]:
        for header, value in (self._entries[name].get("headers") or {}).items():
            if header.lower() in _CARRIED:
                yield header, value
