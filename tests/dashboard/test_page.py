"""The page in a real browser, with a real database, sidecar and upstream behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.conftest import Simulate
from tests.dashboard.conftest import serve
from tests.sidecar.conftest import listening, process, use, wait_until
from tests.store.documents import anime, full
from tests.store.test_store_anime import store, value

Connection = psycopg.Connection[Any]
Scheme = Literal["light", "dark"]

pytestmark = pytest.mark.full

#: The contrast of every text that is shown with the ground it stands on, where it is under AA.
FAINT = """(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).slice(0, 3).map((each) => {
      const c = each / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((parts(colour)[3] ?? 1) === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const faint = [];
  let seen = 0;
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility()) continue;
    seen += 1;
    const pair = [light(getComputedStyle(node).color), light(ground(node))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) faint.push([walker.currentNode.data, contrast]);
  }
  return seen > 60 ? faint : ["only", seen];
})()"""


def search(page: Page, query: str) -> None:
    page.get_by_role("searchbox").press_sequentially(query)


def titles(page: Page) -> Locator:
    return page.locator("#results tbody a")


def freshness(page: Page) -> Locator:
    return page.locator("#results tbody td.freshness .state")


def background(page: Page) -> str:
    colour: str = page.locator("body").evaluate("it => getComputedStyle(it).backgroundColor")
    return colour


def test_rows_come_as_you_type(page: Page, connection: Connection) -> None:
    store(connection, [anime(1), anime(2, title="Cowboy Funk"), anime(3, title="Trigun")])
    search(page, "cowb")
    expect(titles(page)).to_have_text(["Cowboy Bebop", "Cowboy Funk"])
    row = page.locator("#results tbody tr").first.inner_text().split()
    assert row[:3] == ["Cowboy", "Bebop", "1998"]
    assert "TV" in row and "8.75" in row and "prefix" in row
    page.keyboard.type("oy f")
    expect(titles(page).first).to_have_text("Cowboy Funk")
    expect(page).to_have_url(re.compile(r"/\?q=cowboy\+f$"))


def test_a_title_nobody_has_arrives_and_turns_fresh_in_place(
    page: Page, database: str, connection: Connection, simulate: Simulate
) -> None:
    store(connection, [anime(1)])
    said = page.locator("#said")
    with simulate([full(1454, title="Kemonozume")]) as upstream:
        use(connection, upstream)
        search(page, "kemonozume")
        expect(said).to_contain_text("asking upstream")
        assert titles(page).count() == 0
        with process(database, "--lane", "jikan"):
            expect(titles(page)).to_have_text("Kemonozume")
            expect(said).to_contain_text("upstream was asked")
            expect(freshness(page)).to_have_text("pending")
            row = page.locator("#results tbody tr").element_handle()
            with process(database, "--lane", "embedding"):
                expect(freshness(page)).to_have_text("fresh")
    assert row.evaluate("it => it.isConnected && it.classList.contains('changed')")
    expect(said).to_contain_text("Kemonozume is now fresh")
    expect(said).to_have_attribute("aria-live", "polite")
    expect(page.locator("#outcomes")).to_contain_text("ok", timeout=60_000)


def test_a_stale_row_is_refreshed_before_your_eyes(
    page: Page, database: str, connection: Connection, simulate: Simulate
) -> None:
    store(connection, [anime(1)], fetched_at="2026-01-01T00:00:00Z")
    with simulate([anime(1)]) as upstream:
        use(connection, upstream)
        search(page, "cowboy bebop")
        expect(freshness(page)).to_have_text("stale")
        page.keyboard.press("ArrowDown")
        with process(database):
            wait_until(lambda: listening(connection))
            expect(freshness(page)).to_have_text("fresh")
    expect(page.locator("#results .age")).to_contain_text("ago")
    expect(titles(page)).to_have_text("Cowboy Bebop")
    expect(titles(page)).to_be_focused()  # focus outlives it


def test_a_dead_letter_is_redriven_by_keyboard(
    page: Page, connection: Connection, give_up: Callable[..., int]
) -> None:
    give_up(101, "the first")
    give_up(102, "<b>the second</b>")
    rows = page.locator("#dead tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.get_by_text("<b>the second</b>")).to_be_visible()
    expect(page.get_by_text("2 tasks were given up")).to_be_visible()
    rows.last.get_by_role("button").press("Enter")
    expect(rows).to_have_count(1)
    assert value(connection, "SELECT mal_id FROM jikan_sync.queue") == 101
    expect(page.locator("#dead-title")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#redrive-all")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#dead")).to_be_hidden()
    assert value(connection, "SELECT count(*) FROM jikan_sync.dead_letter") == 0


def test_titles_are_text_whatever_they_hold(page: Page, connection: Connection) -> None:
    hostile = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
    store(connection, [anime(1, title=hostile, title_japanese="</td><b>b</b>")])
    search(page, "img src")
    expect(titles(page)).to_have_text([hostile])
    expect(page.locator("#results").locator("img, script, b")).to_have_count(0)
    expect(page).to_have_title("pgjikan")


def test_an_answer_that_comes_late_is_dropped(page: Page, connection: Connection) -> None:
    store(connection, [anime(1), anime(3, title="Trigun")])
    page.evaluate("AbortController.prototype.abort = () => {}")  # too late for that too
    late: list[Route] = []
    page.route("**/api/search?q=cowboy*", lambda route: late.append(route))
    with page.expect_request("**/api/search?q=cowboy*"):
        search(page, "cowboy")
    page.get_by_role("searchbox").select_text()
    page.keyboard.type("trigun")
    expect(titles(page)).to_have_text("Trigun")
    assert late
    for route in late:
        route.continue_()
        answer = route.request.response()
        assert answer is not None
        answer.finished()
    page.wait_for_timeout(200)  # for the page to read it
    assert titles(page).all_inner_texts() == ["Trigun"]


def test_it_is_used_without_a_mouse(page: Page, connection: Connection) -> None:
    store(connection, [anime(1), anime(2, title="Cowboy Funk")])
    query = page.get_by_role("searchbox")
    press = page.keyboard.press
    press("/")
    expect(query).to_be_focused()
    page.keyboard.type("cowboy")
    press("Enter")
    expect(titles(page)).to_have_count(2)
    press("ArrowDown")
    press("ArrowDown")
    second = titles(page).nth(1)
    expect(second).to_be_focused()
    expect(second).to_have_text("Cowboy Funk")
    expect(second).to_have_attribute("href", "https://myanimelist.net/anime/2")
    press("ArrowUp")
    press("ArrowUp")
    expect(query).to_be_focused()
    press("ArrowDown")
    press("Escape")
    expect(query).to_be_focused()
    press("Escape")
    expect(query).to_have_value("")
    expect(page.locator("#results")).to_be_hidden()
    reached = set()
    for _ in range(12):
        press("Tab")
        for focused in page.locator(":focus").all():  # none after the last
            expect(focused).to_have_css("outline-style", "solid")
            reached.add(focused.evaluate("it => it.id || it.className"))
    assert {"theme", "query", "example", "skip"} <= reached


def test_every_control_and_picture_has_a_name(
    page: Page, connection: Connection, give_up: Callable[..., int]
) -> None:
    store(connection, [anime(1)])
    give_up(101)
    search(page, "cowboy")
    expect(titles(page)).to_have_count(1)
    expect(page.locator("#dead button")).to_have_count(1)
    expect(page.locator("#queue .spark canvas")).to_have_count(4)
    assert page.get_by_role("table").count() >= 6
    for kind in (
        page.get_by_role("button"),
        page.get_by_role("link"),
        page.get_by_role("searchbox"),
        page.get_by_role("img"),
        page.get_by_role("table"),
    ):
        for each in kind.all():
            expect(each).to_have_accessible_name(re.compile(r"\S"))
    expect(page.get_by_role("searchbox")).to_have_accessible_name("Search anime by title")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(
    page: Page, connection: Connection, give_up: Callable[..., int], scheme: Scheme
) -> None:
    page.emulate_media(color_scheme=scheme)
    store(connection, [anime(1), anime(2, title="Cowboy Funk")])
    store(connection, [anime(3, title="Cowboy Old")], fetched_at="2026-01-01T00:00:00Z")
    connection.execute(
        "UPDATE jikan_sync.job SET command = 'SELECT 1 / 0' WHERE name = 'mark_stale'"
    )
    connection.execute("SELECT jikan_sync.run_job('mark_stale')")
    give_up(101)
    search(page, "cowboy")
    expect(titles(page)).to_have_count(3)
    expect(page.locator("#dead button")).to_have_count(1)
    expect(page.locator("#errors tbody tr")).to_have_count(2)
    expect(page.locator("button:disabled")).to_have_count(0)
    assert page.evaluate(FAINT) == []


def test_light_and_dark_follow_the_system_until_chosen(page: Page) -> None:
    theme = page.locator("#theme")
    light = background(page)
    page.emulate_media(color_scheme="dark")
    dark = background(page)
    assert light != dark
    theme.press("Enter")
    assert background(page) == light
    expect(theme).to_contain_text("light")
    page.reload()
    expect(theme).to_contain_text("light")
    assert background(page) == light
    theme.click()
    page.emulate_media(color_scheme="light")
    assert background(page) == dark


def test_nothing_moves_for_who_wants_that(page: Page) -> None:
    bar = page.locator("#facets .bar i").first
    expect(bar).not_to_have_css("transition-duration", "0s")
    page.emulate_media(reduced_motion="reduce")
    expect(bar).to_have_css("transition-duration", "0s")


def test_it_says_when_the_stream_is_lost_and_finds_it_again(
    browser: Browser, database: str, give_up: Callable[..., int]
) -> None:
    page = browser.new_page()
    link = page.locator("#link")
    with serve(database) as address:
        page.goto(address)
        expect(link).to_have_text("live")
    expect(link).to_have_text("reconnecting")
    give_up(101)
    with serve(database, int(address.rpartition(":")[2])), page:
        expect(link).to_have_text("live")
        expect(page.locator("#dead tbody tr")).to_have_count(1)


def test_a_tab_that_nobody_looks_at_holds_no_stream(
    page: Page, give_up: Callable[..., int]
) -> None:
    turn = """hidden => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    link = page.locator("#link")
    with page.expect_event("requestfailed", lambda gone: gone.url.endswith("/api/events")):
        page.evaluate(turn, True)
    assert link.inner_text() == "paused"
    give_up(101)
    page.evaluate(turn, False)
    expect(link).to_have_text("live")
    expect(page.locator("#dead tbody tr")).to_have_count(1)
    assert len([each for each in page.requests() if each.url.endswith("/api/events")]) == 2
