// The picture of a call: lanes over one axis of time, in step with its audio.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Icon } from "../parts/icons.jsx";
import { stamp } from "../format.js";
import { useWidth } from "../hooks.js";
import { fill } from "../parts/stages.jsx";
import { lanesOf, ticks } from "./lanes.js";

const LANES = [
  ["caller", 50], ["agent", 50], ["turn", 18], ["stt", 16], ["llm", 16], ["tool", 16], ["tts", 16], ["wire", 18], ["latency", 24],
];
const TOP = 44;
const GAP = 6;
const BOTTOM = 22;
const LETTER = 6.1;
const MANY = 150;
/** Pixels between marks of one look: those between them show when the picture is zoomed. */
const APART = 6;

const PLACES = {};
let below = TOP;
for (const [name, height] of LANES) {
  PLACES[name] = { top: below, height };
  below += height + GAP;
}
const HEIGHT = below + BOTTOM;

export function Picture({ call, events, peaks, player }) {
  const [box, width] = useWidth();
  const [view, setView] = useState({ from: 0, to: call.length_ms });
  const lanes = useMemo(() => lanesOf(call, events), [call, events]);
  const left = width < 600 ? 52 : 64;
  const inner = Math.max(1, width - left - 8);
  const scale = {
    left,
    inner,
    x: (at) => left + ((at - view.from) / (view.to - view.from)) * inner,
    at: (x) => view.from + ((x - left) / inner) * (view.to - view.from),
    shows: (mark) => mark.to >= view.from && (mark.from ?? mark.at) <= view.to,
  };
  const zoom = (factor, about = player.at) => setView((old) => zoomed(old, factor, about, call.length_ms));
  useFollow(player, view, setView, call.length_ms);
  const wheel = (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const x = event.clientX - box.current.getBoundingClientRect().left;
    zoom(event.deltaY > 0 ? 1.25 : 0.8, scale.at(x));
  };
  return (
    <div class="picture">
      <div class="picture-tools">
        <div class="group" role="group" aria-label="Zoom of the picture">
          <button type="button" class="ghost tiny" aria-label="Zoom out" disabled={isWhole(view, call)} onClick={() => zoom(2)}><Icon name="minus" /></button>
          <button type="button" class="ghost tiny" aria-label="Zoom in" onClick={() => zoom(0.5)}><Icon name="plus" /></button>
          <button type="button" class="ghost tiny" disabled={isWhole(view, call)} onClick={() => setView({ from: 0, to: call.length_ms })}>Fit</button>
        </div>
      </div>
      <div class="picture-box" ref={box} onWheel={wheel} {...useDrag(box, player, scale)}>
        {width > 0 && (
          <svg width={width} height={HEIGHT} role="img" aria-label={spoken(call)} class="lanes">
            <clipPath id="inside"><rect x={left - 1} y="0" width={inner + 7} height={HEIGHT} /></clipPath>
            <Frame scale={scale} view={view} />
            <g clip-path="url(#inside)">
              <Notes notes={lanes.notes} scale={scale} />
              <Speech lane="caller" marks={lanes.caller} peaks={peaks?.caller} length={peaks?.duration_ms} scale={scale} view={view} />
              <Speech lane="agent" marks={lanes.agent} peaks={peaks?.agent} length={peaks?.duration_ms} scale={scale} view={view} />
              <Blocks lane="turn" marks={lanes.turn} scale={scale} named />
              {Object.entries(lanes.spans).map(([stage, marks]) => <Blocks key={stage} lane={stage} marks={marks} scale={scale} />)}
              <Moments marks={lanes.wire} scale={scale} />
              <Latency marks={lanes.latency} scale={scale} />
            </g>
          </svg>
        )}
        {width > 0 && <Cursor player={player} scale={scale} view={view} call={call} />}
      </div>
    </div>
  );
}

const isWhole = (view, call) => view.from <= 0 && view.to >= call.length_ms;

function zoomed(view, factor, about, length) {
  const size = Math.min(length, Math.max(500, (view.to - view.from) * factor));
  const share = Math.max(0, Math.min(1, (about - view.from) / (view.to - view.from)));
  const from = Math.max(0, Math.min(length - size, about - share * size));
  return { from, to: from + size };
}

