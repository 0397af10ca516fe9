"""Figures as people read them. Pure."""

from __future__ import annotations

from patter_load.figures import Figures, Left


def lines(run: Figures, left: Left | None = None) -> list[str]:
    """The answer to a load: two lines of what callers met, what it took, and what was *left*.

    Without *left*, it is a step of several.
    """
    seen = [
        f"{run.calls} calls {run.seconds:.0f} s  {run.turns} turns",
        f"overhead p50 {ms(run.overhead_p50)} p95 {ms(run.overhead_p95)} ms",
        f"response p95 {ms(run.response_p95)}",
    ]
    line = [
        f"clear p95 {ms(run.clear_p95)} ({run.cleared} of {run.barge_ins})",
        f"jitter p95 {ms(run.jitter_p95)}",
        f"underruns {run.underruns}",
        f"lost {run.lost_turns}",
    ]
    took = [f"cpu {_amount(run.cpu_s)} s/call-min", f"rss {_amount(run.call_mb)} MB/call"]
    took += [f"core {_share(run.core)}, waited for {_share(run.waited)}"]
    rows = ["  ".join(part) for part in (seen, line, took)]
    return rows if left is None else [*rows, f"left: {leftovers(left)}"]


def leftovers(left: Left) -> str:
    """What is still open: ``0 tasks 0 sockets 2 descriptors``; ``unknown`` of another machine."""
    counts = (("tasks", left.tasks), ("sockets", left.sockets), ("descriptors", left.fds))
    parts = [f"{max(0, count)} {name}" for name, count in counts if count is not None]
    return " ".join(parts) or "unknown"


def verdict(faults: list[str]) -> str:
    """``holds``, or what does not."""
    return "\n".join(["does not hold", *(f"  {each}" for each in faults)]) if faults else "holds"


def ms(value: float | None) -> str:
    """Milliseconds without a unit, ``-`` where nothing was seen."""
    if value is None:
        return "-"
    return f"{value:.1f}" if abs(value) < 10 else f"{value:.0f}"


def _amount(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
