// One call: its picture, audio and transcript in step, and beside them where time and money went.

import { useEffect, useMemo, useState } from "preact/hooks";
import { address, callPath, get, post, removeCall } from "../api.js";
import { ago, count, duration, fullTime, ms, timeExact } from "../format.js";
import { useGet, useKeys, useNow, useStream, useTitle } from "../hooks.js";
import { shortId } from "../names.js";
import { Dialog, Menu } from "../parts/dialog.jsx";
import { Empty, Loading, Problem } from "../parts/feedback.jsx";
import { Copy } from "../parts/fix.jsx";
import { Direction, Figure, Money, Outcome } from "../parts/figures.jsx";
import { Icon } from "../parts/icons.jsx";
import { say, sayError } from "../parts/toast.jsx";
import { DRAWN } from "../picture/lanes.js";
import { Picture } from "../picture/picture.jsx";
import { Player } from "../picture/player.js";
import { go, href } from "../route.js";
import { Cost, Problems, Waterfall } from "./call_parts.jsx";
import { Details } from "./call_details.jsx";
import { Transport } from "./transport.jsx";
import { Transcript, nearRow } from "./transcript.jsx";

export function Call({ id, query, session }) {
  useTitle(`Call ${shortId(id)}`);
  const { data, error, reload } = useGet(callPath(id));
  useStream((batch) => {
    if (batch.some(({ name, data: each }) => name === "call_indexed" && each.call_id === id)) reload();
  });
  if (error && !data) return <Missing id={id} error={error} retry={reload} />;
  if (!data) return <Loading rows={9} label="Loading the call" />;
  if (data.call.erased) return <Erased call={data.call} />;
  return <Shown key={id} call={data} query={query} session={session} />;
}

function Shown({ call, query, session }) {
  const row = call.call;
  const player = useMemo(
    () => new Player(call.length_ms, call.audio && !row.live ? address(callPath(row.id, "/audio")) : null),
    [row.id, row.live],
  );
  useEffect(() => {
    const moment = momentOf(query, call);
    if (moment !== null) player.seek(moment);
    return () => player.close();
  }, [player]);
  useKeys({
    " ": (event) => {
      // A button is pressed by it, but for the sentences, which Enter goes to.
      if (event.target.closest("button:not(.said-button), a, summary")) return;
      event.preventDefault();
      player.toggle();
    },
    j: (event) => nearRow(call.transcript, player, 1, event),
    k: (event) => nearRow(call.transcript, player, -1, event),
    ",": () => player.seek(player.at - 5_000),
    ".": () => player.seek(player.at + 5_000),
    Escape: () => history.length > 1 && history.back(),
  });
  return (
    <>
      <Head call={call} session={session} />
      {row.live && <p class="notice" role="status"><Icon name="live" /><span>This call is still going on. <a href={href("live", { call: row.id })}>Follow it live</a></span></p>}
      <Figures call={call} />
      <Problems errors={call.errors} player={player} />
      <section class="card picture-card" aria-label="Picture of the call">
        <Transport player={player} call={call} />
        <Drawn call={call} player={player} />
      </section>
      <div class="columns">
        <Transcript call={call} player={player} />
        <div class="aside-column">
          <Waterfall turns={call.turns} player={player} />
          <Cost cost={call.cost} providers={call.providers} />
        </div>
      </div>
      <Details call={call} player={player} />
    </>
  );
}

/** The moment that the address asks for: `at`, in milliseconds, or where the answer of `turn` is awaited. */
function momentOf({ at, turn }, call) {
  if (at) return Number(at) || 0;
  return call.turns.find((each) => String(each.turn) === turn)?.from_ms ?? null;
}

/** The picture. What it waits for draws it again, and nothing else of the page. */
function Drawn({ call, player }) {
  const peaks = usePeaks(call.call, call);
  const events = useDrawn(call.call.id, call.call.live);
  return <Picture call={call} events={events} peaks={peaks} player={player} />;
}

function usePeaks(row, call) {
  const n = Math.min(4_000, Math.max(1_200, Math.ceil(call.length_ms / 50)));
  return useGet(call.audio && !row.live ? callPath(row.id, "/peaks") : null, { n }).data;
}

/** The events that the picture draws, read page by page and shown as they come. */
function useDrawn(id, live) {
  const [events, setEvents] = useState([]);
  useEffect(() => {
    const stop = new AbortController();
    (async () => {
      let after = 0;
      let all = [];
      while (after !== null) {
        const page = await get(callPath(id, "/events"), { type: DRAWN, quiet: 1, limit: 2_000, after }, stop.signal);
        all = [...all, ...page.data];
        after = page.next;
        setEvents(all);
      }
    })().catch((error) => error.name !== "AbortError" && sayError(error));
    return () => stop.abort();
  }, [id, live]);
  return events;
}