/** While it plays, the picture turns its page when the cursor leaves it. */
function useFollow(player, view, setView, length) {
  const newest = useRef(view);
  newest.current = view;
  useEffect(() => player.watch(({ at }) => {
    const { from, to } = newest.current;
    if (at >= from && at <= to) return;
    const start = Math.max(0, Math.min(length - (to - from), at - (to - from) * 0.05));
    setView({ from: start, to: start + (to - from) });
  }), [player]);
}

/** A press anywhere in the lanes goes to that moment, and drags the cursor along. */
function useDrag(box, player, scale) {
  const held = useRef(false);
  const move = (event) => player.seek(scale.at(event.clientX - box.current.getBoundingClientRect().left));
  const release = () => { held.current = false; };
  return {
    onPointerDown: (event) => {
      if (event.button !== 0) return;
      held.current = true;
      event.currentTarget.setPointerCapture(event.pointerId);
      move(event);
    },
    onPointerMove: (event) => held.current && move(event),
    onPointerUp: release,
    onPointerCancel: release,
  };
}

const spoken = (call) => `The call drawn over ${stamp(call.length_ms)}: who spoke, what was unheard, and which part worked when. `
  + "The transcript and the table of answers below say the same in words.";

function Frame({ scale, view }) {
  const { step, found } = ticks(view.from, view.to, Math.max(3, scale.inner / 72));
  const text = (at) => (step < 1_000 ? stamp(at) : stamp(at).slice(0, -2));
  return (
    <g class="frame">
      {LANES.map(([name]) => {
        const { top, height } = PLACES[name];
        return (
          <g key={name}>
            <rect x={scale.left} y={top} width={scale.inner} height={height} class="lane" rx="3" />
            <text x={scale.left - 10} y={top + height / 2 + 4} text-anchor="end" class="lane-name">{name}</text>
          </g>
        );
      })}
      {found.map((at) => (
        <g key={at}>
          <line x1={scale.x(at)} x2={scale.x(at)} y1={TOP} y2={HEIGHT - BOTTOM} class="grid" />
          <text x={scale.x(at)} y={HEIGHT - 6} text-anchor={scale.x(at) > scale.left + scale.inner - 16 ? "end" : at === 0 ? "start" : "middle"} class="tick">{text(at)}</text>
        </g>
      ))}
    </g>
  );
}

/** What fits into *width* pixels of *text*. */
function fitted(text, width) {
  const room = Math.floor((width - 8) / LETTER);
  if (room >= text.length) return text;
  return room > 3 ? `${text.slice(0, room - 1).trimEnd()}…` : "";
}

/** The *marks* in view: those of *least* pixels or more, and by their look the outlines of all others. */
function bySize(marks, scale, least) {
  const large = [];
  const small = new Map();
  for (const mark of marks.filter(scale.shows)) {
    const [x, end] = [scale.x(mark.from), scale.x(mark.to)];
    if (end - x >= least) large.push(mark);
    else {
      if (!small.has(mark.look)) small.set(mark.look, []);
      small.get(mark.look).push([x, Math.max(1, end - x)]);
    }
  }
  const path = (boxes) => (top, height) => boxes.map(([x, width]) => `M${x.toFixed(1)} ${top}h${width.toFixed(1)}v${height}h${(-width).toFixed(1)}z`).join("");
  return { large, small: [...small].map(([look, boxes]) => [look, path(boxes)]) };
}

function Speech({ lane, marks, peaks, length, scale, view }) {
  const { top, height } = PLACES[lane];
  const wave = useMemo(() => waveOf(peaks, length, view, scale, top + height - 17, 15), [peaks, view, scale.inner]);
  const { large, small } = bySize(marks, scale, 4);
  return (
    <g class={`speech ${lane}`}>
      {small.map(([look, path]) => <path key={look} d={path(top + 0.5, height - 1)} class={`said tiny ${look}`} />)}
      {large.map((mark) => {
        const [x, end] = [scale.x(mark.from), scale.x(mark.to)];
        const width = Math.max(2, end - x);
        return (
          <g key={`${mark.from}${mark.look}`}>
            <title>{mark.title}</title>
            <rect x={x} y={top + 0.5} width={width} height={height - 1} rx="3" class={`said ${mark.look}`} />
            {mark.look === "unheard" && <rect x={x + 1} y={top + 18} width={Math.max(0, width - 2)} height={height - 20} fill={fill("unheard")} />}
            <text x={Math.max(x, scale.left) + 5} y={top + 13} class={`words ${mark.look}`}>{fitted(mark.label, end - Math.max(x, scale.left))}</text>
            {!peaks && mark.look !== "unheard" && <rect x={x + 5} y={top + height - 20} width={Math.max(1, width - 10)} height="6" rx="3" class="solid" />}
          </g>
        );
      })}
      {wave && <path d={wave} class="wave" />}
    </g>
  );
}

