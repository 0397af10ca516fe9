// A list of any length: a piece of it is drawn when it comes near the window, and then stays.

import { useEffect, useRef, useState } from "preact/hooks";

const PIECE = 20;

/** `draw(item, index)` gives the `<li>` of each; about *height* pixels high; *wanted* is drawn at once. */
export function LongList({ items, height, wanted = -1, draw, ...rest }) {
  const starts = Array.from({ length: Math.ceil(items.length / PIECE) }, (_, piece) => piece * PIECE);
  return starts.map((start) => (
    <Piece key={start} start={start} items={items.slice(start, start + PIECE)} height={height} draw={draw} rest={rest}
      wanted={start === 0 || (wanted >= start && wanted < start + PIECE)} />
  ));
}

function Piece({ start, items, height, wanted, draw, rest }) {
  const [near, setNear] = useState(wanted);
  const ref = useRef(null);
  const shown = near || wanted;
  useEffect(() => {
    if (wanted) setNear(true);
  }, [wanted]);
  useEffect(() => {
    if (shown) return undefined;
    const look = new IntersectionObserver(([entry]) => entry.isIntersecting && setNear(true), { rootMargin: "800px" });
    look.observe(ref.current);
    return () => look.disconnect();
  }, [shown]);
  if (!shown) return <div ref={ref} style={{ height: `${items.length * height}px` }} />;
  return <ol {...rest} start={start + 1}>{items.map((item, index) => draw(item, start + index))}</ol>;
}
