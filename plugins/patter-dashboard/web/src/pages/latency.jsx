// How fast answers are: by day, stage, provider and agent, and the slowest of all.

import { count, ms, plural } from "../format.js";
import { useTitle } from "../hooks.js";
import { STAGES, STAGE_HINTS, STAGE_NAMES } from "../names.js";
import { DayTable, Lines } from "../parts/days.jsx";
import { Figure, Moment } from "../parts/figures.jsx";
import { Bar, Legend, stageParts, sumOf } from "../parts/stages.jsx";
import { href } from "../route.js";
import { Summary } from "./summary.jsx";

export function Latency({ query }) {
  useTitle("Latency");
  return (
    <Summary page="latency" title="Latency" query={query} lead={(data) => `${plural(data.latency.turns, "answer")} in ${plural(data.calls, "call")}, each from the caller's last voice to the first sound`}>
      {(data) => <Shown data={data} />}
    </Summary>
  );
}

function Shown({ data }) {
  const { gap } = data.latency;
  const percent = data.turns ? (100 * data.interruptions) / data.turns : 0;
  const share = percent > 0 && percent < 1 ? "under 1 % of turns" : `${Math.round(percent)} % of turns`;
  return (
    <>
      <dl class="figures">
        <Figure name="p50" unit="ms">{ms(gap.p50)}</Figure>
        <Figure name="p95" unit="ms" warn={gap.p95 > 1_000} aside={gap.p95 > 1_000 ? "over a second" : null}>{ms(gap.p95)}</Figure>
        <Figure name="Answers">{count(data.latency.turns)}</Figure>
        <Figure name="Interruptions" aside={share}>{count(data.interruptions)}</Figure>
      </dl>
      <section class="card" aria-labelledby="days-title">
        <header class="card-head"><h2 id="days-title">By day</h2><Key /></header>
        <Lines days={data.by_day} unit={(value) => ms(value)} label="p50 and p95 of the response latency by day, in milliseconds; the table below has the same figures"
          series={[{ name: "p95", look: "upper", value: (day) => day.p95 }, { name: "p50", look: "lower", value: (day) => day.p50 }]}
          tell={(day) => [["p95", `${ms(day.p95)} ms`], ["p50", `${ms(day.p50)} ms`], ["calls", count(day.calls)]]} />
        <DayTable days={data.by_day} columns={[["Calls", (day) => count(day.calls)], ["p50, ms", (day) => ms(day.p50)], ["p95, ms", (day) => ms(day.p95)]]} />
      </section>
      <div class="halves">
        <Stages stages={data.latency.stages} />
        <Slowest rows={data.slowest} />
      </div>
      <div class="halves">
        <Names title="By provider" first="Provider" rows={data.by_provider.filter((row) => row.stage)} link={(row) => href("calls", { provider: row.name })} />
        <Names title="By agent" first="Agent" rows={data.by_agent} link={(row) => href("calls", { agent: row.name })} />
      </div>
    </>
  );
}

function Key() {
  return (
    <ul class="legend" aria-label="Key">
      <li><svg width="22" height="10" class="series upper" aria-hidden="true"><path d="M0 5h22" /><rect x="8.5" y="2.5" width="5" height="5" /></svg>p95</li>
      <li><svg width="22" height="10" class="series lower" aria-hidden="true"><path d="M0 5h22" /><circle cx="11" cy="5" r="2.5" /></svg>p50</li>
    </ul>
  );
}

function Stages({ stages }) {
  const names = STAGES.filter((name) => stages[name]);
  const most = Math.max(1, ...names.map((name) => stages[name].p95 ?? 0));
  return (
    <section class="card" aria-labelledby="stages-title">
      <header class="card-head"><h2 id="stages-title">By stage</h2></header>
      <table class="plain bars">
        <thead><tr><th scope="col">Stage</th><th scope="col" class="share"><span class="only-read">p50</span></th><th scope="col" class="right">p50</th><th scope="col" class="right">p95</th></tr></thead>
        <tbody>
          {names.map((name) => (
            <tr key={name}>
              <th scope="row">{STAGE_NAMES[name]}<small>{STAGE_HINTS[name]}</small></th>
              <td class="share"><Bar parts={[{ name, value: stages[name].p50 ?? 0, title: `p50 ${ms(stages[name].p50)} ms` }]} most={most} height={12} label={`p50 ${ms(stages[name].p50)} ms`} /></td>
              <td class="right num">{ms(stages[name].p50)}</td>
              <td class="right num">{ms(stages[name].p95)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Slowest({ rows }) {
  const most = Math.max(1, ...rows.map((row) => row.gap_ms));
  const used = new Set(rows.flatMap((row) => stageParts(row.stages).map((part) => part.name)));
  return (
    <section class="card" aria-labelledby="slowest-title">
      <header class="card-head"><h2 id="slowest-title">The slowest answers</h2></header>
      <ol class="waterfall slowest">
        {rows.map((row) => (
          <li key={row.id + row.turn}>
            <a href={href(`calls/${row.id}`, { turn: String(row.turn) })} title={sumOf(row.stages, row.gap_ms)}>
              <span class="turn-no"><Moment iso={row.started_at} /></span>
              <Bar parts={stageParts(row.stages)} most={most} height={14} label={sumOf(row.stages, row.gap_ms)} />
              <span class="num">{ms(row.gap_ms)}<small> ms</small></span>
            </a>
          </li>
        ))}
      </ol>
      <Legend names={STAGES.filter((name) => used.has(name))} />
    </section>
  );
}

function Names({ title, first, rows, link }) {
  const id = title.replace(" ", "-").toLowerCase();
  return (
    <section class="card" aria-labelledby={id}>
      <header class="card-head"><h2 id={id}>{title}</h2></header>
      <table class="plain">
        <thead><tr><th scope="col">{first}</th><th scope="col" class="right">Calls</th><th scope="col" class="right">p50</th><th scope="col" class="right">p95</th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.kind ?? ""}${row.name}`}>
              <th scope="row"><a href={link(row)}>{row.name || "no name"}</a>{row.stage && <small>{STAGE_NAMES[row.stage]}</small>}</th>
              <td class="right num">{count(row.calls)}</td>
              <td class="right num">{ms(row.p50)}</td>
              <td class="right num">{ms(row.p95)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
