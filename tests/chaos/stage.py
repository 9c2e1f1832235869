"""Where it happens: a server in a throw-away folder, a network, upstreams and sidecars."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from pgjikan import migrations, postgres_install
from pgjikan.cluster import SUPERUSER
from pgjikan.server import EmbeddedServer
from tests.chaos.evidence import Evidence, Window
from tests.chaos.fleet import Fleet
from tests.chaos.invariants import WITNESS
from tests.chaos.proxy import Proxy
from tests.chaos.schedule import SIDECARS
from tests.chaos.upstreams import Embeddings, Jikan

Connection = psycopg.Connection[Any]

#: What a call raises while the server is away, full or read-only: it was not acknowledged.
AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
)

#: What the upstreams allow a second; with so much jitter allowed for, half of it is used.
PER_SECOND, EMBEDDINGS_PER_SECOND = 24, 12

# A crash of the server is none of the machine: what was written to the kernel is there. But what
# was acknowledged must have been written, so commits wait.
OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "log_line_prefix": "%m [%p] %e ",
    "log_min_error_statement": "panic",
}

#: Titles of which nothing can be stored for as long as they stand here: a bug of one title each.
BUGS = """
CREATE TABLE chaos.broken (mal_id integer PRIMARY KEY);
CREATE FUNCTION chaos.stumble() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF EXISTS (SELECT FROM chaos.broken AS b WHERE b.mal_id = NEW.mal_id) THEN
        RAISE 'a bug of the stage' USING ERRCODE = 'internal_error';
    END IF;
    RETURN NEW;
END;
$$;
CREATE TRIGGER chaos_stumble BEFORE INSERT OR UPDATE ON jikan.anime
FOR EACH ROW EXECUTE FUNCTION chaos.stumble();
"""

#: Waits short enough for a run of minutes; the rules are as shipped.
HURRY = f"""
UPDATE jikan_sync.setting AS s SET value = v.value
FROM (VALUES
    ('lease_duration', '25 seconds'), ('history_retention', '1000 days'),
    ('rate_jitter', '1 second'),
    ('rate_pause', '1 second'), ('rate_recovery', '5 seconds'),
    ('breaker_probe_after', '1 second'), ('breaker_probe_timeout', '3 seconds'),
    ('upstream_patience', '3 seconds'), ('search_outage_interval', '1 second'),
    ('search_interval', '10 seconds'), ('list_lag', '0')
) AS v (name, value) WHERE s.name = v.name;
UPDATE jikan_sync.retry_policy SET base_delay = '0.3 seconds', max_delay = '3 seconds';
UPDATE jikan_sync.provider SET per_second = {PER_SECOND}, per_minute = NULL, per_day = NULL
WHERE enabled;
SELECT jikan_sync.switch_embedding_model(
    jikan_sync.add_embedding_model('google', 'gemini-embedding-001', 64, 0.15), true);
UPDATE jikan_sync.embedding_provider SET max_inputs = 4 WHERE name = 'google';
DELETE FROM jikan_sync.rate_limit WHERE subject = 'embedding:google';
INSERT INTO jikan_sync.rate_limit (subject, unit, period, allowed)
VALUES ('embedding:google', 'request', '1 second', {EMBEDDINGS_PER_SECOND});
-- The settable clock stands still once it is set; this one runs, as far off as it was set.
CREATE OR REPLACE FUNCTION jikan_sync.clock_now() RETURNS timestamptz LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN clock_timestamp() + coalesce(
        (SELECT c.frozen_at - timestamptz 'epoch' FROM jikan_sync.clock AS c), interval '0');
