// What the pages of cost and of latency share: the time and agent that they are about, and loading.

import { useGet, useReturn } from "../hooks.js";
import { Empty, Loading, Problem } from "../parts/feedback.jsx";
import { go, href } from "../route.js";

const TIMES = [["24h", "24 hours"], ["7d", "7 days"], ["", "30 days"], ["90d", "90 days"]];

export function Summary({ page, title, lead, query, children }) {
  const asked = { from: query.from, agent: query.agent, provider: query.provider };
  const { data, error, loading, reload } = useGet("summary", asked);
  const { data: facets } = useGet("facets");
  useReturn(reload);
  const set = (name, value) => go(page, { ...asked, [name]: value }, { replace: true });
  return (
    <>
      <header class="page-head">
        <div><h1>{title}</h1><p class="lead">{data ? lead(data) : "\u00a0"}</p></div>
        <div class="tools">
          {facets?.agents.length > 1 && (
            <label class={`select${query.agent ? " set" : ""}`}><span class="only-read">Agent</span>
              <select value={query.agent ?? ""} onChange={(event) => set("agent", event.target.value)}>
                <option value="">all agents</option>
                {facets.agents.map((each) => <option key={each.name} value={each.name}>{each.name}</option>)}
              </select>
            </label>
          )}
          <div class="segments" role="group" aria-label="Time">
            {TIMES.map(([value, label]) => (
              <button key={value} type="button" aria-pressed={(query.from ?? "") === value} onClick={() => set("from", value)}>{label}</button>
            ))}
          </div>
        </div>
      </header>
      {error && <Problem error={error} retry={reload} />}
      {!data && !error && <Loading rows={8} />}
      {data && data.calls === 0 && (
        <Empty title="No calls in this time" icon={page}>
          <p>Choose a longer time, or look at <a href={href("calls")}>all calls</a>.</p>
        </Empty>
      )}
      {data && data.calls > 0 && <div class={loading ? "stale" : ""}>{children(data)}</div>}
    </>
  );
}
