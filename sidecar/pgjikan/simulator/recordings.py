"""Recorded responses: a URL that was recorded answers with its recorded status, headers, body."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pgjikan.errors import PgjikanError
from pgjikan.simulator.answers import Answer
from pgjikan.simulator.data import Title

_CARRIED = frozenset(
    {
        *("content-type", "cache-control", "pragma", "expires", "last-modified"),
        *("x-request-fingerprint", "x-cache-status", "x-powered-by", "retry-after"),
    }
)
_DEFAULTS = frozenset({("page", "1")})


class Recordings:
    """A folder of bodies and its ``manifest.json``, by file name and by question."""

    def __init__(self, folder: Path) -> None:
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as e:
            raise PgjikanError(
                f"{folder} holds no readable manifest.json: {e}",
                hint="a folder of recorded responses, such as shared/jikan/recorded",
            ) from e
        self._folder = folder
        self._entries: dict[str, dict[str, Any]] = manifest
        self._by_question: dict[tuple[str, frozenset[tuple[str, str]]], str] = {}
        for name in sorted(manifest, key=lambda name: str(manifest[name]["captured_at"])):
            url = urlsplit(manifest[name]["url"])
            path = url.path.partition("/v4")[2]
            if path and not {"<", "{", "…", "("} & set(manifest[name]["url"]):
                self._by_question[(path, _question(dict(parse_qsl(url.query))))] = name

    def names(self) -> list[str]:
        return list(self._entries)

    def status(self, name: str) -> int:
        return int(self._entries[name]["status"])

    def by_name(self, name: str) -> Answer | None:
        entry = self._entries.get(name)
        if entry is None:
            return None
        headers = {
            header: value
            for header, value in (entry.get("headers") or {}).items()
            if header.lower() in _CARRIED
        }
        return Answer(int(entry["status"]), (self._folder / name).read_bytes(), headers)

    def answer(self, path: str, query: Mapping[str, str]) -> Answer | None:
        name = self._by_question.get((path, _question(query)))
        return self.by_name(name) if name else None

    def titles(self) -> Iterator[Title]:
        """Every title seen in a recorded answer; the newest and fullest sighting comes last."""
        seen: list[tuple[bool, str, dict[str, Any]]] = []
        for name, entry in self._entries.items():
            path = urlsplit(entry["url"]).path.split("/v4", 1)[-1]
            if entry["status"] != 200 or not path.startswith(("/anime", "/seasons/", "/top/anime")):
                continue
            data = json.loads((self._folder / name).read_text(encoding="utf-8")).get("data")
            for item in data if isinstance(data, list) else [data]:
                if isinstance(item, dict) and {"mal_id", "titles", "aired"} <= item.keys():
                    seen.append(("relations" in item, str(entry["captured_at"]), item))
        for _, _, document in sorted(seen, key=lambda sighting: sighting[:2]):
            yield Title.of(document)


def _question(query: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(query.items()) - _DEFAULTS
