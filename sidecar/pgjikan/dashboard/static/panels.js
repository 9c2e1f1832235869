// What the database says of itself, part by part as the stream brings it.

import { hourBars, sparkline } from "./charts.js";
import { $, element, fillBar, fillTable, setText, text } from "./dom.js";
import { count, duration, fillTime, percent, quiet, setNow } from "./format.js";

// Good at the bottom of the stack; the colour of each is a name of the style sheet.
const OUTCOMES = [
  ["ok", "fresh"],
  ["not_found", "soft"],
  ["rate_limited", "stale"],
  ["rejected", "pending"],
  ["upstream_error", "bad"],
  ["transport_error", "worse"],
  ["invalid", "worst"],
];
const state = {};

function badge(of, classOf) {
  return {
    fill(cell, row) {
      if (!cell.firstChild) cell.append(element("span"));
      cell.firstChild.className = `state ${classOf(row)}`;
      setText(cell.firstChild, of(row));
    },
  };
}

/** What holds without a server key and, where the provider takes one, with it. */
const bothWays = (show, without, keyed) =>
  keyed == null ? show(without) : `${show(without)}, key ${show(keyed)}`;

const time = (of, otherwise) => ({ fill: (cell, row) => fillTime(cell, of(row), otherwise) });

/** Two lines of what may be long; all of it under the pointer. */
const message = (of) => ({
  className: "message",
  fill(cell, row) {
    if (!cell.firstChild) cell.append(element("div"));
    setText(cell.firstChild, of(row));
    cell.title = of(row);
  },
});

function figures(health) {
  const share = health.anime_count ? health.fresh_count / health.anime_count : null;
  const said = {
    titles: [count(health.anime_count)],
    fresh: [percent(share)],
    recommendable: [percent(health.embedding_coverage)],
    "in the queue": [count(health.queue_depth)],
    "longest user wait": [health.oldest_high_wait ? duration(health.oldest_high_wait) : "none"],
    upstream: health.upstream_available ? ["available"] : ["not available", "bad"],
    embeddings: health.embedding_available ? ["available"] : ["not available", "bad"],
    sidecars: health.sidecar_count ? [count(health.sidecar_count)] : ["none", "bad"],
    "dead letters": [count(health.dead_letter_count), health.dead_letter_count ? "stale" : ""],
  };
  const list = $("figures");
  if (!list.firstChild) {
    for (const name of Object.keys(said)) {
      list.append(element("div", {}, element("dt", {}, name), element("dd")));
    }
  }
  Object.values(said).forEach(([value, className = ""], index) => {
    const shown = list.children[index].lastChild;
    setText(shown, value);
    shown.className = className;
  });
}

