"""Secrets of the environment are used and never shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pgjikan
from pgjikan.errors import PgjikanError
from pgjikan.settings import Settings, read_settings

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


@pytest.mark.parametrize("value", ["tenrai=abc", '["abc"]', '{"tenrai": 5}', '{"tenrai": ["abc"]}'])
@pytest.mark.parametrize("command", ["doctor --offline", "sidecar --once", "provider test tenrai"])
def test_bad_server_keys_are_an_error_of_two_lines(database: str, command: str, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from pgjikan.cli import main; main()", *command.split()],
        env={**os.environ, "DATABASE_URL": database, "PGJIKAN_SERVER_KEYS": value},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: a setting of the environment is wrong: PGJIKAN_SERVER_KEYS")
    assert "abc" not in error
    assert hint == "hint:  Correct or unset it."


@pytest.mark.parametrize(
    "name", ["PGJIKAN_SERVER_KEYS", "PGJIKAN_POLL_SECONDS", "PGJIKAN_JIKAN_URL", "PGJIKAN_CONTACT"]
)
def test_empty_means_unset(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    unset = read_settings()
    monkeypatch.setenv(name, "")
    assert read_settings() == unset


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PGJIKAN_POLL_SECONDS", "soon"),
        ("PGJIKAN_EMBEDDING_THREADS", "0"),
        ("PGJIKAN_JIKAN_REQUESTS", "1.5"),
    ],
)
def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(PgjikanError, match=f"{name}: "):
        read_settings()


def test_every_setting_is_used() -> None:
    """One that is accepted and read nowhere promises what nothing keeps."""
    package = Path(pgjikan.__path__[0])
    code = "\n".join(
        file.read_text() for file in package.rglob("*.py") if file.name != "settings.py"
    )
    own = (package / "settings.py").read_text()
    used = set(re.findall(r"settings\.([a-z_]+)", code)) | set(re.findall(r"self\.([a-z_]+)", own))
    assert set(Settings.model_fields) - used == set()


def command(*words: str, **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", "from pgjikan.cli import main; main()", *words],
        env=os.environ | {"DATABASE_URL": "host=127.0.0.1 port=9 dbname=x"} | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", ["search naruto", "status", "sidecar --once", "server status"])
def test_every_command_names_a_wrong_variable_and_not_its_value(words: str) -> None:
    status, said = command(*words.split(), PGJIKAN_LOG_LEVEL="loud")
    assert status == 1
    error, _hint = said.splitlines()
    assert error.startswith("error: a setting of the environment is wrong: PGJIKAN_LOG_LEVEL: ")
    assert "loud" not in said


def test_a_variable_that_nothing_reads_is_named_in_a_warning() -> None:
    known = {"PGJIKAN_LOG_LEVEL": "WARNING", "PGJIKAN_REGISTRY": "sqitch", "PGJIKAN_CONTACT": "x"}
    _status, said = command("status", **known)
    assert "warning" not in said
    _status, said = command("status", PGJIKAN_POL_SECONDS=SECRET)
    assert "warning: nothing reads PGJIKAN_POL_SECONDS" in said
    assert SECRET not in said


def test_the_log_level_of_the_environment_is_the_commands() -> None:
    code = "from pgjikan import log; import structlog; log.configure(); structlog.get_logger()"
    for level, shown in (("warning", False), ("", True), ("Debug", True)):
        done = subprocess.run(
            [sys.executable, "-c", f"{code}.info('it_happened')"],
            env=os.environ | {"PGJIKAN_LOG_LEVEL": level},
            capture_output=True,
            text=True,
            check=True,
        )
        assert ("it_happened" in done.stdout) is shown, level
