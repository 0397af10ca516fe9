// One live call: its words as they come, and what can be done to it.

import { useEffect, useRef, useState } from "preact/hooks";
import { callPath, post } from "../api.js";
import { duration, ms, stamp } from "../format.js";
import { Listener } from "../listen.js";
import { Dialog } from "../parts/dialog.jsx";
import { Fix } from "../parts/fix.jsx";
import { Unheard } from "../parts/figures.jsx";
import { Icon } from "../parts/icons.jsx";
import { say, sayError } from "../parts/toast.jsx";
import { href } from "../route.js";
import { State } from "./live.jsx";

export function LivePanel({ call, now, session }) {
  const [asking, setAsking] = useState("");
  const title = useRef(null);
  useEffect(() => title.current.focus({ preventScroll: innerWidth > 900 }), []);
  const reach = call.here && !call.ended;
  return (
    <section class="live-panel card" aria-labelledby="live-title">
      <header class="card-head">
        <div>
          <h2 id="live-title" tabIndex={-1} ref={title}><span class="num">{call.number || "unknown number"}</span></h2>
          <p class="muted num">
            <State call={call} /> · {call.agent} · {call.carrier} · {duration(call.ended ? call.duration_ms : now - new Date(call.started_at))}
          </p>
        </div>
        <a class="ghost tiny button" href={href("live")} aria-label="Close this call's panel"><Icon name="close" /></a>
      </header>
      <div class="panel-tools">
        {session.can.listen && <Listen call={call} enabled={reach} />}
        {session.can.transfer && <button type="button" disabled={!reach} onClick={() => setAsking("transfer")}><Icon name="transfer" />Transfer</button>}
        {session.can.hang_up && <button type="button" class="danger" disabled={!reach} onClick={() => setAsking("hang-up")}><Icon name="hangup" />Hang up</button>}
      </div>
      {!call.here && !call.ended && <p class="muted small-text">Another process has this call: it can be read here and not be controlled.</p>}
      {call.problem && <div class="notice bad" role="alert"><Icon name="warn" /><div><p><code>{call.problem.code}</code> {call.problem.message}</p>{call.problem.fix && <Fix text={call.problem.fix} />}</div></div>}
      <Words call={call} />
      {call.ended && <p class="panel-foot"><a class="button" href={href(`calls/${call.id}`)}>Open the record of this call</a></p>}
      {asking === "hang-up" && <HangUp call={call} onClose={() => setAsking("")} />}
      {asking === "transfer" && <Transfer call={call} onClose={() => setAsking("")} />}
    </section>
  );
}

/** The transcript, which stays at its end unless the reader has scrolled away from it. */
function Words({ call }) {
  const ref = useRef(null);
  const stay = useRef(true);
  useEffect(() => {
    if (stay.current) ref.current.scrollTop = ref.current.scrollHeight;
  }, [call.lines, call.interim]);
  const scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = ref.current;
    stay.current = scrollHeight - scrollTop - clientHeight < 24;
  };
  return (
    <div class="words-log" ref={ref} onScroll={scrolled} role="log" aria-live="off" aria-label="Transcript" tabIndex={0}>
      {call.lines.length === 0 && !call.interim?.text && <p class="muted">No words yet.</p>}
      {call.lines.map((line) => <Line key={line.n} line={line} />)}
      {call.interim?.text && <p class="line caller interim"><b>caller</b><span>{call.interim.text}…</span></p>}
    </div>
  );
}

function Line({ line }) {
  if (line.role === "tool") {
    return (
      <p class={`line tool${line.ok === false ? " failed" : ""}`}>
        <b>tool</b>
        <span><code>{line.text}</code>{line.result !== undefined && line.result !== null && <> → {line.result}</>}{line.took_ms !== undefined && line.took_ms !== null && <span class="muted num"> {ms(line.took_ms)} ms</span>}</span>
      </p>
    );
  }
  return (
    <p class={`line ${line.role}`}>
      <b title={line.began_ms === undefined || line.began_ms === null ? undefined : stamp(line.began_ms)}>{line.role}</b>
      <span>{line.text} {line.unheard && <Unheard text={line.unheard} />}</span>
    </p>
  );
}

/** Two clicks: the first says what the second will do. */
function Listen({ call, enabled }) {
  const [state, setState] = useState("off");
  const listener = useRef(null);
  useEffect(() => () => listener.current?.close(), []);
  useEffect(() => {
    if (call.ended && listener.current) listener.current.close();
  }, [call.ended]);
  const press = () => {
    if (state === "off") return setState("armed");
    if (state === "on") return listener.current.close();
    setState("on");
    listener.current = new Listener(call.id, (error) => {
      setState("off");
      if (error) sayError(error);
    });
    return undefined;
  };
  const label = { off: "Listen in", armed: "Start listening", on: "Stop listening" }[state];
  return (
    <span class="listen">
      <button type="button" class={state === "off" ? "" : "primary"} aria-pressed={state === "on"} disabled={!enabled && state === "off"} onClick={press}>
        <Icon name="listen" />{label}
      </button>
      <span role="status" class="muted small-text">
        {state === "armed" && <>You will hear both sides; nobody hears you. <button type="button" class="link" onClick={() => setState("off")}>Cancel</button></>}
        {state === "on" && "Caller left, agent right."}
      </span>
    </span>
  );
}

function HangUp({ call, onClose }) {
  const send = async (goodbye) => {
    onClose();
    try {
      await post(callPath(call.id, "/hang-up"), goodbye ? { goodbye: true } : {});
      say(goodbye ? "The agent says goodbye, then hangs up." : "The call is being ended.");
    } catch (error) {
      sayError(error);
    }
  };
  return (
    <Dialog title="Hang up this call?" onClose={onClose}>
      <p>The caller at <strong class="num">{call.number}</strong> is on the phone with {call.agent}.</p>
      <footer>
        <button type="button" onClick={() => send(true)}>Say goodbye first</button>
        <button type="button" class="danger solid" onClick={() => send(false)}>Hang up now</button>
      </footer>
    </Dialog>
  );
}

function Transfer({ call, onClose }) {
  const [to, setTo] = useState("");
  const [error, setError] = useState(null);
  const send = async (event) => {
    event.preventDefault();
    try {
      await post(callPath(call.id, "/transfer"), { to: to.replace(/[\s().-]/g, "") });
      onClose();
      say(`The call is being transferred to ${to}.`);
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Dialog title="Transfer this call" onClose={onClose}>
      <form onSubmit={send}>
        <label class="field">Number, as +15550100200
          <input type="tel" required autoFocus autocomplete="off" placeholder="+15550100200" value={to} onInput={(event) => setTo(event.target.value)}
            aria-invalid={error ? "true" : undefined} aria-describedby={error ? "transfer-error" : undefined} />
        </label>
        {error && <p id="transfer-error" class="bad-text" role="alert">{error.message}. {error.fix}</p>}
        <footer>
          <button type="submit" class="primary">Transfer</button>
        </footer>
      </form>
    </Dialog>
  );
}
