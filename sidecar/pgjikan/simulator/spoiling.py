"""How each fault looks on the wire: a good answer spoilt, or another one sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pgjikan.gateway.refusals import Reply
from pgjikan.simulator import answers
from pgjikan.simulator.answers import to_json
from pgjikan.simulator.faults import Fault


def spoilt(fault: Fault, path: str, honest: Reply) -> Reply:
    """The answer to send instead; the honest one where the fault does not apply to it."""
    if fault.kind in _INSTEAD:
        return _INSTEAD[fault.kind](fault, path)
    if fault.kind in _CHANGES and honest.status == 200:
        return replace(honest, body=_CHANGES[fault.kind](honest.body))
    return honest


_INSTEAD: Mapping[str, Callable[[Fault, str], Reply]] = {
    "403": lambda fault, path: answers.html(403, "403 Forbidden"),
    "404": lambda fault, path: answers.missing(path),
    "410": lambda fault, path: answers.html(410, "410 Gone"),
    "429": lambda fault, path: answers.rate_limited(fault.retry_after),
    "429_int": lambda fault, path: answers.rate_limited(fault.retry_after, as_text=False),
    "500": lambda fault, path: answers.upstream_failed(path),
    "503": lambda fault, path: answers.maintenance(fault.retry_after),
    "504": lambda fault, path: answers.gateway_timeout(),
    "html_502": lambda fault, path: answers.html(502, "502 Bad Gateway"),
    "html": lambda fault, path: answers.html(200, "Just a moment..."),
    "empty_body": lambda fault, path: Reply(200, b""),
    "error_200": lambda fault, path: replace(answers.upstream_failed(path), status=200),
    "limit_200": lambda fault, path: replace(answers.rate_limited(), status=200),
    "redirect": lambda fault, path: Reply(302, b"", {"Location": "/_simulator/elsewhere"}),
}


def _with_data(body: bytes, change: Callable[[Any], Any]) -> bytes:
    document = json.loads(body)
    return to_json(document | {"data": change(document["data"])})


def _each(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[bytes], bytes]:
    """A change of every item of a list, or of the one item there is."""

    def changed(data: Any) -> Any:
        return [change(item) for item in data] if isinstance(data, list) else change(data)

    return lambda body: _with_data(body, changed)


def _other_id(item: dict[str, Any]) -> dict[str, Any]:
    return item | {"mal_id": item.get("mal_id", 0) + 1}


def _other_types(item: dict[str, Any]) -> dict[str, Any]:
    mixed: dict[str, Any] = {
        "mal_id": str(item.get("mal_id")),
        "titles": "not a list",
        "score": "high",
        "aired": [],
        "genres": {"mal_id": 1},
        "episodes": {"count": 12},
        "images": None,
    }
    return item | mixed


def _older(item: dict[str, Any]) -> dict[str, Any]:
    return item | {
        "members": (item.get("members") or 0) // 2,
        "score": None,
        "title_synonyms": [],
        "synopsis": "An older synopsis.",
    }


def _repeated(data: Any) -> Any:
    return [data[0], *data] if isinstance(data, list) and data else data


def _dirty(body: bytes) -> bytes:
    return body.replace(b'"title":"', rb'"title":"\u0000\ud800 \udc00')


def _unnumbered(body: bytes) -> bytes:
    return body.replace(b'"score":', b'"score":NaN,"was":', 1)


_CHANGES: Mapping[str, Callable[[bytes], bytes]] = {
    "half_json": lambda body: body[: len(body) // 2],
    "dirty_text": _dirty,
    "not_a_number": _unnumbered,
    "wrong_id": _each(_other_id),
    "wrong_types": _each(_other_types),
    "empty": lambda body: _with_data(body, lambda data: [] if isinstance(data, list) else {}),
    "duplicate": lambda body: _with_data(body, _repeated),
    "stale_list": lambda body: _with_data(
        body, lambda data: [_older(item) for item in data] if isinstance(data, list) else data
    ),
}


def slid(honest: Reply, before: Reply, limit: int) -> Reply:
    """A page of a list after one title more came at its front: it begins with the page before's
    last."""
    if honest.status != 200 or before.status != 200:
        return honest
    last = json.loads(before.body)["data"][-1:]
    body = _with_data(honest.body, lambda data: [*last, *data][:limit])
    return replace(honest, body=body)
