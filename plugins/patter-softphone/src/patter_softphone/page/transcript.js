// The call as it is read: finished rows in the log, what is not finished beside it.

import { toolLine } from "./words.js";


export class Transcript {
  constructor(log, interim) {
    this.log = log;
    this.interim = interim;
    this.said = {};
    this.epoch = 0;
  }

  clear() {
    this.log.replaceChildren();
    this.quiet();
  }

  /** Nothing more is being said. */
  quiet() {
    this.said = { caller: "", agent: "" };
    this.epoch = 0;
    this.interim.replaceChildren();
  }

  /** *text* is being said by *role*; what is not finished is no part of the log. */
  saying(role, text) {
    this.said[role] = text;
    const rows = Object.entries(this.said).filter(([, words]) => words);
    this.interim.replaceChildren(...rows.map(([who, words]) => build(who, `${words}...`, "")));
  }

  /** A piece of the agent's answer, before it was heard; *epoch* is the utterance. */
  piece({ text, epoch }) {
    const before = epoch === this.epoch ? this.said.agent : "";
    this.epoch = epoch;
    this.saying("agent", before + text);
  }

  /** Show one event of the call, if it is something to read. */
  show(event) {
    switch (event.type) {
      case "row":
        return this.row(event);
      case "step":
        return this.step(event.input ?? {});
      case "text_piece":
        return this.piece(event);
      case "tool":
        return event.what === "finished" ? this.add("tool", toolLine(event)) : undefined;
      case "barge_in":
        return this.add("note", cutLine(event));
      case "resumed":
        return this.add("note", `held ${event.held_ms} ms, resumed, nothing lost`);
      case "link":
        return this.add("note", linkLine(event));
      case "wire":
        return event.what === "fault" ? this.add("note", faultLine(event)) : undefined;
      default:
        return undefined;
    }
  }

  row(event) {
    if (event.role === "tool") {
      return;
    }
    if (event.role === "caller" || event.role === "agent") {
      this.saying(event.role, "");
    }
    const row = build(event.role, event.text, event.unheard);
    row.dataset.turn = `${event.role}-${event.turn}`;
    const old = event.amends && this.log.querySelector(`[data-turn="${row.dataset.turn}"]`);
    if (old) {
      old.replaceWith(row);
    } else {
      this.append(row);
    }
  }

  step({ name, fields }) {
    if (name === "CallerWords" && fields?.final === false) {
      this.saying("caller", fields.text);
    }
  }

  add(role, text) {
    this.append(build(role, text, ""));
  }

  append(row) {
    const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 40;
    this.log.append(row);
    if (atEnd) {
      this.log.scrollTop = this.log.scrollHeight;
    }
  }
}

function build(role, text, unheard) {
  const row = document.createElement("p");
  row.className = `row ${role}`;
  const who = document.createElement("b");
  who.textContent = role === "caller" ? "caller (you)" : role;
  row.append(who, " ", text ?? "");
  if (unheard) {
    const lost = document.createElement("span");
    lost.className = "unheard";
    lost.textContent = `~${unheard}~ (unheard)`;
    row.append(" ", lost);
  }
  return row;
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`;
}

function cutLine({ cut_ms: cut, error_ms: error }) {
  const bound = error === undefined ? "" : ` +-${error} ms`;
  return cut === undefined ? "interrupted the agent" : `interrupted the agent at ${seconds(cut)}${bound}`;
}

function linkLine({ provider, what, gap_ms: gap, replayed_ms: replayed }) {
  const times = [gap && seconds(gap), replayed && `${seconds(replayed)} replayed`];
  return `link ${provider} ${[what, times.filter(Boolean).join(", ")].join(" ")}`;
}

function faultLine({ loss_percent: loss, jitter_ms: jitter, echo_db: echo, seed }) {
  const echoed = echo === undefined ? "off" : `${echo} dB`;
  return `line: loss ${loss} %, jitter ${jitter} ms, echo ${echoed}, seed ${seed}`;
}
