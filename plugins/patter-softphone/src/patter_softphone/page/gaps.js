// How long the caller waited: the last turn in stages, the last ten beside each other.

import { gapLine, p95, stageName, stagesOf } from "./words.js";

const LAST = 10;

export class Gaps {
  constructor({ text, bar, last, tail }) {
    this.parts = { text, bar, last, tail };
    this.clear();
  }

  clear() {
    this.gaps = [];
    this.parts.text.textContent = "response latency: no turn yet";
    this.parts.tail.textContent = "";
    this.parts.tail.parentElement.hidden = true;
    this.parts.bar.replaceChildren();
    this.parts.last.replaceChildren();
  }

  add(turn) {
    if (typeof turn.gap_ms !== "number") {
      return;
    }
    this.gaps.push(turn.gap_ms);
    this.parts.tail.parentElement.hidden = false;
    this.parts.text.textContent = gapLine(turn);
    this.parts.bar.replaceChildren(...stagesOf(turn).map((each) => stage(each, turn.gap_ms)));
    this.parts.last.replaceChildren(...columns(this.gaps.slice(-LAST)));
    this.parts.tail.textContent = `p95 ${p95(this.gaps)}`;
  }
}

/** A part of the bar; what is too narrow for its name has it only as its title. */
function stage([name, ms], whole) {
  const part = document.createElement("span");
  part.className = `stage ${name}`;
  part.style.flexGrow = ms;
  part.textContent = ms > whole * 0.11 ? stageName(name) : "";
  part.title = `${stageName(name)} ${ms} ms`;
  return part;
}

function columns(gaps) {
  const most = Math.max(...gaps, 1);
  return gaps.map((ms) => {
    const column = document.createElement("span");
    column.style.height = `${Math.max(8, (100 * ms) / most)}%`;
    column.title = `${ms} ms`;
    return column;
  });
}
