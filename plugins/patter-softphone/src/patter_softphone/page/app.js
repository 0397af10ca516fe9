// The softphone: one call at a time, from Call to Ended, with every state named.

import { Faults } from "./faults.js";
import { Gaps } from "./gaps.js";
import { Line, hello } from "./line.js";
import { buildPad, listenForKeys } from "./pad.js";
import { Sound } from "./sound.js";
import { Transcript } from "./transcript.js";
import { $, introduce, paint, warn } from "./view.js";
import { DENIED } from "./words.js";

const LOOK_MS = 2000;
const SECOND_MS = 250;
const METER_MS = 100;
const narrow = matchMedia("(max-width: 46rem)");
const still = matchMedia("(prefers-reduced-motion: reduce)");

const view = {
  state: "idle", agent: "", speaker: "", ms: 0, heldMs: 0, muted: false, denied: false,
  endedBy: "", record: "",
};
const transcript = new Transcript($("log"), $("interim"));
const gaps = new Gaps({ text: $("gap"), bar: $("stages"), last: $("last"), tail: $("p95") });
const faults = new Faults($("faults"), (frame) => call?.line.say(frame));
let call = null;

class Call {
  constructor() {
    this.line = new Line({
      audio: (bytes) => this.sound?.play(bytes),
      mark: (name) => this.mark(name),
      clear: () => this.sound?.clear(),
      start: () => this.answered(),
      call: (event) => this.tell(event),
      error: (text) => warn(text),
      lost: () => this.lost(),
      over: (end) => this.over(end),
    });
    this.sound = null;
    this.events = [];
    this.answeredAt = 0;
    this.heldAt = 0;
    this.agentSpeaks = false;
    this.callerSpeaks = false;
    this.awaited = false;
    this.endedHere = false;
    this.failed = false;
    this.meterAt = 0;
  }

  async start() {
    this.sound = await Sound.open({
      onFrame: (frame, peak) => this.frame(frame, peak),
      onMark: (name) => this.line.say({ event: "mark", name }),
      onSpeaking: (on) => this.speaks({ agent: on }),
    });
    await this.listen();
    if (call === this) {
      await this.line.ring({});
    }
  }

  /** Without a microphone the call goes on: its caller types. */
  async listen() {
    try {
      await this.sound.listen();
      view.denied = false;
      warn("");
    } catch (error) {
      if (call !== this) {
        return;
      }
      view.denied = true;
      warn(error.name === "NotFoundError" ? "No microphone was found. Type below." : DENIED);
    }
  }

  frame(frame, peak) {
    this.line.sendAudio(frame);
    const now = performance.now();
    if (!still.matches && now - this.meterAt > METER_MS) {
      this.meterAt = now;
      $("level").value = peak;
    }
  }

  mark(name) {
    if (this.sound) {
      this.sound.mark(name);
    } else {
      this.line.say({ event: "mark", name });
    }
  }

  answered() {
    if (this.answeredAt) {
      warn(view.denied ? DENIED : "");
      return;
    }
    this.answeredAt = performance.now();
    if (faults.active()) {
      this.line.say(faults.frame());
    }
    go("live");
  }

  tell(event) {
    if (event.type !== "text_piece") {
      this.events.push(event);
    }
    transcript.show(event);
    switch (event.type) {
      case "started":
        view.agent ||= event.agent ?? "";
        return paint(view);
      case "row":
        return this.row(event);
      case "turn":
        return gaps.add(event);
      case "ended":
        this.failed = event.outcome === "failed";
        return undefined;
      case "error":
        return warn(`${event.message ?? "Something failed."} ${event.fix ?? ""}`);
      case "step":
        return this.voice(event.input?.name);
      default:
        return undefined;
    }
  }

  /** After the caller's words the agent thinks; with its own it has answered. */
  row({ role }) {
    if (role === "caller" || role === "agent") {
      this.awaited = role === "caller";
      this.speaks({});
    }
  }

  voice(name) {
    if (name === "VoiceStarted" || name === "VoiceStopped") {
      this.speaks({ caller: name === "VoiceStarted" });
    }
  }

  speaks({ agent = this.agentSpeaks, caller = this.callerSpeaks }) {
    this.agentSpeaks = agent;
    this.callerSpeaks = caller;
    if (agent) {
      this.awaited = false;
    }
    view.speaker = caller ? "caller" : agent ? "agent" : this.awaited ? "thinking" : "";
    paint(view);
  }

  lost() {
    this.sound?.clear();
    warn("The connection was lost. Coming back to the call...");
  }

  mute() {
    view.muted = !view.muted;
    this.sound?.openMicrophone(!view.muted);
    paint(view);
  }

