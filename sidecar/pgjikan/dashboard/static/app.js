// The page: the stream from the database, and the colours.

import { redraw, watchSize } from "./charts.js";
import { $, setText } from "./dom.js";
import * as panels from "./panels.js";
import * as search from "./search.js";

const THEMES = { auto: "◐ auto", light: "○ light", dark: "● dark" };

const RETRY = 3000;
let stream = null;

function setTheme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  localStorage.setItem("pgjikan-theme", name);
  setText($("theme-name"), THEMES[name]);
  redraw();
}

function beginTheme() {
  setTheme(document.documentElement.dataset.theme ?? "auto");
  $("theme").addEventListener("click", () => {
    const names = Object.keys(THEMES);
    const at = names.indexOf(document.documentElement.dataset.theme ?? "auto");
    setTheme(names[(at + 1) % names.length]);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

function say(text, className) {
  setText($("link"), text);
  $("link").className = className;
}

/** Open the stream, while somebody looks: a browser keeps only six connections to a host. */
function connect() {
  stream?.close();
  if (document.hidden) return say("paused", "");
  stream = new EventSource("/api/events");
  stream.addEventListener("open", () => say("live", "live"));
  stream.addEventListener("error", () => {
    say("reconnecting", "lost");
    // The browser tries again by itself, unless what it met was an answer and not a stream.
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, RETRY);
  });
  stream.addEventListener("state", (event) => {
    const parts = JSON.parse(event.data);
    if ("fault" in parts) {
      $("fault").hidden = !parts.fault;
      setText($("fault"), parts.fault ? `The database does not answer: ${parts.fault}` : "");
    }
    panels.show(parts);
    search.stateChanged();
  });
  stream.addEventListener("search", () => search.answersCame());
}

beginTheme();
watchSize();
panels.begin();
search.begin();
document.addEventListener("visibilitychange", connect);
connect();