function Head({ call, session }) {
  const row = call.call;
  const now = useNow();
  const [numbers, setNumbers] = useState(null);
  const [asking, setAsking] = useState(false);
  const reveal = async () => {
    try {
      setNumbers(await post(callPath(row.id, "/reveal")));
      say("The number is shown. That is noted in the audit file.");
    } catch (error) {
      sayError(error);
    }
  };
  const number = numbers ? numbers[row.direction === "outbound" ? "callee" : "caller"] : row.number;
  return (
    <header class="page-head call-head">
      <div>
        <p class="crumbs"><a href={href("calls")}>Calls</a> <Icon name="right" size={12} /> <code title={row.id}>{shortId(row.id)}</code> <Copy text={row.id} label="Copy the id of this call" /></p>
        <h1>
          <Direction direction={row.direction} /> <span class="num">{number || "unknown number"}</span>
          {session.can.reveal && !numbers && row.number && <button type="button" class="ghost tiny" onClick={reveal}><Icon name="eye" size={14} />Reveal</button>}
        </h1>
        <p class="lead">
          <Outcome outcome={row.live ? "live" : row.outcome} />
          {row.reason && !row.live && <span>ended by {row.reason.replaceAll("_", " ")}</span>}
          <time dateTime={row.started_at} title={fullTime(row.started_at)}>{new Date(row.started_at).toLocaleDateString(undefined, { day: "numeric", month: "short" })} {timeExact(row.started_at)} <span class="muted">({ago(row.started_at, now)})</span></time>
          <span>{row.agent}</span>
          <span>{row.carrier}</span>
        </p>
      </div>
      <div class="tools">
        {call.exports.includes("test") && !row.live && <MakeTest id={row.id} />}
        {!row.live && <Export call={call} />}
        {session.can.delete && !row.live && <button type="button" class="ghost" aria-label="Delete this call from the lists" title="Delete from the lists" onClick={() => setAsking(true)}><Icon name="bin" /></button>}
      </div>
      {asking && <Delete row={row} onClose={() => setAsking(false)} />}
    </header>
  );
}

function MakeTest({ id }) {
  const done = () => say("The test was downloaded. It fails as long as the agent answers as it did here: pytest FILE");
  return <a class="button primary" download href={address(callPath(id, "/export"), { format: "test" })} onClick={done}><Icon name="test" /><span>Make a test<span class="wide-only"> of this call</span></span></a>;
}

const FORMATS = {
  json: "JSON, every event", csv: "CSV, one line", srt: "Subtitles (SRT)", html: "Page (HTML)", wav: "Audio (WAV)",
};

function Export({ call }) {
  const [redacted, setRedacted] = useState(true);
  const offered = call.exports.filter((format) => FORMATS[format]);
  return (
    <Menu label="Export" icon="download">
      <label class="check"><input type="checkbox" checked={redacted} onChange={(event) => setRedacted(event.target.checked)} /> Redacted</label>
      {offered.map((format) => (
        <a key={format} download href={address(callPath(call.call.id, "/export"), { format, redact: format === "wav" ? "" : redacted ? "1" : "0" })}>
          {FORMATS[format]}
        </a>
      ))}
      {offered.includes("wav") && <p class="muted small-text">Audio is never redacted.</p>}
    </Menu>
  );
}

function Delete({ row, onClose }) {
  const remove = async () => {
    onClose();
    try {
      await removeCall(row.id);
      say("The call is in no list any more.");
      go("calls");
    } catch (error) {
      sayError(error);
    }
  };
  return (
    <Dialog title="Delete this call from the lists?" onClose={onClose}>
      <p>Its files stay until they are erased or their time is over. To erase words, audio and numbers for good:</p>
      <p><code class="command">patter calls erase {shortId(row.id)}</code></p>
      <footer><button type="button" class="danger solid" onClick={remove}>Delete from the lists</button></footer>
    </Dialog>
  );
}

function Figures({ call }) {
  const row = call.call;
  const unheard = call.transcript.flatMap((each) => (each.unheard ? each.unheard.trim().split(/\s+/) : [])).length;
  const { total_usd: total, known_usd: known, unpriced } = call.cost;
  return (
    <dl class="figures">
      <Figure name="Length">{duration(call.length_ms)}</Figure>
      <Figure name="Turns" aside={row.interruptions ? `${row.interruptions} interrupted` : null}>{count(row.turns)}</Figure>
      <Figure name="Latency p50" unit="ms">{ms(row.gap_p50_ms)}</Figure>
      <Figure name="Latency p95" unit="ms" aside={row.gap_max_ms ? `slowest ${ms(row.gap_max_ms)}` : null} warn={row.gap_p95_ms > 1_000}>{ms(row.gap_p95_ms)}</Figure>
      <Figure name="Unheard" unit={unheard === 1 ? "word" : "words"} aside={unheard ? "made, and never heard" : "all was heard"}>{count(unheard)}</Figure>
      <Figure name="Cost" aside={total === null && unpriced.length ? `plus unknown: ${unpriced.join(", ")}` : null} warn={total === null}>
        <Money usd={total ?? known} unpriced={unpriced} />
      </Figure>
    </dl>
  );
}

function Missing({ id, error, retry }) {
  if (error.status !== 404) return <Problem error={error} retry={retry} title="The call could not be loaded" />;
  return (
    <Empty title="No such call">
      <p>There is no call <code>{shortId(id)}</code> here. It may be deleted, or older than records are kept.</p>
      <p><a class="button" href={href("calls")}>All calls</a></p>
    </Empty>
  );
}

function Erased({ call }) {
  return (
    <Empty title="This call was erased" icon="bin">
      <p>Its words, audio and numbers are gone; that it was on {fullTime(call.started_at)} is all that is known.</p>
      <p><a class="button" href={href("calls")}>All calls</a></p>
    </Empty>
  );
}