  hold() {
    const held = view.state !== "hold";
    this.heldAt = performance.now();
    this.sound?.openMicrophone(!held && !view.muted);
    this.sound?.pause(held);
    go(held ? "hold" : "live");
  }

  end() {
    this.endedHere = true;
    const wasRinging = view.state === "ringing";
    this.line.hangUp();
    if (wasRinging) {
      this.over({ how: "ended", reason: "" });
    }
  }

  tick() {
    const now = performance.now();
    view.ms = this.answeredAt ? now - this.answeredAt : 0;
    view.heldMs = now - this.heldAt;
    paint(view);
  }

  endedBy(how) {
    if (this.endedHere) {
      return "you";
    }
    if (this.failed) {
      return "an error";
    }
    return how === "refused" ? "the server" : "the agent";
  }

  over({ how, reason }) {
    if (call !== this) {
      return;
    }
    call = null;
    this.line.leave();
    this.sound?.close();
    view.ms = this.answeredAt ? performance.now() - this.answeredAt : 0;
    view.endedBy = this.endedBy(how);
    Object.assign(view, { muted: false, speaker: "", denied: false });
    warn(how === "refused" ? reason : "");
    transcript.quiet();
    keepRecord(this);
    go(how === "gone" ? "gone" : this.answeredAt || how === "refused" ? "ended" : "idle");
  }
}

function go(state) {
  const before = view.state;
  view.state = state;
  paint(view, before);
  if (state === "gone") {
    setTimeout(look, LOOK_MS);
  }
}

async function begin() {
  if (call) {
    return;
  }
  call = new Call();
  const mine = call;
  transcript.clear();
  gaps.clear();
  warn("");
  view.ms = 0;
  go("ringing");
  try {
    await mine.start();
  } catch (error) {
    mine.over({ how: error instanceof TypeError ? "gone" : "refused", reason: error.message });
  }
}

function keepRecord({ events, line }) {
  URL.revokeObjectURL(view.record);
  view.record = "";
  if (events.length > 0) {
    const lines = events.map((event) => `${JSON.stringify(event)}\n`);
    view.record = URL.createObjectURL(new Blob(lines, { type: "application/x-ndjson" }));
    $("record").href = view.record;
    $("record").download = `${line.callId}.jsonl`;
    $("record").title = `the events of call ${line.callId}, one a line`;
  }
}

/** Is the server back? Asks every 2 s while it is gone. */
async function look() {
  if (view.state !== "gone") {
    return;
  }
  try {
    await greet();
    warn("");
    go("idle");
  } catch {
    setTimeout(look, LOOK_MS);
  }
}

async function greet() {
  const about = await hello();
  view.agent = about.agent ?? "";
  $("simulation").hidden = !about.faults;
  introduce(about, type);
  paint(view);
}

function say(event) {
  event.preventDefault();
  type($("text").value.trim());
  $("text").value = "";
}

/** *text* is what the caller says. */
function type(text) {
  if (text && call) {
    call.line.say({ event: "text", text });
  }
}

function press(digit) {
  call?.line.say({ event: "dtmf", digit });
}

function wire() {
  const clicks = {
    call: begin, cancel: () => call?.end(), mute: () => call?.mute(), hold: () => call?.hold(),
    end: () => call?.end(), again: () => call?.listen().then(() => paint(view)),
    retry: look, drop: () => call?.line.say({ event: "drop" }),
  };
  for (const [id, deed] of Object.entries(clicks)) {
    $(id).addEventListener("click", deed);
  }
  const talking = (deed) => () => (["live", "hold"].includes(view.state) ? deed() : undefined);
  const deeds = {
    m: talking(() => view.state === "live" && call.mute()),
    h: talking(() => call.hold()),
    e: talking(() => call.end()),
  };
  listenForKeys($("panel"), () => $("keys").checked && call !== null, deeds, press);
  $("typed").addEventListener("submit", say);
  $("read").addEventListener("change", () =>
    $("log").setAttribute("aria-live", $("read").checked ? "polite" : "off"),
  );
  addEventListener("pagehide", () => call?.line.hangUp());
  setInterval(() => call?.tick(), SECOND_MS);
}

async function open() {
  buildPad($("pad"), press);
  $("padbox").open = !narrow.matches;
  introduce({}, type);
  wire();
  if (!isSecureContext) {
    view.state = "insecure";
    $("secure").href = secureLink();
    $("secure").textContent = secureLink();
    paint(view, "");
    return;
  }
  paint(view, "");
  try {
    await greet();
  } catch {
    go("gone");
  }
}

function secureLink() {
  const local = location.protocol === "http:" && location.port;
  return local ? `http://127.0.0.1:${location.port}/` : `https://${location.host}/`;
}

open();
