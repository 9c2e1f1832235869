"""A gateway on a standby: what it lacks is told to the primary, and who asked sees the answer."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg
import pytest
import requests
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from pgjikan import db, migrations, sidecar
from pgjikan.dashboard.session import Session
from pgjikan.migrations.session import open_session
from pgjikan.server import EmbeddedServer
from pgjikan.settings import Settings
from pgjikan.simulator import Simulator
from tests.conftest import NO_DURABILITY
from tests.reliability.conftest import folder as folder
from tests.reliability.test_standby import copy, wait_until
from tests.store.documents import full
from tests.store.test_store_anime import value

pytestmark = pytest.mark.timeout(600)

Serve = Callable[..., str]
TOLD, DROPPED, NOWHERE = (
    f'pgjikan_gateway_wishes_total{{outcome="{outcome}"}}'
    for outcome in ("told", "dropped", "nowhere")
)


@dataclass(frozen=True)
class Pair:
    """A primary and its standby, with the addresses of both."""

    primary: EmbeddedServer
    standby: EmbeddedServer
    writer: psycopg.Connection[Any]
    reader: psycopg.Connection[Any]

    @property
    def both(self) -> str:
        """One DSN for the two, the standby first: who writes has to look further."""
        found = [server.status() for server in (self.standby, self.primary)]
        return make_conninfo(
            self.primary.dsn(),
            host=",".join(str(status.socket_dir) for status in found),
            port=",".join(str(status.port) for status in found),
        )

    def catch_up(self) -> None:
        """Until the standby has what the primary has committed."""
        position = value(self.writer, "SELECT pg_current_wal_insert_lsn()")
        wait_until(lambda: value(self.reader, "SELECT pg_last_wal_replay_lsn() >= %s", position))


@pytest.fixture
def upstream(simulate: Callable[..., Any]) -> Iterator[Simulator]:
    with simulate([full(1, title="Known"), full(70, title="Paprika")]) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def deployed() -> Iterator[Path]:
    """The folder of a server that has the schema, and is stopped."""
    with tempfile.TemporaryDirectory(prefix="pgjikan-standby-") as name:
        Path(name).chmod(0o755)
        server = EmbeddedServer(Path(name) / "deployed", options=NO_DURABILITY)
        with server:
            migrations.deploy(server.dsn(), verify=False)
        yield server.data_dir


@pytest.fixture
def pair(folder: Path, deployed: Path, upstream: Simulator) -> Iterator[Pair]:
    subprocess.run(["cp", "-a", str(deployed), str(folder / "primary")], check=True)
    primary = EmbeddedServer(folder / "primary", options=NO_DURABILITY)
    standby = EmbeddedServer(folder / "standby", options=NO_DURABILITY)
    with primary, psycopg.connect(primary.dsn(), autocommit=True) as writer:
        writer.execute(
            "UPDATE jikan_sync.provider SET base_url = %s, per_second = NULL,"
            " per_minute = NULL WHERE enabled",
            [upstream.url],
        )
        copy(primary, standby)
        with standby, psycopg.connect(standby.dsn(), autocommit=True) as reader:
            found = Pair(primary, standby, writer, reader)
            found.catch_up()
            yield found


@pytest.fixture
def work(pair: Pair) -> Iterator[None]:
    """A sidecar at the address of both servers."""
    stop, died = Event(), []

    def run() -> None:
        try:
            settings = Settings(poll_seconds=0.2, tick_seconds=1.0)
            sidecar.run(["jikan"], pair.both, settings, stop)
        except BaseException as error:
            died.append(error)

    thread = Thread(target=run)
    thread.start()
    wait_until(lambda: value(pair.writer, "SELECT count(*) FROM jikan_sync.worker"))
    pair.catch_up()
    yield
    stop.set()
    thread.join(60)
    assert died == []


def get(url: str) -> requests.Response:
    return requests.get(url, timeout=60)


def metric(root: str, name: str) -> float:
    for line in get(f"{root}/metrics").text.splitlines():
        if line.startswith(name):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


def wishes(pair: Pair) -> list[Any]:
    return pair.writer.execute(
        "SELECT w.mal_id, w.query FROM jikan_sync.wish AS w ORDER BY w.id"
    ).fetchall()


@pytest.mark.parametrize("is_named", [True, False], ids=["two DSNs", "one DSN"])
def test_who_asked_sees_the_answer(pair: Pair, work: None, serve: Serve, is_named: bool) -> None:
    """A title that nobody has, through a gateway that reads where nothing can be written."""
    root = serve(
        dsn=pair.standby.dsn() if is_named else pair.both,
        primary_dsn=pair.primary.dsn() if is_named else "",
    )
    # The longest wait that is worth it here, however loaded the machine is.
    pair.writer.execute("UPDATE jikan_sync.setting SET value = '30 s' WHERE name = 'v4_wait'")
    pair.catch_up()
    before = metric(root, TOLD)
    answer = get(f"{root}/v4/anime/70")
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["title"] == "Paprika"
    assert answer.headers["X-Cache-Status"] == "MISS"
    found = get(f"{root}/v4/anime?q=known")
    assert [title["title"] for title in found.json()["data"]] == ["Known"]
    assert metric(root, TOLD) - before >= 2
    where = value(
        pair.reader,
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgjikan gateway'",
    )
    assert where, "the reads are the standby's"


def test_who_writes_finds_the_primary(pair: Pair) -> None:
    """Commands, lanes, listener, dashboard and deployments, each as it connects."""
    is_standby = "SELECT pg_is_in_recovery()"
    with db.connector(pair.both, "test")() as connection:
        assert value(connection, is_standby) is False

    async def ask() -> list[dict[str, Any]]:
        session = Session(pair.both)
        try:
            return await session.rows(is_standby)
        finally:
            await session.close()

    assert asyncio.run(ask()) == [{"pg_is_in_recovery": False}]
    with open_session(pair.both) as session:
        assert session.connection.execute(is_standby).fetchone() == {"pg_is_in_recovery": False}
    assert migrations.deploy(pair.both, verify=False) == 0


def test_what_is_stale_is_told_once(pair: Pair, serve: Serve) -> None:
    pair.writer.execute(
        "SELECT jikan_sync.store_anime(jsonb_build_array(%s::jsonb, %s::jsonb), 'full')",
        [*map(Jsonb, (full(1), full(2)))],
    )
    pair.writer.execute("UPDATE jikan.anime SET last_jikan_sync = '2020-01-01'")
    pair.writer.execute("DELETE FROM jikan_sync.wish")
    pair.catch_up()
    root = serve(dsn=pair.standby.dsn(), primary_dsn=pair.primary.dsn())
    before = metric(root, TOLD)
    for _ in range(5):
        answer = get(f"{root}/v4/anime/1")
        assert (answer.status_code, answer.headers["X-Cache-Status"]) == (200, "STALE")
    wait_until(lambda: wishes(pair) == [(1, None)])
    assert get(f"{root}/v4/anime").status_code == 200
    wait_until(lambda: len(wishes(pair)) >= 2)
    wait_until(lambda: metric(root, TOLD) - before == 2)


def test_a_primary_that_is_away_is_told_later_and_no_more_than_fits(
    pair: Pair, serve: Serve
) -> None:
    root = serve(dsn=pair.standby.dsn(), primary_dsn=pair.primary.dsn(), wishes=3)
    before = metric(root, DROPPED)
    pair.writer.close()
    pair.primary.stop("immediate")
    # However it is written, it is one wish.
    for written in (
        "anime/1?x=1",
        "anime/1?x=2",
        "/anime/1/?y",
        *map("anime/{}".format, range(1, 8)),
    ):
        answer = get(f"{root}/v4/{written}")
        assert answer.status_code == 504
        assert int(answer.headers["Retry-After"]) > 0
    assert metric(root, DROPPED) - before == 4
    assert metric(root, "pgjikan_gateway_wishes_waiting") == 3
    pair.primary.start()
    with psycopg.connect(pair.primary.dsn(), autocommit=True) as writer:
        told = "SELECT array_agg(w.mal_id ORDER BY w.id) FROM jikan_sync.wish AS w"
        wait_until(lambda: value(writer, told) == [1, 2, 3])
    wait_until(lambda: metric(root, "pgjikan_gateway_wishes_waiting") == 0)


def test_a_wish_that_the_primary_cannot_answer_holds_up_nobody(pair: Pair, serve: Serve) -> None:
    root = serve(dsn=pair.standby.dsn(), primary_dsn=pair.primary.dsn(), answer_seconds=1.0)
    failed = TOLD.replace("told", "failed")
    before = metric(root, failed)
    with pair.writer.transaction():
        pair.writer.execute("LOCK TABLE jikan_sync.wish IN ACCESS EXCLUSIVE MODE")
        assert get(f"{root}/v4/anime/70").status_code == 504
        wait_until(lambda: metric(root, failed) - before == 1)
        assert metric(root, "pgjikan_gateway_wishes_waiting") == 0
    assert get(f"{root}/v4/anime/71").status_code == 504
    wait_until(lambda: wishes(pair) == [(71, None)])


def test_without_a_primary_it_says_so(pair: Pair, serve: Serve) -> None:
    root = serve(dsn=pair.standby.dsn())
    before = metric(root, NOWHERE)
    answer = get(f"{root}/v4/anime/70")
    assert answer.status_code == 504 and answer.headers["Retry-After"]
    assert metric(root, NOWHERE) - before == 1


def test_a_server_that_stands_still_is_given_up_on(pair: Pair, serve: Serve) -> None:
    """Its own limit of time does not run while it does not; the other server is asked then."""
    pair.writer.execute(
        "SELECT jikan_sync.store_anime(jsonb_build_array(%s::jsonb), 'full')", [Jsonb(full(1))]
    )
    pair.catch_up()
    root = serve(dsn=pair.both, answer_seconds=8.0)
    assert get(f"{root}/v4/anime/1").status_code == 200
    first = pair.standby.status().pid
    assert first is not None
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    frozen = [first, *map(int, children)]
    for process in frozen:
        os.kill(process, signal.SIGSTOP)
    try:
        assert get(f"{root}/v4/anime/1").status_code == 200
    finally:
        for process in frozen:
            os.kill(process, signal.SIGCONT)


def test_after_a_failover_all_goes_on(pair: Pair, work: None, serve: Serve) -> None:
    """The standby is the primary now: whoever knew both finds it, and nobody who reads notices."""
    pair.writer.execute("UPDATE jikan_sync.setting SET value = '30 s' WHERE name = 'v4_wait'")
    pair.catch_up()
    root = serve(dsn=pair.both)
    assert get(f"{root}/v4/anime/1").status_code == 200
    pair.catch_up()
    pair.writer.close()
    pair.primary.stop("immediate")
    for _ in range(20):
        assert get(f"{root}/v4/anime/1").status_code == 200
    assert value(pair.reader, "SELECT pg_promote()")
    seen = "SELECT seen_at FROM jikan_sync.worker ORDER BY seen_at DESC LIMIT 1"
    before = value(pair.reader, seen)
    wait_until(lambda: value(pair.reader, seen) > before)
    wait_until(lambda: get(f"{root}/v4/anime/70").status_code == 200)