END;
$$;
CREATE ROLE chaos_sidecar LOGIN PASSWORD 'chaos' IN ROLE jikan_sidecar;
"""


class Stage:
    """Everything that can fail, with its doors."""

    def __init__(self, seed: int, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.evidence = Evidence()
        port = _free_port()
        self.server = EmbeddedServer(folder / "data", port=port, options=OPTIONS)
        stack.callback(self.server.stop, "immediate")
        self.server.start()
        status = self.server.status()
        self.dsn = make_conninfo(
            host=str(status.socket_dir), port=status.port, user=SUPERUSER, dbname="pgjikan"
        )
        migrations.deploy(self.dsn, verify=False)
        self.jikan = Jikan(random.Random(f"{seed}/titles"))
        stack.enter_context(self.jikan.simulator)
        self.embeddings = Embeddings()
        stack.callback(self.embeddings.close)
        self.roads = [stack.enter_context(Proxy(port)) for _ in range(SIDECARS)]
        with self.connect() as connection:
            connection.execute(WITNESS.encode())
            connection.execute(BUGS.encode())
            connection.execute(HURRY.encode())
            connection.execute(
                "UPDATE jikan_sync.provider SET base_url = %s WHERE enabled",
                [self.jikan.simulator.url],
            )
        self.disk = self._small_disk()
        if self.disk is not None:
            stack.callback(subprocess.run, ["umount", "--lazy", str(self.disk)], check=False)
        environment = {
            "PGJIKAN_GOOGLE_BASE_URL": self.embeddings.url,
            "PGJIKAN_POLL_SECONDS": "0.3",
            "PGJIKAN_TICK_SECONDS": "1",
            "PGJIKAN_CONNECT_TIMEOUT": "2",
            "PGJIKAN_READ_TIMEOUT": "2",
            "PGJIKAN_REQUEST_DEADLINE": "3",
        }
        databases = [
            f"postgresql://chaos_sidecar:chaos@127.0.0.1:{road.port}/pgjikan?connect_timeout=3"
            for road in self.roads
        ]
        self.fleet = Fleet(environment, databases, folder)
        self.evidence.lives = self.fleet.lives
        self.evidence.paid = self.embeddings.paid
        self.evidence.states = self.jikan.states
        self.evidence.windows = [
            Window("jikan", PER_SECOND, 1.0),
            Window("embeddings", EMBEDDINGS_PER_SECOND, 1.0),
        ]

    def connect(self, **options: Any) -> Connection:
        """Past the proxy, as the superuser, able to write whatever the default says."""
        return psycopg.connect(
            self.dsn,
            autocommit=True,
            options="-c default_transaction_read_only=off -c statement_timeout=30s",
            **options,
        )

    def insist(self, query: str, *values: Any) -> list[Any]:
        """Execute it, however often the server is lost meanwhile."""
        deadline = time.monotonic() + 60
        while True:
            try:
                with self.connect() as connection:
                    cursor = connection.execute(query.encode(), values or None)
                    return cursor.fetchall() if cursor.description else []
            except AWAY:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def as_app(self) -> Connection:
        """Past the proxy, as read-only as the server is."""
        return psycopg.connect(self.dsn, autocommit=True, options="-c statement_timeout=30s")

    def log(self) -> str:
        return self.server.log.read_text(errors="replace")

    def _small_disk(self) -> Path | None:
        """All our tables on a file system of a few megabytes, where one may be mounted."""
        if os.geteuid() != 0 or os.environ.get("PGJIKAN_CHAOS_MOUNTS") != "1":
            return None
        disk = self.folder / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(disk)]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            return None
        account = postgres_install.server_account(self.server.cluster)
        if account is not None:
            os.chown(disk, account.pw_uid, account.pw_gid)
        with self.connect() as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{disk}'".encode())
            for kind in ("TABLE", "INDEX"):
                connection.execute(
                    f"ALTER {kind} ALL IN TABLESPACE pg_default SET TABLESPACE small".encode()
                )
        return disk


@contextmanager
def stage(seed: int) -> Iterator[Stage]:
    """Set it up; take it down, whatever happened."""
    folder = Path(tempfile.mkdtemp(prefix="pgjikan-chaos-"))
    folder.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield Stage(seed, folder, stack)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
