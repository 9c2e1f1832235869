"""Who may ask: the page itself, and nothing else in the browser that shows it."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

#: No other origin can send it without asking first, and nobody answers that question.
HEADER = "X-Pgjikan"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def guard(host: str) -> Middleware:
    """Middleware for a server bound to ``host``: refuses what a foreign page could make us do.

    A name that an attacker's DNS can point here is refused as Host (an address or `localhost`
    cannot be pointed anywhere); what does something or tells something needs our own header, and
    where the browser names an origin, ours.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not _is_ours(request.host, host):
            return _refuse("this name is not one of the dashboard's; use its address")
        if request.path.startswith("/api/"):
            if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
                return _refuse("asked by another site")
            origin = request.headers.get("Origin")
            if origin is not None and urlsplit(origin).netloc != request.host:
                return _refuse("asked by another origin")
            # The browser's EventSource cannot send headers; the stream only tells.
            if request.path != "/api/events" and HEADER not in request.headers:
                return _refuse(f"the header {HEADER} is missing")
        return await handler(request)

    return check


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Before any response: forbid what the page does not need."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.popall("Server", None)


def _is_ours(header: str, bound: str) -> bool:
    try:
        name = urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return False
    if name in ("localhost", bound.lower()):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _refuse(why: str) -> web.Response:
    return web.json_response({"error": why}, status=403)
