// Is this server well: what doctor finds, the plugins, drain, and errors by code with their fixes.

import { useState } from "preact/hooks";
import { post } from "../api.js";
import { ago, bytes, count, fullTime, plural, span } from "../format.js";
import { useGet, useNow, useReturn, useStream, useTitle } from "../hooks.js";
import { Loading, Problem } from "../parts/feedback.jsx";
import { Figure } from "../parts/figures.jsx";
import { Fix } from "../parts/fix.jsx";
import { Icon } from "../parts/icons.jsx";
import { sayError } from "../parts/toast.jsx";
import { shortId } from "../names.js";
import { href } from "../route.js";

export function Health() {
  useTitle("Health");
  const { data, error, reload } = useGet("health");
  useReturn(reload);
  useStream((batch) => batch.some(({ name }) => name === "server" || name === "problem") && reload());
  return (
    <>
      <header class="page-head"><div><h1>Health</h1><p class="lead">{data ? `patter ${data.version}, Python ${data.python}, up ${span(data.uptime_ms)}` : "\u00a0"}</p></div></header>
      {error && <Problem error={error} retry={reload} />}
      {!data && !error && <Loading rows={8} />}
      {data && <Shown data={data} />}
    </>
  );
}

function Shown({ data }) {
  const broken = data.plugins.filter(isBroken).length;
  const { index } = data;
  return (
    <>
      {data.draining && <p class="notice bad" role="status"><Icon name="warn" /><span>Draining: new calls are refused, {plural(data.calls, "call")} {data.calls === 1 ? "is" : "are"} still going on.</span></p>}
      <dl class="figures">
        <Figure name="State" aside={data.draining ? "no new calls" : "takes calls"} warn={data.draining}><span class="state-word">{data.draining ? "draining" : data.state}</span></Figure>
        <Figure name="Calls now" aside={data.limits.calls ? `of at most ${count(data.limits.calls)}` : null}>{count(data.calls)}</Figure>
        <Figure name="Records" aside={index.state === "building" ? `of ${count(index.found)}, still reading` : index.state === "off" ? "no call log" : `index ${bytes(index.bytes)}`} warn={index.state !== "ready"}>{count(index.indexed)}</Figure>
        <Figure name="Pages open" aside={data.dropped_clients ? `${count(data.dropped_clients)} dropped, too slow` : null}>{count(data.clients)}</Figure>
        <Figure name="Plugins" aside={broken ? `${count(broken)} broken` : "none is broken"} warn={broken > 0}>{count(data.plugins.length)}</Figure>
      </dl>
      <div class="halves">
        <Checks checks={data.checks} />
        <Errors errors={data.errors} />
      </div>
      <Plugins plugins={data.plugins} />
    </>
  );
}

const isBroken = (plugin) => Boolean(plugin.problem);

const SIGNS = { ok: "check", warn: "warn", fail: "cross" };

function Checks({ checks: first }) {
  const [checks, setChecks] = useState(first);
  const [running, setRunning] = useState(false);
  const run = async () => {
    setRunning(true);
    try {
      const answer = await post("health/doctor");
      setChecks(answer.checks ?? answer);
    } catch (error) {
      sayError(error);
    } finally {
      setRunning(false);
    }
  };
  const failed = checks.filter((each) => each.status === "fail").length;
  return (
    <section class="card" aria-labelledby="checks-title" aria-busy={running}>
      <header class="card-head">
        <h2 id="checks-title">Doctor</h2>
        <button type="button" class="small" disabled={running} onClick={run}>{running ? "Asking…" : "Run all checks"}</button>
      </header>
      <p class="only-read" role="status">{running ? "The checks run" : `${plural(checks.length, "check")}, ${count(failed)} failed`}</p>
      <ul class="checks">
        {[...checks].sort(worst).map((check) => (
          <li key={check.name} class={check.status}>
            <span class="sign"><Icon name={SIGNS[check.status] ?? "dot"} size={14} /><span class="only-read">{check.status}</span></span>
            <div><p><strong>{check.name}</strong> {check.text}</p>{check.fix && <Fix text={check.fix} />}</div>
          </li>
        ))}
      </ul>
    </section>
  );
}

const ORDER = { fail: 0, warn: 1, ok: 2 };
const worst = (one, other) => ORDER[one.status] - ORDER[other.status];

function Errors({ errors }) {
  const now = useNow();
  return (
    <section class="card" aria-labelledby="errors-title">
      <header class="card-head"><h2 id="errors-title">Errors by code</h2><p class="muted small-text">last 7 days</p></header>
      {errors.length === 0 && <p class="pad good-text"><Icon name="check" /> No call had an error.</p>}
      <ul class="checks">
        {errors.map((error) => (
          <li key={error.code}>
            <span class="badge bad num">{count(error.count)}</span>
            <div>
              <p><a href={href("calls", { error: error.code })}><code>{error.code}</code></a> <time class="muted" dateTime={error.last_at} title={fullTime(error.last_at)}>{ago(error.last_at, now)}</time></p>
              <p>{error.message}</p>
              {error.fix && <Fix text={error.fix} />}
              {error.calls.length > 0 && <p class="muted small-text">calls {error.calls.slice(0, 5).map((id) => <a key={id} href={href(`calls/${id}`)}><code>{shortId(id)}</code></a>)}</p>}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Plugins({ plugins }) {
  const kinds = [...new Set(plugins.map((each) => each.kind))].sort();
  return (
    <section class="card" aria-labelledby="plugins-title">
      <header class="card-head"><h2 id="plugins-title">Plugins</h2></header>
      <table class="plain plugins">
        <caption class="only-read">Installed plugins by kind</caption>
        <tbody>
          {kinds.map((kind) => (
            <tr key={kind}>
              <th scope="row">{kind.replaceAll("_", " ")}</th>
              <td>
                <ul class="plugin-list">
                  {plugins.filter((each) => each.kind === kind).map((each) => (
                    <li key={each.name} class={isBroken(each) ? "broken" : ""} title={`${each.package} ${each.version}`}>
                      <Icon name={isBroken(each) ? "cross" : "check"} size={13} /><span><strong>{each.name}</strong> <small class="muted num">{each.version}</small>{isBroken(each) && <> {each.state}: {each.problem}</>}</span>
                      {each.fix && <Fix text={each.fix} />}
                    </li>
                  ))}
                </ul>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
