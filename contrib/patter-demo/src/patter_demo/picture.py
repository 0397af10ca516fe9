"""The picture of a call: one time axis, a lane for each question, every mark described.

Colour never carries a meaning alone: heard is solid and unheard is hatched, each stage has
a hatch of its own, and whatever is coloured has a dark outline.
"""

from __future__ import annotations

import re
import warnings
import wave
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from patter.errors import InputError
from patter.observe.events import CallEvent
from patter.observe.metrics import STAGES
from patter_demo.lanes import LANES, Call, Gap, Mark, read_call

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

BLUE, GREEN, ORANGE, PURPLE, VERMILLION = "#0072B2", "#009E73", "#E69F00", "#CC79A7", "#D55E00"
INK, PAPER = "#222222", "#ffffff"
WIDTH_PX, DPI = 1200, 96

_LOOKS: dict[str, tuple[str, str]] = {
    "caller": (BLUE, ""),
    "heard": (GREEN, ""),
    "unheard": (PAPER, "////"),
    "listening": (PAPER, ""),
    "hold": ("#f3cdb4", "xx"),
    "thinking": ("#f7dfa8", "..."),
    "speaking": ("#a8d8c8", ""),
    "stt": (ORANGE, ""),
    "llm": (PURPLE, "..."),
    "tool": (ORANGE, "xxx"),
    "tts": (PURPLE, "\\\\\\"),
    "failed": (VERMILLION, "xxxx"),
    "end": ("#f7f7f7", "---"),
    "text": (PAPER, "|||"),
    "wait": (PAPER, "oo"),
    "play": (GREEN, "+++"),
}
_WIRE = {
    "clear": "X",
    "dtmf": "s",
    "dtmf_sent": "s",
    "where": "D",
    "leg_lost": "v",
    "leg_back": "^",
    "fault": "P",
    "mark": "|",
}
_HEIGHTS = {"caller": 1.5, "agent": 1.5}
_LETTER_PX = 6.3


def draw(events: Sequence[CallEvent], wav: Path | None, out: Path) -> Path:
    """Draw the call into *out*, SVG or PNG by its suffix; returns *out*.

    *wav* is its recording, 16-bit with the caller on the first channel; without one the
    caller's lane shows words only. Raises InputError for another suffix or another WAV.
    """
    if out.suffix == ".svg":
        out.write_text(svg(events, wav), encoding="utf-8")
    elif out.suffix == ".png":
        figure, _ = _figure(read_call(events), wav)
        with _any_script():
            figure.savefig(out, format="png", dpi=DPI)
    else:
        raise InputError(f"cannot draw {out.name!r}", fix="name a file .svg or .png")
    return out


def svg(events: Sequence[CallEvent], wav: Path | None) -> str:
    """The picture as SVG text; every mark carries a title and a description."""
    import matplotlib as mpl

    figure, marks = _figure(read_call(events), wav)
    buffer = BytesIO()
    with mpl.rc_context({"svg.hashsalt": "patter", "svg.fonttype": "none"}), _any_script():
        figure.savefig(buffer, format="svg", dpi=72, metadata={"Date": None})
    return _described(buffer.getvalue().decode(), marks)


