// Charts over days: stacked columns, or lines. The same figures are in a table below each.

import { useState } from "preact/hooks";
import { dayLong, dayShort } from "../format.js";
import { useWidth } from "../hooks.js";
import { fill } from "./stages.jsx";

const HEIGHT = 210;
const TOP = 14;
const BOTTOM = 24;
const LEFT = 48;
const RIGHT = 6;

/** A round number at or above *most*, and the lines of the scale up to it. */
export function scaleTo(most) {
  if (most <= 0) return { top: 1, lines: [0, 1] };
  const raw = most / 4;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((each) => each * size >= raw) * size;
  const lines = [];
  for (let at = 0; at < most + step * 0.999; at += step) lines.push(at);
  return { top: lines.at(-1), lines };
}

/** The frame of a chart: *draw* gets `{x, y, column, base}` and *tell* the day that is pointed at. */
function Chart({ days, most, unit, label, draw, tell }) {
  const [box, width] = useWidth();
  const [at, setAt] = useState(null);
  const { top, lines } = scaleTo(most);
  const column = days.length ? (width - LEFT - RIGHT) / days.length : 0;
  const frame = {
    column,
    base: HEIGHT - BOTTOM,
    x: (index) => LEFT + column * (index + 0.5),
    y: (value) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM),
  };
  const every = Math.max(1, Math.ceil(56 / Math.max(1, column)));
  const point = (event) => {
    const x = event.clientX - box.current.getBoundingClientRect().left - LEFT;
    const index = Math.floor(x / column);
    setAt(index >= 0 && index < days.length ? index : null);
  };
  return (
    <div class="chart" ref={box} onPointerMove={point} onPointerDown={point} onPointerLeave={() => setAt(null)}>
      {width > 0 && (
        <svg width={width} height={HEIGHT} role="img" aria-label={label}>
          {lines.map((value) => (
            <g key={value}>
              <line x1={LEFT} x2={width - RIGHT} y1={frame.y(value)} y2={frame.y(value)} class={value === 0 ? "base" : "grid"} />
              <text x={LEFT - 8} y={frame.y(value) + 4} text-anchor="end" class="tick">{unit(value)}</text>
            </g>
          ))}
          {at !== null && <rect x={frame.x(at) - column / 2} y={TOP} width={column} height={HEIGHT - TOP - BOTTOM} class="pointed" />}
          {draw(frame)}
          {days.map((day, index) => ((days.length - 1 - index) % every === 0
            ? <text key={day.day} x={Math.min(frame.x(index), width - RIGHT - 18)} y={HEIGHT - 6} text-anchor="middle" class="tick">{dayShort(day.day)}</text> : null))}
        </svg>
      )}
      {at !== null && (
        <div class={`tip${at > days.length / 2 ? " before" : ""}`} style={{ left: `${frame.x(at)}px` }}>
          <strong>{dayLong(days[at].day)}</strong>
          {tell(days[at]).map(([name, value, key]) => (
            <span key={name}>{key && <svg width="10" height="10" aria-hidden="true"><rect width="10" height="10" rx="2" fill={fill(key)} /></svg>}<i>{name}</i><b class="num">{value}</b></span>
          ))}
        </div>
      )}
    </div>
  );
}

/** A column a day, made of *parts*; `value(day, part)` is the height of one. */
export function Columns({ days, parts, value, unit, label, tell }) {
  const sum = (day) => parts.reduce((total, part) => total + (value(day, part) ?? 0), 0);
  const draw = ({ x, y, column, base }) => days.map((day, index) => {
    const width = Math.max(2, Math.min(26, column * 0.64));
    let at = 0;
    return (
      <g key={day.day}>
        {parts.map((part) => {
          const size = value(day, part) ?? 0;
          if (!size) return null;
          const [upper, lower] = [y(at + size), y(at)];
          at += size;
          return <rect key={part} x={x(index) - width / 2} y={upper} width={width} height={Math.max(0.5, Math.min(base, lower) - upper)} fill={fill(part)} class="edge" />;
        })}
      </g>
    );
  });
  return <Chart days={days} most={Math.max(0, ...days.map(sum))} unit={unit} label={label} draw={draw} tell={tell} />;
}

/** A line a series, `{name, look, value(day)}`; days without a figure interrupt it. */
export function Lines({ days, series, unit, label, tell }) {
  const most = Math.max(0, ...series.flatMap((each) => days.map((day) => each.value(day) ?? 0)));
  const draw = ({ x, y }) => series.map((each) => {
    let pen = false;
    const path = days.map((day, index) => {
      const value = each.value(day);
      const step = value === null || value === undefined ? "" : `${pen ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = step !== "";
      return step;
    }).join("");
    return (
      <g key={each.name} class={`series ${each.look}`}>
        <path d={path} />
        {days.map((day, index) => {
          const value = each.value(day);
          if (value === null || value === undefined) return null;
          return each.look === "upper"
            ? <rect key={day.day} x={x(index) - 2.5} y={y(value) - 2.5} width="5" height="5" />
            : <circle key={day.day} cx={x(index)} cy={y(value)} r="2.5" />;
        })}
      </g>
    );
  });
  return <Chart days={days} most={most} unit={unit} label={label} draw={draw} tell={tell} />;
}

/** The figures of a chart as a table, for who cannot or will not read the drawing. */
export function DayTable({ days, columns }) {
  return (
    <details class="figures-table">
      <summary>The same as a table</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="Figures by day">
        <table class="plain">
          <thead><tr><th scope="col">Day (UTC)</th>{columns.map(([name]) => <th key={name} scope="col" class="right">{name}</th>)}</tr></thead>
          <tbody>
            {[...days].reverse().map((day) => (
              <tr key={day.day}><th scope="row">{dayLong(day.day)}</th>{columns.map(([name, value]) => <td key={name} class="right num">{value(day)}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
