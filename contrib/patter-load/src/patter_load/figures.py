"""From what was seen to figures, and whether they hold. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from patter.observe.metrics import percentile
from patter_load.census import Census
from patter_load.sightings import Sightings

DRIVER_LATE_MS: Final = 10.0
DRIVER_BUSY: Final = 0.9
CROWDED: Final = 0.3


@attrs.frozen(kw_only=True)
class Limits:
    """What a load that holds stays below: *overhead_ms* at the 95th percentile, *clear_ms* too."""

    overhead_ms: float = 100.0
    clear_ms: float = 1_500.0


@attrs.frozen(kw_only=True)
class Figures:
    """One measured stretch. Milliseconds unless named otherwise; None where nothing was seen.

    *overhead*: how much later an answer came than to the same words in a call that is alone.
    *response*: from the end of a voice to the first sound of the answer. *clear*: from the first
    sound of who interrupts to the clear. *jitter*: how much later a piece of a reply came than the
    one before it lasted. Of the served process, None where it cannot be looked at: *cpu_s* of
    processor a call-minute, *core* the share of one that it ran, *waited* the share that it was
    ready and others ran, *call_mb* memory a call. *driver_late* and *driver_busy* are those of the
    callers' own process.
    """

    calls: int
    seconds: float
    turns: int
    response_p50: float | None
    response_p95: float | None
    overhead_p50: float | None
    overhead_p95: float | None
    barge_ins: int
    cleared: int
    clear_p50: float | None
    clear_p95: float | None
    jitter_p95: float | None
    underruns: int
    worst_gap: float
    lost_turns: int
    problems: tuple[str, ...]
    cpu_s: float | None
    core: float | None
    waited: float | None
    call_mb: float | None
    driver_late: float
    driver_busy: float

    @property
    def driver_bound(self) -> bool:
        """Were the callers too slow to be believed?"""
        return self.driver_late > DRIVER_LATE_MS or self.driver_busy > DRIVER_BUSY

    def faults(self, limits: Limits) -> list[str]:
        """Why the load does not hold; empty when it does."""
        texts = [text for text in self._faults(limits) if text]
        if texts and (self.waited or 0.0) > CROWDED:
            texts.append(f"others had the processor for {self.waited:.0%} of the time")
        return texts

    def _faults(self, limits: Limits) -> list[str]:
        problems = len(self.problems)
        late = self.driver_late
        return [
            _over("overhead p95", self.overhead_p95, limits.overhead_ms),
            _over("clear p95", self.clear_p95, limits.clear_ms),
            f"{self.underruns} underruns, the longest {self.worst_gap:.0f} ms"
            * bool(self.underruns),
            f"{self.lost_turns} turns without an answer" * bool(self.lost_turns),
            f"{self.barge_ins - self.cleared} interruptions without a clear"
            * (self.cleared < self.barge_ins),
            f"{problems} calls broke: {self.problems[0]}" if problems else "",
            "no turn was seen; give it longer with --for" * (not self.turns),
            f"the callers were {late:.0f} ms late themselves: use another machine, or fewer calls"
            * self.driver_bound,
        ]

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        rounded = {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in attrs.asdict(self).items()
        }
        return {**rounded, "problems": list(self.problems[:10])}


@attrs.frozen(kw_only=True)
class Left:
    """What was open after all had hung up, beyond what was before; None where nobody can tell.

    *names* are those of the tasks. *fds*: descriptors once the process has stopped, or now, of one
    that goes on.
    """

    tasks: int | None = None
    names: tuple[str, ...] = ()
    sockets: int | None = None
    fds: int | None = None
    stopped: bool = False

    def faults(self) -> list[str]:
        """What should not have been left; descriptors of a process that goes on may be spare."""
        counts = {"tasks": self.tasks, "sockets": self.sockets}
        counts |= {"descriptors": self.fds} if self.stopped else {}
        texts = [f"{count} {name} left open" for name, count in counts.items() if (count or 0) > 0]
        named = ", ".join(dict.fromkeys(self.names))
        return [f"{fault}: {named}" if named and "tasks" in fault else fault for fault in texts]


@attrs.frozen(kw_only=True)
class Window:
    """A measured stretch as it was seen, and the served process around it."""

    calls: int
    seconds: float
    sightings: Sightings
    idle: Census | None
    began: Census | None
    ended: Census | None
    driver_s: float
    late_ms: Sequence[float]


def figures(window: Window, alone: Mapping[int, float]) -> Figures:
    """Add *window* up; *alone* is the response of a lone call to each step, in milliseconds."""
    seen = window.sightings
    answered = [
        (turn.at, response) for turn in seen.turns if (response := turn.response_ms) is not None
    ]
    overheads = [response - alone[at] for at, response in answered if at in alone]
    responses = [response for _, response in answered]
    barges = [turn for turn in seen.turns if turn.barge and turn.ended_ns]
    clears = [each for turn in barges if (each := turn.clear_ms) is not None]
    return Figures(
        calls=window.calls,
        seconds=window.seconds,
        turns=len(answered),
        response_p50=percentile(responses, 0.5),
        response_p95=percentile(responses, 0.95),
        overhead_p50=percentile(overheads, 0.5),
        overhead_p95=percentile(overheads, 0.95),
        barge_ins=len(barges),
        cleared=len(clears),
        clear_p50=percentile(clears, 0.5),
        clear_p95=percentile(clears, 0.95),
        jitter_p95=percentile(seen.jitter_ms, 0.95),
        underruns=seen.underruns,
        worst_gap=seen.worst_gap_ms,
        lost_turns=seen.lost_turns,
        problems=tuple(seen.problems),
        **_process(window),
        driver_late=percentile(window.late_ms, 0.95) or 0.0,
        driver_busy=window.driver_s / window.seconds,
    )


def _process(window: Window) -> dict[str, float | None]:
    """Processor and memory of the served process."""
    if not (window.began and window.ended and window.idle):
        return {"cpu_s": None, "core": None, "waited": None, "call_mb": None}
    ran_s, waited_s = window.ended.schedule.since(window.began.schedule)
    grown = window.ended.rss - window.idle.rss
    return {
        "cpu_s": ran_s / (window.calls * window.seconds) * 60,
        "core": ran_s / window.seconds,
        "waited": waited_s / window.seconds,
        "call_mb": grown / window.calls / 2**20,
    }


def _over(what: str, value: float | None, limit: float) -> str:
    return f"{what} {value:.0f} ms of {limit:g}" if value is not None and value > limit else ""
