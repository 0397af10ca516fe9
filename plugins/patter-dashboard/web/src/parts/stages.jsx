// The stages of an answer as one bar: each has its colour and its hatch, and is named beside it.

import { ms } from "../format.js";
import { STAGES, STAGE_HINTS, STAGE_NAMES } from "../names.js";

const HATCHES = {
  stt: null,
  end: "M0 2.5h6",
  llm: "M1.5 1.5h.01M4.5 4.5h.01",
  tool: "M0 0l6 6M6 0L0 6",
  text: "M3 0v6",
  tts: "M-1.5 1.5l3-3M0 6L6 0M4.5 7.5l3-3",
  wait: "M3 3h.01",
  play: "M1.5 0v6M4.5 0v6",
  telephony: "M0 1.5h6M0 4.5h6",
  engine: "M0 0l6 6",
  unheard: "M-1.5 1.5l3-3M0 6L6 0M4.5 7.5l3-3",
};

/** The patterns that the bars of a page are filled with; once on each page. */
export function Patterns() {
  return (
    <svg class="patterns" width="0" height="0" aria-hidden="true" focusable="false">
      <defs>
        {Object.entries(HATCHES).map(([name, path]) => (
          <pattern key={name} id={`fill-${name}`} width="6" height="6" patternUnits="userSpaceOnUse">
            <rect width="6" height="6" class={`tone-${name}`} />
            {path && <path d={path} class={`hatch hatch-${name}`} />}
          </pattern>
        ))}
      </defs>
    </svg>
  );
}

export const fill = (name) => `url(#fill-${name})`;

/** *parts*, `[{name, value, title}]`, one after the other; as long as their share of *most*. */
export function Bar({ parts, most, height = 14, label }) {
  let at = 0;
  const total = parts.reduce((sum, part) => sum + part.value, 0);
  const scale = most > 0 ? 100 / most : 0;
  return (
    <svg class="bar" width="100%" height={height} role="img" aria-label={label}>
      {parts.filter((part) => part.value > 0).map((part) => {
        const left = at * scale;
        at += part.value;
        return (
          <rect key={part.name} x={`${left}%`} y="0.5" width={`${part.value * scale}%`} height={height - 1}
            fill={fill(part.name)} class="edge"><title>{part.title}</title></rect>
        );
      })}
      {total === 0 && <line x1="0" x2="100%" y1={height / 2} y2={height / 2} class="rule" />}
    </svg>
  );
}

/** The key of the hatches for *names*. */
export function Legend({ names, title = (name) => STAGE_NAMES[name] ?? name }) {
  return (
    <ul class="legend" aria-label="Key">
      {names.map((name) => (
        <li key={name} title={STAGE_HINTS[name]}>
          <svg width="14" height="10" aria-hidden="true"><rect x=".5" y=".5" width="13" height="9" fill={fill(name)} class="edge" /></svg>
          {title(name)}
        </li>
      ))}
    </ul>
  );
}

/** The stages of one answer, `{stt: 310}` or `[{stage, ms}]`, as parts of a bar. */
export function stageParts(stages) {
  const known = Array.isArray(stages) ? Object.fromEntries(stages.map((each) => [each.stage, each.ms])) : stages;
  return STAGES.filter((name) => known[name] > 0).map((name) => ({
    name, value: known[name], title: `${STAGE_NAMES[name]} ${ms(known[name])} ms`,
  }));
}

/** `1,021 ms = stt 110 + endpointing 392`: the sum as it is printed in a terminal. */
export function sumOf(stages, gap) {
  return `${ms(gap)} ms = ${stageParts(stages).map((part) => `${STAGE_NAMES[part.name]} ${part.value}`).join(" + ")}`;
}
