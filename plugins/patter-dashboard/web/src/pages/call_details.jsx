// The rest of a call, read when it is asked for: events, what the model saw, log lines, settings.

import { useRef, useState } from "preact/hooks";
import { callPath, get } from "../api.js";
import { count, plural, stamp, timeExact } from "../format.js";
import { useGet, useSoon } from "../hooks.js";
import { Loading, Problem } from "../parts/feedback.jsx";
import { sayError } from "../parts/toast.jsx";

const TABS = [["events", "Events"], ["model", "What the model saw"], ["logs", "Log lines"], ["setup", "Set-up"]];

export function Details({ call, player }) {
  const [tab, setTab] = useState("events");
  const bar = useRef(null);
  // It lies below all else that is read first.
  const soon = useSoon();
  const keys = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = TABS.findIndex(([name]) => name === tab);
    setTab(TABS[(at + step + TABS.length) % TABS.length][0]);
    requestAnimationFrame(() => bar.current.querySelector("[aria-selected=true]").focus());
  };
  const Shown = { events: Events, model: Model, logs: Logs, setup: Setup }[tab];
  return (
    <section class="card details" aria-label="Details">
      <div class="tabs" role="tablist" aria-label="Details of the call" ref={bar} onKeyDown={keys}>
        {TABS.map(([name, label]) => (
          <button key={name} type="button" role="tab" id={`tab-${name}`} aria-selected={tab === name} aria-controls="tab-panel" tabIndex={tab === name ? 0 : -1} onClick={() => setTab(name)}>
            {label}{name === "events" && <span class="badge num">{count(call.events)}</span>}{name === "model" && <span class="badge num">{count(call.model_requests)}</span>}{name === "logs" && <span class="badge num">{count(call.warnings)}</span>}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="tab-panel" aria-labelledby={`tab-${tab}`} tabIndex={0}>
        {soon ? <Shown call={call} player={player} /> : <Loading rows={5} />}
      </div>
    </section>
  );
}

const KINDS = ["row", "turn", "tool", "barge_in", "span", "wire", "link", "usage", "note", "error", "step"];

function Events({ call, player }) {
  const [type, setType] = useState("");
  const [more, setMore] = useState({ of: null, rows: [], next: null });
  const first = useGet(callPath(call.call.id, "/events"), { type, limit: 100 });
  if (first.error) return <Problem error={first.error} retry={first.reload} />;
  if (!first.data) return <Loading rows={5} />;
  const mine = more.of === first.data;
  const rows = mine ? [...first.data.data, ...more.rows] : first.data.data;
  const next = mine ? more.next : first.data.next;
  const read = async () => {
    try {
      const page = await get(callPath(call.call.id, "/events"), { type, limit: 200, after: next });
      setMore({ of: first.data, rows: [...(mine ? more.rows : []), ...page.data], next: page.next });
    } catch (error) {
      sayError(error);
    }
  };
  return (
    <>
      <label class="select pad"><span>Type</span>
        <select value={type} onChange={(event) => setType(event.target.value)}>
          <option value="">all but steps</option>
          {KINDS.map((kind) => <option key={kind} value={kind}>{kind.replace("_", " ")}</option>)}
        </select>
      </label>
      {rows.length === 0 && <p class="muted pad">None of this type.</p>}
      <ol class="events">
        {rows.map((event) => (
          <li key={event.seq}>
            <button type="button" class="link num" onClick={() => player.seek(event.at_ms)} aria-label={`Go to ${stamp(event.at_ms)}`}>{stamp(event.at_ms)}</button>
            <b>{event.type.replace("_", " ")}</b>
            <span class="fields">{Object.entries(event.data).map(([name, value]) => <span key={name}><i>{name}</i> {written(value)}</span>)}</span>
          </li>
        ))}
      </ol>
      {next !== null && <p class="end"><button type="button" onClick={read}>Show more events</button></p>}
    </>
  );
}

function written(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 157)}…` : text;
}

function Model({ call }) {
  const { data, error, reload } = useGet(callPath(call.call.id, "/model"));
  const [chosen, setChosen] = useState(null);
  if (error) return <Problem error={error} retry={reload} />;
  if (!data) return <Loading rows={4} />;
  if (!data.data.length) return <p class="muted pad">No model was asked in this call.</p>;
  const number = chosen ?? data.data.at(-1).n;
  return (
    <div class="model">
      <label class="select pad"><span>Request</span>
        <select value={number} onChange={(event) => setChosen(Number(event.target.value))}>
          {data.data.map((each) => <option key={each.n} value={each.n}>{stamp(each.at_ms)}{each.turn === null ? "" : `, turn ${each.turn}`}, {plural(each.rows, "row")}</option>)}
        </select>
      </label>
      <Messages id={call.call.id} number={number} />
    </div>
  );
}

function Messages({ id, number }) {
  const { data, error, reload } = useGet(callPath(id, `/model/${number}`));
  if (error) return <Problem error={error} retry={reload} />;
  if (!data) return <Loading rows={4} />;
  return (
    <ol class="messages">
      {data.messages.map((message, index) => (
        <li key={index} class={message.role}><b>{message.role}</b><p>{message.text}</p></li>
      ))}
    </ol>
  );
}

function Logs({ call }) {
  const [info, setInfo] = useState(false);
  const { data, error, reload } = useGet(callPath(call.call.id, "/logs"), { level: info ? "info" : "warning" });
  if (error) return <Problem error={error} retry={reload} />;
  if (!data) return <Loading rows={3} />;
  return (
    <>
      <label class="check pad"><input type="checkbox" checked={info} onChange={(event) => setInfo(event.target.checked)} /> Information, too</label>
      {data.dropped > 0 && <p class="muted pad">{plural(data.dropped, "earlier line")} {data.dropped === 1 ? "is" : "are"} no longer kept.</p>}
      {data.data.length === 0 && <p class="muted pad">{info ? "Nothing" : "No warning and no error"} was logged in this call.</p>}
      <ol class="events">
        {data.data.map((line, index) => (
          <li key={index}><time class="num" dateTime={line.at}>{timeExact(line.at)}</time><b class={BAD.has(line.level) ? "bad-text" : ""}>{line.level.toLowerCase()}</b>
            <div class="fields"><span><i>{line.logger}</i> {line.text}</span>{line.error && <pre class="trace">{line.error}</pre>}</div></li>
        ))}
      </ol>
      <p class="muted small-text pad">Lines are kept in memory by the server that had the call, while it runs.</p>
    </>
  );
}

const BAD = new Set(["WARNING", "ERROR", "CRITICAL"]);

function Setup({ call }) {
  const rows = [
    ["agent", call.call.agent], ["mode", call.mode], ["language", call.language],
    ...Object.entries(call.providers), ...Object.entries(call.audio_formats).map(([name, value]) => [`audio, ${name}`, value]),
    ["id", call.call.id],
  ];
  return (
    <table class="plain setup">
      <caption class="only-read">What the call was made with</caption>
      <tbody>{rows.filter(([, value]) => value).map(([name, value]) => <tr key={name}><th scope="row">{name}</th><td><code>{value}</code></td></tr>)}</tbody>
    </table>
  );
}
