"""Which turns are over a budget, and the stage to look at. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from patter.cli.amounts import milliseconds
from patter.errors import InputError
from patter.observe.events import CallEvent, Turn
from patter.observe.metrics import STAGES, as_printed

ASSUMED: Final = {"stt": 200.0, "llm": 400.0, "tts": 150.0}
"""Milliseconds that vendors take, where nobody says how long those of an agent do."""


@attrs.frozen(kw_only=True)
class Budget:
    """*gap_ms* is the most that an answer may take; *stages* the most of single stages."""

    gap_ms: float
    stages: Mapping[str, float] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class TurnResult:
    """A turn with its *gap_ms* and *parts*; *over* names the stages to look at, none if it fits."""

    turn: int
    gap_ms: int
    parts: Mapping[str, int]
    over: tuple[str, ...]

    def __str__(self) -> str:
        sums = " + ".join(f"{stage} {ms}" for stage, ms in as_printed(self.parts))
        word = f"OVER {', '.join(self.over)}" if self.over else "ok"
        return f"turn {self.turn}  latency {self.gap_ms} = {sums}  {word}"


def judged(
    events: Iterable[CallEvent], budget: Budget, assumed: Mapping[str, float] | None = None
) -> list[TurnResult]:
    """Every turn that was answered, in order; what is *assumed* of a stage is not its fault."""
    turns = (event for event in events if isinstance(event, Turn))
    return [
        TurnResult(
            turn=turn.turn,
            gap_ms=turn.gap_ms,
            parts=turn.stages,
            over=_over(turn.stages, budget, assumed or {}),
        )
        for turn in turns
        if turn.gap_ms is not None
    ]


def _over(
    parts: Mapping[str, int], budget: Budget, assumed: Mapping[str, float]
) -> tuple[str, ...]:
    """The stages over their own limit; of a turn that is too long without one, its longest.

    Of an assumed stage only what it took beyond that counts.
    """
    single = tuple(name for name, most in budget.stages.items() if parts.get(name, 0) > most)
    if single or sum(parts.values()) <= budget.gap_ms:
        return single
    return (max(parts, key=lambda name: parts[name] - assumed.get(name, 0.0)),)


def per_stage(texts: Iterable[str]) -> dict[str, float]:
    """Milliseconds by stage, written ``tool=300ms,end=400ms``. Raises InputError.

    >>> per_stage(["tool=300ms,end=0.4s"])
    {'tool': 300.0, 'end': 400.0}
    """
    times_ms = {}
    for part in (part.strip() for text in texts for part in text.split(",") if part.strip()):
        stage, sign, value = part.partition("=")
        if not sign or stage not in STAGES:
            raise InputError(f"{part!r} is not a stage", fix=f"tool=300ms; of {', '.join(STAGES)}")
        times_ms[stage] = milliseconds(value)
    return times_ms
