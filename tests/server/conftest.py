"""Folders for servers, and another account to run one as."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pgjikan.server import EmbeddedServer

FAST = {"fsync": "off", "shared_buffers": "16MB"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every account can enter; pytest's own are closed to the server's account."""
    path = Path(tempfile.mkdtemp(prefix="pgjikan-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A server's folder whose cluster is made already; each test starts and stops it itself."""
    path = Path(tempfile.mkdtemp(prefix="pgjikan-"))
    path.chmod(0o755)
    with EmbeddedServer(path / "data", options=FAST):
        pass
    yield path / "data"
    shutil.rmtree(path)


@pytest.fixture
def stopped(made: Path) -> Iterator[EmbeddedServer]:
    """A server that does not run yet."""
    server = EmbeddedServer(made, options=FAST)
    yield server
    server.stop("immediate")


def as_account(name: str, home: Path, work: Callable[[], Any]) -> Any:
    """Run `work` in a process of account `name` with its own home; return what it returns.

    A fork and not a new interpreter: that one may stand where the account cannot reach it.
    """
    account = pwd.getpwnam(name)
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the fork starts no other thread
        child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
            os.environ.update(HOME=str(home))
            os.environ.pop("XDG_DATA_HOME", None)
            answer = {"value": work()}
        except BaseException:
            answer = {"error": traceback.format_exc()}
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    with open(reader) as pipe:
        answer = json.loads(pipe.read())
    os.waitpid(child, 0)
    assert "error" not in answer, answer["error"]
    return answer["value"]
