"""Readers only append: nobody waits for one, and what they wish for is folded once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel

from .conftest import Queue

Connect = Callable[..., psycopg.Connection[Any]]
LOOKS = {
    "search, a miss": "SELECT count(*) FROM anime.search('a show nobody knows')",
    "search, a stale hit": "SELECT count(*) FROM anime.search('title 1')",
    "get, stale": "SELECT anime.get(1)",
    "get, unknown": "SELECT anime.get(987654)",
    "reviews": "SELECT count(*) FROM anime.reviews(1)",
    "similar": "SELECT count(*) FROM anime.similar(1)",
    "recommend": "SELECT count(*) FROM anime.recommend(liked => '{1,2}')",
    "search_semantic": "SELECT count(*) FROM anime.search_semantic('a quiet story about tea')",
    "search_status": "SELECT count(*) FROM anime.search_status('a show nobody knows')",
}


@pytest.fixture
def stale(queue: Queue, connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """Three stale titles without vectors, and nothing queued."""
    connection.execute(
        "SELECT jikan_sync.store_anime(jsonb_agg(jsonb_build_object('mal_id', n, 'title',"
        " 'Title ' || n)), 'list', jikan_sync.ago('40 days')) FROM generate_series(1, 3) AS n"
    )
    connection.execute("DELETE FROM jikan_sync.queue")
    return connection


def tasks(connection: psycopg.Connection[Any]) -> dict[str, str]:
    connection.execute("SELECT jikan_sync.fold_wishes()")
    return dict(connection.execute("SELECT dedupe_key, priority FROM jikan_sync.queue").fetchall())


@pytest.mark.parametrize("level", [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE])
def test_no_reader_meets_a_serialization_error(
    stale: psycopg.Connection[Any], connect: Connect, level: IsolationLevel
) -> None:
    readers = [connect(role="anime_reader", autocommit=False) for _ in range(2)]
    for look in LOOKS.values():
        for reader in readers:
            reader.rollback()
            reader.isolation_level = level
            reader.execute("SELECT count(*) FROM anime.catalog")  # the snapshot is taken
        stale.execute("SELECT jikan_sync.fold_wishes()")
        stale.execute("SELECT count(*) FROM jikan_sync.claim('w', 'jikan', 10)")
        stale.execute("SELECT jikan_sync.release_worker('w')")
        for reader in readers:
            reader.execute(look.encode())
        for reader in readers:
            reader.commit()


def test_a_reader_locks_only_what_it_appends(
    stale: psycopg.Connection[Any], connect: Connect
) -> None:
    reader = connect(role="anime_reader", autocommit=False)
    for look in LOOKS.values():
        reader.execute(look.encode())
    locks = stale.execute(
        "SELECT DISTINCT l.locktype, l.relation::regclass::text, l.mode FROM pg_locks AS l"
        " WHERE l.pid = %s AND l.mode NOT IN ('AccessShareLock')"
        " AND l.locktype NOT IN ('virtualxid', 'transactionid') ORDER BY 2",
        [reader.info.backend_pid],
    ).fetchall()
    appended = {"jikan_sync.wish", "jikan_sync.hit"}
    parts = {name for _, name, _ in locks if not name.split(".")[-1].startswith("wish_")}
    assert parts <= appended, locks
    assert {mode for _, _, mode in locks} == {"RowExclusiveLock"}, locks
    assert {kind for kind, _, _ in locks} == {"relation"}, "no advisory lock, no tuple lock"


def test_the_same_wish_is_one_task_and_only_once_committed(
    stale: psycopg.Connection[Any], connect: Connect
) -> None:
    readers = [connect(role="anime_reader", autocommit=False) for _ in range(5)]
    for reader in readers:
        reader.execute("SELECT anime.get(987654)")
    assert tasks(stale) == {}
    for reader in readers[:4]:
        reader.commit()
    readers[4].rollback()
    assert tasks(stale) == {"anime:987654": "high"}
    assert stale.execute("SELECT count(*) FROM jikan_sync.wish").fetchone() == (0,)


def test_a_claim_folds_and_takes_the_task_at_once(
    queue: Queue, stale: psycopg.Connection[Any], connect: Connect
) -> None:
    stale.execute("SELECT jikan_sync.clock_reset()")  # time goes on between a wish and its fold
    connect(role="anime_reader").execute("SELECT anime.get(987654)")
    [task] = queue.claim()
    assert (task["task"], task["mal_id"], task["priority"]) == ("anime", 987654, "high")


def test_the_sidecar_hears_of_a_wish_at_its_commit(
    stale: psycopg.Connection[Any], connect: Connect
) -> None:
    ear = connect()
    ear.execute("LISTEN jikan_sync")
    reader = connect(role="anime_reader", autocommit=False)
    reader.execute("SELECT anime.get(987654)")
    assert list(ear.notifies(timeout=0.2)) == []
    reader.commit()
    assert [note.payload for note in ear.notifies(timeout=5, stop_after=1)] == [""]


def test_a_prepared_transaction_may_search(
    stale: psycopg.Connection[Any], connect: Connect
) -> None:
    reader = connect(autocommit=False)
    reader.execute("SELECT count(*) FROM anime.search('a show nobody knows')")
    reader.execute("PREPARE TRANSACTION 'p'")
    reader.commit()
    assert tasks(stale) == {}
    reader.autocommit = True
    reader.execute("COMMIT PREPARED 'p'")
    assert tasks(stale) == {"search:a show nobody knows": "high"}


def test_wishes_are_bounded_while_nobody_folds(
    stale: psycopg.Connection[Any], connect: Connect
) -> None:
    stale.execute("UPDATE jikan_sync.setting SET value = '20' WHERE name = 'wish_max'")
    reader = connect(role="anime_reader")
    for number in range(100):
        reader.execute("SELECT anime.get(%s)", [500_000 + number])
    waiting = stale.execute("SELECT count(*) FROM jikan_sync.wish").fetchone()
    assert waiting == (20,)
    stale.execute("SELECT jikan_sync.fold_wishes()")
    reader.execute("SELECT anime.get(600000)")
    assert stale.execute("SELECT count(*) FROM jikan_sync.wish").fetchone() == (1,)


def test_wishes_rolled_back_do_not_count_for_ever(
    stale: psycopg.Connection[Any], connect: Connect
) -> None:
    stale.execute("UPDATE jikan_sync.setting SET value = '5' WHERE name = 'wish_max'")
    reader = connect(role="anime_reader", autocommit=False)
    for number in range(6):
        reader.execute("SELECT anime.get(%s)", [500_000 + number])
        reader.rollback()
    stale.execute("SELECT jikan_sync.run_job('sweep_leases')")
    reader.execute("SELECT anime.get(600000)")
    reader.commit()
    assert tasks(stale) == {"anime:600000": "high"}


def test_what_a_fold_leaves_still_counts_as_waiting(
    stale: psycopg.Connection[Any], connect: Connect
) -> None:
    stale.execute("UPDATE jikan_sync.setting SET value = '20' WHERE name = 'wish_max'")
    reader = connect(role="anime_reader")
    waiting = []
    for number in range(120):
        reader.execute("SELECT anime.get(%s)", [500_000 + number])
        if number % 30 == 29:
            waiting.append(stale.execute("SELECT count(*) FROM jikan_sync.wish").fetchone())
            stale.execute("SELECT jikan_sync.fold_wishes(5)")
    assert waiting == [(20,)] * 4


def test_a_claim_forgets_wishes_that_were_rolled_back(
    queue: Queue, stale: psycopg.Connection[Any], connect: Connect
) -> None:
    stale.execute("SELECT jikan_sync.clock_reset()")
    stale.execute("UPDATE jikan_sync.setting SET value = '5' WHERE name = 'wish_max'")
    reader = connect(role="anime_reader", autocommit=False)
    for number in range(6):
        reader.execute("SELECT anime.get(%s)", [500_000 + number])
        reader.rollback()
    assert queue.claim() == []
    connect(role="anime_reader").execute("SELECT anime.get(600000)")
    assert [task["mal_id"] for task in queue.claim()] == [600_000]


def test_an_open_transaction_leaves_others_their_wishes(
    stale: psycopg.Connection[Any], connect: Connect
) -> None:
    stale.execute("UPDATE jikan_sync.setting SET value = '50' WHERE name = 'wish_max'")
    stale.execute("UPDATE jikan_sync.setting SET value = '9' WHERE name = 'wish_per_transaction'")
    hoarder = connect(role="anime_reader", autocommit=False)
    hoarder.execute("SELECT anime.get(n) FROM generate_series(500000, 500099) AS n")
    connect(role="anime_reader").execute("SELECT anime.get(600000)")
    assert tasks(stale) == {"anime:600000": "high"}
    hoarder.commit()
    assert len(tasks(stale)) == 1 + 9
    hoarder.execute("SELECT anime.get(500050)")
    hoarder.commit()
    assert len(tasks(stale)) == 1 + 9 + 1, "of one transaction, not of a session"


def test_a_wish_that_cannot_be_folded_takes_none_along(stale: psycopg.Connection[Any]) -> None:
    stale.execute(
        "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.mal_id = 2 THEN RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'broken';"
        " END IF; RETURN NEW; END $$"
    )
    stale.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON jikan_sync.queue"
        " FOR EACH ROW EXECUTE FUNCTION public.refuse()"
    )
    for mal_id in (1, 2, 3):
        stale.execute(
            "SELECT jikan_sync.wish('facet', 'high', facet => 'core', mal_id => %s)", [mal_id]
        )
    assert set(tasks(stale)) == {"anime:1", "anime:3"}
    assert stale.execute(
        "SELECT source, mal_id, reason FROM jikan_sync.rejected_document"
    ).fetchall() == [("wish", 2, "broken")]


def test_the_fold_waits_for_nobody(stale: psycopg.Connection[Any], connect: Connect) -> None:
    stale.execute("SELECT jikan_sync.enqueue('anime', 1)")
    holder = connect(autocommit=False)
    holder.execute("SELECT FROM jikan_sync.queue FOR UPDATE")
    connect(role="anime_reader").execute("SELECT anime.get(1), anime.get(987654)")
    stale.execute("SET statement_timeout = '2 s'")
    stale.execute("SELECT jikan_sync.fold_wishes()")
    holder.rollback()
    assert {"anime:1", "anime:987654"} <= set(tasks(stale))


def test_ids_have_limits_per_login(stale: psycopg.Connection[Any], connect: Connect) -> None:
    stale.execute("CREATE ROLE flooder LOGIN; GRANT anime_reader TO flooder")
    try:
        flooder = connect()
        flooder.execute("SET SESSION AUTHORIZATION flooder")
        for number in range(250):
            flooder.execute("SELECT anime.get(%s)", [900_000 + number])
            if number % 20 == 0:
                stale.execute("SELECT jikan_sync.fold_wishes()")
        waiting = tasks(stale)
        assert 30 <= len(waiting) <= 60, "as many as low as high, and no more"
        assert sum(priority == "high" for priority in waiting.values()) <= 30
        connect(role="anime_reader").execute("SELECT anime.get(777)")
        assert tasks(stale)["anime:777"] == "high", "another login's flood is not its silence"
    finally:
        flooder.execute("RESET SESSION AUTHORIZATION")
        stale.execute("DROP OWNED BY flooder; DROP ROLE flooder")


def test_who_floods_until_the_caps_are_full_stops_nobody_else(
    stale: psycopg.Connection[Any], connect: Connect
) -> None:
    stale.execute("CREATE ROLE flooder LOGIN; GRANT anime_reader TO flooder")
    flooder = connect()

    def flood(minute: int) -> int:
        for number in range(minute * 40, minute * 40 + 40):
            flooder.execute("SELECT anime.get(%s)", [900_000 + number])
            flooder.execute("SELECT count(*) FROM anime.search(%s)", [f"no such show {number}"])
        waiting = len(tasks(stale))
        stale.execute("SELECT jikan_sync.clock_advance('61 seconds')")
        return waiting

    try:
        flooder.execute("SET SESSION AUTHORIZATION flooder")
        waiting = [flood(minute) for minute in range(8)]
        assert waiting[-1] == waiting[-2] < 500, "200 of each kind, and the rest of a minute"
        reader = connect(role="anime_reader")
        reader.execute("SELECT anime.get(777)")
        reader.execute("SELECT count(*) FROM anime.search('kemonozume')")
        assert {"anime:777", "search:kemonozume"} <= set(tasks(stale))

        stale.execute("SELECT jikan_sync.clock_advance('40 days')")
        stale.execute("SELECT jikan_sync.purge_history()")
        assert flood(8) == waiting[-1] + 2, "for as long as nobody fetches"
    finally:
        flooder.execute("RESET SESSION AUTHORIZATION")
        stale.execute("DROP OWNED BY flooder; DROP ROLE flooder")


def test_query_texts_have_limits_per_login(
    stale: psycopg.Connection[Any], connect: Connect
) -> None:
    stale.execute("CREATE ROLE flooder LOGIN; GRANT anime_reader TO flooder")
    flooder = connect()
    try:
        flooder.execute("SET SESSION AUTHORIZATION flooder")
        flooder.execute(
            "SELECT count(*) FROM generate_series(1, 250) AS n,"
            " LATERAL anime.search_semantic('a story about the number ' || n)"
        )
        flood = tasks(stale)
        assert len(flood) == 200, "as many as may wait, and no more"
        connect(role="anime_reader").execute("SELECT count(*) FROM anime.search_semantic('tea')")
        waiting = tasks(stale)
        assert waiting.pop("embed_query:tea") == "high", "another login's flood is not its silence"
        assert waiting == flood
    finally:
        flooder.execute("RESET SESSION AUTHORIZATION")
        stale.execute("DROP OWNED BY flooder; DROP ROLE flooder")


def test_a_query_text_takes_a_place_of_one_login_until_it_is_done(
    queue: Queue, stale: psycopg.Connection[Any], connect: Connect
) -> None:
    """Each may cost money, whoever asks. It is the texts that are refused, never the answer."""
    stale.execute(
        "UPDATE jikan_sync.setting SET value = '3' WHERE name = 'max_live_query_embeddings'"
    )
    stale.execute("CREATE ROLE flooder LOGIN; GRANT anime_reader TO flooder")
    flooder, reader = connect(), connect(role="anime_reader")

    def wish(who: psycopg.Connection[Any], *texts: str) -> None:
        for text in texts:
            who.execute("SELECT count(*) FROM anime.search_semantic(%s)", [text])

    def waiting() -> set[str]:
        return {key.removeprefix("embed_query:") for key in tasks(stale)}

    try:
        flooder.execute("SET SESSION AUTHORIZATION flooder")
        for who in (flooder, reader):
            wish(who, "rain", "snow", "tea", "wind")
        # The first who wished has it, and what one is refused is another's who wished as well.
        assert waiting() == {"rain", "snow", "tea", "wind"}
        # What waits already takes no place of who asks for it too.
        wish(reader, "rain", "snow", "tea", "fog", "ice", "mud")
        wish(flooder, "dust", "wind")
        full = {"rain", "snow", "tea", "wind", "fog", "ice"}
        assert waiting() == full, "three of each"
        # Others wait for titles, and are not held up.
        reader.execute("SELECT anime.get(987654)")
        assert tasks(stale)["anime:987654"] == "high"
        # What is done makes room for whose it was.
        [done] = queue.claim(lane="embedding")
        assert done["payload"]["query_key"] == "rain"
        queue.complete(done)
        wish(reader, "mud")
        wish(flooder, "dust")
        assert waiting() == full - {"rain"} | {"dust", "anime:987654"}
    finally:
        flooder.execute("RESET SESSION AUTHORIZATION")
        stale.execute("DROP OWNED BY flooder; DROP ROLE flooder")


def test_a_query_text_that_is_bulk_is_hurried_by_who_waits_for_it(
    queue: Queue, stale: psycopg.Connection[Any], connect: Connect
) -> None:
    queue.add("embed_query", payload={"query_key": "tea"})
    connect(role="anime_reader").execute("SELECT count(*) FROM anime.search_semantic('tea')")
    assert tasks(stale) == {"embed_query:tea": "high"}


def test_ids_that_do_not_exist_cost_the_login_its_allowance(
    stale: psycopg.Connection[Any], connect: Connect
) -> None:
    reader = connect(role="anime_reader")
    for number in range(20):
        reader.execute("SELECT anime.get(%s)", [900_000 + number])
        stale.execute("SELECT jikan_sync.fold_wishes()")
        stale.execute("SELECT jikan_sync.note_answer('core', %s, 'not_found')", [900_000 + number])
    assert stale.execute("SELECT jikan_sync.unknown_allowance(session_user::text)").fetchone() < (
        8,
    ), "of 30"


@pytest.mark.parametrize(
    ("look", "task"),
    [
        ("SELECT count(*) FROM anime.similar(1)", "embed"),
        ("SELECT count(*) FROM anime.search_semantic('a quiet story')", "embed_query"),
    ],
)
def test_a_text_given_up_is_not_wished_for_again(
    queue: Queue, stale: psycopg.Connection[Any], connect: Connect, look: str, task: str
) -> None:
    stale.execute("UPDATE jikan_sync.retry_policy SET max_attempts = 1")
    reader = connect(role="anime_reader")
    reader.execute(look.encode())
    [claimed] = queue.claim(lane="embedding")
    assert queue.fail(claimed) == "dead"
    for _ in range(3):
        reader.execute(look.encode())
        assert tasks(stale) == {}, "money with a paid model"
    stale.execute("SELECT jikan_sync.clock_advance('7 days 1 second')")
    reader.execute(look.encode())
    assert [key.split(":")[0] for key in tasks(stale)] == [task]


@pytest.mark.parametrize(("kind", "key"), [("vector", "embed"), ("query_vector", "embed_query")])
def test_nor_is_it_queued_where_it_was_wished_for_before(
    queue: Queue, stale: psycopg.Connection[Any], kind: str, key: str
) -> None:
    stale.execute("UPDATE jikan_sync.retry_policy SET max_attempts = 1")
    wish = (
        "SELECT jikan_sync.wish(%s, 'high', mal_id => 1, query => 'tea', query_key => 'tea')",
        [kind],
    )
    stale.execute(*wish)
    [claimed] = queue.claim(lane="embedding")
    assert claimed["dedupe_key"].split(":")[0] == key
    stale.execute(*wish)
    assert queue.fail(claimed) == "dead"
    assert tasks(stale) == {}
