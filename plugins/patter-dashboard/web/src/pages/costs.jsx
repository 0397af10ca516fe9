// What calls cost: by day, provider and agent. What has no price is counted beside every sum.

import { count, money, plural, span } from "../format.js";
import { useTitle } from "../hooks.js";
import { PARTS, partName } from "../names.js";
import { Columns, DayTable } from "../parts/days.jsx";
import { Figure } from "../parts/figures.jsx";
import { Icon } from "../parts/icons.jsx";
import { Bar, Legend } from "../parts/stages.jsx";
import { href } from "../route.js";
import { Summary } from "./summary.jsx";

export function Costs({ query }) {
  useTitle("Cost");
  return (
    <Summary page="costs" title="Cost" query={query} lead={(data) => `${plural(data.calls, "call")}, ${span(data.duration_ms)} on the phone`}>
      {(data) => <Shown data={data} query={query} />}
    </Summary>
  );
}

function Shown({ data, query }) {
  const { cost } = data;
  const parts = PARTS.filter((part) => cost.parts[part] > 0);
  const minutes = data.duration_ms / 60_000;
  const unknown = cost.unpriced_calls > 0;
  return (
    <>
      <dl class="figures">
        <Figure name={unknown ? "Known cost" : "Cost"} aside={unknown ? `and ${plural(cost.unpriced_calls, "call")} with an unknown price` : "every price is known"} warn={unknown}>{money(cost.known_usd, 2)}</Figure>
        <Figure name="A call">{cost.priced_calls ? money(cost.known_usd / data.calls) : "unknown"}</Figure>
        <Figure name="A minute">{minutes ? money(cost.known_usd / minutes) : "unknown"}</Figure>
        <Figure name="Calls" aside={data.outcomes.failed ? `${count(data.outcomes.failed)} failed` : null}>{count(data.calls)}</Figure>
      </dl>
      {unknown && (
        <p class="notice">
          <Icon name="warn" />
          <span>No price is known for {cost.unpriced.join(", ")}. <a href={href("calls", { price: "unknown", from: query.from || "30d" })}>Show these calls</a>; <code>pricing=</code> of <code>Patter</code> sets a price.</span>
        </p>
      )}
      <section class="card" aria-labelledby="days-title">
        <header class="card-head"><h2 id="days-title">By day</h2><Legend names={parts} title={partName} /></header>
        <Columns days={data.by_day} parts={parts} value={(day, part) => day.parts[part]} unit={(value) => money(value, value < 1 && value > 0 ? 2 : 0)}
          label="Cost by day and part; the table below has the same figures"
          tell={(day) => [...parts.map((part) => [part, money(day.parts[part] ?? 0), part]), ["known", money(day.known_usd)], ...(day.unpriced_calls ? [["unknown price", plural(day.unpriced_calls, "call")]] : [])]} />
        <DayTable days={data.by_day} columns={[["Calls", (day) => count(day.calls)], ["Known", (day) => money(day.known_usd)], ["Unknown price", (day) => count(day.unpriced_calls)]]} />
      </section>
      <div class="halves">
        <Providers data={data} />
        <Agents data={data} />
      </div>
    </>
  );
}

function Providers({ data }) {
  const rows = data.by_provider;
  const most = Math.max(0, ...rows.map((row) => row.known_usd));
  return (
    <section class="card" aria-labelledby="providers-title">
      <header class="card-head"><h2 id="providers-title">By provider</h2></header>
      <table class="plain bars">
        <thead><tr><th scope="col">Provider</th><th scope="col" class="right">Calls</th><th scope="col" class="share"><span class="only-read">Share</span></th><th scope="col" class="right">Cost</th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.kind + row.name}>
              <th scope="row"><a href={href("calls", { provider: row.name })}>{row.name}</a><small>{partName(row.kind)}</small></th>
              <td class="right num">{count(row.calls)}</td>
              <td class="share"><Bar parts={[{ name: partName(row.kind), value: row.known_usd, title: money(row.known_usd) }]} most={most} height={10} label={money(row.known_usd)} /></td>
              <td class="right"><Known row={row} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Known({ row }) {
  return (
    <>
      <span class="num">{row.known_usd === 0 && row.unpriced_calls ? "unknown" : money(row.known_usd, 2)}</span>
      {row.unpriced_calls > 0 && <small class="warn-text">+ {count(row.unpriced_calls)} unknown</small>}
    </>
  );
}

function Agents({ data }) {
  return (
    <section class="card" aria-labelledby="agents-title">
      <header class="card-head"><h2 id="agents-title">By agent</h2></header>
      <table class="plain">
        <thead><tr><th scope="col">Agent</th><th scope="col" class="right">Calls</th><th scope="col" class="right">A call</th><th scope="col" class="right">Cost</th></tr></thead>
        <tbody>
          {data.by_agent.map((row) => (
            <tr key={row.name}>
              <th scope="row"><a href={href("calls", { agent: row.name })}>{row.name || "no name"}</a></th>
              <td class="right num">{count(row.calls)}</td>
              <td class="right num">{money(row.known_usd / row.calls)}</td>
              <td class="right"><Known row={row} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
