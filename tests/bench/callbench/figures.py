"""From what was seen to figures: percentiles of turns, CPU a call-minute, what went wrong."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import sub

from callbench.stamps import CallLog, Turn
from patter_load.proc import Schedule

DRIVER_LATE_MS = 10.0
DRIVER_BUSY = 0.9
CROWDED = 0.3


@dataclass(frozen=True, kw_only=True)
class Window:
    """What was seen in the measured time; *late_ms* from the first word to the last hang-up."""

    seconds: float
    subject: Schedule
    driver: Schedule
    stolen_s: float
    rss_bytes: int
    late_ms: Sequence[float]
    turns: Sequence[Turn]
    frames_out: int
    frames_to_stt: int
    logs: Sequence[CallLog]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One run. Milliseconds unless named otherwise; *stages* are (p50, p95) of each.

    *cursor_off_ms*: of each clear, what the record says was heard less what truly was.
    """

    kind: str
    calls: int
    turns: int
    overhead_p50: float
    overhead_p95: float
    overhead_p99: float
    stages: tuple[tuple[float, float], ...]
    barge_ins: int
    barge_in_p50: float
    barge_in_p95: float
    cpu_per_call_minute_s: float
    core_share: float
    idle_kb_per_call: float
    cursor_off_ms: tuple[float, ...]
    cuts_unmatched: int
    underruns: int
    worst_gap_ms: float
    stale_frames: int
    lost_turns: int
    problems: tuple[str, ...]
    tasks_left: int
    fds_left: int
    driver_late_p95: float
    driver_late_most: float
    driver_share: float
    waited_share: float
    stolen_share: float
    frames_out_per_call_s: float
    frames_to_stt_per_call_s: float

    @property
    def driver_bound(self) -> bool:
        """Was the load driver itself too slow to be believed?"""
        return self.driver_late_p95 > DRIVER_LATE_MS or self.driver_share > DRIVER_BUSY

    @property
    def crowded(self) -> bool:
        """Did others keep the measured process from its core?"""
        return self.waited_share > CROWDED or self.stolen_share > CROWDED


def percentile(values: Sequence[float], of_100: int) -> float:
    """The *of_100*-th percentile by nearest rank; infinite when there is nothing to rank."""
    if not values:
        return float("inf")
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, -(-len(ranked) * of_100 // 100) - 1))]


def figures(
    kind: str,
    calls: int,
    window: Window,
    *,
    idle_bytes: float,
    left: Mapping[str, int],
    heard: Mapping[str, Sequence[int]],
) -> Figures:
    """Add *window* up."""
    overheads = [each for turn in window.turns if (each := turn.overhead_ms) is not None]
    stages = list(zip(*(turn.stages_ms for turn in window.turns if turn.stages_ms), strict=True))
    cuts = [each for turn in window.turns if (each := turn.barge_in_ms) is not None]
    said = [(heard.get(log.call_id, ()), log.cuts_ms) for log in window.logs]
    call_s = calls * window.seconds
    return Figures(
        kind=kind,
        calls=calls,
        turns=len(overheads),
        overhead_p50=percentile(overheads, 50),
        overhead_p95=percentile(overheads, 95),
        overhead_p99=percentile(overheads, 99),
        stages=tuple((statistics.median(each), percentile(each, 95)) for each in stages),
        barge_ins=len(cuts),
        barge_in_p50=percentile(cuts, 50),
        barge_in_p95=percentile(cuts, 95),
        cpu_per_call_minute_s=window.subject.ran_s / call_s * 60,
        core_share=window.subject.ran_s / window.seconds,
        idle_kb_per_call=idle_bytes / 1_024,
        cursor_off_ms=tuple(off for pair in said for off in map(sub, *pair)),
        cuts_unmatched=sum(abs(len(record) - len(truth)) for record, truth in said),
        underruns=sum(log.underruns for log in window.logs),
        worst_gap_ms=max(log.worst_gap_ms for log in window.logs),
        stale_frames=sum(log.stale_frames for log in window.logs),
        lost_turns=sum(log.lost_turns for log in window.logs),
        problems=tuple(f"{log.call_id}: {log.problem}" for log in window.logs if log.problem),
        tasks_left=left["tasks"],
        fds_left=left["fds"],
        driver_late_p95=percentile(window.late_ms, 95),
        driver_late_most=percentile(window.late_ms, 100),
        driver_share=window.driver.ran_s / window.seconds,
        waited_share=window.subject.waited_s / window.seconds,
        stolen_share=window.stolen_s / window.seconds,
        frames_out_per_call_s=window.frames_out / call_s,
        frames_to_stt_per_call_s=window.frames_to_stt / call_s,
    )