const PANELS = {
  health([health]) {
    if (!health) return;
    setNow(health.checked_at);
    setText($("health-state"), health.state);
    $("health-state").className = `badge ${health.state}`;
    setText($("health-reasons"), health.reasons.join(" · "));
    figures(health);
  },

  facets(rows) {
    fillTable($("facets"), rows, (row) => row.facet, [
      text((row) => row.facet, "", true),
      {
        className: "wide",
        fill: (cell, row) =>
          fillBar(
            cell,
            [["fresh", row.fresh_count], ["stale", row.stale_count], ["never", row.never_count]],
            `${row.fresh_count} fresh, ${row.stale_count} stale, ${row.never_count} never fetched`,
          ),
      },
      text((row) => quiet(row.fresh_count), "number"),
      text((row) => quiet(row.stale_count), "number"),
      text((row) => quiet(row.never_count), "number"),
      text((row) => duration(row.oldest_age), "number"),
    ]);
  },

  queue() {
    if (!state.depth) return;
    const sum = (tasks, name) => tasks.reduce((total, task) => total + task[name], 0);
    const lines = state.depth.map((depth) => {
      const tasks = state.queue.filter(
        (task) => task.lane === depth.lane && task.priority === depth.priority,
      );
      return { depth, tasks };
    });
    const figure = (name) => text(({ tasks }) => quiet(sum(tasks, name)), "number");
    fillTable($("queue"), lines, ({ depth }) => `${depth.lane} ${depth.priority}`, [
      {
        header: true,
        fill(cell, { depth, tasks }) {
          setText(cell, `${depth.lane}, ${depth.priority}`);
          cell.title = tasks.map((task) => `${task.task}: ${count(task.ready_count + task.held_count + task.retrying_count + task.leased_count)}`).join(", ");
        },
      },
      {
        className: "wide",
        fill(cell, { depth }) {
          if (!cell.firstChild) cell.append(element("div", { className: "spark", role: "img" }));
          if (cell.firstChild.told !== depth) {
            cell.firstChild.told = depth;
            queueMicrotask(() => sparkline(cell.firstChild, depth));
          }
        },
      },
      text(({ depth }) => quiet(Math.max(...depth.counts)), "number peak"),
      figure("ready_count"),
      figure("held_count"),
      figure("retrying_count"),
      figure("leased_count"),
      text(({ tasks }) => {
        const waits = tasks.map((task) => task.oldest_wait).filter((wait) => wait !== null);
        return waits.length ? duration(Math.max(...waits)) : "·";
      }, "number"),
    ]);
  },

  providers(rows) {
    fillTable($("providers"), rows, (row) => row.name, [
      {
        header: true,
        fill(cell, row, line) {
          setText(cell, row.enabled ? row.name : `${row.name} (off)`);
          cell.title = row.base_url;
          line.classList.toggle("muted", !row.enabled);
        },
      },
      {
        fill(cell, row) {
          if (!cell.firstChild) cell.append(element("span"), element("span", { className: "age" }));
          const [breaker, probe] = cell.children;
          breaker.className = `state ${{ closed: "fresh", open: "bad" }[row.breaker] ?? "stale"}`;
          setText(breaker, row.breaker.replace("_", " "));
          if (row.breaker === "closed") setText(probe, "");
          else fillTime(probe, row.probe_at, "");
          cell.title = row.last_failure ? `last failure: ${row.last_failure}` : "never failed";
        },
      },
      text((row) => bothWays(percent, row.pace, row.keyed_pace), "number"),
      text((row) => bothWays(duration, row.wait, row.keyed_wait), "number"),
      text((row) => quiet(row.request_count), "number"),
      text((row) => quiet(row.failure_count), "number"),
      text((row) => quiet(row.rate_limited_count), "number"),
    ]);
  },

  requests(rows) {
    const now = state.health?.[0] ? Date.parse(state.health[0].checked_at) : Date.now();
    hourBars($("requests"), now, rows, OUTCOMES);
    const legend = OUTCOMES.map(([outcome, name]) => {
      const of = rows.filter((row) => row.outcome === outcome);
      const total = of.reduce((sum, row) => sum + row.request_count, 0);
      if (!total) return null;
      const mean = of.reduce((sum, row) => sum + row.request_count * row.mean_elapsed, 0) / total;
      const said = `${outcome.replace("_", " ")} ${count(total)}`;
      return element("span", { className: `swatch ${name}`, title: `${duration(mean)} each` }, said);
    });
    $("outcomes").replaceChildren(...legend.filter(Boolean));
    if (!$("outcomes").firstChild) setText($("outcomes"), "no request yet");
  },

  models(rows) {
    fillTable($("models"), rows, (row) => `${row.provider} ${row.model}`, [
      {
        header: true,
        fill(cell, row) {
          if (!cell.firstChild) cell.append(element("span"), element("span", { className: "also" }));
          setText(cell.firstChild, row.model);
          setText(cell.lastChild, `${row.provider}, ${row.dimensions} dimensions, ${row.status}`);
        },
      },
      {
        className: "wide",
        fill: (cell, row) =>
          fillBar(
            cell,
            [
              ["fresh", row.current_count],
              ["stale", row.outdated_count],
              ["never", row.missing_count - row.outdated_count],
            ],
            `${row.current_count} of ${row.title_count} titles have a current vector`,
          ),
      },
      text((row) => quiet(row.current_count), "number"),
      text((row) => quiet(row.outdated_count), "number"),
      text((row) => percent(row.coverage), "number"),
    ]);
  },

  embedders(rows) {
    const said = rows.map((row) =>
      row.is_blocked
        ? `${row.name} is blocked: ${row.blocked_reason}`
        : `${row.name}: ${duration(row.time_per_text)} a text` +
          (row.wait ? `, next in ${duration(row.wait)}` : ""),
    );
    setText($("embedders"), said.join(" · "));
    $("embedders").classList.toggle("bad", rows.some((row) => row.is_blocked));
  },

  jobs(rows) {
    fillTable($("jobs"), rows, (row) => row.name, [
      {
        header: true,
        fill(cell, row, line) {
          setText(cell, row.name.replaceAll("_", " "));
          cell.title = row.description;
          line.classList.toggle("muted", !row.enabled);
        },
      },
      time((row) => row.last_run_at, "never"),
      text((row) => (row.last_duration === null ? "–" : duration(row.last_duration)), "number"),
      {
        fill(cell, row) {
          const outcome = row.enabled ? (row.last_outcome ?? "waits") : "disabled";
          if (!cell.firstChild) cell.append(element("span"));
          cell.firstChild.className = `state ${{ ok: "fresh", failed: "bad" }[outcome] ?? "none"}`;
          setText(cell.firstChild, outcome);
          cell.title = row.last_error ?? "";
        },
      },
      time((row) => row.next_due_at, "–"),
    ]);
  },

  errors(rows) {
    $("errors-none").hidden = rows.length > 0;
    const key = (row) => `${row.at} ${row.source} ${row.subject}`;
    fillTable($("errors"), rows, key, [
      time((row) => row.at),
      text((row) => `${row.source} ${row.subject}`),
      badge((row) => row.class, (row) => (row.source === "job" ? "bad" : "stale")),
      message((row) => row.message ?? ""),
    ]);
  },

  dead(rows) {
    const known = state.health?.[0]?.dead_letter_count ?? rows.length;
    $("redrive-all").hidden = rows.length === 0;
    setText(
      $("dead-said"),
      rows.length === 0
        ? "none: no task was given up"
        : rows.length < known
          ? `the latest ${rows.length} of ${count(known)}`
          : rows.length === 1 ? "1 task was given up" : `${rows.length} tasks were given up`,
    );
    fillTable($("dead"), rows, (row) => row.id, [
      text((row) => [row.task, row.mal_id ?? row.query_key].filter((part) => part !== null).join(" "), "", true),
      time((row) => row.died_at),
      text((row) => String(row.attempts), "number"),
      message((row) => `${row.reason}: ${row.message}`),
      {
        className: "action",
        fill(cell, row) {
          if (cell.firstChild) return;
          const button = element("button", { type: "button" }, "Redrive");
          button.setAttribute("aria-label", `Redrive task ${row.task} ${row.mal_id ?? row.query_key ?? ""}`);
          button.addEventListener("click", () => redrive([row.id], button));
          cell.append(button);
        },
      },
    ]);
  },
};

async function redrive(ids, button) {
  button.disabled = true;
  const heading = $("dead-title");
  try {
    const response = await fetch("/api/redrive", {
      method: "POST",
      headers: { "X-Pgjikan": "1", "Content-Type": "application/json" },
      body: JSON.stringify({ ids }),
    });
    const answer = await response.json();
    setText($("dead-said"), answer.error ?? `${answer.count} back in the queue`);
  } catch {
    setText($("dead-said"), "the dashboard does not answer");
  } finally {
    button.disabled = false;
    // The row goes away under the finger: keep the keyboard's place.
    heading.tabIndex = -1;
    heading.focus();
  }
}

/** Show the parts that changed. */
export function show(parts) {
  Object.assign(state, parts);
  if ("health" in parts) PANELS.health(parts.health);
  for (const [name, rows] of Object.entries(parts)) {
    if (name !== "health" && name !== "depth") PANELS[name]?.(rows);
  }
  if ("depth" in parts && state.queue) PANELS.queue();
}

export function begin() {
  $("redrive-all").addEventListener("click", (event) => redrive(null, event.currentTarget));
}
