// What is on the screen: which controls a state offers, what it says, where the focus goes.

import { announces, clock, says } from "./words.js";

const OFFERS = {
  idle: ["call"],
  ringing: ["cancel"],
  live: ["mute", "hold", "end"],
  hold: ["hold", "end"],
  ended: ["call", "record"],
  insecure: ["secure"],
  gone: ["retry"],
};
const FOCUS = { idle: "call", ringing: "cancel", live: "panel", ended: "call", gone: "retry" };
const CONTROLS = ["call", "cancel", "mute", "hold", "end", "again", "retry", "secure", "record"];
const TALKING = new Set(["live", "hold"]);

export const $ = (id) => document.getElementById(id);

/** Paint *view*; a *changed* state is also announced and takes the focus. */
export function paint(view, changed) {
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
  $("agent").textContent = headline(view, talking);
  $("call").textContent = view.state === "ended" ? "Call again" : "Call";
  $("hold").textContent = view.state === "hold" ? "Resume" : "Hold";
  $("mute").setAttribute("aria-pressed", String(view.muted));
  $("level").hidden = !talking;
  for (const control of document.querySelectorAll("#pad button, #text, #say, #drop")) {
    control.disabled = !talking;
  }
  if (changed) {
    $("status").textContent = announces(view);
    $(FOCUS[view.state] ?? "panel").focus();
  }
}

/** Say what went wrong, or with "" that nothing is wrong any more. */
export function warn(text) {
  $("alert").textContent = text;
  $("alert").hidden = !text;
}

function headline(view, talking) {
  const time = talking ? `${view.state === "hold" ? "on hold" : "live"} ${clock(view.ms)}` : "";
  return [view.agent, time].filter(Boolean).join(" - ");
}