@contextmanager
def _any_script() -> Iterator[None]:
    """Callers speak every language; a letter the drawing font lacks is no reason to fail."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph ")
        yield


def _figure(call: Call, wav: Path | None) -> tuple[Figure, dict[str, Mark]]:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"hatch.linewidth": 0.7, "font.size": 8, "text.parse_math": False}):
        figure = Figure(figsize=(WIDTH_PX / DPI, 6.4), dpi=DPI, facecolor=PAPER)
        above, below = figure.subplots(
            2, 1, sharex=True, gridspec_kw={"height_ratios": [3.4, 1], "hspace": 0.06}
        )
        figure.subplots_adjust(left=0.055, right=0.99, top=0.95, bottom=0.075)
        tops = _lanes(above)
        described: dict[str, Mark] = {}
        _waveform(above, wav, tops["caller"])
        for number, (mark, until) in enumerate(_with_room(call)):
            described[f"mark-{number}"] = mark
            room = int((until - mark.began_ms) / call.length_ms * WIDTH_PX * 0.935 / _LETTER_PX)
            _mark(above, mark, tops[mark.lane], room, f"mark-{number}")
        _gap_lane(below, call, described)
        _notes(above, call, tops)
        _axis(above, below, call)
    return figure, described


def _lanes(axes: Axes) -> dict[str, tuple[float, float]]:
    """(bottom, height) of each lane, from the top down, and their names at the left."""
    top = sum(_HEIGHTS.get(lane, 1.0) for lane in LANES)
    axes.set_ylim(0, top + 0.9)
    places, ticks = {}, []
    for lane in LANES:
        height = _HEIGHTS.get(lane, 1.0)
        top -= height
        places[lane] = (top, height)
        ticks.append(top + height / 2)
        axes.axhline(top, color="#dddddd", linewidth=0.6, zorder=0)
    axes.set_yticks(ticks, LANES)
    for lane, label in zip(LANES, axes.get_yticklabels(), strict=True):
        # Where the picture is wider than the screen, its page names the lanes again.
        label.set_gid(f"lane-{lane}")
    return places


def _waveform(axes: Axes, wav: Path | None, place: tuple[float, float]) -> None:
    if wav is None:
        return
    bottom, height = place
    seconds, peaks = caller_peaks(wav, WIDTH_PX)
    middle, reach = bottom + height * 0.34, height * 0.3
    axes.fill_between(
        seconds,
        middle - peaks * reach,
        middle + peaks * reach,
        color=BLUE,
        linewidth=0.4,
        gid="waveform",
    )


def caller_peaks(wav: Path, columns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds and loudest level (0 to 1, of the loudest) of the first channel, by column.

    Raises InputError when the file is not a 16-bit WAV.
    """
    try:
        with wave.open(str(wav)) as file:
            rate, sides, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
            body = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as exc:
        raise InputError(f"{wav} is not a WAV file", fix="pass the call's call.wav") from exc
    if width != 2:
        raise InputError(f"{wav} is not 16-bit", fix="pass the call's call.wav")
    samples = np.abs(np.frombuffer(body, "<i2")[::sides].astype(np.float64))
    if not len(samples):
        return np.zeros(0), np.zeros(0)
    size = max(1, -(-len(samples) // columns))
    padded = np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)
    peaks = padded.max(axis=1)
    return np.arange(len(peaks)) * size / rate, peaks / max(1.0, peaks.max())


def _with_room(call: Call) -> Iterator[tuple[Mark, float]]:
    """Every mark, and the moment up to which its label may reach: words up to the next."""
    for mark in call.marks:
        until = mark.ended_ms
        if mark.lane in _HEIGHTS:
            later = [
                each.began_ms
                for each in call.marks
                if each.lane == mark.lane and each.began_ms > mark.began_ms
            ]
            until = min(later, default=call.length_ms)
        yield mark, until


def _mark(axes: Axes, mark: Mark, place: tuple[float, float], room: int, gid: str) -> None:
    if mark.lane == "wire":
        _moment(axes, mark, place, gid)
        return
    from matplotlib.patches import Rectangle

    bottom, height = place
    colour, hatch = _LOOKS[mark.look]
    began, wide = mark.began_ms / 1_000, max(mark.ended_ms - mark.began_ms, 1) / 1_000
    words = mark.lane in _HEIGHTS
    low, tall = (bottom + 0.09, 0.82) if not words else (bottom + 0.12, height * 0.44)
    if mark.look == "caller":
        low, tall = bottom + 0.02, 0.06
    box = Rectangle(
        (began, low), wide, tall, facecolor=colour, edgecolor=INK, hatch=hatch, linewidth=0.8
    )
    box.set_gid(gid)
    axes.add_patch(box)
    if mark.teeth:
        _teeth(axes, mark, low + tall)
    _label(axes, mark, (began, low, wide, tall), room, bottom + height - 0.25 if words else None)


def _teeth(axes: Axes, mark: Mark, top: float) -> None:
    """A tooth in the upper edge for every time it was tried again."""
    at = np.linspace(mark.began_ms, mark.ended_ms, mark.teeth + 2)[1:-1] / 1_000
    axes.plot(at, [top] * len(at), "v", color=VERMILLION, markeredgecolor=INK, markeredgewidth=0.6)


def _label(
    axes: Axes, mark: Mark, box: tuple[float, float, float, float], room: int, above: float | None
) -> None:
    text = fitted(mark.label, room)
    if not text:
        return
    began, low, wide, tall = box
    if above is not None:
        style: dict[str, Any] = {"style": "italic"} if mark.look == "unheard" else {}
        axes.text(began, above, text, va="center", color=INK, clip_on=True, **style)
        return
    backed = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.8, "alpha": 0.9}
    axes.text(
        began + wide / 2,
        low + tall / 2,
        text,
        ha="center",
        va="center",
        color=INK,
        fontsize=7,
        bbox=None if mark.look == "listening" else backed,
    )


