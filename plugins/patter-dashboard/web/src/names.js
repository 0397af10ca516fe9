// The words of a record, as people read them. Stages keep the order in which they happen.

export const STAGES = ["stt", "end", "llm", "tool", "text", "tts", "wait", "play"];

export const STAGE_NAMES = {
  stt: "stt",
  end: "endpointing",
  llm: "llm",
  tool: "tool",
  text: "first sentence",
  tts: "tts",
  wait: "waited to speak",
  play: "play",
};

export const STAGE_HINTS = {
  stt: "last voice to final words",
  end: "to the end of the turn",
  llm: "to the first token",
  tool: "tools ran",
  text: "to the first sentence",
  tts: "to the first byte of speech",
  wait: "the caller, or the carrier, was not ready",
  play: "to the first sound heard",
};

export const PARTS = ["stt", "llm", "tts", "engine", "telephony"];
export const partName = (kind) => (kind === "carrier" ? "telephony" : kind);

export const OUTCOMES = {
  completed: "completed",
  live: "live",
  voicemail: "voicemail",
  failed: "failed",
  busy: "busy",
  no_answer: "no answer",
  canceled: "canceled",
  unknown: "unknown",
  erased: "erased",
};
export const outcomeName = (outcome) => OUTCOMES[outcome] ?? outcome.replaceAll("_", " ");

/** How an outcome is drawn: a shape beside its colour, so that neither is needed alone. */
export const OUTCOME_LOOKS = {
  completed: "good", live: "now", voicemail: "calm", failed: "bad", busy: "warn",
  no_answer: "warn", canceled: "calm", unknown: "warn", erased: "calm",
};

export const shortId = (id) => (id.length > 12 ? id.slice(0, 8) : id);
