"""What the caller of a record did, and when: not by the clock, but as an answer to the agent. Pure.

A caller who spoke 0.6 s after the agent had fallen silent does so again, whenever that is now;
who interrupted it a second into its sentence interrupts it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, TypeVar

import attrs

from patter.call.keypad import MASK
from patter.observe.events import CallEvent, Ended, EngineStep, Row

E = TypeVar("E", bound=CallEvent)
HEARD_LATE_MS = 5_000
"""Words that come later than this after a voice are not about it."""


class Deed(Enum):
    """What a cue is."""

    VOICE = "voice"
    SILENCE = "silence"
    WORDS = "words"
    TURN_END = "turn_end"
    TYPED = "typed"
    KEY = "key"
    HANG_UP = "hang_up"


@attrs.frozen
class Cue:
    """One thing that reached the agent, *after_ms* from the beginning of its act.

    *late_ms*: so long before it the detector dates it. *text*: words, or a key.
    """

    after_ms: int
    deed: Deed
    text: str = ""
    final: bool = True
    late_ms: int = 0


@attrs.frozen
class Act:
    """Cues that belong together. *began_ms* is when they began in the recorded call.

    They begin *delay_ms* after the agent has ended *utterances* since the act before, or, with
    *during*, after it began the next one; without either, after the act before.
    """

    began_ms: int
    cues: tuple[Cue, ...]
    utterances: int = 0
    during: bool = False
    delay_ms: int = 0

    @property
    def lasts_ms(self) -> int:
        """Until its last cue."""
        return max((cue.after_ms for cue in self.cues), default=0)


@attrs.frozen
class Uttered:
    """The agent was heard from *began_ms* until *ended_ms*."""

    began_ms: int
    ended_ms: int


@attrs.define
class _Draft:
    """An act whose cues are still coming."""

    began_ms: int
    cues: list[Cue] = attrs.field(factory=list)
    voice: bool = False

    def add(self, at_ms: int, deed: Deed, text: str = "", **more: Any) -> None:
        self.cues.append(Cue(max(0, at_ms - self.began_ms), deed, text, **more))


def of_type(events: Iterable[CallEvent], kind: type[E]) -> list[E]:
    """The events of one type, in order."""
    return [event for event in events if isinstance(event, kind)]


def uttered(events: Iterable[CallEvent]) -> list[Uttered]:
    """When the agent was heard, in order."""
    rows = (row for row in of_type(events, Row) if row.role == "agent")
    return [Uttered(row.start_ms, row.at_ms) for row in rows if row.heard_ms or row.text]


def script_of(events: Sequence[CallEvent]) -> list[Act]:
    """What the caller did, in order; ending with hanging up, if it was the caller who did."""
    drafts: list[_Draft] = []
    for step in of_type(events, EngineStep):
        _take(drafts, step.input["name"], step.input.get("fields", {}), step.at_ms)
    ended = of_type(events, Ended)
    if ended and ended[-1].reason != "caller":
        drafts = [each for each in drafts if each.cues[0].deed is not Deed.HANG_UP]
    return [*_anchored(drafts, uttered(events))]


def _take(drafts: list[_Draft], name: str, fields: Mapping[str, Any], at_ms: int) -> None:
    """Add what one step of the turn engine says of the caller."""
    last = drafts[-1] if drafts else None
    match name:
        case "VoiceStarted":
            began_ms = min(at_ms, fields["began_ms"])
            drafts.append(_Draft(began_ms, voice=True))
            drafts[-1].add(at_ms, Deed.VOICE, late_ms=at_ms - began_ms)
        case "VoiceStopped" if last:
            last.add(at_ms, Deed.SILENCE, late_ms=at_ms - min(at_ms, fields["ended_ms"]))
        case "CallerWords" if fields.get("text"):
            _words(drafts, fields, at_ms)
        case "CallerFinished" if last:
            last.add(at_ms, Deed.TURN_END)
        case "Digit":
            drafts.append(_Draft(at_ms))
            # What was pressed nobody knows; any key is as good, and none is a secret.
            drafts[-1].add(at_ms, Deed.KEY, fields["digit"].replace(MASK, "0"))
        case "CallerHungUp":
            drafts.append(_Draft(at_ms))
            drafts[-1].add(at_ms, Deed.HANG_UP)


def _words(drafts: list[_Draft], fields: Mapping[str, Any], at_ms: int) -> None:
    voices = [each for each in drafts if each.voice]
    until_ms = voices[-1].began_ms + max(c.after_ms for c in voices[-1].cues) if voices else 0
    if voices and at_ms - until_ms <= HEARD_LATE_MS:
        drafts[-1].add(at_ms, Deed.WORDS, fields["text"], final=bool(fields["final"]))
        return
    drafts.append(_Draft(at_ms))
    drafts[-1].add(at_ms, Deed.TYPED, fields["text"])


def _anchored(drafts: Iterable[_Draft], agent: Sequence[Uttered]) -> Iterator[Act]:
    """The acts, each with what it came after."""
    before: Act | None = None
    for draft in drafts:
        act = _anchor(draft, agent, before)
        yield act
        before = act


def _anchor(draft: _Draft, agent: Sequence[Uttered], before: Act | None) -> Act:
    since_ms = before.began_ms if before else 0
    over_ms = since_ms + before.lasts_ms if before else 0
    at_ms, cues = draft.began_ms, tuple(draft.cues)
    ended = [each for each in agent if since_ms < each.ended_ms <= at_ms]
    running = [each for each in agent if over_ms <= each.began_ms < at_ms < each.ended_ms]
    if running:
        delay_ms = at_ms - running[-1].began_ms
        return Act(at_ms, cues, len(ended), during=True, delay_ms=delay_ms)
    last_ms = max([over_ms, *(each.ended_ms for each in ended)])
    return Act(at_ms, cues, len(ended), delay_ms=max(0, at_ms - last_ms))
