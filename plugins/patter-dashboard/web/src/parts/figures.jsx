// Figures and marks of all pages: an outcome, a moment, a sum, a share of a bar.

import { NONE, ago, fullTime, money, timeExact, timeOfDay } from "../format.js";
import { OUTCOME_LOOKS, outcomeName } from "../names.js";
import { Icon } from "./icons.jsx";

export function Outcome({ outcome }) {
  return (
    <span class={`outcome ${OUTCOME_LOOKS[outcome] ?? "calm"}`}>
      <i aria-hidden="true" />{outcomeName(outcome)}
    </span>
  );
}

export function Direction({ direction }) {
  const out = direction === "outbound";
  return (
    <span class={`direction${out ? " out" : ""}`} title={out ? "outbound" : direction}>
      <Icon name={out ? "outbound" : "inbound"} size={14} />
      <span class="only-read">{direction}</span>
    </span>
  );
}

/** A local time of day and how long ago that is; the full date is its title. */
export function Moment({ iso, now, exact = false, relative = true }) {
  if (!iso) return <span>{NONE}</span>;
  return (
    <time class="moment" dateTime={iso} title={fullTime(iso)}>
      {exact ? timeExact(iso) : timeOfDay(iso)}
      {relative && <small> {ago(iso, now)}</small>}
    </time>
  );
}

/** Dollars; what is not known says so, with what has no price as its title. */
export function Money({ usd, unpriced = [], digits }) {
  if (usd !== null && usd !== undefined) return <span class="num">{money(usd, digits)}</span>;
  return <span class="num unknown" title={unpriced.length ? `no price for ${unpriced.join(", ")}` : undefined}>unknown</span>;
}

/** One large figure with its name, and what is to be said beside it. */
export function Figure({ name, children, unit, aside, warn = false }) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>
        <span class="value">{children}{unit && <small> {unit}</small>}</span>
        {aside && <span class={`aside${warn ? " warn" : ""}`}>{aside}</span>}
      </dd>
    </div>
  );
}

/** What of an utterance nobody heard: marked in words, by its slant and its line. */
export function Unheard({ text }) {
  return (
    <span class="unheard">
      <span class="tag">unheard</span> <span class="unheard-words">{text}</span>
    </span>
  );
}

/** Words found by a search, the hits marked. */
export function Found({ parts }) {
  return <>{parts.map((part, index) => (part.hit ? <mark key={index}>{part.text}</mark> : part.text))}</>;
}
