// All calls: filters that live in the address, and rows that never move under the pointer.

import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../api.js";
import { count, dayName, plural } from "../format.js";
import { useKeys, useNow, useStream, useTitle } from "../hooks.js";
import { moveFocus } from "../keys.js";
import { Empty, Loading, Problem } from "../parts/feedback.jsx";
import { go, href } from "../route.js";
import { CallRow } from "./call_row.jsx";
import { Filters, asked, filterCount } from "./filters.jsx";

export function Calls({ query }) {
  useTitle("Calls");
  const list = useCalls(asked(query));
  const now = useNow();
  useKeys({
    j: (event) => moveFocus(".call-link", 1, event),
    k: (event) => moveFocus(".call-link", -1, event),
    "/": (event) => {
      event.preventDefault();
      document.getElementById("said").focus();
    },
    n: () => list.fresh && list.restart(),
  });
  return (
    <>
      <header class="page-head">
        <div>
          <h1>Calls</h1>
          <p class="lead" role="status">{list.first ? `${list.more ? "more than " : ""}${count(list.total)} ${list.total === 1 ? "call" : "calls"}${filterCount(query) ? " fit" : ""}` : "\u00a0"}</p>
        </div>
      </header>
      <Filters query={query} />
      <Building index={list.index} />
      {list.error && <Problem error={list.error} retry={list.first ? list.next : list.restart} />}
      {!list.first && !list.error && <Loading rows={10} label="Loading calls" />}
      {list.first && list.rows.length === 0 && <None query={query} index={list.index} />}
      {list.fresh > 0 && <Fresh list={list} filtered={filterCount(query) > 0} />}
      {list.rows.length > 0 && <Table list={list} now={now} />}
    </>
  );
}

/** The pages that were read so far; newer calls are counted, and only shown when that is asked for. */
function useCalls(params) {
  const key = JSON.stringify(params);
  const [state, setState] = useState(START);
  const run = useRef({ key: null, cursor: null, stop: null });
  const read = async (cursor) => {
    run.current.stop?.abort();
    const stop = new AbortController();
    run.current.stop = stop;
    run.current.reading = true;
    try {
      const page = await get("calls", { ...params, cursor }, stop.signal);
      run.current.cursor = page.next;
      setState((old) => joined(cursor ? old : START, page));
    } catch (error) {
      if (error.name !== "AbortError") setState((old) => ({ ...old, error }));
    } finally {
      if (run.current.stop === stop) run.current.reading = false;
    }
  };
  useEffect(() => {
    setState((old) => ({ ...old, error: null }));
    read(null);
    return () => run.current.stop?.abort();
  }, [key]);
  useStream((batch) => setState((old) => batch.reduce(received, old)));
  return {
    ...state,
    next: () => run.current.cursor && !run.current.reading && read(run.current.cursor),
    restart: () => {
      scrollTo(0, 0);
      read(null);
    },
  };
}

const START = { rows: [], total: 0, more: false, next: null, first: false, fresh: 0, unsure: false, error: null, index: null };

function joined(old, page) {
  const known = new Set(old.rows.map((row) => row.id));
  return {
    ...old,
    rows: [...old.rows, ...page.data.filter((row) => !known.has(row.id))],
    total: page.total, more: page.more_than, last: page.next === null, first: true, error: null, index: page.index,
  };
}

/** A row that is shown is renewed in its place; one that is not is counted. */
function received(state, { name, data }) {
  if (name === "call_indexed") {
    const at = state.rows.findIndex((row) => row.id === data.row.id);
    if (at < 0) return { ...state, fresh: state.fresh + 1 };
    const rows = [...state.rows];
    rows[at] = { ...data.row, found: rows[at].found };
    return { ...state, rows };
  }
  if (name === "calls_deleted") {
    const gone = new Set(data.call_ids);
    return { ...state, rows: state.rows.map((row) => (gone.has(row.id) ? { ...row, gone: true } : row)) };
  }
  if (name === "reset") return { ...state, fresh: state.fresh + 1, unsure: true };
  return state;
}

function Fresh({ list, filtered }) {
  return (
    <div class="fresh">
      <button type="button" class="pill" onClick={list.restart} aria-keyshortcuts="n">
        {list.unsure ? "Calls may have come in" : filtered ? "New calls have come in" : plural(list.fresh, "new call")} · show
      </button>
    </div>
  );
}

function Building({ index }) {
  if (!index || index.state !== "building") return null;
  return (
    <p class="notice" role="status">
      <span>Records of before are still being read: {count(index.indexed)} of {count(index.found)}.</span>
      <progress max={index.found || 1} value={index.indexed} aria-label="Records read" />
    </p>
  );
}

const COLUMNS = ["When", "Number", "Agent", "Outcome", "Length", "Turns", "Latency p95", "Cost"];

function Table({ list, now }) {
  const slowest = Math.max(1_500, ...list.rows.map((row) => row.gap_p95_ms ?? 0));
  let day = "";
  return (
    <>
      <table class="calls" role="table" aria-label="Calls, the newest first">
        <thead role="rowgroup">
          <tr role="row">{COLUMNS.map((name) => <th key={name} role="columnheader" scope="col">{name}</th>)}</tr>
        </thead>
        <tbody role="rowgroup">
          {list.rows.flatMap((row) => {
            const name = dayName(row.started_at, now);
            const made = [<CallRow key={row.id} row={row} now={now} slowest={slowest} />];
            if (name !== day) made.unshift(<tr key={name} role="row" class="day"><th role="rowheader" scope="rowgroup" colSpan={COLUMNS.length}>{name}</th></tr>);
            day = name;
            return made;
          })}
        </tbody>
      </table>
      <More list={list} />
    </>
  );
}

/** The next page is read before the reader arrives at the end; the button is for who has no scroll. */
function More({ list }) {
  const ref = useRef(null);
  const newest = useRef(list);
  newest.current = list;
  useEffect(() => {
    if (list.last) return undefined;
    const look = new IntersectionObserver(([entry]) => entry.isIntersecting && newest.current.next(), { rootMargin: "600px" });
    look.observe(ref.current);
    return () => look.disconnect();
  }, [list.last, list.rows.length]);
  if (list.last) return <p class="end">That is all of them.</p>;
  return <p class="end" ref={ref}><button type="button" onClick={list.next}>Show 50 more</button></p>;
}

function None({ query, index }) {
  if (filterCount(query)) {
    return (
      <Empty title="No call fits" icon="search">
        <p>Take a filter away, or look at a longer time.</p>
        <p><button type="button" onClick={() => go("calls")}>Clear all filters</button></p>
      </Empty>
    );
  }
  if (index?.state === "off") {
    return (
      <Empty title="Calls are not recorded">
        <p>This server writes no call log, so that only live calls can be shown. To keep one:</p>
        <p><code class="command">PATTER_LOG_DIR=./log patter serve bistro:agent</code></p>
      </Empty>
    );
  }
  return (
    <Empty title="No calls yet">
      <p>A call is listed here as soon as it is over. The first one can be made on this machine:</p>
      <p><code class="command">patter phone --offline</code></p>
      <p><a href={href("live")}>Watch for live calls</a></p>
    </Empty>
  );
}
