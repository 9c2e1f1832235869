"""The page in a real browser, with a real database, sidecar and upstream behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.conftest import Simulate
from tests.dashboard.chromium import Chromium, Page
from tests.dashboard.conftest import serve
from tests.sidecar.conftest import listening, process, use, wait_until
from tests.store.documents import anime, full
from tests.store.test_store_anime import store, value

Connection = psycopg.Connection[Any]

pytestmark = pytest.mark.full

#: What stands in a row of the results, by column.
FRESHNESS = "#results tbody tr td:nth-child(6) .state"
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


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    """Chromium; without it these tests fail rather than skip."""
    with Chromium() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Chromium, site: str) -> Iterator[Page]:
    """The dashboard in a browser; at the end it has complained of nothing and asked nobody else."""
    page = browser.page()
    page.prefer("light")
    page.go(site)
    page.wait("document.querySelectorAll('#jobs tbody tr').length > 5")
    yield page
    page.js("1")  # whatever is still to be heard
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith(site)] == []
    page.close()


def search(page: Page, query: str) -> None:
    page.js("document.querySelector('#query').focus()")
    page.press(*query)


def titles(page: Page) -> list[str]:
    found: list[str] = page.js(
        "[...document.querySelectorAll('#results tbody a')].map((link) => link.textContent)"
    )
    return found


def background(page: Page) -> str:
    colour: str = page.js("getComputedStyle(document.body).backgroundColor")
    return colour


def test_rows_come_as_you_type(page: Page, connection: Connection) -> None:
    store(connection, [anime(1), anime(2, title="Cowboy Funk"), anime(3, title="Trigun")])
    search(page, "cowb")
    page.wait("document.querySelectorAll('#results tbody tr').length === 2")
    assert titles(page) == ["Cowboy Bebop", "Cowboy Funk"]
    row = page.text("#results tbody tr").split()
    assert row[:3] == ["Cowboy", "Bebop", "1998"]
    assert "TV" in row and "8.75" in row and "prefix" in row
    page.press(*"oy f")
    page.wait("document.querySelector('#results tbody a')?.textContent === 'Cowboy Funk'")
    assert page.text("#said").startswith("1 title") or titles(page)[0] == "Cowboy Funk"
    page.wait("location.search === '?q=cowboy+f'")


def test_a_title_nobody_has_arrives_and_turns_fresh_in_place(
    page: Page, database: str, connection: Connection, simulate: Simulate
) -> None:
    store(connection, [anime(1)])
    with simulate([full(1454, title="Kemonozume")]) as upstream:
        use(connection, upstream)
        search(page, "kemonozume")
        page.wait("document.querySelector('#said').textContent.includes('asking upstream')")
        assert titles(page) == []
        with process(database, "--lane", "jikan"):
            page.wait("document.querySelector('#results tbody a')?.textContent === 'Kemonozume'")
            page.wait("document.querySelector('#said').textContent.includes('upstream was asked')")
            page.wait(f"document.querySelector('{FRESHNESS}').textContent === 'pending'")
            page.js("window.kept = document.querySelector('#results tbody tr')")
            with process(database, "--lane", "embedding"):
                page.wait(f"document.querySelector('{FRESHNESS}').textContent === 'fresh'")
    assert page.js("window.kept.isConnected && window.kept.classList.contains('changed')")
    assert "Kemonozume is now fresh" in page.text("#said")
    assert page.js("document.querySelector('#said').getAttribute('aria-live')") == "polite"
    page.wait("document.querySelector('#outcomes').textContent.includes('ok')", 60)


def test_a_stale_row_is_refreshed_before_your_eyes(
    page: Page, database: str, connection: Connection, simulate: Simulate
) -> None:
    store(connection, [anime(1)], fetched_at="2026-01-01T00:00:00Z")
    with simulate([anime(1)]) as upstream:
        use(connection, upstream)
        search(page, "cowboy bebop")
        page.wait(f"document.querySelector('{FRESHNESS}')?.textContent === 'stale'")
        page.press("ArrowDown")
        with process(database):
            wait_until(lambda: listening(connection))
            page.wait(f"document.querySelector('{FRESHNESS}').textContent === 'fresh'")
    page.wait("document.querySelector('#results .age').textContent.includes('ago')")
    assert page.js("document.activeElement.textContent") == "Cowboy Bebop"  # focus outlives it


def test_a_dead_letter_is_redriven_by_keyboard(
    page: Page, connection: Connection, give_up: Callable[..., int]
) -> None:
    give_up(101, "the first")
    give_up(102, "<b>the second</b>")
    page.wait("document.querySelectorAll('#dead tbody tr').length === 2")
    assert "<b>the second</b>" in page.text("#dead")
    assert "2 tasks were given up" in page.text("#dead-said")
    page.js("document.querySelector('#dead tbody tr:last-child button').focus()")
    page.press("Enter")
    page.wait("document.querySelectorAll('#dead tbody tr').length === 1")
    assert value(connection, "SELECT mal_id FROM jikan_sync.queue") == 101
    assert page.js("document.activeElement.id") == "dead-title"
    page.press("Tab")
    assert page.js("document.activeElement.id") == "redrive-all"
    page.press("Enter")
    page.wait("document.querySelector('#dead').hidden")
    assert value(connection, "SELECT count(*) FROM jikan_sync.dead_letter") == 0


def test_titles_are_text_whatever_they_hold(page: Page, connection: Connection) -> None:
    hostile = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
    store(connection, [anime(1, title=hostile, title_japanese="</td><b>b</b>")])
    search(page, "img src")
    page.wait("document.querySelectorAll('#results tbody tr').length === 1")
    assert titles(page) == [hostile]
    assert (
        page.js("document.querySelectorAll('#results img, #results script, #results b').length")
        == 0
    )
    assert page.js("document.title") == "pgjikan"


def test_an_answer_that_comes_late_is_dropped(page: Page, connection: Connection) -> None:
    store(connection, [anime(1), anime(3, title="Trigun")])
    page.js(
        "(() => { const real = window.fetch; window.late = 0; window.fetch = async (url, how) => {"
        " if (!url.includes('q=cowboy')) return real(url, how);"
        " window.asked = true; const answer = await real(url, { ...how, signal: undefined });"
        " await new Promise((done) => setTimeout(done, 1800));"
        " const json = await answer.json();"
        " answer.json = async () => { setTimeout(() => (window.late += 1), 50); return json; };"
        " return answer; } })()"
    )
    search(page, "cowboy")
    page.wait("window.asked")
    page.js("document.querySelector('#query').select()")
    page.press(*"trigun")
    page.wait("document.querySelector('#results tbody a')?.textContent === 'Trigun'")
    page.wait("window.late >= 1")
    assert titles(page) == ["Trigun"]


def test_it_is_used_without_a_mouse(page: Page, connection: Connection) -> None:
    store(connection, [anime(1), anime(2, title="Cowboy Funk")])
    page.press("/")
    assert page.js("document.activeElement.id") == "query"
    page.press(*"cowboy", "Enter")
    page.wait("document.querySelectorAll('#results tbody tr').length === 2")
    page.press("ArrowDown", "ArrowDown")
    assert page.js("document.activeElement.textContent") == "Cowboy Funk"
    assert page.js("document.activeElement.href") == "https://myanimelist.net/anime/2"
    page.press("ArrowUp", "ArrowUp")
    assert page.js("document.activeElement.id") == "query"
    page.press("ArrowDown", "Escape")
    assert page.js("document.activeElement.id") == "query"
    page.press("Escape")
    assert page.js("document.querySelector('#query').value") == ""
    assert page.js("document.querySelector('#results').hidden")
    reached = set()
    for _ in range(12):
        page.press("Tab")
        reached.add(page.js("document.activeElement.id || document.activeElement.className"))
        style = page.js("getComputedStyle(document.activeElement).outlineStyle")
        assert style == "solid" or page.js("document.activeElement === document.body")
    assert {"theme", "query", "example", "skip"} <= reached


def test_every_control_and_picture_has_a_name(
    page: Page, connection: Connection, give_up: Callable[..., int]
) -> None:
    store(connection, [anime(1)])
    give_up(101)
    search(page, "cowboy")
    page.wait("document.querySelectorAll('#dead button').length === 1")
    page.wait("document.querySelectorAll('#queue .spark canvas').length === 4")
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    named = [
        (node["role"]["value"], node.get("name", {}).get("value"))
        for node in nodes
        if node.get("role", {}).get("value") in ("button", "link", "searchbox", "image", "table")
    ]
    assert len([role for role, _ in named if role == "table"]) >= 6
    assert [(role, name) for role, name in named if not name] == []
    assert ("searchbox", "Search anime by title") in named


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(
    page: Page, connection: Connection, give_up: Callable[..., int], scheme: str
) -> None:
    page.prefer(scheme)
    store(connection, [anime(1), anime(2, title="Cowboy Funk")])
    store(connection, [anime(3, title="Cowboy Old")], fetched_at="2026-01-01T00:00:00Z")
    connection.execute(
        "UPDATE jikan_sync.job SET command = 'SELECT 1 / 0' WHERE name = 'mark_stale'"
    )
    connection.execute("SELECT jikan_sync.run_job('mark_stale')")
    give_up(101)
    search(page, "cowboy")
    page.wait("document.querySelectorAll('#results tbody tr').length === 3")
    page.wait("document.querySelectorAll('#dead button').length === 1")
    page.wait("document.querySelectorAll('#errors tbody tr').length === 2")
    page.wait("!document.querySelector('button:disabled')")
    assert page.js(FAINT) == []


def test_light_and_dark_follow_the_system_until_chosen(page: Page) -> None:
    light = background(page)
    page.prefer("dark")
    dark = background(page)
    assert light != dark
    page.js("document.querySelector('#theme').focus()")
    page.press("Enter")
    assert background(page) == light and "light" in page.text("#theme")
    page.send("Page.reload")
    page.wait("document.querySelector('#theme')?.textContent.includes('light')")
    assert background(page) == light
    page.js("document.querySelector('#theme').click()")
    page.prefer("light")
    assert background(page) == dark


def test_nothing_moves_for_who_wants_that(page: Page) -> None:
    moves = "getComputedStyle(document.querySelector('#facets .bar i')).transitionDuration"
    assert page.js(moves) != "0s"
    page.prefer("light", motion="reduce")
    assert page.js(moves) == "0s"


def test_it_says_when_the_stream_is_lost_and_finds_it_again(
    browser: Chromium, database: str, give_up: Callable[..., int]
) -> None:
    page = browser.page()
    with serve(database) as address:
        page.go(address)
        page.wait("document.querySelector('#link').textContent === 'live'")
    page.wait("document.querySelector('#link').textContent === 'reconnecting'")
    give_up(101)
    with serve(database, int(address.rpartition(":")[2])):
        page.wait("document.querySelector('#link').textContent === 'live'")
        page.wait("document.querySelectorAll('#dead tbody tr').length === 1")
        page.close()


def test_a_tab_that_nobody_looks_at_holds_no_stream(
    page: Page, give_up: Callable[..., int]
) -> None:
    turn = (
        "Object.defineProperty(document, 'hidden', { value: %s, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange'))"
    )
    page.js(turn % "true")
    assert page.text("#link") == "paused"
    give_up(101)
    page.js(turn % "false")
    page.wait("document.querySelector('#link').textContent === 'live'")
    page.wait("document.querySelectorAll('#dead tbody tr').length === 1")
    asked = [url for url in page.requests if url.endswith("/api/events")]
    assert len(asked) == 2
