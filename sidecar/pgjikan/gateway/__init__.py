"""The gateway: Jikan's REST API over HTTP, answered by ``anime.v4``.

uvicorn and Starlette carry it: both are kept by the same people, run on every platform that Python
does, take one event loop a process, and leave the bytes of an answer alone. Nothing is decided here
but what only a server can know: sockets, sizes, waits and who asks how often.
"""