def fitted(text: str, room: int) -> str:
    """*text* in at most *room* letters, cut at a word with an ellipsis; empty below four.

    >>> fitted("a table for two", 10), fitted("no", 3), fitted("long words", 3)
    ('a table…', 'no', '')
    """
    if len(text) <= room:
        return text
    if room < 4:
        return ""
    cut = text[: room - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip(" ,.") + "…"


def _moment(axes: Axes, mark: Mark, place: tuple[float, float], gid: str) -> None:
    bottom, height = place
    at, middle = mark.began_ms / 1_000, bottom + height / 2
    shape, plain = _WIRE.get(mark.look, "o"), mark.look == "mark"
    axes.plot(
        [at],
        [middle],
        marker=shape,
        markersize=5 if plain else 8,
        color=VERMILLION,
        markeredgecolor=VERMILLION if plain else INK,
        markeredgewidth=0.8,
        linestyle="none",
        gid=gid,
    )
    if mark.label:
        axes.annotate(
            mark.label, (at, middle), (7, 0), textcoords="offset points", va="center", fontsize=7
        )


def _gap_lane(axes: Axes, call: Call, described: dict[str, Mark]) -> None:
    """A bar for each turn, as high as its gap, made of its stages; the number above it."""
    tallest = max([1, *(gap.gap_ms for gap in call.gaps)])
    wide = call.length_ms / 1_000 * 18 / WIDTH_PX
    for gap in call.gaps:
        _stack(axes, gap, wide, described)
        axes.text(gap.at_ms / 1_000, gap.gap_ms + tallest * 0.04, str(gap.gap_ms), ha="center")
    axes.set_ylim(0, tallest * 1.6)
    axes.set_ylabel("response latency, ms")
    _legend(axes, call)


def _stack(axes: Axes, gap: Gap, wide: float, described: dict[str, Mark]) -> None:
    low = 0
    for stage, ms in gap.stages:
        colour, hatch = _LOOKS[stage]
        gid = f"gap-{gap.turn}-{stage}"
        bar = axes.bar(
            gap.at_ms / 1_000,
            ms,
            wide,
            low,
            color=colour,
            edgecolor=INK,
            hatch=hatch,
            linewidth=0.8,
        )
        bar[0].set_gid(gid)
        described[gid] = Mark(
            lane="gap",
            began_ms=gap.at_ms,
            ended_ms=gap.at_ms,
            look=stage,
            title=f"turn {gap.turn}: {stage} {ms} ms",
            text=f"{ms} of the response latency of {gap.gap_ms} ms",
        )
        low += ms


def _legend(axes: Axes, call: Call) -> None:
    from matplotlib.patches import Patch

    used = {stage for gap in call.gaps for stage, _ in gap.stages}
    order = [stage for stage in STAGES if stage in used]
    handles = [
        Patch(facecolor=_LOOKS[s][0], hatch=_LOOKS[s][1], edgecolor=INK, label=s) for s in order
    ]
    if handles:
        axes.legend(handles=handles, ncols=len(handles), loc="upper left", frameon=False)


def _notes(axes: Axes, call: Call, tops: dict[str, tuple[float, float]]) -> None:
    """What deserves a word, above the lanes, with a line down to where it happened."""
    ceiling = axes.get_ylim()[1]
    for number, note in enumerate(sorted(call.notes, key=lambda note: note.began_ms)):
        at = note.began_ms / 1_000
        foot = tops[note.lane][0] if note.lane in tops else 0.0
        height = ceiling - 0.25 - 0.4 * (number % 2)
        axes.plot([at, at], [foot, height], color=VERMILLION, linewidth=1, linestyle="--")
        right = note.began_ms > call.length_ms * 0.75
        axes.annotate(
            note.label,
            (at, height),
            (-4 if right else 4, 0),
            textcoords="offset points",
            ha="right" if right else "left",
            va="center",
            fontweight="bold",
            color=INK,
        )


def _axis(above: Axes, below: Axes, call: Call) -> None:
    above.set_xlim(0, call.length_ms / 1_000)
    above.tick_params(axis="x", length=0)
    below.patch.set_gid("axis-area")
    below.set_xlabel("seconds of the call")
    for axes in (above, below):
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)


_SVG = "http://www.w3.org/2000/svg"


def _described(text: str, marks: dict[str, Mark]) -> str:
    """*text* with a title and a description inside the group of every mark."""
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ET.fromstring(re.sub(r"<!DOCTYPE[^>]*>", "", text))
    root.set("role", "img")
    root.set("aria-label", "The call over time: who spoke, what was heard, what took how long")
    for group in root.iter(f"{{{_SVG}}}g"):
        if mark := marks.get(group.get("id", "")):
            _describe(group, mark)
    return ET.tostring(root, encoding="unicode")


def _describe(group: ET.Element, mark: Mark) -> None:
    title, text = ET.Element(f"{{{_SVG}}}title"), ET.Element(f"{{{_SVG}}}desc")
    title.text = mark.title
    text.text = mark.text or mark.title
    group.insert(0, title)
    group.insert(1, text)
    group.set("data-at", f"{mark.began_ms / 1_000:.3f}")
