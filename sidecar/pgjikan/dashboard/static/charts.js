// The two drawings of time: the queue's small multiples and the requests by hour.

import { element } from "./dom.js";

const charts = new Map(); // what is drawn, by the element it is drawn in

/** A colour of the style sheet as the canvas needs it. */
function colour(name) {
  const probe = element("i", { hidden: true });
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

const faint = (value, alpha) => value.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);

function draw(box, kind, options, data) {
  const known = charts.get(box);
  if (known?.kind === kind && known.chart) {
    known.data = data;
    known.chart.setData(data);
    return;
  }
  known?.chart.destroy();
  const width = Math.max(60, Math.floor(box.clientWidth));
  charts.set(box, { kind, options, data, chart: new uPlot({ width, ...options() }, data, box) });
}

/** Draw all again: the colours changed. */
export function redraw() {
  for (const [box, known] of charts) {
    known.chart.destroy();
    const width = Math.max(60, Math.floor(box.clientWidth));
    known.chart = new uPlot({ width, ...known.options() }, known.data, box);
  }
}

export function watchSize() {
  new ResizeObserver(() => {
    for (const [box, known] of charts) {
      const width = Math.max(60, Math.floor(box.clientWidth));
      if (width !== known.chart.width) known.chart.setSize({ width, height: known.chart.height });
    }
  }).observe(document.body);
}

/** How many tasks there were in each step. */
export function sparkline(box, { from_at, to_at, counts, priority }) {
  const [from, to] = [Date.parse(from_at) / 1000, Date.parse(to_at) / 1000];
  const step = (to - from) / Math.max(1, counts.length - 1);
  const options = () => {
    const line = colour(priority === "high" ? "accent" : "soft");
    return {
      height: 34,
      padding: [3, 0, 1, 0],
      legend: { show: false },
      cursor: { show: false },
      axes: [{ show: false }, { show: false }],
      scales: { y: { range: (_chart, _low, high) => [0, Math.max(1, high)] } },
      series: [
        {},
        { stroke: line, fill: faint(line, 0.14), width: 1.25, points: { show: false },
          paths: uPlot.paths.stepped({ align: -1 }) },
      ],
    };
  };
  draw(box, "sparkline", options, [counts.map((_, index) => from + index * step), counts]);
  box.setAttribute("aria-label", `at most ${Math.max(...counts)} at once, now ${counts.at(-1)}`);
}

const clock = (moment) =>
  new Date(moment * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

/** Requests by hour, the outcomes one on the other, the good ones at the bottom. */
export function hourBars(box, now, rows, outcomes) {
  const last = Math.floor(now / 3600000) * 3600;
  const hours = Array.from({ length: 24 }, (_, index) => last - (23 - index) * 3600);
  const heights = new Array(24).fill(0);
  const stacks = outcomes.map(([outcome]) => {
    for (const row of rows.filter((each) => each.outcome === outcome)) {
      const index = hours.indexOf(Date.parse(row.hour) / 1000);
      if (index >= 0) heights[index] += row.request_count;
    }
    return [...heights];
  });
  const options = () => ({
    height: 110,
    padding: [6, 14, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: [hours[0] - 1800, last + 1800] },
      y: { range: (_chart, _low, high) => [0, Math.max(4, high * 1.05)] },
    },
    axes: [
      { stroke: colour("muted"), font: "11px Inter, system-ui, sans-serif", size: 22, gap: 4, grid: { show: false },
        ticks: { show: false }, space: 48, values: (_chart, moments) => moments.map(clock) },
      { stroke: colour("muted"), font: "11px Inter, system-ui, sans-serif", size: 40, gap: 4, space: 28,
        grid: { stroke: colour("rule"), width: 1 }, ticks: { show: false },
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] },
    ],
    series: [
      {},
      // The tallest stack is drawn first, the others over it.
      ...[...outcomes].reverse().map(([, name]) => ({
        fill: colour(name), width: 0, points: { show: false },
        paths: uPlot.paths.bars({ size: [0.72, 40], align: 0 }),
      })),
    ],
  });
  draw(box, `hours ${last} ${outcomes.join()}`, options, [hours, ...stacks.reverse()]);
  const total = rows.reduce((sum, row) => sum + row.request_count, 0);
  box.setAttribute("aria-label", `Requests by hour: ${total} in 24 hours, ${heights.at(-1)} in this one`);
}
