"""How long a turn took and where the time went: stamps of one clock, subtracted.

Pure. Stages are intervals between consecutive stamps, so they add up to the gap by
construction; rounding keeps that true of the printed numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import attrs

STAGES = ("stt", "end", "llm", "tool", "text", "tts", "wait", "play")
_NAMES = {"end": "endpointing", "text": "first sentence", "wait": "waited to speak"}
"""Stages that people know by another name than their key."""
_BEFORE_SPEECH = frozenset({"llm", "text"})


@attrs.define
class TurnStamps:
    """When the steps of one turn happened, in milliseconds of the call's clock.

    None means that it did not happen or was not seen; its stage then counts into the next.
    *first_token* is the model's first piece, be it words or a tool call. *released* is when the
    answer might be spoken, if it was ready before. *tools* are
    (began, ended) of each tool run of the turn, in any order, overlapping or not.
    """

    voice_ended: float | None = None
    words_final: float | None = None
    committed: float | None = None
    first_token: float | None = None
    first_sentence: float | None = None
    first_audio: float | None = None
    released: float | None = None
    first_heard: float | None = None
    tools: list[tuple[float, float]] = attrs.field(factory=list)

    @property
    def gap_ms(self) -> int | None:
        """From the caller's last voice to the agent's first sample heard, rounded.

        None while nothing was heard. A turn without voice (keys, typed words) counts from
        the first stamp it has.
        """
        began = _first(self._path())
        if self.first_heard is None or began is None:
            return None
        return round(max(0.0, self.first_heard - began))

    def _path(self) -> tuple[float | None, ...]:
        return (
            self.voice_ended,
            self.words_final,
            self.committed,
            self.first_token,
            self.first_sentence,
            self.first_audio,
            self.released,
            self.first_heard,
        )


def stages(stamps: TurnStamps) -> dict[str, int]:
    """Where the gap went, whole milliseconds by stage in fixed order; empty without a gap.

    The values are never negative and add up to `TurnStamps.gap_ms`. Time that tools took
    before the first sentence is counted as ``tool`` wherever the model stood meanwhile.
    """
    gap = stamps.gap_ms
    if gap is None:
        return {}
    exact = _exact(_clamped(stamps), stamps.tools)
    return dict(zip(STAGES, shares([exact[stage] for stage in STAGES], gap), strict=True))


def shares(parts: Sequence[float], total: int) -> list[int]:
    """Round *parts* (none negative, together about *total*) so that they sum to *total*.

    Largest remainder: every part is rounded down, then the greatest fractions rounded up.
    """
    whole = [int(part) for part in parts]
    by_fraction = sorted(range(len(parts)), key=lambda i: whole[i] - parts[i])
    missing = total - sum(whole)
    for i in by_fraction[: max(0, missing)]:
        whole[i] += 1
    for i in by_fraction[::-1]:
        if missing < 0 and whole[i] > 0:
            whole[i] -= 1
            missing += 1
    return whole


def percentile(values: Iterable[float], share: float) -> float | None:
    """The value at rank share * (n - 1), interpolated; None of nothing. 0 <= *share* <= 1.

    >>> percentile([100, 200, 400], 0.5), percentile([100, 200], 0.95)
    (200, 195.0)
    """
    ordered = sorted(values)
    if not ordered:
        return None
    rank = share * (len(ordered) - 1)
    below = int(rank)
    if below == rank:
        return ordered[below]
    return ordered[below] + (ordered[below + 1] - ordered[below]) * (rank - below)


def _first(path: Sequence[float | None]) -> float | None:
    return next((at for at in path if at is not None), None)


def _clamped(stamps: TurnStamps) -> list[float]:
    """All stamps in their order, none before the one it follows, none after the last."""
    path = stamps._path()
    end = path[-1]
    at = _first(path)
    assert at is not None and end is not None
    end = max(at, end)
    walked = []
    for stamp in path:
        at = at if stamp is None else min(max(at, stamp), end)
        walked.append(at)
    walked[-1] = end
    return walked


def _exact(walked: Sequence[float], tools: Iterable[tuple[float, float]]) -> dict[str, float]:
    busy = _merged(tools)
    times = dict.fromkeys(STAGES, 0.0)
    between = tuple(stage for stage in STAGES if stage != "tool")
    for stage, (began, ended) in zip(between, pairwise(walked), strict=True):
        in_tools = _overlap(busy, began, ended) if stage in _BEFORE_SPEECH else 0.0
        times["tool"] += in_tools
        times[stage] = max(0.0, ended - began - in_tools)
    return times


def _merged(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same time covered by spans that do not overlap."""
    merged: list[tuple[float, float]] = []
    for began, ended in sorted(spans):
        if merged and began <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ended))
        else:
            merged.append((began, ended))
    return merged


def _overlap(spans: Iterable[tuple[float, float]], began: float, ended: float) -> float:
    return sum(max(0.0, min(ended, stop) - max(began, start)) for start, stop in spans)


def as_printed(times: Mapping[str, int]) -> list[tuple[str, int]]:
    """The stages that took any time, in fixed order."""
    return [(stage, times[stage]) for stage in STAGES if times.get(stage)]


def stage_name(stage: str) -> str:
    """What people read for *stage*.

    >>> stage_name("end"), stage_name("llm")
    ('endpointing', 'llm')
    """
    return _NAMES.get(stage, stage)
