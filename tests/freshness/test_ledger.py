"""Nothing is asked twice for one answer, whoever asks and however often."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.store.documents import full

from .conftest import Mirror

Connect = Callable[..., psycopg.Connection[Any]]


class Upstream:
    """Answers what is claimed, as a sidecar would hand it in; counts what it was asked."""

    def __init__(self, mirror: Mirror) -> None:
        self.mirror = mirror
        self.asked: Counter[str] = Counter()
        self.answers: dict[str, tuple[str, int, Any]] = {}
        mirror.run(
            "UPDATE jikan_sync.provider SET per_second = NULL, per_minute = NULL, per_day = NULL"
        )

    def work(self) -> list[str]:
        """Answer all that is due; what became of each task."""
        verdicts = []
        while task := self.mirror.connection.execute(
            "SELECT r.id, r.lease_token, r.provider, r.task, r.mal_id,"
            " coalesce(r.payload ->> 'facet', 'core'), r.payload"
            " FROM jikan_sync.claim_request('w') AS r"
        ).fetchone():
            task_id, token, provider, kind, mal_id, facet, payload = task
            key = f"{facet}:{mal_id}" if kind in ("anime", "facet") else kind
            self.asked[key] += 1
            data: Any = full(mal_id) if kind == "anime" else []
            outcome, status, data = self.answers.get(key, ("ok", 200, data))
            if callable(data):
                data = data(payload)
            body = data if isinstance(data, dict) and "data" in data else {"data": data}
            verdicts.append(
                self.mirror.one(
                    "SELECT jikan_sync.record_response(%s, %s, %s, %s, %s, %s)",
                    task_id,
                    token,
                    provider,
                    outcome,
                    status,
                    json.dumps(body) if outcome == "ok" else None,
                )
            )
        return verdicts


@pytest.fixture
def upstream(mirror: Mirror) -> Upstream:
    return Upstream(mirror)


def test_an_unknown_id_is_asked_for_once(mirror: Mirror, upstream: Upstream) -> None:
    upstream.answers["core:987654321"] = ("not_found", 404, None)
    for _ in range(50):
        mirror.one("SELECT anime.get(987654321)")
        upstream.work()
    assert upstream.asked == {"core:987654321": 1}
    pauses = []
    for _ in range(6):
        mirror.run("SELECT jikan_sync.clock_set((SELECT not_before FROM jikan_sync.ledger))")
        before = mirror.one("SELECT jikan_sync.clock_now()")
        mirror.one("SELECT anime.get(987654321)")
        upstream.work()
        pauses.append(mirror.one("SELECT not_before FROM jikan_sync.ledger") - before)
    assert [p.total_seconds() / 3600 for p in pauses] == [4, 16, 64, 256, 720, 720]


@pytest.mark.parametrize("facet", ["images", "reviews"])
def test_a_facet_that_answers_404_is_asked_for_once(
    mirror: Mirror, upstream: Upstream, facet: str
) -> None:
    mirror.add(1)
    mirror.run("DELETE FROM jikan_sync.ledger WHERE facet IN ('images', 'reviews')")
    upstream.answers[f"{facet}:1"] = ("not_found", 404, None)
    for _ in range(20):
        mirror.one("SELECT anime.get(1)")
        mirror.one("SELECT count(*) FROM anime.reviews(1)")
        upstream.work()
        mirror.advance("1 minute")
    assert upstream.asked == {"images:1": 1, "reviews:1": 1}


def test_a_full_document_without_its_parts_is_not_asked_for_again_at_once(
    mirror: Mirror, upstream: Upstream
) -> None:
    document = {k: v for k, v in full(1).items() if k not in ("relations", "theme")}
    upstream.answers["core:1"] = ("ok", 200, document)
    for _ in range(20):
        mirror.one("SELECT anime.get(1)")
        upstream.work()
        mirror.advance("5 minutes")
    assert upstream.asked["core:1"] == 1
    assert mirror.one("SELECT anime.get(1) #>> '{freshness,core,state}'") == "fresh"
    assert mirror.one("SELECT anime.get(1) #>> '{freshness,themes,state}'") == "never"
    mirror.advance("1 day")
    mirror.one("SELECT anime.get(1)")
    upstream.work()
    assert upstream.asked["core:1"] == 2


def test_a_document_that_cannot_be_stored_is_charged_and_given_up(
    mirror: Mirror, upstream: Upstream
) -> None:
    mirror.add(1)
    mirror.advance("30 days")
    upstream.answers["core:1"] = ("ok", 200, full(1, year=99_999_999_999))
    for _ in range(288):
        mirror.run("SELECT jikan_sync.refresh_stale()")
        upstream.work()
        mirror.advance("5 minutes")
    assert upstream.asked == {"core:1": 5}
    assert mirror.one("SELECT reason FROM jikan_sync.dead_letter") == "row"
    assert "out of range" in mirror.one("SELECT message FROM jikan_sync.dead_letter")
    assert mirror.one("SELECT outcome FROM jikan_sync.ledger WHERE facet = 'core'") == "dead"
    mirror.run("SELECT jikan_sync.redrive()")
    assert mirror.tasks() == {"anime:1": "low"}, "an operator mended the cause"


def test_another_title_than_asked_for_is_no_answer(mirror: Mirror, upstream: Upstream) -> None:
    upstream.answers["core:5"] = ("ok", 200, full(6))
    mirror.one("SELECT anime.get(5)")
    assert upstream.work() == ["retry"]
    assert mirror.one("SELECT mal_id FROM jikan.anime") == 6, "and yet it is not thrown away"


def test_a_bug_in_a_store_costs_that_task(mirror: Mirror, upstream: Upstream) -> None:
    mirror.run(
        "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.mal_id = 2 THEN RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'broken';"
        " END IF; RETURN NEW; END $$"
    )
    mirror.run(
        "CREATE TRIGGER refuse BEFORE INSERT ON jikan.anime"
        " FOR EACH ROW EXECUTE FUNCTION public.refuse()"
    )
    mirror.run("SELECT jikan_sync.sync_titles('{1,2,3}')")
    assert sorted(upstream.work()) == ["done", "done", "retry"]
    for _ in range(60):
        mirror.advance("1 day")
        upstream.work()
    assert mirror.one("SELECT reason || ' ' || message FROM jikan_sync.dead_letter") == (
        "bug tenrai: XX000 broken (HTTP 200)"
    )
    assert upstream.asked["core:2"] == 5


def test_a_day_of_misses_leaves_the_others_their_share(mirror: Mirror, upstream: Upstream) -> None:
    """60 popular titles answer 404, 5 rejected documents, 5 answer 500, 130 are well."""
    mirror.run("UPDATE jikan_sync.setting SET value = '60' WHERE name = 'refresh_per_run'")
    mirror.run("UPDATE jikan_sync.setting SET value = '300' WHERE name = 'refresh_per_day'")
    gone, bad, failing = range(1, 61), range(61, 66), range(66, 71)
    mirror.add(*gone, *bad, *failing, members=1_000_000)
    mirror.add(*range(71, 201), members=10)
    mirror.advance("30 days")
    upstream.answers |= {f"core:{m}": ("not_found", 404, None) for m in gone}
    upstream.answers |= {f"core:{m}": ("ok", 200, full(m, year=99_999_999_999)) for m in bad}
    upstream.answers |= {f"core:{m}": ("upstream_error", 500, None) for m in failing}
    for run in range(288):
        mirror.run("SELECT jikan_sync.refresh_stale()")
        upstream.work()
        if run % 12 == 0:
            mirror.run("SELECT jikan_sync.confirm_missing()")
        mirror.advance("5 minutes")
    asked = upstream.asked
    assert {asked[f"core:{m}"] for m in gone} <= {1, 2}, "23 hours after a 404 of a mirrored title"
    assert {asked[f"core:{m}"] for m in bad} == {5}
    assert max(asked[f"core:{m}"] for m in failing) <= 12
    assert {asked[f"core:{m}"] for m in range(71, 201)} == {1}
    assert mirror.one("SELECT count(*) FROM jikan_sync.stale_core() WHERE mal_id > 70") == 0
    reasons = mirror.one("SELECT reasons FROM anime.health")
    assert any("core (65 titles)" in reason for reason in reasons), reasons


def test_a_facet_that_fails_for_years_costs_the_others_nothing(
    mirror: Mirror, upstream: Upstream
) -> None:
    """As `news` did in May 2026, while somebody looks at the title every day."""
    mirror.add(1)
    mirror.run("DELETE FROM jikan_sync.ledger WHERE facet IN ('news', 'statistics')")
    upstream.answers["news:1"] = ("upstream_error", 500, None)
    upstream.answers["statistics:1"] = ("ok", 200, {"data": {"watching": 1}})
    season = "SELECT jikan_sync.enqueue('season', payload => '{\"season\": \"now\"}')"
    for _ in range(400):
        for facet in ("news", "statistics"):
            mirror.one("SELECT anime.facet(1, %s)", facet)
        upstream.work()
        mirror.advance("1 minute")
        mirror.run(season)  # and is answered: the upstream is not down
        upstream.work()
        mirror.advance("1 day")
    assert upstream.asked["statistics:1"] == 58, "each week, as ever"
    assert upstream.asked["news:1"] < 200, "less and less often"
    assert mirror.one("SELECT count(*) FROM jikan_sync.dead_letter") == 1
    assert mirror.one("SELECT anime.facet(1, 'statistics') ->> 'freshness'") == "fresh"
    assert mirror.one("SELECT anime.facet(1, 'news') ->> 'freshness'") == "never"


@pytest.mark.parametrize(
    ("outcome", "document", "said"),
    [
        ("ok", {"data": full(1, year=99_999_999_999)}, "out of range"),
        ("ok", {"data": full(2)}, "asked for 1, got 2"),
        ("ok", {"data": []}, "is array, not an object"),
        ("ok", {"data": full(1, synopsis="\0")}, "unsupported Unicode escape sequence"),
        ("rejected", None, None),
    ],
)
def test_what_a_fetch_by_hand_cannot_store_is_noted_and_told(
    mirror: Mirror, outcome: str, document: Any, said: str | None
) -> None:
    mirror.add(1)
    mirror.advance("30 days")
    fetch = (
        "SELECT jikan_sync.record_fetch(1, 'tenrai', %s, 200, %s, NULL, 10, 100, false)",
        outcome,
        document and json.dumps(document),
    )
    fault = mirror.one(*fetch)
    assert said in fault if said else fault is None
    noted = "SELECT (outcome, not_before - asked_at)::text FROM jikan_sync.ledger" + (
        " WHERE mal_id = 1 AND facet = 'core'"
    )
    assert mirror.one(noted) == "(rejected,00:01:00)"
    assert mirror.one("SELECT sum(request_count) FROM jikan_sync.request_stat") == 1
    assert mirror.one("SELECT jikan_sync.refresh_stale()") == 0
    mirror.one(*fetch)
    assert mirror.one(noted) == "(rejected,00:04:00)"
    mirror.advance("4 minutes")
    assert mirror.one("SELECT jikan_sync.refresh_stale()") == 1


def stands_still(mirror: Mirror) -> bool:
    reasons = mirror.one("SELECT reasons FROM anime.health")
    return any("stand still: catalogue" in reason for reason in reasons)


def test_a_walk_whose_page_died_stands_still_and_is_taken_up(
    mirror: Mirror, upstream: Upstream
) -> None:
    mirror.add(*range(1, 11))
    mirror.advance("30 days")
    mirror.run("UPDATE jikan_sync.retry_policy SET max_attempts = 1 WHERE error_class = 'row'")
    mirror.run("SELECT jikan_sync.start_sync_run('catalogue')")
    upstream.answers["catalogue"] = ("rejected", 400, None)
    assert upstream.work() == ["dead"]
    assert mirror.one("SELECT state FROM jikan_sync.sync_run") == "stalled"
    assert stands_still(mirror)
    assert mirror.one("SELECT jikan_sync.refresh_stale()") == 10, "nobody waits for it"
    upstream.work()
    mirror.advance("6 hours")
    mirror.run("SELECT jikan_sync.refresh_stale()")
    assert mirror.one("SELECT state FROM jikan_sync.sync_run") == "running"
    upstream.answers["catalogue"] = (
        "ok",
        200,
        {"data": [full(1)], "pagination": {"has_next_page": False}},
    )
    assert upstream.work() == ["done"]
    assert mirror.one("SELECT state FROM jikan_sync.sync_run") == "finished"


def test_a_walk_whose_task_was_lost_is_named_and_taken_up(mirror: Mirror) -> None:
    mirror.add(*range(1, 11))
    mirror.run("SELECT jikan_sync.start_sync_run('catalogue')")
    mirror.advance("30 days")
    mirror.run("DELETE FROM jikan_sync.queue")
    assert stands_still(mirror)
    assert mirror.one("SELECT jikan_sync.refresh_stale()") == 10, "it said that it was running"
    assert "catalogue" in mirror.tasks()
    assert mirror.one("SELECT count(*) FROM jikan_sync.sync_run") == 1


def test_a_walk_held_up_by_one_page_holds_up_nothing_else(
    mirror: Mirror, upstream: Upstream
) -> None:
    mirror.add(*range(1, 11))
    mirror.advance("30 days")
    mirror.run("SELECT jikan_sync.start_sync_run('catalogue')")
    upstream.answers["catalogue"] = ("upstream_error", 500, None)
    for _ in range(5):
        assert mirror.one("SELECT jikan_sync.refresh_stale()") == 0
        assert upstream.work() == ["retry"]
        assert not stands_still(mirror)
        mirror.advance("1 hour 12 minutes")
    assert stands_still(mirror)
    assert mirror.one("SELECT state FROM jikan_sync.sync_run") == "running"
    assert mirror.one("SELECT jikan_sync.refresh_stale()") == 10


def test_pages_that_overlap_are_noticed(mirror: Mirror, upstream: Upstream) -> None:
    def page(payload: dict[str, Any]) -> dict[str, Any]:
        first = {1: 1, 2: 11, 3: 21}[payload["page"]]  # 25 a page, and 15 of them seen before
        return {
            "data": [full(n) for n in range(first, first + 25)],
            "pagination": {"has_next_page": payload["page"] < 3, "items": {"total": 75}},
        }

    upstream.answers["catalogue"] = ("ok", 200, page)
    mirror.run("SELECT jikan_sync.start_sync_run('catalogue')")
    upstream.work()
    run = mirror.connection.execute(
        "SELECT state, item_count, total_count, seen_count FROM jikan_sync.sync_run"
    ).fetchone()
    assert run == ("finished", 75, 75, 45)
    assert any(
        "catalogue saw 45 of 75 titles" in r for r in mirror.one("SELECT reasons FROM anime.health")
    )
    assert mirror.one("SELECT count(*) FROM jikan_sync.sync_run_title") == 0


def test_what_has_long_been_stale_is_a_reason(mirror: Mirror) -> None:
    mirror.add(1, 2, 3)
    mirror.run("UPDATE jikan.anime SET last_jikan_sync = '2020-01-01Z'")
    reasons = mirror.one("SELECT reasons FROM anime.health")
    assert any("3 of 3 titles have been stale for over 2 days" in r for r in reasons), reasons


@pytest.mark.parametrize("ids", ["{-5,0}", "{1,NULL}", "{0}"])
def test_ids_that_cannot_be_are_refused(mirror: Mirror, ids: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as refused:
        mirror.run("SELECT jikan_sync.sync_titles(%s)", ids)
    assert refused.value.diag.message_hint
    assert mirror.tasks() == {}


def test_a_person_is_told_no_twice_as_well(mirror: Mirror, upstream: Upstream) -> None:
    upstream.answers["core:77"] = ("not_found", 404, None)
    for _ in range(5):
        mirror.run("SELECT jikan_sync.sync_titles('{77}')")
        upstream.work()
    assert upstream.asked == {"core:77": 1}


def test_long_facets_come_page_by_page(mirror: Mirror, upstream: Upstream) -> None:
    def page(payload: dict[str, Any]) -> dict[str, Any]:
        number = payload.get("page", 1)
        return {
            "data": [{"mal_id": 100 * number + n, "title": f"Part {n}"} for n in range(100)],
            "pagination": {"last_visible_page": 12, "has_next_page": number < 12},
        }

    mirror.add(1)
    mirror.run("DELETE FROM jikan_sync.ledger WHERE facet = 'episodes'")
    upstream.answers["episodes:1"] = ("ok", 200, page)
    mirror.run("SELECT jikan_sync.request_facet('episodes', 1, 'high')")
    assert upstream.work() == ["done"] * 12
    assert mirror.one("SELECT count(*) FROM jikan.facet_document") == 12
    assert (
        mirror.one("SELECT freshness FROM jikan_sync.facet_freshness WHERE facet = 'episodes'")
        == "fresh"
    )
    assert (
        mirror.one(
            "SELECT jsonb_array_length(jikan_sync.facet_data(anime_id, 'episodes'))"
            " FROM jikan.facet_document LIMIT 1"
        )
        == 1200
    )
    upstream.answers["episodes:1"] = ("ok", 200, {"data": [], "pagination": None})
    mirror.advance("91 days")
    mirror.run("SELECT jikan_sync.request_facet('episodes', 1, 'high')")
    upstream.work()
    assert mirror.one("SELECT count(*) FROM jikan.facet_document") == 12, "once may be a fault"
    mirror.run("SELECT jikan_sync.request_facet('episodes', 1, 'high')")
    assert upstream.work() == [], "nor is it asked again at once"
    mirror.advance("1 day 1 second")
    mirror.run("SELECT jikan_sync.request_facet('episodes', 1, 'high')")
    assert upstream.work() == ["done"]
    assert mirror.one("SELECT count(*) FROM jikan.facet_document") == 1, "what is gone is gone"
