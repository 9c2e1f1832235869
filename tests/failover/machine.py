"""A machine: namespaces of its own with etcd, Patroni and PostgreSQL, on a network that can be cut.

The network is in a namespace without a way out; its addresses are of the block that is nobody's
(TEST-NET-1). Programs are those of the trixie root, files those of `deploy/`.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SUBNET = "192.0.2"
#: What Patroni calls states of a server that works.
WORKS = {"running", "streaming"}

#: What a machine does when it is switched on; `$1` is the trixie root, `$2` the machine's disk.
BOOT = """
set -e
mount -t proc proc "$1/proc"
mount --bind "$2" "$1/var/lib/postgresql"
mount -t tmpfs -o mode=0755 tmpfs "$1/run"
mkdir "$1/run/postgresql"
chown --reference="$2" "$1/run/postgresql"
exec chroot --userspec=postgres:postgres "$1" /bin/sh -c '
etcd --log-level error & exec patroni "$1"' sh "$3"
"""


def trixie_root() -> Path:
    """Where Debian's Patroni, etcd, HAProxy and PgBouncer are."""
    return Path(os.environ["PGJIKAN_TRIXIE_ROOT"])


def run(*words: str) -> str:
    """Run a command of the system; what it said."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


class Network:
    """A bridge, and the harness at its last address."""

    def __init__(self) -> None:
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "bridge", "type", "bridge")
        run("ip", "addr", "add", f"{SUBNET}.254/24", "dev", "bridge")
        run("ip", "link", "set", "bridge", "up")


class Machine:
    """One of three; switched on and off, frozen and cut off like any other."""

    def __init__(self, number: int, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = f"db{number}"
        self.address = f"{SUBNET}.{number}"
        self.log = folder / f"{self.name}.log"
        self._cable = f"cable{number}"
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = {**os.environ, **environment, **settings(number)}
        # On the root's disk in memory, which the server's account may enter.
        self._disk = trixie_root() / "mnt" / f"{folder.name}-{self.name}"
        self._disk.mkdir(mode=0o755)
        owner = (trixie_root() / "var/lib/postgresql").stat()
        os.chown(self._disk, owner.st_uid, owner.st_gid)
        # Its network outlives its processes, as a cable does.
        self._holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        self._plug_in()

    def _plug_in(self) -> None:
        own = os.stat("/proc/self/ns/net").st_ino
        while os.stat(f"/proc/{self._holder.pid}/ns/net").st_ino == own:
            time.sleep(0.01)  # it has yet to leave ours
        peer = ("peer", "name", "eth0", "netns", str(self._holder.pid))
        run("ip", "link", "add", self._cable, "type", "veth", *peer)
        run("ip", "link", "set", self._cable, "master", "bridge", "up")
        inside = ("nsenter", f"--net=/proc/{self._holder.pid}/ns/net", "ip")
        run(*inside, "link", "set", "lo", "up")
        run(*inside, "addr", "add", f"{self.address}/24", "dev", "eth0")
        run(*inside, "link", "set", "eth0", "up")

    def start(self) -> None:
        """Switch it on; what is on its disk is still there."""
        words = ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net"]
        words += ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        words += ["sh", "-c", BOOT, "sh", str(trixie_root()), str(self._disk)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*words, str(DEPLOY / "patroni.yml")],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """All its processes at once, as when the power goes."""
        if self._process is not None:
            if (first := self._first()) is not None:
                os.kill(first, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Everything on it stands still; the network goes on acknowledging for it."""
        seen: set[int] = set()
        while fresh := self.inside() - seen:  # they fork
            self._signal(fresh, signal.SIGSTOP)
            seen |= fresh

    def thaw(self) -> None:
        """It goes on as if nothing had been."""
        self._signal(self.inside(), signal.SIGCONT)

    def cut(self) -> None:
        """Nothing reaches it or comes from it, and nobody is told."""
        run("ip", "link", "set", self._cable, "down")

    def mend(self) -> None:
        run("ip", "link", "set", self._cable, "up")

    def end(self) -> None:
        """Off, and the cable with it."""
        self.kill()
        self._holder.kill()
        self._holder.wait()
        shutil.rmtree(self._disk)

    def ask(self, path: str) -> tuple[int, Any]:
        """What its Patroni answers: status and JSON; 0 where nobody does."""
        asked = http.client.HTTPConnection(self.address, 8008, timeout=3)
        try:
            asked.request("GET", path)
            answer = asked.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        except (OSError, http.client.HTTPException, ValueError):
            return 0, None
        finally:
            asked.close()

    def inside(self) -> set[int]:
        """The processes in its namespace, by our numbers."""
        first = self._first()
        assert first is not None
        own = os.readlink(f"/proc/{first}/ns/pid")
        found = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    if os.readlink(entry / "ns/pid") == own:
                        found.add(int(entry.name))
        return found

    def _first(self) -> int | None:
        """The first process in its namespace, with which all others end; None: it has ended."""
        assert self._process is not None
        process = self._process.pid
        try:
            children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        except FileNotFoundError:
            return None
        return int(children[0]) if children else None

    def _signal(self, processes: set[int], number: signal.Signals) -> None:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, number)


def settings(number: int) -> dict[str, str]:
    """`deploy/node.env.example` as this machine has it: its own name, addresses for names."""
    found = {}
    for line in (DEPLOY / "node.env.example").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, given = line.partition("=")
            is_own = name not in ("PATRONI_ETCD3_HOSTS", "ETCD_INITIAL_CLUSTER")
            if is_own:
                given = given.replace("db1", f"db{number}")
            for other in (1, 2, 3):
                given = given.replace(f"//db{other}:", f"//{SUBNET}.{other}:")
                if name != "ETCD_INITIAL_CLUSTER":
                    given = given.replace(f"db{other}:", f"{SUBNET}.{other}:")
            found[name] = given or "secret"
    return found | {"ETCD_DATA_DIR": "/var/lib/postgresql/etcd"}
