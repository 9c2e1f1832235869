"""The Jikan HTTP client: one request in, one of eight outcomes out, and never an exception.

The same code runs in the sidecar and inside plpython3u, so it stands alone: the standard library,
requests with the urllib3 it brings, and of pgjikan nothing but this package.

It decides nothing about retries, pace or freshness; it says what happened and SQL decides:

``ok``               200 with a document of Jikan's shape; ``body`` is its JSON text
``not_found``        the upstream says that the title does not exist (404 with its own error body),
                     or that it is another now
``not_yet``          another pgjikan's gateway is well and has not got this yet: its marked 504
``rate_limited``     429, or an error body that says so under any status
``rejected``         the request itself was bad: 400 and kin, or a route that does not exist
``upstream_error``   the provider failed or refused us: 5xx, 403, 410, a redirect, a foreign 404
``transport_error``  no whole answer: DNS, TLS, refused, reset, cut short, too slow
``invalid``          200 that is not what was asked: error body, HTML, broken JSON, another title

A redirect is never followed: it would carry the key and the question to a place nobody
configured, and a provider that moved is a change of its base URL. One from a title to another under
the same base URL is ``not_found`` with the other's id in ``moved_to``: MyAnimeList merged the two.
"""

from pgjikan.client.response import Outcome, Response
from pgjikan.client.session import JikanClient

__all__ = ["JikanClient", "Outcome", "Response"]
