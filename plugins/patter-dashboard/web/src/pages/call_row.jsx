// A row of the list of calls. Its link covers it, so that it is one target and opens in a new tab.

import { memo } from "../memo.js";
import { NONE, ago, count, duration, ms, timeOfDay } from "../format.js";
import { Direction, Found, Moment, Money, Outcome } from "../parts/figures.jsx";
import { Icon } from "../parts/icons.jsx";
import { href } from "../route.js";

export const CallRow = memo(({ row, now, slowest }) => {
  if (row.gone || row.erased) return <Gone row={row} />;
  const length = row.live ? now - new Date(row.started_at) : row.duration_ms;
  return (
    <tr role="row" class={row.live ? "live-now" : ""}>
      <td role="cell" class="c-when">
        <a class="call-link" href={row.live ? href("live", { call: row.id }) : href(`calls/${row.id}`)} aria-label={spoken(row, now)}><Moment iso={row.started_at} now={now} /></a>
      </td>
      <td role="cell" class="c-number">
        <span><Direction direction={row.direction} /> <strong class="num">{row.number || "unknown"}</strong></span>
        <small class="gist">{row.found ? <Found parts={row.found} /> : row.first_words}</small>
      </td>
      <td role="cell" class="c-agent">{row.agent}</td>
      <td role="cell" class="c-outcome">
        <span class="marks"><Outcome outcome={row.live ? "live" : row.outcome} />
        {row.errors.length > 0 && <span class="mini bad-text" title={`errors: ${row.errors.join(", ")}`}><Icon name="warn" size={13} /><span class="only-read">errors: {row.errors.join(", ")}</span></span>}
        {row.interruptions > 0 && <span class="mini muted" title={`the caller interrupted ${row.interruptions} times`}><Icon name="cut" size={12} />{row.interruptions}<span class="only-read"> interruptions</span></span>}
        </span>
      </td>
      <td role="cell" class="c-length num">{duration(length)}</td>
      <td role="cell" class="c-turns num">{count(row.turns)}</td>
      <td role="cell" class="c-gap"><Latency value={row.gap_p95_ms} most={slowest} /></td>
      <td role="cell" class="c-cost">{row.live ? <span class="muted">{NONE}</span> : <Money usd={row.cost_usd} unpriced={row.unpriced} />}</td>
    </tr>
  );
}, (one, other) => one.row === other.row && one.slowest === other.slowest && !other.row.live && minute(one.now) === minute(other.now));

const minute = (now) => Math.floor(now / 60_000);

/** The name of the link begins with what it shows. */
const spoken = (row, now) => `${timeOfDay(row.started_at)} ${ago(row.started_at, now)}, ${row.direction} call, ${row.number || "unknown number"}`;

/** Milliseconds, and a line as long as their share of the slowest; over a second it is marked. */
function Latency({ value, most }) {
  if (value === null || value === undefined) return <span class="muted">{NONE}</span>;
  return (
    <span class={`gap-cell${value > 1_000 ? " slow" : ""}`} title={value > 1_000 ? "over a second" : undefined}>
      <span class="num">{ms(value)}<small> ms</small></span>
      <svg width="48" height="4" aria-hidden="true"><rect width="48" height="4" rx="2" class="track" /><rect width={Math.max(2, (48 * value) / most)} height="4" rx="2" class="level" /></svg>
    </span>
  );
}

function Gone({ row }) {
  return (
    <tr role="row" class="gone">
      <td role="cell" class="c-when"><Moment iso={row.started_at} relative={false} /></td>
      <td role="cell" class="c-number" colSpan={7}><span class="muted">{row.erased ? "erased" : "deleted"}</span></td>
    </tr>
  );
}
