"""A pytest plugin: what jikan4 asks of its default URL goes to PGJIKAN_TEST_URL instead."""

from __future__ import annotations

import os
from typing import Any

import aiohttp
import requests

_DEFAULT = "https://api.tenrai.org/v1"
_send = requests.Session.request
_send_async = aiohttp.ClientSession._request


def _here(url: Any) -> str:
    return str(url).replace(_DEFAULT, os.environ["PGJIKAN_TEST_URL"])


def request(
    self: requests.Session, method: str, url: str, *args: Any, **options: Any
) -> requests.Response:
    return _send(self, method, _here(url), *args, **options)


async def request_async(
    self: aiohttp.ClientSession, method: str, url: Any, *args: Any, **options: Any
) -> aiohttp.ClientResponse:
    return await _send_async(self, method, _here(url), *args, **options)


requests.Session.request = request  # type: ignore[method-assign]
aiohttp.ClientSession._request = request_async  # type: ignore[method-assign]
