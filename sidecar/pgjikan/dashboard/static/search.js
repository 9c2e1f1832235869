// The search: rows as you type, in place when something has come for them.

import { $, element, fillTable, setText, text } from "./dom.js";
import { count, fillTime } from "./format.js";

// Typing only reads; a pause, or Enter, may also ask upstream, so that half a word never does.
const READ_AFTER = 120;
const ASK_AFTER = 600;

const EXAMPLES = ["fullmetal alchemst", "shingeki", "steins gate 2011", "進撃の巨人", "rozen maiden"];
const MATCHES = {
  exact: "the title itself",
  prefix: "the title begins so",
  fuzzy: "the title is spelt nearly so",
  text: "the title has these words",
  upstream: "an upstream names it for this query",
};
const FRESHNESS = { fresh: "fresh", stale: "stale", pending_embeddings: "pending" };

const input = $("query");
const results = $("results");
let timers = [];
let running = null; // what has been asked and not answered
let shown = null; // the query on the page, its key, and whether something is still to come
const freshness = new Map(); // of the rows shown, to notice a change

const COLUMNS = [
  {
    header: true,
    fill(cell, row) {
      if (!cell.firstChild) {
        cell.append(
          element("a", { target: "_blank", rel: "noopener noreferrer" }),
          element("span", { className: "also", lang: "ja" }),
        );
      }
      const [link, also] = cell.children;
      setText(link, row.title ?? `anime ${row.mal_id}`);
      link.href = `https://myanimelist.net/anime/${Number(row.mal_id)}`;
      const other = row.matched_title && row.matched_title !== row.title ? row.matched_title : row.title_japanese;
      setText(also, other && other !== row.title ? other : "");
    },
  },
  text((row) => (row.year ? String(row.year) : "–")),
  text((row) => row.type ?? "–"),
  text((row) => (row.score ? row.score.toFixed(2) : "–"), "number"),
  {
    fill(cell, row) {
      setText(cell, row.match);
      cell.title = MATCHES[row.match] ?? "";
    },
  },
  {
    className: "freshness",
    fill(cell, row, line) {
      if (!cell.firstChild) cell.append(element("span"), element("span", { className: "age" }));
      const [state, age] = cell.children;
      state.className = `state ${row.freshness}`;
      setText(state, FRESHNESS[row.freshness] ?? row.freshness);
      fillTime(age, row.synced_at, "never");
      const before = freshness.get(row.mal_id);
      if (before !== undefined && before !== row.freshness) {
        line.classList.remove("changed");
        void line.offsetWidth; // begins the fade anew
        line.classList.add("changed");
      }
    },
  },
];

/** Ask for what is in the box; `ask`: it may go upstream. A later answer drops an earlier one. */
async function search(query, ask) {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  const parameters = new URLSearchParams({ q: query });
  if (ask) parameters.set("ask", "1");
  let answer;
  try {
    const response = await fetch(`/api/search?${parameters}`, {
      headers: { "X-Pgjikan": "1" },
      signal: mine.signal,
    });
    answer = await response.json();
  } catch (error) {
    if (error.name === "AbortError") return;
    answer = { error: "the dashboard does not answer" };
  }
  if (running !== mine) return;
  running = null;
  if (answer.error) {
    setText($("said"), answer.error);
    setText($("took"), "");
    return;
  }
  show(query, answer);
}

function show(query, { rows, status, elapsed_ms }) {
  if (shown?.query !== query) freshness.clear();
  const turned = rows.filter(
    (row) => freshness.has(row.mal_id) && freshness.get(row.mal_id) !== row.freshness,
  );
  fillTable(results, rows, (row) => row.mal_id, COLUMNS);
  for (const row of rows) freshness.set(row.mal_id, row.freshness);
  shown = {
    query,
    key: status.query_key,
    isOpen: status.state === "pending" || rows.some((row) => row.freshness !== "fresh"),
  };
  $("hints").hidden = true;
  const found = rows.length === 1 ? "1 title" : `${rows.length} titles`;
  const news = turned.length
    ? ` · ${turned.map((row) => `${row.title} is now ${FRESHNESS[row.freshness]}`).join(", ")}`
    : "";
  setText($("said"), [found, upstream(status)].filter(Boolean).join(" · ") + news);
  $("said").className = status.state;
  setText($("took"), `${elapsed_ms} ms`);
}

function upstream({ state, found_count }) {
  switch (state) {
    case "local": return "known here";
    case "pending": return "asking upstream…";
    case "fetched": return `upstream was asked and knows ${count(found_count)}`;
    case "unavailable": return "no upstream answers; the question waits in the queue";
    default: return "not asked upstream";
  }
}

function clear() {
  timers.forEach(clearTimeout);
  running?.abort();
  running = shown = null;
  freshness.clear();
  fillTable(results, [], null, COLUMNS);
  setText($("said"), "");
  setText($("took"), "");
  $("hints").hidden = false;
  remember("");
}

function remember(query) {
  const address = query ? `/?${new URLSearchParams({ q: query })}` : "/";
  history.replaceState(null, "", address);
}

function typed() {
  timers.forEach(clearTimeout);
  const query = input.value.trim();
  if (!query) return clear();
  timers = [
    setTimeout(() => search(query, false), READ_AFTER),
    setTimeout(() => {
      remember(query);
      search(query, true);
    }, ASK_AFTER),
  ];
}

function now() {
  timers.forEach(clearTimeout);
  const query = input.value.trim();
  if (!query) return clear();
  remember(query);
  search(query, true);
}

/** Something changed in the database: look again, if what is shown may have. */
export function stateChanged() {
  if (shown?.isOpen && !running) search(shown.query, false);
}

/** Upstreams answered these queries. */
export function answersCame() {
  if (shown) search(shown.query, false);
}

/** Keys: `/` to the box, arrows through the rows, Escape back and empty. */
function walk(event) {
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && !(event.target instanceof HTMLInputElement)) {
    event.preventDefault();
    input.focus();
    input.select();
    return;
  }
  const links = [...results.querySelectorAll("tbody a")];
  const at = links.indexOf(document.activeElement);
  if (at < 0 && event.target !== input) return;
  if (event.key === "Escape") {
    if (at >= 0) input.focus();
    else {
      input.value = "";
      clear();
    }
  } else if (event.key === "ArrowDown" && links.length) {
    event.preventDefault();
    links[Math.min(at + 1, links.length - 1)].focus();
  } else if (event.key === "ArrowUp" && at >= 0) {
    event.preventDefault();
    (links[at - 1] ?? input).focus();
  }
}

export function begin() {
  input.addEventListener("input", typed);
  $("search").addEventListener("submit", (event) => {
    event.preventDefault();
    now();
  });
  document.addEventListener("keydown", walk);
  EXAMPLES.forEach((example) => {
    const button = element("button", { type: "button", className: "example" }, example);
    button.addEventListener("click", () => {
      input.value = example;
      input.focus();
      now();
    });
    $("examples").append(button, " ");
  });
  input.value = new URLSearchParams(location.search).get("q") ?? "";
  if (input.value) now();
}
