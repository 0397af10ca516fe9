// Beside the transcript: where the time of each answer went, what the call cost, what failed.

import { count, ms, money, stamp } from "../format.js";
import { partName } from "../names.js";
import { Fix } from "../parts/fix.jsx";
import { Money } from "../parts/figures.jsx";
import { Icon } from "../parts/icons.jsx";
import { LongList } from "../parts/long_list.jsx";
import { Bar, Legend, stageParts, sumOf } from "../parts/stages.jsx";

export function Waterfall({ turns, player }) {
  const timed = turns.filter((turn) => turn.gap_ms !== null);
  const most = Math.max(1, ...timed.map((turn) => turn.gap_ms));
  const used = new Set(timed.flatMap((turn) => turn.stages.map((each) => each.stage)));
  return (
    <section class="card" aria-labelledby="waterfall-title">
      <header class="card-head"><h2 id="waterfall-title">Where each answer's time went</h2></header>
      {timed.length === 0 && <p class="muted pad">No turn of this call was answered.</p>}
      <div class={timed.length > 16 ? "waterfall-box" : undefined}>
        <LongList class="waterfall" items={timed} height={28} draw={(turn) => (
          <li key={turn.turn}>
            <button type="button" onClick={() => player.seek(turn.from_ms)} title={sumOf(turn.stages, turn.gap_ms)}>
              <span class="turn-no num">turn {turn.turn}</span>
              <Bar parts={stageParts(turn.stages)} most={most} height={16} label={sumOf(turn.stages, turn.gap_ms)} />
              <span class="num">{ms(turn.gap_ms)}<small> ms</small></span>
            </button>
          </li>
        )} />
      </div>
      {timed.length > 0 && <Legend names={["stt", "end", "llm", "tool", "text", "tts", "wait", "play"].filter((name) => used.has(name))} />}
    </section>
  );
}

const UNITS = {
  tokens_in: "tokens in", tokens_out: "tokens out", tokens_cached: "cached", tokens_cache_written: "cache written",
  minutes: "min", characters: "characters", calls: "calls",
};
const amount = ({ unit, amount: much }) => `${Number.isInteger(much) ? count(much) : much.toFixed(2)} ${UNITS[unit] ?? unit.replaceAll("_", " ")}`;

export function Cost({ cost }) {
  return (
    <section class="card" aria-labelledby="cost-title">
      <header class="card-head"><h2 id="cost-title">Cost by part</h2></header>
      <table class="plain">
        <caption class="only-read">What each part of the call cost</caption>
        <tbody>
          {cost.parts.map((part) => (
            <tr key={`${part.kind}${part.provider}`}>
              <th scope="row">{partName(part.kind)}<small>{part.provider}</small></th>
              <td class="muted num">{part.usage.map(amount).join(", ")}</td>
              <td class="right"><Money usd={part.usd} /></td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr><th scope="row" colSpan={2}>{cost.total_usd === null ? "known" : "total"}</th><td class="right num"><strong>{money(cost.total_usd ?? cost.known_usd)}</strong></td></tr>
        </tfoot>
      </table>
      {cost.unpriced.length > 0 && <p class="notice"><Icon name="warn" /><span>No price is known for {cost.unpriced.join(", ")}: it is not in the sum. <code>pricing=</code> of <code>Patter</code> sets one.</span></p>}
    </section>
  );
}

export function Problems({ errors, player }) {
  if (!errors.length) return null;
  return (
    <section class="problems" aria-label="Errors of this call">
      {errors.map((error, index) => (
        <div class="notice bad" key={index}>
          <Icon name="warn" />
          <div>
            <p><button type="button" class="link num" onClick={() => player.seek(error.at_ms)}>{stamp(error.at_ms)}</button> <code>{error.code}</code> {error.message} {error.where && <span class="muted">in {error.where}</span>}</p>
            {error.fix && <Fix text={error.fix} />}
          </div>
        </div>
      ))}
    </section>
  );
}
