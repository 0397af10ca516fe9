// What was said, in step with the audio: a click on a row goes to its moment.

import { useEffect, useRef } from "preact/hooks";
import { ms, stamp } from "../format.js";
import { Unheard } from "../parts/figures.jsx";
import { LongList } from "../parts/long_list.jsx";
import { Bar, stageParts } from "../parts/stages.jsx";
import { usePlayer } from "./transport.jsx";

/** The row that is heard at *at*, or the last before it; -1 before the first. */
const rowAt = (rows, at) => rows.findLastIndex((row) => row.role !== "tool" && row.began_ms <= at + 60);

/** Go *step* rows from where the player is. */
export function nearRow(rows, player, step, event) {
  event.preventDefault();
  const spoken = rows.filter((row) => row.role !== "tool");
  const next = spoken[Math.max(0, Math.min(spoken.length - 1, rowAt(spoken, player.at) + step))];
  if (!next) return;
  player.seek(next.began_ms);
  // It may be in a piece of the list that is only drawn now.
  setTimeout(() => document.getElementById(`row-${next.n}`)?.scrollIntoView({ block: "nearest" }), 50);
}

export function Transcript({ call, player }) {
  const rows = call.transcript;
  const now = usePlayer(player, (each) => (each.at > 0 || each.playing ? rowAt(rows, each.at) : -1));
  const gaps = new Map(call.turns.map((turn) => [turn.turn, turn]));
  const most = Math.max(1, ...call.turns.map((turn) => turn.gap_ms ?? 0));
  const answers = new Map();
  for (const row of rows) {
    if (row.role === "agent" && row.turn > 0 && !answers.has(row.turn)) answers.set(row.turn, row);
  }
  return (
    <section class="card transcript" aria-labelledby="said-title">
      <header class="card-head"><h2 id="said-title">Transcript</h2><p class="muted small-text">A click goes to the moment</p></header>
      {rows.length === 0 && <p class="muted pad">Nothing was said.</p>}
      <LongList items={rows} height={44} wanted={now} draw={(row, index) => {
        const turn = answers.get(row.turn) === row ? gaps.get(row.turn) : null;
        return (
          <li key={row.n} id={`row-${row.n}`} class={`said-row ${row.role}${index === now ? " now" : ""}${row.ok === false ? " failed" : ""}`}>
            {turn && turn.gap_ms !== null && <Gap turn={turn} most={most} />}
            <Row row={row} player={player} now={index === now} />
          </li>
        );
      }} />
    </section>
  );
}

/** How long the answer took, between the question and it. */
function Gap({ turn, most }) {
  const parts = stageParts(turn.stages);
  return (
    <p class="gap-line">
      <span class="num">{ms(turn.gap_ms)} ms</span>
      <Bar parts={parts} most={most} height={8} label={`answered after ${turn.gap_ms} ms: ${parts.map((part) => part.title).join(", ")}`} />
    </p>
  );
}

function Row({ row, player, now }) {
  return (
    <button type="button" class="said-button" aria-current={now ? "true" : undefined} onClick={() => player.playFrom(row.began_ms)}>
      <span class="num at">{stamp(row.began_ms)}</span>
      <b>{row.role}</b>
      <span class="text">
        {row.role === "tool" ? <Tool row={row} /> : row.text}
        {row.unheard && <> <Unheard text={row.unheard} /></>}
        {row.interrupted && <span class="tag soft">interrupted</span>}
      </span>
    </button>
  );
}

function Tool({ row }) {
  return (
    <>
      <code>{row.text}</code> <span class="muted">{row.kind}</span> → {row.ok === false && <span class="tag bad">failed</span>} <code>{row.result}</code>
      {row.took_ms !== null && row.took_ms !== undefined && <span class="muted num"> {ms(row.took_ms)} ms</span>}
    </>
  );
}
