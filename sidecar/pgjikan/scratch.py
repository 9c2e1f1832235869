"""A PostgreSQL to throw away, with the project deployed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pgjikan import migrations
from pgjikan.server import EmbeddedServer

#: What is thrown away need not survive a crash.
NO_DURABILITY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextmanager
def scratch_server() -> Iterator[EmbeddedServer]:
    """A server in a folder of its own, deployed, gone at the end. Raises PgjikanError."""
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-scratch-"))
    try:
        folder.chmod(0o755)  # as root the server runs under its own account
        with EmbeddedServer(folder / "data", options=NO_DURABILITY) as server:
            migrations.deploy(server.dsn(), verify=False)
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)
