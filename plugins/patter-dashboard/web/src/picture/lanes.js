// What the picture of a call shows, lane by lane. Pure: of the answers of the API, no drawing.

import { stamp } from "../format.js";
import { STAGE_NAMES } from "../names.js";

/** The kinds of events that are drawn; the transcript and the turns come with the call. */
export const DRAWN = "span,wire,link,resumed";
const SPANS = ["stt", "llm", "tool", "tts"];
const HEARING = new Set(["stt", "end"]);

/**
 * `{caller, agent, turn, spans: {stt, llm, tool, tts}, wire, latency, notes}`, each a list of
 * marks `{from, to, look, label, title}` in milliseconds of the call.
 */
export function lanesOf(call, events) {
  const rows = call.transcript;
  return {
    caller: rows.filter((row) => row.role === "caller").map(callerMark),
    agent: agentMarks(rows, call.length_ms),
    turn: turnMarks(call),
    spans: Object.fromEntries(SPANS.map((stage) => [stage, spanMarks(events, stage)])),
    wire: wireMarks(events),
    latency: call.turns.filter((turn) => turn.gap_ms !== null).map(latencyMark),
    notes: notesOf(call),
  };
}

const callerMark = (row) => ({
  from: row.began_ms,
  to: Math.max(row.ended_ms ?? 0, row.began_ms + 120),
  look: "caller",
  label: row.text,
  title: `${stamp(row.began_ms)} caller: ${row.text}`,
});

/** Heard speech is solid; what was made and not heard follows it, up to the next utterance. */
function agentMarks(rows, length) {
  const mine = rows.filter((row) => row.role === "agent");
  return mine.flatMap((row, index) => {
    const next = mine[index + 1]?.began_ms ?? length;
    const heard = { from: row.began_ms, to: row.ended_ms ?? row.began_ms, look: "heard", label: row.text };
    heard.title = `${stamp(heard.from)} agent: ${row.text}`;
    const marks = row.text ? [heard] : [];
    if (row.unheard) {
      const from = row.text ? heard.to : row.began_ms;
      const to = Math.max(from, Math.min(next, from + 60 * row.unheard.length));
      marks.push({ from, to, look: "unheard", label: row.unheard, title: `unheard: ${row.unheard}` });
    }
    return marks;
  });
}

/** Who owned the turn: the agent speaks; a pause is judged; the answer is made; else it listens. */
function turnMarks(call) {
  const marks = [];
  const add = (from, to, look) => {
    if (to > from) marks.push({ from, to, look, label: look, title: `${stamp(from)} ${look}, ${Math.round(to - from)} ms` });
  };
  const heard = call.transcript.filter((row) => row.role === "agent" && row.text);
  for (const row of heard) add(row.began_ms, row.ended_ms ?? row.began_ms, "speaking");
  for (const turn of call.turns) {
    if (turn.gap_ms === null) continue;
    const judged = turn.stages.filter((each) => HEARING.has(each.stage)).reduce((sum, each) => sum + each.ms, 0);
    const answer = heard.find((row) => row.began_ms > turn.from_ms)?.began_ms ?? Infinity;
    const [thought, end] = [turn.from_ms + judged, turn.from_ms + turn.gap_ms].map((at) => Math.min(at, answer));
    add(turn.from_ms, thought, "hold");
    add(thought, end, "thinking");
  }
  marks.sort((one, other) => one.from - other.from);
  let at = 0;
  for (const mark of [...marks]) {
    if (mark.from - at > 40) add(at, mark.from, "listening");
    at = Math.max(at, mark.to);
  }
  if (call.length_ms - at > 40) add(at, call.length_ms, "listening");
  return marks.sort((one, other) => one.from - other.from);
}

const spanMarks = (events, stage) => events
  .filter((event) => event.type === "span" && event.data.stage === stage)
  .map(({ data }) => ({
    from: data.began_ms,
    to: data.ended_ms,
    look: data.ok === false ? "failed" : stage,
    teeth: data.retries ?? 0,
    label: data.name ?? "",
    title: `${stage} ${data.name ?? ""} ${data.ended_ms - data.began_ms} ms${data.ok === false ? ", failed" : ""}`
      + (data.retries ? `, tried again ${data.retries} times` : ""),
  }));

/** What passed between us and the carrier, less the marks that say that all is well. */
function wireMarks(events) {
  const marks = [];
  for (const { type, at_ms: at, data } of events) {
    const text = type === "wire" ? wireText(data) : type === "link" ? linkText(data) : resumedText(data, type);
    if (text) marks.push({ from: at, to: at, look: type, label: text, title: `${stamp(at)} ${text}` });
  }
  return marks;
}

function wireText(data) {
  switch (data.what) {
    case "mark": case "played": return "";
    case "dtmf": return data.hidden ? `${data.hidden} hidden` : `key ${data.digits}`;
    case "dtmf_sent": return `sent ${data.count}`;
    case "where": return data.name === "ended" ? "" : data.name;
    case "error": return `error ${data.name ?? ""}`;
    default: return data.what.replaceAll("_", " ");
  }
}

const linkText = (data) => `${data.provider} ${data.what.replaceAll("_", " ")}`;
const resumedText = (data, type) => (type === "resumed" ? `held ${data.held_ms} ms` : "");

/** The stages lie on the clock of the call: each begins where the one before it ended. */
function latencyMark(turn) {
  let at = turn.from_ms;
  const parts = turn.stages.filter((each) => each.ms > 0).map((each) => {
    const from = at;
    at += each.ms;
    return { stage: each.stage, from, to: at, title: `${STAGE_NAMES[each.stage] ?? each.name} ${each.ms} ms` };
  });
  return { from: turn.from_ms, to: turn.from_ms + turn.gap_ms, turn: turn.turn, gap: turn.gap_ms, parts };
}

/** Only what asks for attention: interruptions, errors, and the slowest answer of several. */
function notesOf(call) {
  const notes = call.interruptions.map((each) => ({
    at: each.at_ms,
    look: "cut",
    text: `interrupted ±${each.error_ms ?? 0} ms`,
    title: `${stamp(each.at_ms)} the caller interrupted; ${each.heard_ms ?? 0} ms had been heard, ±${each.error_ms ?? 0} ms`,
  }));
  for (const error of call.errors) {
    notes.push({ at: error.at_ms, look: "error", text: error.code, title: `${stamp(error.at_ms)} ${error.code} ${error.message}` });
  }
  const timed = call.turns.filter((turn) => turn.gap_ms !== null);
  if (timed.length > 1) {
    const slowest = timed.reduce((one, other) => (other.gap_ms > one.gap_ms ? other : one));
    notes.push({ at: slowest.from_ms + slowest.gap_ms, look: "slow", text: `slowest ${slowest.gap_ms} ms`, title: `the slowest answer, ${slowest.gap_ms} ms` });
  }
  return notes.sort((one, other) => one.at - other.at);
}

const STEPS = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000];

/** The moments of an axis from *from* to *to* that has room for *room* labels. */
export function ticks(from, to, room) {
  const step = STEPS.find((each) => (to - from) / each <= room) ?? 1_200_000;
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(at);
  return { step, found };
}
