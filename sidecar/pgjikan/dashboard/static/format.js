// How figures and times are written.

import { element, setText } from "./dom.js";

const whole = new Intl.NumberFormat("en");
let behind = 0; // of this browser's clock, in milliseconds

/** The database's clock rules: what it says is now. */
export function setNow(instant) {
  behind = Date.parse(instant) - Date.now();
}

export const count = (value) => (value ? whole.format(value) : "0");
export const quiet = (value) => (value ? whole.format(value) : "·");
export const percent = (share) =>
  share === null || share === undefined
    ? "–"
    : `${(Math.floor(share * 1000) / 10).toFixed(share >= 1 || share === 0 ? 0 : 1)}%`;

/** Seconds as one figure and a unit. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds === 0) return "0 s";
  if (seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${whole.format(Math.round(seconds / 86400))} d`;
}

function relative(instant) {
  const seconds = (Date.now() + behind - Date.parse(instant)) / 1000;
  if (Math.abs(seconds) < 2) return "now";
  const whole = Math.floor(Math.abs(seconds));
  const size = whole < 10 ? `${whole} s` : duration(whole);
  return seconds > 0 ? `${size} ago` : `in ${size}`;
}

/** Show how long ago or ahead a moment is; it ticks. */
export function fillTime(cell, instant, otherwise = "–") {
  let shown = cell.querySelector(":scope > time");
  if (!instant) {
    if (shown || !cell.textContent) cell.textContent = otherwise;
    return;
  }
  if (!shown) {
    shown = element("time");
    cell.replaceChildren(shown);
  }
  if (shown.dateTime !== instant) {
    shown.dateTime = instant;
    shown.title = new Date(instant).toLocaleString();
  }
  setText(shown, relative(instant));
}

setInterval(() => {
  if (document.hidden) return;
  for (const shown of document.querySelectorAll("time[datetime]")) {
    setText(shown, relative(shown.dateTime));
  }
}, 1000);
