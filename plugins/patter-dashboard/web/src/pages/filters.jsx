// The filters of the list, each a field of the address: a link or a bookmark is the whole question.

import { useEffect, useRef, useState } from "preact/hooks";
import { useGet } from "../hooks.js";
import { outcomeName } from "../names.js";
import { Icon } from "../parts/icons.jsx";
import { go } from "../route.js";

const NAMES = [
  "from", "to", "outcome", "agent", "direction", "number", "gap", "tool", "said", "cost_over", "cost_under",
  "price", "provider", "error", "interrupted", "recorded",
];
const SECOND = ["number", "direction", "gap", "tool", "error", "price", "cost_over", "cost_under", "provider", "interrupted", "recorded", "to"];
const WAIT_MS = 250;

/** The filters of *query* as the server asks for them. */
export const asked = (query) => Object.fromEntries(NAMES.filter((name) => query[name]).map((name) => [name, query[name]]));
export const filterCount = (query) => NAMES.filter((name) => query[name]).length;

const TIMES = [["", "any time"], ["1h", "last hour"], ["24h", "last 24 hours"], ["7d", "last 7 days"], ["30d", "last 30 days"]];
const SAY = {
  from: (value) => (TIMES.find(([each]) => each === value)?.[1] ?? `from ${value}`),
  to: (value) => `before ${value}`,
  outcome: (value) => value.split(",").map(outcomeName).join(" or "),
  gap: (value) => `slower than ${value} ms`,
  said: (value) => `said ${value}`,
  cost_over: (value) => `over $${value}`,
  cost_under: (value) => `under $${value}`,
  price: (value) => `price ${value}`,
  interrupted: () => "interrupted",
  recorded: (value) => (value === "true" ? "with recording" : "without recording"),
};

export function Filters({ query }) {
  const { data: facets } = useGet("facets");
  const [open, setOpen] = useState(false);
  const set = (name, value) => go("calls", { ...asked(query), [name]: value }, { replace: true });
  const props = { query, set };
  const extra = SECOND.filter((name) => query[name]).length;
  return (
    <section class="filters" aria-label="Filters">
      <div class="filter-line">
        <Typed {...props} name="said" label="Words said" icon="search" placeholder="Words said, or “a phrase”" hint="/" wide />
        <Choice {...props} name="from" label="Time" options={TIMES} />
        <Choice {...props} name="outcome" label="Outcome" any="any outcome" options={facets?.outcomes.map((each) => [each.name, `${outcomeName(each.name)} (${each.calls})`])} />
        <Choice {...props} name="agent" label="Agent" any="any agent" options={facets?.agents.map((each) => [each.name, each.name])} />
        <button type="button" aria-expanded={open} aria-controls="more-filters" onClick={() => setOpen(!open)}>
          Filters{extra > 0 && <span class="badge">{extra}</span>}<Icon name="down" size={12} />
        </button>
      </div>
      <div id="more-filters" class="filter-more" hidden={!open}>
        <Typed {...props} name="number" label="Number" placeholder="three digits or more" inputMode="tel" />
        <Typed {...props} name="gap" label="Slowest answer over, ms" placeholder="1000" inputMode="numeric" />
        <Choice {...props} name="tool" label="Tool" any="any" options={facets?.tools.map((each) => [each.name, each.name])} shown />
        <Choice {...props} name="error" label="Error" any="any" options={facets?.errors.map((each) => [each.name, each.name])} shown />
        <Choice {...props} name="provider" label="Provider" any="any" options={facets?.providers.map((each) => [each.name, each.name])} shown />
        <Choice {...props} name="direction" label="Direction" any="both" options={[["inbound", "inbound"], ["outbound", "outbound"]]} shown />
        <Typed {...props} name="cost_over" label="Cost over, $" placeholder="0.05" inputMode="decimal" />
        <Typed {...props} name="cost_under" label="Cost under, $" placeholder="1.00" inputMode="decimal" />
        <Choice {...props} name="price" label="Price" any="known or not" options={[["known", "known"], ["unknown", "unknown"]]} shown />
        <Choice {...props} name="interrupted" label="Interrupted" any="or not" options={[["true", "interrupted"]]} shown />
        <Choice {...props} name="recorded" label="Recording" any="with or without" options={[["true", "with"], ["false", "without"]]} shown />
      </div>
      <Chips {...props} />
    </section>
  );
}

/** The filters in force, each with the way out of it. */
function Chips({ query, set }) {
  const active = NAMES.filter((name) => query[name]);
  if (!active.length) return null;
  return (
    <ul class="chips" aria-label="Filters in force">
      {active.map((name) => {
        const text = SAY[name]?.(query[name]) ?? `${name} ${query[name]}`;
        return <li key={name}><button type="button" class="chip" onClick={() => set(name, "")} aria-label={`Remove: ${text}`}>{text}<Icon name="close" size={12} /></button></li>;
      })}
      {active.length > 1 && <li><button type="button" class="link" onClick={() => go("calls", {}, { replace: true })}>Clear all</button></li>}
    </ul>
  );
}

function Choice({ query, set, name, label, options, any, shown = false }) {
  const value = query[name] ?? "";
  const all = [...(any ? [["", any]] : []), ...(options ?? [])];
  // What the address asks for is offered even where no call has it.
  if (value && !all.some(([each]) => each === value)) all.push([value, SAY[name]?.(value) ?? value]);
  return (
    <label class={`select${value ? " set" : ""}`}>
      <span class={shown ? "" : "only-read"}>{label}</span>
      <select value={value} onChange={(event) => set(name, event.target.value)}>
        {all.map(([each, text]) => <option key={each} value={each}>{text}</option>)}
      </select>
    </label>
  );
}

/** A field whose text goes to the address a moment after it was typed, and at once with Enter. */
function Typed({ query, set, name, label, icon, hint, wide = false, ...rest }) {
  const [text, setText] = useState(query[name] ?? "");
  const timer = useRef(null);
  const sent = useRef(query[name] ?? "");
  useEffect(() => {
    if ((query[name] ?? "") !== sent.current) {
      sent.current = query[name] ?? "";
      setText(sent.current);
    }
  }, [query[name]]);
  const send = (value) => {
    clearTimeout(timer.current);
    sent.current = value.trim();
    set(name, sent.current);
  };
  const input = (event) => {
    const { value } = event.target;
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => send(value), WAIT_MS);
  };
  return (
    <label class={`typed${wide ? " wide" : ""}`}>
      <span class={wide ? "only-read" : ""}>{label}</span>
      {icon && <Icon name={icon} />}
      <input id={name} type={wide ? "search" : "text"} value={text} onInput={input} autocomplete="off" spellcheck={false}
        onKeyDown={(event) => event.key === "Enter" ? send(event.target.value) : event.key === "Escape" && event.target.blur()} {...rest} />
      {hint && <kbd aria-hidden="true">{hint}</kbd>}
    </label>
  );
}
