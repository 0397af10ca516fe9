"""A call on one page: picture, audio and words in step, in a single file without network.

Everything it shows is inside it, and its policy forbids it to fetch or send anything.
Words come from events and are escaped; a record that was redacted stays redacted.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from patter.observe.events import CallEvent, Row
from patter.observe.lines import seconds, stamp
from patter.observe.view import view

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff;
       max-width: 1200px; margin: 0 auto; padding: 16px; }
h1 { font-size: 20px; }
audio { width: 100%; }
svg { width: 100%; height: auto; cursor: crosshair; }
#picture { position: relative; }
#cursor { position: absolute; top: 0; bottom: 0; width: 2px; background: #D55E00;
          pointer-events: none; }
ol { list-style: none; padding: 0; }
li button { font: inherit; color: inherit; text-align: left; width: 100%; padding: 4px 8px;
            background: none; border: 0; border-left: 4px solid transparent; cursor: pointer; }
li button:hover, li button:focus-visible { background: #eee; }
li.agent button { border-color: #009E73; }
li.caller button { border-color: #0072B2; }
li button[aria-current=true] { background: #f7dfa8; }
time { font-variant-numeric: tabular-nums; margin-right: 8px; }
b { display: inline-block; min-width: 5em; }
s { text-decoration-style: wavy; text-decoration-thickness: 1px; }
pre { overflow-x: auto; }
"""

_SCRIPT = """
const audio = document.querySelector("audio");
const said = [...document.querySelectorAll("li button")];
const cursor = document.getElementById("cursor");
const picture = document.querySelector("#picture svg");
const axis = picture && picture.querySelector("#axis-area");
const length = Number(document.body.dataset.length);

function play(at) {
  audio.currentTime = at;
  audio.play().catch(() => {});
}
for (const each of said) {
  each.addEventListener("click", () => play(Number(each.dataset.at)));
}
function area() {
  const box = axis.getBoundingClientRect(), outer = picture.getBoundingClientRect();
  return { left: box.left - outer.left, wide: box.width, from: box.left };
}
if (axis) {
  picture.addEventListener("click", (event) => {
    const { from, wide } = area();
    const share = (event.clientX - from) / wide;
    if (share >= 0 && share <= 1) play(share * length);
  });
}
function follow() {
  const now = audio.currentTime;
  for (const each of said) {
    const on = now >= Number(each.dataset.at) && now < Number(each.dataset.until);
    each.setAttribute("aria-current", on);
  }
  if (axis) {
    const { left, wide } = area();
    cursor.style.left = left + wide * Math.min(1, now / length) + "px";
  }
  if (!audio.paused) requestAnimationFrame(follow);
}
audio.addEventListener("play", follow);
audio.addEventListener("timeupdate", follow);
addEventListener("resize", follow);
follow();
"""


def call_html(events: Sequence[CallEvent], wav: Path | None, svg: str) -> str:
    """The page of a call: its events, its recording (none if None) and its picture as SVG."""
    call_id = events[0].call if events else ""
    length = max([1_000, *(event.at_ms for event in events)]) / 1_000
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Call {escape(call_id)}</title>
<style>{_STYLE}</style>
</head>
<body data-length="{length:.3f}">
<h1>Call {escape(call_id)}</h1>
{_audio(wav)}
<div id="picture">{_inline(svg)}<div id="cursor"></div></div>
<h2>What was said</h2>
<ol>
{"".join(_sentences(events))}</ol>
<h2>What happened</h2>
<pre>{escape(chr(10).join(view(events)))}</pre>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def write_page(events: Sequence[CallEvent], wav: Path | None, svg: str, out: Path) -> Path:
    """Write the page of a call to *out*, readable by its owner alone; returns *out*."""
    out.touch(mode=0o600)
    out.write_text(call_html(events, wav, svg), encoding="utf-8")
    return out


def _policy() -> str:
    digest = b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )


def _audio(wav: Path | None) -> str:
    if wav is None:
        return '<audio hidden></audio><p role="status">This call was not recorded.</p>'
    data = b64encode(wav.read_bytes()).decode()
    source = f"data:audio/wav;base64,{data}"
    return f'<audio controls preload="auto" aria-label="The call" src="{source}"></audio>'


def _inline(svg: str) -> str:
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", svg)


def _sentences(events: Iterable[CallEvent]) -> list[str]:
    rows: dict[tuple[object, ...], tuple[int, str]] = {}
    for event in events:
        if isinstance(event, Row) and event.role in ("caller", "agent"):
            rows[_key(event)] = (event.start_ms, _sentence(event))
    return [item for _, item in sorted(rows.values(), key=lambda row: row[0])]


def _key(row: Row) -> tuple[object, ...]:
    """Rows of one caller turn replace each other; every utterance of the agent stands."""
    if row.role == "caller" and row.turn is not None:
        return "caller", row.turn
    return "agent", -row.seq if row.epoch is None else row.epoch


def _sentence(row: Row) -> str:
    began = row.start_ms
    ended = row.at_ms if row.ended_ms is None else row.ended_ms
    until = ended if row.heard_ms is None else began + row.heard_ms
    unheard = ""
    if row.unheard:
        left = f", {seconds(row.unheard_ms)}" if row.unheard_ms else ""
        unheard = f" <s>{escape(row.unheard)}</s> (unheard{left})"
    return (
        f'<li class="{row.role}"><button type="button" data-at="{began / 1_000:.3f}" '
        f'data-until="{until / 1_000:.3f}"><time>{stamp(began)}</time>'
        f"<b>{row.role}</b>{escape(row.text)}{unheard}</button></li>\n"
    )
