"""The picture of a search for a capacity: overhead and processor by calls, as one SVG. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Final

import attrs

from patter_load.figures import Figures, Limits
from patter_load.find import Trial, capacity

WIDTH, PANEL, LEFT, RIGHT, TOP, GAP = 720, 200, 64, 24, 56, 56
HEIGHT: Final = TOP + 2 * PANEL + GAP + 48
INK, HOLDS, FAILS, LIMIT = "#222222", "#0072B2", "#D55E00", "#666666"
STYLE: Final = f"text{{font:13px sans-serif;fill:{INK}}}.axis{{stroke:{INK};fill:none}}"


@attrs.frozen
class _Panel:
    """A diagram whose lower edge is at *bottom*: values from 0 to *top* over 0 to *most* calls."""

    title: str
    bottom: float
    most: float
    top: float

    def x(self, calls: float) -> float:
        return LEFT + calls / self.most * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return self.bottom - min(max(value, 0.0), self.top) / self.top * PANEL

    def axes(self, unit: Callable[[float], str]) -> list[str]:
        top = self.bottom - PANEL
        lines = [
            f'<path class="axis" d="M{LEFT} {top:g}V{self.bottom:g}H{WIDTH - RIGHT}"/>',
            f'<text x="{LEFT}" y="{top - 8:g}">{escape(self.title)}</text>',
        ]
        for part in (0, 0.5, 1):
            y, x = self.y(self.top * part), self.x(self.most * part)
            lines.append(
                f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">'
                f"{unit(self.top * part)}</text>"
            )
            lines.append(
                f'<text x="{x:.1f}" y="{self.bottom + 18:g}" text-anchor="middle">'
                f"{self.most * part:.0f}</text>"
            )
        return lines

    def limit(self, value: float, label: str) -> list[str]:
        y = self.y(value)
        return [
            f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{LIMIT}" stroke-dasharray="6 4"/>',
            f'<text x="{LEFT + 6}" y="{y - 5:.1f}">{escape(label)}</text>',
        ]

    def dots(self, trials: Sequence[Trial], value: Callable[[Figures], float | None]) -> list[str]:
        """A disc for each load that holds, a cross for each that does not."""
        marks = []
        for trial in trials:
            if (figure := value(trial.run)) is None:
                continue
            x, y = self.x(trial.run.calls), self.y(figure)
            label = escape(f"{trial.run.calls} calls: {figure:.2f}; {_verdict(trial)}")
            marks.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{HOLDS}">'
                if trial.holds
                else f'<path d="M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10" '
                f'stroke="{FAILS}" stroke-width="2.5" fill="none">'
            )
            marks.append(f"<title>{label}</title></{'circle' if trial.holds else 'path'}>")
        return marks


def plot(trials: Sequence[Trial], limits: Limits, title: str) -> str:
    """The SVG of *trials*."""
    runs = [trial.run for trial in trials]
    most = float(max(run.calls for run in runs))
    late = max([limits.overhead_ms * 1.5, *(run.overhead_p95 or 0 for run in runs)])
    upper = _Panel("overhead p95, ms", TOP + PANEL, most, min(late, limits.overhead_ms * 5))
    busy = max([1.0, *(run.core or 0 for run in runs)])
    lower = _Panel("processor, cores", TOP + 2 * PANEL + GAP, most, busy)
    head = f"{title}: {capacity(list(trials))} calls hold"
    body = [
        f'<text x="{LEFT}" y="22" font-weight="bold">{escape(head)}</text>',
        *upper.axes(lambda value: f"{value:.0f}"),
        *upper.limit(limits.overhead_ms, f"limit {limits.overhead_ms:g} ms"),
        *upper.dots(trials, lambda run: run.overhead_p95),
        *lower.axes(lambda value: f"{value:.1f}"),
        *lower.dots(trials, lambda run: run.core),
        f'<text x="{WIDTH / 2:g}" y="{HEIGHT - 8}" text-anchor="middle">calls at a time; '
        "disc holds, cross does not</text>",
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(head)}"><style>{STYLE}</style>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#FFFFFF"/>{"".join(body)}</svg>\n'
    )


def _verdict(trial: Trial) -> str:
    return "holds" if trial.holds else trial.faults[0]
