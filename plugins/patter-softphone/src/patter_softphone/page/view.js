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
  $("agent").textContent = headline(view, talking);
  $("call").textContent = view.state === "ended" ? "Call again" : "Call";
  $("hold").textContent = view.state === "hold" ? "Resume" : "Hold";
  $("mute").setAttribute("aria-pressed", String(view.muted));
  $("level").hidden = !talking;
  for (const control of document.querySelectorAll("#pad button, #text, #say, #drop")) {
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

function headline(view, talking) {
  const time = talking ? `${view.state === "hold" ? "on hold" : "live"} ${clock(view.ms)}` : "";
  return [view.agent, time].filter(Boolean).join(" - ");
}
