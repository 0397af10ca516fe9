// What several pages need of the library: loading, the time, keys, the stream.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { get } from "./api.js";
import { addKeys } from "./keys.js";
import { everySecond } from "./repaint.js";
import { readStream, watchStream } from "./stream.js";

const SOON_MS = 500;

/**
 * What `GET path` answers: `{data, error, loading, reload}`. Earlier data stays while newer is
 * loaded; *path* null asks nothing.
 */
export function useGet(path, params = {}) {
  const [state, setState] = useState({ data: null, error: null, loading: true, of: null });
  const key = JSON.stringify([path, params]);
  const [again, setAgain] = useState(0);
  const reload = useCallback(() => setAgain((number) => number + 1), []);
  useEffect(() => {
    if (path === null) return undefined;
    const stop = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    get(path, params, stop.signal).then(
      (data) => setState({ data, error: null, loading: false, of: path }),
      (error) => {
        if (error.name === "AbortError") return;
        setState((before) => ({ data: before.of === path ? before.data : null, error, loading: false, of: path }));
      },
    );
    return () => stop.abort();
  }, [key, again]);
  const mine = state.of === path || state.of === null;
  return { ...state, data: mine ? state.data : null, reload };
}

/** The time in milliseconds since 1970, renewed every second while *running*. */
export function useNow(running = true) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => (running ? everySecond(() => setNow(Date.now())) : undefined), [running]);
  return now;
}

/** Call the newest *reader* with every batch of the server's events. */
export function useStream(reader) {
  const newest = useRef(reader);
  newest.current = reader;
  useEffect(() => readStream((batch) => newest.current(batch)), []);
}

export function useStreamState() {
  const [state, setState] = useState({ name: "connecting", since: Date.now() });
  useEffect(() => watchStream(setState), []);
  return state;
}

/** Load again whatever may have changed while the server was away. */
export function useReturn(task) {
  const state = useStreamState();
  const lost = useRef(false);
  useEffect(() => {
    if (state.name === "lost") lost.current = true;
    if (state.name === "live" && lost.current) {
      lost.current = false;
      task();
    }
  }, [state.name]);
}

/** Shortcuts of a page, `{key: task}`, while it is shown. */
export function useKeys(keys) {
  const newest = useRef(keys);
  newest.current = keys;
  // Before the page is painted: who sees it may press a key at once.
  useLayoutEffect(() => addKeys((key, event) => newest.current[key]?.(event)), []);
}

/** False in the first picture of a page, true once the browser has nothing more urgent to draw. */
export function useSoon() {
  const [soon, setSoon] = useState(false);
  useEffect(() => {
    const begin = () => setSoon(true);
    // Safari has no idle callbacks.
    if (!window.requestIdleCallback) {
      const timer = setTimeout(begin, SOON_MS);
      return () => clearTimeout(timer);
    }
    const waiting = requestIdleCallback(begin, { timeout: 2 * SOON_MS });
    return () => cancelIdleCallback(waiting);
  }, []);
  return soon;
}

/** The width of an element in CSS pixels, and the ref that it needs. */
export function useWidth(initial = 0) {
  const ref = useRef(null);
  const [width, setWidth] = useState(initial);
  useEffect(() => {
    const look = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)));
    look.observe(ref.current);
    return () => look.disconnect();
  }, []);
  return [ref, width];
}

export function useTitle(title) {
  useEffect(() => {
    document.title = `${title} \u00b7 Patter`;
  }, [title]);
}