/** The outline of a wave of *peaks* about *middle*, as the path of one shape. */
function waveOf(peaks, length, view, scale, middle, half) {
  if (!peaks?.length) return "";
  const piece = length / peaks.length;
  const first = Math.max(0, Math.floor(view.from / piece));
  const last = Math.min(peaks.length, Math.ceil(view.to / piece));
  const bins = Math.min(last - first, Math.max(1, Math.floor(scale.inner / 2)));
  const points = [];
  for (let bin = 0; bin < bins; bin += 1) {
    const from = first + Math.floor((bin * (last - first)) / bins);
    const to = Math.max(from + 1, first + Math.floor(((bin + 1) * (last - first)) / bins));
    let most = 0;
    for (let at = from; at < to; at += 1) most = Math.max(most, peaks[at]);
    const size = Math.sqrt(most / 100) * half;
    points.push([scale.x(((from + to) / 2) * piece).toFixed(1), Math.max(0.35, size).toFixed(1)]);
  }
  const upper = points.map(([x, size]) => `${x} ${(middle - size).toFixed(1)}`);
  const lower = points.reverse().map(([x, size]) => `${x} ${(middle + Number(size)).toFixed(1)}`);
  return `M${upper.join("L")}L${lower.join("L")}Z`;
}

function Blocks({ lane, marks, scale, named = false }) {
  const { top, height } = PLACES[lane];
  const { large, small } = bySize(marks, scale, marks.length > MANY ? 4 : 0);
  const tone = (look) => (named ? undefined : look === "failed" ? "var(--vermillion)" : fill(look));
  const tiny = small.map(([look, path]) => (
    <g key={look} class={`block ${named ? `state-${look}` : ""}`}><path d={path(top + 1, height - 2)} class="tiny" fill={tone(look)} /></g>
  ));
  return tiny.concat(large.map((mark, index) => {
    const x = scale.x(mark.from);
    const width = Math.max(2, scale.x(mark.to) - x);
    return (
      <g key={index} class={`block ${named ? `state-${mark.look}` : ""}`}>
        <title>{mark.title}</title>
        <rect x={x} y={top + 1} width={width} height={height - 2} rx={width > 6 ? 3 : 1} class="edge"
          fill={tone(mark.look)} />
        {Array.from({ length: Math.min(9, mark.teeth ?? 0) }, (_, tooth) => (
          <path key={tooth} d={`M${x + tooth * 6} ${top + height}l3 -6l3 6z`} class="tooth" />
        ))}
        {named && <text x={x + width / 2} y={top + height / 2 + 3.5} text-anchor="middle" class="state">{fitted(mark.label, width)}</text>}
      </g>
    );
  }));
}

function Moments({ marks, scale }) {
  const { top, height } = PLACES.wire;
  let free = -Infinity;
  let last = -Infinity;
  return marks.filter(scale.shows).map((mark, index) => {
    const x = scale.x(mark.from);
    if (x - last < APART) return null;
    last = x;
    const written = x > free;
    if (written) free = x + 16 + mark.label.length * LETTER;
    return (
      <g key={index} class={`moment-mark ${mark.look}`}>
        <title>{mark.title}</title>
        <path d={`M${x} ${top + 3}l6 ${height / 2 - 3}l-6 ${height / 2 - 3}l-6 ${3 - height / 2}z`} class="edge" />
        {written && <text x={x + 9} y={top + height / 2 + 4}>{mark.label}</text>}
      </g>
    );
  });
}

