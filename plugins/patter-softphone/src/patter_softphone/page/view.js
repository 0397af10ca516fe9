// What is on the screen: which controls a state offers, what it says, where the focus goes.

import { announces, clock, hint, says, what } from "./words.js";

const OFFERS = {
  idle: ["call"],
  ringing: ["cancel"],
  live: ["mute", "hold", "end"],
  hold: ["hold", "end"],
  ended: ["call", "record"],
  insecure: ["secure"],
  gone: ["retry"],
};
const FOCUS = { idle: "call", ringing: "cancel", live: "panel", ended: "call", insecure: "secure", gone: "retry" };
const CONTROLS = ["call", "cancel", "mute", "hold", "end", "again", "retry", "secure", "record"];
const TALKING = new Set(["live", "hold"]);

export const $ = (id) => document.getElementById(id);

/** Paint *view*; a change from the state *before* is also announced, and may move the focus. */
export function paint(view, before = view.state) {
  const talking = TALKING.has(view.state);
  document.body.dataset.state = view.state;
  const offered = new Set(OFFERS[view.state]);
  if (view.denied && talking) {
    offered.add("again");
  }
  for (const id of CONTROLS) {
    $(id).hidden = !offered.has(id) || (id === "record" && !view.record);
  }
  $("lamp").textContent = view.state === "live" ? "LIVE" : "";
  $("says").textContent = says(view);
  $("hint").textContent = hint(view);
  $("clock").textContent = clock(view.ms);
  $("clock").hidden = !talking;
  $("miclabel").textContent = view.muted ? "muted" : view.denied ? "not allowed" : "";
  document.body.dataset.speaker = view.state === "live" && !view.muted ? view.speaker : "";
  document.title = talking ? `${clock(view.ms)} ${view.agent || "Patter phone"}` : "Patter phone";
  if (view.agent) {
    $("agent").textContent = view.agent;
  }
  $("call").textContent = view.state === "ended" ? "Call again" : "Call";
  $("hold").textContent = view.state === "hold" ? "Resume" : "Hold";
  $("mute").setAttribute("aria-pressed", String(view.muted));
  $("mic").hidden = !talking;
  $("intro").hidden = talking || (view.state === "ended" && $("log").childElementCount > 0);
  for (const control of document.querySelectorAll("#pad button, #try button, #text, #say, #drop")) {
    control.disabled = !talking;
  }
  if (before !== view.state) {
    $("status").textContent = announces(view);
  }
  moveFocus(view.state, before, talking);
}

/** At an answer or an end to what comes next; during a call only off what is no longer there. */
function moveFocus(state, before, talking) {
  if (talking && TALKING.has(before)) {
    // A browser may already have moved the focus of a hidden control to the body.
    if (document.activeElement.hidden || document.activeElement === document.body) {
      $("panel").focus();
    }
  } else if (before !== state) {
    $(FOCUS[state]).focus();
  }
}

/** Say what went wrong, or with "" that nothing is wrong any more. */
export function warn(text) {
  $("alert").textContent = text;
  $("alert").hidden = !text;
}

/** Show whom this page calls: *about* is what the server says of the agent; *say* says a sentence. */
export function introduce({ agent = "", note = "", parts = {}, try_saying: sentences = [] }, say) {
  $("what").textContent = what(agent);
  $("note").textContent = note;
  $("note").hidden = !note;
  $("parts").replaceChildren(...Object.entries(parts).map(part));
  $("tries").hidden = sentences.length === 0;
  $("try").replaceChildren(...sentences.map((sentence) => proposal(sentence, say)));
}

function part([kind, name]) {
  const pair = document.createElement("div");
  const term = document.createElement("dt");
  const value = document.createElement("dd");
  term.textContent = kind;
  value.textContent = name;
  pair.append(term, value);
  return pair;
}

function proposal(sentence, say) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = sentence;
  button.title = "Say it, or press to type it";
  button.addEventListener("click", () => say(sentence));
  item.append(button);
  return item;
}
