// The server's events, in batches; resumed by the browser with the id of the last one.

import { address } from "./api.js";
import { atRepaint } from "./repaint.js";

const KINDS = [
  "call_initiated", "call_start", "call_status", "speaking", "interim", "transcript_line", "tool",
  "turn_complete", "problem", "call_end", "call_indexed", "calls_deleted", "reset", "server",
];
const RETRY_MS = 2_000;
const SILENT_MS = 12_000;

const readers = new Set();
const watchers = new Set();
let source = null;
let queue = [];
let state = { name: "connecting", since: Date.now() };
let heardAt = 0;
let lastId = 0;
let pings = false;
let retry = null;

/** Call *reader* with each batch: `[{name, id, data}]`. Gives what ends that. */
export function readStream(reader) {
  readers.add(reader);
  return () => readers.delete(reader);
}

/** Call *watcher* with `{name: connecting | live | lost, since}` now and when it changes. */
export function watchStream(watcher) {
  watchers.add(watcher);
  watcher(state);
  return () => watchers.delete(watcher);
}

export function openStream() {
  closeStream();
  connect();
}

export function closeStream() {
  clearTimeout(retry);
  source?.close();
  source = null;
  queue = [];
}

function connect() {
  clearTimeout(retry);
  source?.close();
  const mine = new EventSource(address("events"));
  source = mine;
  heardAt = Date.now();
  mine.onopen = () => {
    // The browser asks for what was missed by the last id; before the first there is none to ask by.
    if (state.name === "lost" && lastId === 0) missed();
    alive(mine);
  };
  mine.onerror = () => {
    if (source !== mine) return;
    become("lost");
    // Refused instead of cut off: the browser gives up, and forgets the last id.
    if (mine.readyState === EventSource.CLOSED) again();
  };
  mine.addEventListener("ping", () => {
    pings = true;
    alive(mine);
  });
  for (const name of KINDS) {
    mine.addEventListener(name, (event) => {
      alive(mine);
      lastId = Number(event.lastEventId) || lastId;
      queue.push({ name, id: Number(event.lastEventId) || 0, data: JSON.parse(event.data) });
      atRepaint(deliver);
    });
  }
}

function alive(which) {
  if (source !== which) return;
  heardAt = Date.now();
  become("live");
}

/** Connect anew, and have everything read again that may have been missed. */
function again() {
  clearTimeout(retry);
  retry = setTimeout(() => {
    connect();
    missed();
  }, RETRY_MS);
}

/** Tell the pages that events may be missing. */
function missed() {
  queue.push({ name: "reset", id: 0, data: {} });
  atRepaint(deliver);
}

function become(name) {
  if (state.name === name) return;
  state = { name, since: Date.now() };
  for (const watcher of watchers) watcher(state);
}

function deliver() {
  const batch = queue;
  queue = [];
  if (batch.length) for (const reader of readers) reader(batch);
}

// A browser keeps the page that was left, to come back to, and the connection that it has: six of
// them, and no request to this server is answered any more.
addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted || !source) return;
  connect();
  missed();
});

// A connection that hangs is never closed: without the server's pings it counts as lost.
setInterval(() => {
  if (!source || !pings || Date.now() - heardAt < SILENT_MS) return;
  become("lost");
  source.close();
  again();
  heardAt = Date.now();
}, 1_000);