function Latency({ marks, scale }) {
  const { top, height } = PLACES.latency;
  let free = -Infinity;
  const seen = marks.filter(scale.shows);
  const isNarrow = (mark) => marks.length > MANY && scale.x(mark.to) - scale.x(mark.from) < 6;
  const levels = bySize(seen.filter(isNarrow), scale, Infinity).small;
  const tiny = levels.map(([look, path]) => <path key="levels" d={path(top + 1, height - 2)} class="level" />);
  return tiny.concat(seen.filter((mark) => !isNarrow(mark)).map((mark) => {
    const end = scale.x(mark.to);
    const full = end + 38 > scale.left + scale.inner;
    const begin = full ? scale.x(mark.from) - 38 : end;
    const written = begin >= free;
    free = Math.max(free, written ? (full ? end : end + 38) : -Infinity);
    return (
      <g key={mark.turn}>
        {mark.parts.map((part) => (
          <rect key={part.stage} x={scale.x(part.from)} y={top + 1} width={Math.max(0.5, scale.x(part.to) - scale.x(part.from))} height={height - 2}
            fill={fill(part.stage)} class="edge"><title>{part.title}</title></rect>
        ))}
        {written && <text x={full ? scale.x(mark.from) - 5 : end + 5} y={top + height / 2 + 4} text-anchor={full ? "end" : "start"} class="gap">{mark.gap}</text>}
      </g>
    );
  }));
}

function Notes({ notes, scale }) {
  const free = [-Infinity, -Infinity];
  const seen = notes.filter((note) => scale.shows({ from: note.at, to: note.at }));
  // Of very many only the moments are shown, until the picture is zoomed.
  const brief = seen.length > 24;
  let last = -Infinity;
  return seen.map((note, index) => {
    const x = scale.x(note.at);
    if (brief && note.look === "cut") {
      if (x - last < APART) return null;
      last = x;
      return <g key={index} class="note cut"><title>{note.title}</title><line x1={x} x2={x} y1={TOP - 10} y2={TOP - 3} /></g>;
    }
    const flip = x + note.text.length * LETTER + 10 > scale.left + scale.inner;
    const from = flip ? x - note.text.length * LETTER - 10 : x;
    const line = free.findIndex((end) => from > end);
    if (line >= 0) free[line] = from + note.text.length * LETTER + 14;
    return (
      <g key={index} class={`note ${note.look}`}>
        <title>{note.title}</title>
        <line x1={x} x2={x} y1={line < 0 ? TOP - 6 : 8 + line * 16} y2={HEIGHT - BOTTOM} />
        {line >= 0 && <text x={flip ? x - 5 : x + 5} y={16 + line * 16} text-anchor={flip ? "end" : "start"}>{note.text}</text>}
      </g>
    );
  });
}

/** The cursor as a line, and as the slider that keys move and that is read out. */
function Cursor({ player, scale, view, call }) {
  const line = useRef(null);
  const slider = useRef(null);
  useEffect(() => {
    const place = ({ at }) => {
      line.current.style.transform = `translateX(${scale.x(at)}px)`;
      line.current.hidden = at < view.from || at > view.to;
      slider.current.setAttribute("aria-valuenow", String(Math.round(at)));
      slider.current.setAttribute("aria-valuetext", momentText(call, at));
    };
    place(player);
    return player.watch(place);
  }, [player, view, scale.inner, call]);
  const keys = (event) => {
    const step = { ArrowLeft: -1_000, ArrowRight: 1_000, PageDown: 10_000, PageUp: -10_000 }[event.key];
    if (step) player.seek(player.at + step);
    else if (event.key === "Home") player.seek(0);
    else if (event.key === "End") player.seek(player.length);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <div ref={slider} class="seek" role="slider" tabIndex={0} aria-label="Moment of the call" aria-valuemin={0} aria-valuemax={call.length_ms}
        style={{ left: `${scale.left}px`, width: `${scale.inner}px` }} onKeyDown={keys} />
      <div ref={line} class="cursor" aria-hidden="true" />
    </>
  );
}

/** What is said at *at*: `0:12.3, agent: We are open`. */
function momentText(call, at) {
  const row = call.transcript.findLast?.((each) => each.began_ms <= at && at <= (each.ended_ms ?? each.began_ms));
  return row ? `${stamp(at)}, ${row.role}: ${row.text}` : stamp(at);
}
