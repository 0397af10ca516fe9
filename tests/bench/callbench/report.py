"""Figures beside their budgets, a line each."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from callbench.figures import Figures, percentile

CURSOR_MS = 20.0
STAGES = ("final to model", "sentence to voice", "voice to carrier")


@dataclass
class Report:
    """Prints, and remembers what was over budget."""

    over: list[str] = field(default_factory=list)

    def figure(
        self, name: str, value: float, unit: str, budget: float, *, least: bool = False
    ) -> None:
        """One figure; with *least* the budget is what it must reach."""
        fits = value >= budget if least else value <= budget
        word = "of at least" if least else "of"
        self._line(name, f"{_number(value)} {unit} {word} {budget:g}".replace("  ", " "), fits)

    def must(self, name: str, count: int) -> None:
        """Something that must not happen."""
        self._line(name, f"{count} of 0", count == 0)

    def note(self, text: str) -> None:
        """Something worth knowing that has no budget."""
        print(f"  {text}", flush=True)

    def title(self, text: str) -> None:
        print(f"\n{text}", flush=True)

    def _line(self, name: str, said: str, fits: bool) -> None:
        print(f"{name} {said} {'ok' if fits else 'OVER BUDGET'}", flush=True)
        if not fits:
            self.over.append(name)


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < 1 else f"{value:.1f}"


def beside(
    report: Report,
    name: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    most: float,
    whose: str = "the bridge",
) -> None:
    """How many times that of *whose* a figure of ours is, medians of the same session."""
    own, other = statistics.median(ours), statistics.median(theirs)
    words = f"{name}, {_number(own)} by {whose}'s {_number(other)}:"
    report.figure(words, own / other, "x", most)


def machine() -> str:
    """What the figures were measured on."""
    info = Path("/proc/cpuinfo")
    names = [
        line.partition(":")[2].strip()
        for line in (info.read_text().splitlines() if info.exists() else ())
        if line.startswith("model name")
    ]
    cores = f"{len(names)} x {names[0]}" if names else platform.processor()
    return f"Python {platform.python_version()}, {cores}"


def about(run: Figures) -> Iterator[str]:
    """What one run showed, for people who want to know why."""
    yield (
        f"{run.kind}: {run.calls} calls, {run.turns} turns, {run.barge_ins} barge-ins, "
        f"overhead p50 {run.overhead_p50:.2f} p95 {run.overhead_p95:.2f} ms, "
        f"core {run.core_share:.0%}, {run.cpu_per_call_minute_s:.3f} CPU s per call-minute"
    )
    yield "  " + ", ".join(
        f"{name} p50 {p50:.2f} p95 {p95:.2f} ms"
        for name, (p50, p95) in zip(STAGES, run.stages, strict=False)
    )
    yield (
        f"  a call's second: {run.frames_to_stt_per_call_s:.1f} frames to the recogniser, "
        f"{run.frames_out_per_call_s:.1f} to the carrier; idle call {run.idle_kb_per_call:.0f} KB"
    )
    yield (
        f"  load driver: {run.driver_share:.0%} of its core, p95 {run.driver_late_p95:.1f} ms "
        f"late, {run.driver_late_most:.0f} at most; the subject waited {run.waited_share:.0%} "
        f"for its core, the host took {run.stolen_share:.0%}"
    )
    if off := run.cursor_off_ms:
        yield (
            f"  heard cursor at {len(off)} clears: {percentile(off, 50):+.1f} ms in the middle, "
            f"{min(off):+.1f} to {max(off):+.1f}"
        )
    if run.crowded:
        yield "  THE MACHINE IS BUSY WITH OTHER THINGS: latencies of this run are not its own"


def true(report: Report, runs: Sequence[Figures]) -> None:
    """At every cut the record says what the caller had heard, as the carrier knows it."""
    for run in runs:
        name = f"{run.kind} {run.calls} calls: heard cursor off"
        off = [abs(each) for each in run.cursor_off_ms]
        report.figure(f"{name} at {len(off)} cuts, at most", percentile(off, 100), "ms", CURSOR_MS)
        report.figure(f"{name} p95", percentile(off, 95), "ms", CURSOR_MS)


def smooth(report: Report, runs: Sequence[Figures]) -> None:
    """No caller heard a gap, and the load driver kept up."""
    for run in runs:
        name = f"{run.kind} {run.calls} calls:"
        report.must(f"{name} underruns", run.underruns)
        if run.underruns:
            report.note(f"the longest gap was {run.worst_gap_ms:.0f} ms")
        if run.driver_bound:
            report.must(f"{name} the load driver was too slow to be believed:", 1)


def sound(report: Report, runs: Sequence[Figures]) -> None:
    """What must hold of every run, whatever its speed."""
    for run in runs:
        name = f"{run.kind} {run.calls} calls:"
        report.must(f"{name} frames of a reply after its clear", run.stale_frames)
        report.must(f"{name} turns without an answer", run.lost_turns)
        report.must(f"{name} cuts that only one side knows", run.cuts_unmatched)
        report.must(f"{name} calls that broke", len(run.problems))
        report.must(f"{name} tasks left", max(0, run.tasks_left))
        report.must(f"{name} descriptors left", max(0, run.fds_left))
        for problem in run.problems[:3]:
            report.note(problem)
