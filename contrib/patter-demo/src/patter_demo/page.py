"""A call on one page: picture, audio and words in step, in a single file without network.

Everything it shows is inside it, and its policy forbids it to fetch or send anything. What was said
and what happened stand once, in the order of time. Words come from events and are escaped; a record
that was redacted stays redacted.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from html import escape
from pathlib import Path

from patter.observe.events import BargeIn, CallEvent, Ended, Row, Started
from patter.observe.lines import TextLine, money, seconds, stamp
from patter.observe.view import LiveView
from patter_demo.page_assets import SCRIPT, STYLE

_SPOKEN = ("caller", "agent")
_NAMED = {"gap": "latency", "held": "note", "dtmf": "keys"}
"""Kinds of lines that are called otherwise on the page."""


def call_html(events: Sequence[CallEvent], wav: Path | None, svg: str) -> str:
    """The page of a call: its events, its recording (none if None) and its picture as SVG."""
    length = max([1_000, *(event.at_ms for event in events)]) / 1_000
    title = escape(title_of(events))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body data-length="{length:.3f}">
<main>
<h1>{title}</h1>
<dl id="facts">{"".join(_facts(events))}</dl>
<div class="card">
{_audio(wav)}
<div id="scroll"><div id="lanes" aria-hidden="true"></div>
<div id="picture">{_inline(svg)}<div id="cursor"></div></div></div>
</div>
<h2>What was said, and what happened. A sentence plays itself.</h2>
<ol class="card">
{"".join(_dialogue(events))}</ol>
</main>
<script>{SCRIPT}</script>
</body>
</html>
"""


def title_of(events: Iterable[CallEvent]) -> str:
    """Who called whom, when by the clock of this machine, and how it ended."""
    started = next((each for each in events if isinstance(each, Started)), None)
    ended = next((each for each in events if isinstance(each, Ended)), None)
    if started is None:
        return f"Call, {ended.outcome}" if ended else "Call"
    whom = started.callee or started.agent
    to = f" to {whom}" if whom else ""
    when = datetime.fromtimestamp(started.wall).astimezone() if started.wall else None
    words = [f"Call from {started.caller or 'unknown'}{to}"]
    words += [when.strftime("%a %d %b %Y %H:%M %Z")] if when else []
    return ", ".join([*words, ended.outcome if ended else "not finished"])


def _facts(events: Iterable[CallEvent]) -> Iterator[str]:
    """The figures of the call, each with its name."""
    for event in events:
        if isinstance(event, Started):
            yield _fact("agent", event.agent)
            parts = (event.providers.get(kind, "") for kind in ("engine", "stt", "llm", "tts"))
            yield _fact("parts", ", ".join(part.rstrip("/") for part in parts if part))
        elif isinstance(event, Ended):
            total = event.duration_ms // 1_000
            yield _fact("duration", f"{total // 60}:{total % 60:02}")
            yield _fact("ended by", event.reason)
            yield _fact("turns", str(event.turns))
            if event.gap_p50_ms is not None:
                yield _fact("latency", f"p50 {event.gap_p50_ms} ms, p95 {event.gap_p95_ms} ms")
            yield _fact("unheard", seconds(event.unheard_ms))
            yield _fact("cost", money(event))
    if first := next(iter(events), None):
        yield _fact("id", first.call)


def _fact(name: str, text: str) -> str:
    return f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" if text else ""


def write_page(events: Sequence[CallEvent], wav: Path | None, svg: str, out: Path) -> Path:
    """Write the page of a call to *out*, readable by its owner alone; returns *out*."""
    out.touch(mode=0o600)
    out.write_text(call_html(events, wav, svg), encoding="utf-8")
    return out


def _policy() -> str:
    digest = b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
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


def _dialogue(events: Iterable[CallEvent]) -> list[str]:
    """Sentences and what happened between them, in the order of time; each once."""
    rows: dict[tuple[object, ...], tuple[float, int, str]] = {}
    happened: list[tuple[float, int, str]] = []
    live = LiveView()
    for event in events:
        lines = live.feed(event)
        if isinstance(event, Row) and event.role in _SPOKEN:
            rows[_key(event)] = (event.start_ms, 1, _sentence(event))
        elif isinstance(event, BargeIn):
            bound = "" if event.error_ms is None else f" \u00b1{event.error_ms} ms"
            text = f"the caller interrupted the agent at {seconds(event.cut_ms)}{bound}"
            happened.append((event.cut_ms, 0, _event("note", event.cut_ms, text)))
        else:
            at_ms = event.at_ms
            happened += [(at_ms, 0, _event(kind, at_ms, text)) for kind, text in _joined(lines)]
    return [item for *_, item in sorted([*rows.values(), *happened], key=lambda row: row[:2])]


def _joined(lines: Iterable[TextLine]) -> Iterator[tuple[str, str]]:
    """The kinds and texts of *lines*, wrapped ones made whole, without label and waterfall."""
    texts: dict[str, list[str]] = {}
    for line in lines:
        texts.setdefault(line.kind, []).append(line.text.strip())
    for kind, pieces in texts.items():
        whole = re.sub(r"  +[selotxwp]+$", "", " ".join(pieces))
        yield (
            kind,
            re.sub(
                r"^(?:\d+:\d+\.\d +)?(?:tool|latency|error|fix|link|fault|caller|agent) +",
                "",
                whole,
            ),
        )


def _event(kind: str, at_ms: float, text: str) -> str:
    name = _NAMED.get(kind, kind)
    return (
        f'<li class="event {kind}"><time>{stamp(at_ms)}</time><span>{name}</span>'
        f'<span class="what">{escape(text)}</span></li>\n'
    )


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
        f'<b>{row.role}</b> <span class="what">{escape(row.text)}{unheard}</span></button></li>\n'
    )
