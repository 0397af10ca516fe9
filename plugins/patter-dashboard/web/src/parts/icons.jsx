// Small drawings, 16 by 16, of one stroke in the colour of the text. Never the only sign.

const PATHS = {
  live: "M3 8h1.5l1.5-4 3 8 1.8-4H13",
  calls: "M3 4h10M3 8h10M3 12h6",
  costs: "M3 13V8.5M6.3 13V3M9.7 13V6M13 13v-3",
  latency: "M8 4.5V8l2.2 1.6M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2",
  health: "M8 13.2S2.6 10 2.6 6.3A2.7 2.7 0 0 1 8 5.3a2.7 2.7 0 0 1 5.4 1C13.4 10 8 13.2 8 13.2Z",
  search: "M7.2 2.8a4.4 4.4 0 1 1 0 8.8 4.4 4.4 0 0 1 0-8.8ZM10.5 10.5 13.5 13.5",
  play: "M5 3.2v9.6l7.6-4.8Z",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  listen: "M3 10.5V8a5 5 0 0 1 10 0v2.5M3 9.5h1.8v3.7H3.6A.6.6 0 0 1 3 12.6ZM13 9.5h-1.8v3.7h1.2a.6.6 0 0 0 .6-.6Z",
  hangup: "M2.5 9.6c0-3.7 11-3.7 11 0v1a.6.6 0 0 1-.7.6l-2.1-.4a.6.6 0 0 1-.5-.6V8.9a7.6 7.6 0 0 0-4.4 0v1.3a.6.6 0 0 1-.5.6l-2.1.4a.6.6 0 0 1-.7-.6Z",
  transfer: "M3 5.5h9.5M10 3l2.5 2.5L10 8M13 10.5H3.5M6 8 3.5 10.5 6 13",
  eye: "M1.8 8S4 3.8 8 3.8 14.2 8 14.2 8 12 12.2 8 12.2 1.8 8 1.8 8ZM8 6.3a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4Z",
  test: "M6.2 2.5h3.6M7 2.5v4L3.6 12.2c-.4.7 0 1.3.7 1.3h7.4c.7 0 1.1-.6.7-1.3L9 6.5v-4M5.3 9.7h5.4",
  download: "M8 2.8v7M5 7l3 3 3-3M3 13h10",
  down: "M4.5 6.5 8 10l3.5-3.5",
  right: "M6.5 4.5 10 8l-3.5 3.5",
  left: "M9.5 4.5 6 8l3.5 3.5",
  inbound: "M12 4 5 11M5 6.2V11h4.8",
  outbound: "M4.5 11.5 11.5 4.5M6.7 4.5h4.8v4.8",
  close: "m4.5 4.5 7 7M11.5 4.5l-7 7",
  check: "m3.5 8.5 3 3 6-7",
  warn: "M8 2.8 14 13H2ZM8 6.5v3M8 11.2v.3",
  cross: "m5 5 6 6M11 5l-6 6",
  copy: "M6 5.5h6.5V13H6ZM3.5 10.5V3H10",
  more: "M3.5 8h.1M8 8h.1M12.5 8h.1",
  keys: "M2.5 4.5h11v7h-11ZM5 7h.1M8 7h.1M11 7h.1M5.5 9.3h5",
  leave: "M6.5 3H3.5v10h3M6.5 8h6.5M10.5 5.5 13 8l-2.5 2.5",
  plus: "M8 3.5v9M3.5 8h9",
  minus: "M3.5 8h9",
  bin: "M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5 5 13h6l.5-8.5",
  cut: "M2 8h3.5M10.5 8H14M8 3v10",
  dot: "M8 8h.1",
};

export function Icon({ name, size = 16 }) {
  return (
    <svg class={`icon icon-${name}`} width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor"
      stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
