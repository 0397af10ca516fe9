// The calls of now, as the server's events make them. Pure: a state and a batch give the next state.

const LINES = 50;
const RECENT = 500;

/**
 * `{loaded, eventId, calls, draining, recent}`; calls are the oldest first, and ended ones stay a
 * while. *recent* are the last events, of which a loaded answer may lack some.
 */
export const NOTHING = { loaded: false, eventId: 0, calls: [], draining: null, recent: [] };

/** What `GET live` answers; calls that ended before and are still shown are kept. */
export function loaded(state, answer) {
  const ids = new Set(answer.calls.map((call) => call.id));
  const kept = state.calls.filter((call) => call.ended && !ids.has(call.id));
  const calls = [...kept, ...answer.calls].sort((one, other) => (one.started_at < other.started_at ? -1 : 1));
  const next = { ...state, loaded: true, eventId: answer.event_id, calls, recent: [] };
  return applied(next, state.recent.filter((event) => event.id > answer.event_id));
}

/** *state* after a *batch*; events that the loaded answer has already are passed over. */
export function applied(state, batch) {
  const calls = new Map(state.calls.map((call) => [call.id, call]));
  let { draining } = state;
  for (const { name, id, data } of batch) {
    if (id && id <= state.eventId) continue;
    if (name === "server") draining = data.state === "draining" ? data.calls : null;
    const change = CHANGES[name];
    if (!change || !data.call_id) continue;
    const before = calls.get(data.call_id) ?? (BEGIN.has(name) ? fresh(data) : null);
    if (before) calls.set(data.call_id, { ...before, ...change(before, data) });
  }
  return { ...state, draining, calls: [...calls.values()], recent: [...state.recent, ...batch].slice(-RECENT) };
}

/** Without the calls that ended before *before*, but for the one that is looked at. */
export function swept(state, before, chosen) {
  const calls = state.calls.filter((call) => !call.ended || call.ended > before || call.id === chosen);
  return calls.length === state.calls.length ? state : { ...state, calls };
}

export const liveCount = (state) => state.calls.filter((call) => !call.ended).length;

const BEGIN = new Set(["call_initiated", "call_start"]);

const fresh = (data) => ({
  id: data.call_id,
  started_at: data.started_at ?? new Date().toISOString(),
  here: true, speaking: "nobody", where: "agent", turns: 0, gap_ms: null,
  interim: { role: "caller", text: "" }, lines: [], problems: 0,
});

const began = (call, data) => ({
  direction: data.direction, caller: data.caller, callee: data.callee, agent: data.agent, carrier: data.carrier,
  started_at: data.started_at ?? call.started_at, status: data.status,
  number: data.direction === "outbound" ? data.callee : data.caller,
});

function line(call, data) {
  const row = {
    n: data.n, role: data.role, turn: data.turnIndex, text: data.text, unheard: data.unheard ?? "", began_ms: data.began_ms,
  };
  const others = data.amends
    ? call.lines.filter((each) => each.role !== row.role || each.turn !== row.turn)
    : call.lines.filter((each) => each.n !== row.n || row.n === undefined);
  return {
    lines: [...others, row].slice(-LINES),
    interim: { role: "caller", text: "" },
    turns: row.role === "caller" ? Math.max(call.turns, row.turn ?? 0) : call.turns,
  };
}

function tool(call, data) {
  if (data.what !== "finished") return {};
  const row = { n: `${data.name}${call.lines.length}`, role: "tool", turn: data.turn, text: data.text ?? data.name, result: data.result, ok: data.ok, took_ms: data.took_ms };
  return { lines: [...call.lines, row].slice(-LINES) };
}

const CHANGES = {
  call_initiated: began,
  call_start: began,
  call_status: (call, data) => ({ status: data.status, where: data.where ?? call.where }),
  speaking: (_, data) => ({ speaking: data.speaking }),
  interim: (_, data) => ({ interim: { role: data.role, text: data.text } }),
  transcript_line: line,
  tool,
  turn_complete: (call, data) => ({ turns: Math.max(call.turns, data.turn.turn ?? 0), gap_ms: data.turn.gap_ms }),
  problem: (call, data) => ({ problems: call.problems + 1, problem: data }),
  call_end: (_, data) => ({
    ended: Date.now(), outcome: data.outcome, reason: data.reason, speaking: "nobody",
    duration_ms: data.metrics?.duration_ms, interim: { role: "caller", text: "" },
  }),
};
