"""Secrets of the environment are used and never shown."""

from __future__ import annotations

import pytest

from pgjikan.errors import PgjikanError
from pgjikan.settings import read_settings

SECRET = "s3cret"
URLS = ("PGJIKAN_JIKAN_URL", "PGJIKAN_GOOGLE_BASE_URL")


def test_no_secret_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in URLS:
        monkeypatch.setenv(name, f"http://user:{SECRET}@127.0.0.1/v4")
    monkeypatch.setenv("PGJIKAN_SERVER_KEYS", f'{{"tenrai": "{SECRET}"}}')
    monkeypatch.setenv("PGJIKAN_GEMINI_API_KEY", SECRET)
    settings = read_settings()
    assert settings.jikan_url is not None
    assert SECRET in str(settings.jikan_url.get_secret_value())
    for shown in (repr(settings), str(settings), str(settings.model_dump())):
        assert SECRET not in shown
    assert SECRET not in settings.model_dump_json()


@pytest.mark.parametrize("name", URLS)
def test_a_bad_url_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, f"http://user:{SECRET}@127.0.0.1:port/v4")
    with pytest.raises(PgjikanError, match=name) as raised:
        read_settings()
    assert SECRET not in repr(raised.getrepr(style="long"))
