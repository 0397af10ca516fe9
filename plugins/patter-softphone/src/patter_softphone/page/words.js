// What the page says in each state. Pure: state in, words out.

export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

const SPEAKS = {
  agent: "Agent is speaking",
  caller: "You are speaking",
  thinking: "Agent is thinking",
};

/** Who has the floor, once somebody has it; muted goes before, since nobody would hear. */
function live({ speaker, muted, denied, typing }) {
  if (muted) {
    return "Muted. The agent cannot hear you.";
  }
  return SPEAKS[speaker] ?? (denied || typing ? "Listening, type below" : "Listening, speak now");
}

const SAYS = {
  idle: () => "Ready.",
  ringing: () => "Calling...",
  live,
  hold: ({ heldMs }) => `On hold ${clock(heldMs)}. The agent cannot hear you.`,
  ended: ({ endedBy, ms }) => `Ended by ${endedBy}, ${clock(ms)}.`,
  insecure: () => "Microphones need https or 127.0.0.1.",
  gone: ({ ms }) =>
    `The server stopped at ${clock(ms)}; the call is over. Looking for it every 2 s.`,
};

/** What a screen reader is told once: the state without its running clock or speaker. */
const ANNOUNCES = {
  live: () => "Live.",
  hold: () => "On hold. The agent cannot hear you.",
};

const HINTS = {
  idle: () => "Press Call, allow the microphone, and speak as on a telephone.",
  ringing: () => "The browser may ask for your microphone.",
  live: ({ speaker, muted }) => {
    if (muted) {
      return "Press Mute again, or M, to be heard.";
    }
    return speaker === "agent" ? "You may interrupt it." : "";
  },
  ended: () => "The words of the call stay here until the next one.",
};

/** One sentence on what to do now; empty where the state says it all. */
export function hint(view) {
  return HINTS[view.state]?.(view) ?? "";
}

/** What this page is, by the name of whom it calls. */
export function what(name) {
  const whom = name ? `the agent ${name}` : "the agent that this server runs";
  return `This page is a telephone. Call connects you to ${whom}: you hear its voice, it hears yours, and both are written down here. Without a microphone, type.`;
}

export const DENIED =
  "This browser blocks the microphone. Allow it beside the address, then Try again. Or type below.";

export function says(view) {
  return SAYS[view.state](view);
}

export function announces(view) {
  return (ANNOUNCES[view.state] ?? SAYS[view.state])(view);
}

/** "tool book_table(people=2) once -> "R-17"   86 ms" as the terminal words it. */
export function toolLine(event) {
  const given = Object.entries(event.arguments ?? {})
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(", ");
  const answer = event.ok === false ? "failed" : JSON.stringify(event.result ?? "");
  const took = event.took_ms === undefined ? "" : `  ${event.took_ms} ms`;
  return `${event.name}(${given}) ${event.effect ?? ""} -> ${answer}${took}`;
}

/** Stages that people know by another name than their key. */
const NAMES = { end: "endpointing", text: "first sentence", wait: "waited to speak", play: "playout" };
const STAGES = ["stt", "end", "llm", "tool", "text", "tts", "wait", "play"];

/** The stages of a turn that took time, in their order. */
export function stagesOf(turn) {
  return STAGES.map((name) => [name, turn.stages?.[name] ?? 0]).filter(([, ms]) => ms > 0);
}

export function stageName(name) {
  return NAMES[name] ?? name;
}

export function gapLine(turn) {
  const parts = stagesOf(turn).map(([name, ms]) => `${stageName(name)} ${ms}`);
  return [`latency ${turn.gap_ms}`, parts.join(" + ")].filter(Boolean).join(" = ");
}

/** The smallest value that 95 of 100 do not exceed. */
export function p95(values) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.ceil(sorted.length * 0.95) - 1];
}
