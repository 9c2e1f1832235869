"""A hook of the site's generator: what GitHub takes as it is and mkdocs does not."""

from __future__ import annotations

import posixpath
import re
from typing import Any

LINK = re.compile(r"\]\((?P<path>[^)#\s:]+)(?P<anchor>#[^)]*)?\)")
FENCE = re.compile(r"^```(\w+) [^\n]+$", re.M)


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Called by mkdocs with the text of each page.

    Links that leave docs/ go to the repository; fences lose what they tell the tests.
    """
    folder = posixpath.dirname(page.file.src_uri)

    def follow(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join("docs", folder, link["path"]))
        if target.startswith("docs/"):
            return link[0]
        return f"]({config.repo_url.rstrip('/')}/blob/main/{target}{link['anchor'] or ''})"

    return FENCE.sub(r"```\1", LINK.sub(follow, markdown))
