"""What must never be told: secrets of this process, hidden wherever a text leaves it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

HIDDEN = "***"

#: A shorter one is no secret, and taking it out would garble every line.
SHORTEST = 4

#: A user and password in a URL, whoever wrote it into a message.
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s\"'\\]+@")

_secrets: set[str] = set()


def hide(secrets: Iterable[str]) -> None:
    """Remember what `redacted` takes out from now on, in every form in which it may be written."""
    for secret in secrets:
        for form in {secret, unquote(secret)}:
            if len(form.strip()) >= SHORTEST:
                _secrets.update(
                    {
                        form,
                        quote(form, safe=""),
                        quote(form),
                        json.dumps(form)[1:-1],
                        json.dumps(form, ensure_ascii=False)[1:-1],
                        repr(form)[1:-1],
                        base64.b64encode(form.encode()).decode(),
                    }
                )


def redacted(text: str) -> str:
    """The text without the secrets of this process and without credentials in URLs."""
    text = _CREDENTIALS.sub(HIDDEN + "@", text)
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text
