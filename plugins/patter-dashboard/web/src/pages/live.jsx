// Who is on the phone now, and their words as they come.

import { useEffect, useRef } from "preact/hooks";
import { duration, ms, plural } from "../format.js";
import { useKeys, useNow, useTitle } from "../hooks.js";
import { moveFocus } from "../keys.js";
import { liveCount } from "../live_calls.js";
import { outcomeName } from "../names.js";
import { Empty, Loading, Problem } from "../parts/feedback.jsx";
import { Direction } from "../parts/figures.jsx";
import { Icon } from "../parts/icons.jsx";
import { go, href } from "../route.js";
import { LivePanel } from "./live_panel.jsx";

export function Live({ session, live, query }) {
  useTitle(liveCount(live) ? `${liveCount(live)} live` : "Live");
  const now = useNow(live.calls.length > 0);
  const box = useRef(null);
  useSweep(live, box, query.call);
  const chosen = live.calls.find((call) => call.id === query.call);
  useKeys({
    j: (event) => moveFocus(".live-row", 1, event),
    k: (event) => moveFocus(".live-row", -1, event),
    Escape: (event) => {
      if (!chosen) return;
      event.preventDefault();
      go("live");
    },
  });
  return (
    <>
      <header class="page-head">
        <div>
          <h1>Live</h1>
          <p class="lead">{live.loaded ? `${plural(liveCount(live), "call")} on the phone now` : "\u00a0"}</p>
        </div>
      </header>
      {live.error && !live.loaded && <Problem error={live.error} retry={live.reload} />}
      {!live.loaded && !live.error && <Loading rows={4} label="Loading the live calls" />}
      {live.loaded && live.calls.length === 0 && <Nobody session={session} />}
      {live.calls.length > 0 && (
        <div class={`live${chosen ? " chosen" : ""}`}>
          <ul class="live-list" ref={box} aria-label="Live calls">
            {live.calls.map((call) => <Row key={call.id} call={call} now={now} chosen={call === chosen} />)}
          </ul>
          {chosen
            ? <LivePanel key={chosen.id} call={chosen} now={now} session={session} />
            : <p class="live-hint">Choose a call to read along, listen in, transfer it or hang up.</p>}
        </div>
      )}
    </>
  );
}

/** Ended calls leave the list after a while, but never while somebody points at it. */
function useSweep(live, box, chosen) {
  useEffect(() => {
    const timer = setInterval(() => {
      const list = box.current;
      if (list && !list.matches(":hover") && !list.contains(document.activeElement)) live.sweep(Date.now() - 20_000, chosen);
    }, 2_000);
    return () => clearInterval(timer);
  }, [chosen]);
}

function Nobody({ session }) {
  return (
    <Empty title="Nobody is on the phone" icon="live">
      {session.serving
        ? <p>Calls show up here by themselves. {session.number ? <>Call <strong class="num">{session.number}</strong>, or talk to the agent on this machine:</> : "Talk to the agent on this machine:"}</p>
        : <p>This dashboard runs beside other processes and shows what they tell it. Start one:</p>}
      <p><code class="command">{session.serving ? "patter phone --offline" : "patter serve bistro:agent"}</code></p>
      <p><a href={href("calls")}>Earlier calls</a></p>
    </Empty>
  );
}

const WHERE = { hold: "on hold", human: "with a human", ended: "ending" };

/** What a call does just now: a word, and a sign that moves only where that is wanted. */
export function State({ call }) {
  const word = call.ended ? outcomeName(call.outcome ?? "ended")
    : WHERE[call.where] ?? (call.speaking === "nobody" ? "listening" : `${call.speaking} speaks`);
  return (
    <span class={`speaking ${call.ended ? "over" : call.speaking}`}>
      <span class="meter" aria-hidden="true"><i /><i /><i /></span>{word}
    </span>
  );
}

function Row({ call, now, chosen }) {
  const last = call.lines.findLast((line) => line.role !== "tool");
  const length = call.ended ? call.duration_ms : now - new Date(call.started_at);
  return (
    <li class={call.ended ? "ended" : ""}>
      <a class="live-row" href={call.ended ? href(`calls/${call.id}`) : href("live", { call: call.id })} aria-current={chosen ? "true" : undefined}>
        <span class="live-top">
          <Direction direction={call.direction} />
          <strong class="num">{call.number || "unknown number"}</strong>
          <span class="muted">{call.agent}</span>
          <span class="num live-time">{duration(length)}</span>
        </span>
        <span class="live-words">{words(call, last)}</span>
        <span class="live-foot">
          <State call={call} />
          <span class="muted num">{plural(call.turns, "turn")}</span>
          {call.gap_ms !== null && <span class="muted num">{ms(call.gap_ms)} ms</span>}
          {call.problems > 0 && <span class="bad-text"><Icon name="warn" size={13} /> {plural(call.problems, "problem")}</span>}
        </span>
      </a>
    </li>
  );
}

function words(call, last) {
  if (call.interim?.text) return <em class="interim">{call.interim.text}…</em>;
  return last ? last.text || last.unheard : <span class="muted">No words yet</span>;
}
