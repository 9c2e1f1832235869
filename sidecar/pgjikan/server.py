"""The embedded PostgreSQL server: one folder, one server, no root and no Docker needed.

The folder holds `postgres/` (the cluster), `run/` (the socket), `server.log`, `up` (the process
that works here) and, once a port was asked for, `password`. Through the socket only the folder's
owner and root get in; over loopback TCP the password is asked.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shlex
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgjikan import postgres_install
from pgjikan.cluster import (
    SUPERUSER,
    ServerStatus,
    check_version,
    create_cluster,
    failure,
    kept_password,
    make_private_dir,
    read_status,
    readable_errors,
    serves,
    set_password,
)
from pgjikan.errors import PgjikanError
from pgjikan.interruption import uninterrupted

DATABASE = "pgjikan"
LOOPBACK = "127.0.0.1"

_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_PATIENCE_SECONDS = 60
_SOCKET_PORT = 5432  # only names the socket file while TCP is off
_SOCKET_DIR_BYTES = 85  # the kernel takes 107 bytes (macOS 103), the socket's own name included
_LOG_BYTES = 16 * 2**20

_SETTINGS = {
    "shared_buffers": "256MB",  # the whole mirror with its vectors stays in memory
    "jit": "off",  # compiling takes longer than any of our queries
    "random_page_cost": "1.1",  # no spinning disks
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}


def default_data_dir() -> Path:
    """Return `$XDG_DATA_HOME/pgjikan`; as root `/var/lib/pgjikan`."""
    if os.geteuid() == 0:
        return postgres_install.SYSTEM_HOME
    home = os.environ.get("XDG_DATA_HOME", "")
    return (Path(home) if home else Path.home() / ".local" / "share") / "pgjikan"


class EmbeddedServer:
    """One server in one folder; as a context manager it stops at the end what it started."""

    def __init__(
        self, data_dir: Path, port: int | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self.port = port
        self.options = dict(options or {})
        self.cluster = self.data_dir / "postgres"
        self.log = self.data_dir / "server.log"
        self.password_file = self.data_dir / "password"
        #: Whether it was this object that started the server.
        self.is_ours = False

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        if self.is_ours:
            self.stop()

    def start(self) -> None:
        """Start the server, making cluster and database on first use; if it runs, do nothing."""
        with readable_errors(self.data_dir), self._locked():
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while True:
                status = self.status()
                if status.pid is None:
                    self.is_ours = True
                    self._launch()
                elif self.port is not None and (not status.tcp or status.port != self.port):
                    raise PgjikanError(
                        f"The server already runs, but not on TCP port {self.port}.",
                        hint="Stop it first: pgjikan server stop",
                    )
                try:
                    return self._prepare_database()
                except psycopg.OperationalError as error:
                    # Found just as it was going (no state), or coming up after a crash (57P03).
                    if error.sqlstate not in {None, "57P03"} or time.monotonic() > deadline:
                        raise failure("The server cannot be used", str(error)) from error
                time.sleep(0.1)

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop the server and wait until it is gone; if it does not run, do nothing."""
        with readable_errors(self.data_dir):
            pid = self.status().pid
            if pid is None:
                return
            os.kill(pid, _SIGNALS[mode])
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while serves(pid, self.cluster):
                if time.monotonic() > deadline:
                    raise PgjikanError(
                        f"The server (process {pid}) did not stop in {_PATIENCE_SECONDS} s.",
                        hint=f"Look into {self.log}; mode immediate waits for nobody.",
                    )
                time.sleep(0.02)

    def status(self) -> ServerStatus:
        """Say whether the server runs, and where it listens."""
        with readable_errors(self.data_dir):
            return read_status(self.cluster)

    def is_running(self) -> bool:
        """Say whether the server runs."""
        return self.status().pid is not None

    def dsn(self, dbname: str = DATABASE, *, user: str = SUPERUSER) -> str:
        """Return the connection string of the socket."""
        status = self._running()
        query = urlencode({"host": str(status.socket_dir), "port": status.port})
        return f"postgresql://{user}@/{quote(dbname)}?{query}"

    def tcp_dsn(
        self, dbname: str = DATABASE, *, user: str = SUPERUSER, password: str | None = None
    ) -> str:
        """Return the connection string of the loopback port, password included."""
        status = self._running()
        if not status.tcp:
            raise PgjikanError(
                "The server listens on its socket only.",
                hint="Start it with a port: pgjikan server stop; pgjikan server start --port 54320",
            )
        password = password or kept_password(self.password_file)
        return f"postgresql://{user}:{password}@{LOOPBACK}:{status.port}/{quote(dbname)}"

    def _running(self) -> ServerStatus:
        status = self.status()
        if status.pid is None:
            raise PgjikanError(
                f"No server runs in {self.data_dir}.", hint="Start it: pgjikan server start"
            )
        return status

    def _launch(self) -> None:
        account = postgres_install.server_account(self.cluster)
        if account and not postgres_install.can_access(account, self.data_dir, "-x"):
            raise PgjikanError(
                f"The server's account {account.pw_name} cannot enter {self.data_dir}.",
                hint="Choose a --data-dir whose parents all may be entered, like /var/lib/pgjikan.",
            )
        binaries = postgres_install.reachable_binaries(account)
        if not self.cluster.exists():
            durable = self.options.get("fsync") != "off"
            create_cluster(self.cluster, account, binaries, sync=durable)
        check_version(self.cluster, binaries)
        socket_dir = self._socket_dir(account)
        # Nothing runs here, so a lock file is a left-over, even if its process number lives again
        # in a stranger. A server whose children linger is still noticed, by its shared memory.
        for left_over in (self.cluster / "postmaster.pid", *socket_dir.glob(".s.PGSQL.*")):
            left_over.unlink(missing_ok=True)
        self._run(account, binaries, socket_dir)

    def _socket_dir(self, account: pwd.struct_passwd | None) -> Path:
        path = self.data_dir / "run"
        if len(os.fsencode(path)) > _SOCKET_DIR_BYTES:
            name = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:12]
            path = Path(tempfile.gettempdir()) / f"pgjikan-{name}"
        if not path.exists():
            make_private_dir(path, account)
        owner = account.pw_uid if account else os.geteuid()
        if path.is_symlink() or path.stat().st_uid != owner:
            raise PgjikanError(
                f"The socket's folder {path} belongs to someone else.",
                hint="Remove it, or choose another --data-dir.",
            )
        return path

    def _run(self, account: pwd.struct_passwd | None, binaries: Path, socket_dir: Path) -> None:
        settings = _SETTINGS | {
            "listen_addresses": LOOPBACK if self.port else "",
            "port": str(self.port or _SOCKET_PORT),
            "unix_socket_directories": '"{}"'.format(str(socket_dir).replace('"', '""')),
            "unix_socket_permissions": "0700",
        }
        arguments = shlex.join(
            word
            for name, value in (settings | self.options).items()
            for word in ("-c", f"{name}={value}")
        )
        command = [str(binaries / "pg_ctl"), "-D", str(self.cluster), "-o", arguments]
        command += ["-s", "-w", "-t", str(_PATIENCE_SECONDS), "start"]
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            log = self._open_log()
            try:
                before = os.fstat(log).st_size
                with uninterrupted():  # half a start could not be stopped
                    returncode = postgres_install.run_as(account, command, output=log).returncode
                said = os.pread(log, 65536, before).decode(errors="replace")
            finally:
                os.close(log)
            if returncode == 0:
                return
            # After a kill -9 of the server its children need a moment to notice and go.
            if "still in use" not in said or time.monotonic() > deadline:
                raise failure(f"The server in {self.data_dir} did not start", said)
            time.sleep(0.2)

    def _prepare_database(self) -> None:
        status = self.status()
        socket = make_conninfo(host=str(status.socket_dir), port=status.port, user=SUPERUSER)
        with psycopg.connect(
            socket, dbname="postgres", autocommit=True, connect_timeout=10
        ) as connection:
            if self.port is not None:
                set_password(connection, SUPERUSER, kept_password(self.password_file))
            found = connection.execute(
                "SELECT FROM pg_catalog.pg_database WHERE datname = %s", [DATABASE]
            )
            if found.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def make_folder(self) -> None:
        """Make the folder on first use."""
        # Root's may be entered by the server's account, which owns only what is inside.
        mode = 0o755 if os.geteuid() == 0 else 0o700
        with readable_errors(self.data_dir):
            self.data_dir.mkdir(mode, parents=True, exist_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one start at a time into the folder."""
        self.make_folder()
        with open(self.data_dir / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _open_log(self) -> int:
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        return os.open(self.log, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600)
