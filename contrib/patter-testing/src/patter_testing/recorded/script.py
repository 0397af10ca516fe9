"""What the caller of a record did, and when: not by the clock, but as an answer to the agent. Pure.

A caller who spoke 0.6 s after the agent had fallen silent does so again, whenever that is now;
who interrupted it a second into its sentence interrupts it there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, TypeVar

import attrs

from patter.call.keypad import MASK
from patter.observe.events import CallEvent, Ended, EngineStep, Link, Row, Span, Started

E = TypeVar("E", bound=CallEvent)
CALLERS_ENDS = ("caller", "media_lost")
"""Reasons of an end that was the caller's, or their line's."""
HEARD_LATE_MS = 5_000
"""Words that come later than this after a voice are not about it."""


class Deed(Enum):
    """What a cue is; the last three are an engine's: it answers unasked, stops, or is gone."""

    VOICE = "voice"
    SILENCE = "silence"
    WORDS = "words"
    TURN_END = "turn_end"
    TYPED = "typed"
    KEY = "key"
    HANG_UP = "hang_up"
    ANSWERS = "answers"
    INTERRUPTED = "interrupted"
    LOST = "lost"


OWN_DEEDS = frozenset({Deed.ANSWERS, Deed.INTERRUPTED, Deed.LOST})
"""What an engine does of its own accord."""
OF_ENGINES = OWN_DEEDS | {Deed.WORDS}
"""What comes late of an engine: it may answer before it tells what it has heard."""


@attrs.frozen
class Cue:
    """One thing that reached the agent, *after_ms* from the beginning of its act.

    *late_ms*: so long before it the detector dates it. *text*: words, a key, or the utterance that
    an engine begins. *gone_ms*: for how long it is not there; None: for good.
    """

    after_ms: int
    deed: Deed
    text: str = ""
    final: bool = True
    late_ms: int = 0
    gone_ms: int | None = None


@attrs.frozen
class Act:
    """Cues that belong together. *began_ms* is when they began in the recorded call.

    They begin *delay_ms* after the agent has ended *utterances* since the act before, or, with
    *during*, after it began the next one; without either, after the act before. The caller is
    through with it *over_ms* after it began, whatever comes of it later.
    """

    began_ms: int
    cues: tuple[Cue, ...]
    utterances: int = 0
    during: bool = False
    delay_ms: int = 0
    over_ms: int = 0


@attrs.frozen
class Uttered:
    """The agent was heard from *began_ms* until *ended_ms*, when it may have been *cut*."""

    began_ms: int
    ended_ms: int
    cut: bool = False

    def is_over(self, at_ms: int) -> bool:
        """Had it ended by then? What was cut at that moment was so by what happened then."""
        return self.ended_ms < at_ms or (self.ended_ms == at_ms and not self.cut)


@attrs.define
class _Draft:
    """An act whose cues are still coming."""

    began_ms: int
    cues: list[Cue] = attrs.field(factory=list)
    voice: bool = False
    answered: bool = False

    def add(self, at_ms: int, deed: Deed, text: str = "", **more: Any) -> None:
        self.cues.append(Cue(max(0, at_ms - self.began_ms), deed, text, **more))

    def over_ms(self, late: Collection[Deed]) -> int:
        """Until its last cue, or the last that is not *late*, if there is one."""
        own = [cue.after_ms for cue in self.cues if cue.deed not in late]
        return max(own or [cue.after_ms for cue in self.cues], default=0)

    @property
    def speaks(self) -> bool:
        """Has its voice not ended yet?"""
        return self.voice and all(cue.deed is not Deed.SILENCE for cue in self.cues)

    def ends_with(self, deed: Deed, at_ms: int) -> bool:
        """Was its last cue *deed*, just now?"""
        last = self.cues[-1] if self.cues else None
        return last is not None and last.deed is deed and self.began_ms + last.after_ms == at_ms


def of_type(events: Iterable[CallEvent], kind: type[E]) -> list[E]:
    """The events of one type, in order."""
    return [event for event in events if isinstance(event, kind)]


def uttered(events: Iterable[CallEvent]) -> list[Uttered]:
    """When the agent was heard, in order."""
    rows = (row for row in of_type(events, Row) if row.role == "agent")
    return [
        Uttered(row.start_ms, row.at_ms, bool(row.interrupted))
        for row in rows
        if row.heard_ms or row.text
    ]


def led_by_engine(events: Iterable[CallEvent]) -> bool:
    """Did an engine hear and answer in this call?"""
    return any("engine" in started.providers for started in of_type(events, Started))


def has_own_voice(events: Iterable[CallEvent]) -> bool:
    """Did the agent have a voice of its own, be it beside an engine?"""
    named = any("tts" in started.providers for started in of_type(events, Started))
    return named or any(span.stage == "tts" for span in of_type(events, Span))


def is_deed(name: str, fields: Mapping[str, Any]) -> bool:
    """Did the caller begin something new: a voice, a key, a text?"""
    return name in ("VoiceStarted", "Digit") or (name == "CallerWords" and is_typed(fields))


def is_typed(fields: Mapping[str, Any]) -> bool:
    """Were these words written? Those that an engine hears have no place in the audio."""
    return bool(fields.get("text")) and fields.get("end_ms") is not None


def script_of(events: Sequence[CallEvent]) -> list[Act]:
    """What the caller did, in order; ending with hanging up, if it was the caller who did.

    With an engine, what that did of its own accord is in it, too.
    """
    drafts: list[_Draft] = []
    engine, lost = led_by_engine(events), outages(events)
    for event in events:
        match event:
            case Row(role="agent") if drafts:
                drafts[-1].answered = True
            case EngineStep(input={"name": name}):
                fields = event.input.get("fields", {})
                if engine:
                    _take_of_engine(drafts, name, fields, event)
                else:
                    _take(drafts, name, fields, event.at_ms)
            case Link(kind="engine") if event.at_ms in lost:
                _lost(drafts, event.at_ms, lost.pop(event.at_ms))
    ended = of_type(events, Ended)
    if ended and ended[-1].reason not in CALLERS_ENDS:
        drafts = [each for each in drafts if each.cues[0].deed is not Deed.HANG_UP]
    return [*_anchored(drafts, uttered(events), OF_ENGINES if engine else frozenset())]


def _take(drafts: list[_Draft], name: str, fields: Mapping[str, Any], at_ms: int) -> None:
    """Add what one step of the turn engine says of the caller."""
    last = drafts[-1] if drafts else None
    match name:
        case "VoiceStarted":
            began_ms = min(at_ms, fields["began_ms"])
            # One of before the last act is heard once more, by who was lost meanwhile.
            again = last is not None and began_ms < last.began_ms
            drafts.append(_Draft(at_ms if again else began_ms, voice=True))
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


def _take_of_engine(
    drafts: list[_Draft], name: str, fields: Mapping[str, Any], step: EngineStep
) -> None:
    """Add what one step says of a caller whom an engine hears, and of the engine itself."""
    at_ms, last = step.at_ms, drafts[-1] if drafts else _Draft(0)
    match name:
        case "CallerWords" if fields.get("text"):
            typed = is_typed(fields)
            if typed or not drafts:
                drafts.append(_Draft(at_ms))
            deed = Deed.TYPED if typed else Deed.WORDS
            drafts[-1].add(at_ms, deed, fields["text"], final=bool(fields["final"]))
        case "CallerFinished" if last.ends_with(Deed.TYPED, at_ms):
            return  # Who writes has finished.
        case "VendorAnswers":
            if last.answered or not drafts:
                # It is not the caller whom it answers.
                drafts.append(_Draft(at_ms))
            begun = [each["fields"]["epoch"] for each in step.effects if each["name"] == "Think"]
            drafts[-1].add(at_ms, Deed.ANSWERS, str(begun[0]) if begun else "")
        case "BargeInVerdict" if drafts and fields.get("interrupt"):
            last.add(at_ms, Deed.INTERRUPTED)
        case _:
            _take(drafts, name, fields, at_ms)


def outages(events: Iterable[CallEvent]) -> dict[int, int | None]:
    """When the connection to the engine was lost, and for how long; None: for good."""
    lost: dict[int, int | None] = {}
    since_ms: int | None = None
    for link in of_type(events, Link):
        if link.kind != "engine":
            continue
        if link.what in ("lost", "failed") and since_ms is None:
            since_ms, lost[link.at_ms] = link.at_ms, None
        elif link.what == "back" and since_ms is not None:
            lost[since_ms], since_ms = link.at_ms - since_ms, None
    return lost


def _lost(drafts: list[_Draft], at_ms: int, gone_ms: int | None) -> None:
    """Add that the connection was lost."""
    if not (drafts and drafts[-1].speaks):
        drafts.append(_Draft(at_ms))
    drafts[-1].add(at_ms, Deed.LOST, gone_ms=gone_ms)


def _words(drafts: list[_Draft], fields: Mapping[str, Any], at_ms: int) -> None:
    voices = [each for each in drafts if each.voice]
    until_ms = voices[-1].began_ms + max(c.after_ms for c in voices[-1].cues) if voices else 0
    if voices and at_ms - until_ms <= HEARD_LATE_MS:
        drafts[-1].add(at_ms, Deed.WORDS, fields["text"], final=bool(fields["final"]))
        return
    drafts.append(_Draft(at_ms))
    drafts[-1].add(at_ms, Deed.TYPED, fields["text"])


def _anchored(
    drafts: Iterable[_Draft], agent: Sequence[Uttered], late: Collection[Deed]
) -> Iterator[Act]:
    """The acts, each with what it came after; cues that are *late* do not prolong them."""
    before: Act | None = None
    for draft in drafts:
        act = attrs.evolve(_anchor(draft, agent, before), over_ms=draft.over_ms(late))
        yield act
        before = act


def _anchor(draft: _Draft, agent: Sequence[Uttered], before: Act | None) -> Act:
    since_ms = before.began_ms if before else 0
    over_ms = since_ms + before.over_ms if before else 0
    at_ms, cues = draft.began_ms, tuple(draft.cues)
    ended = [each for each in agent if since_ms < each.ended_ms and each.is_over(at_ms)]
    begun = [each for each in agent if over_ms <= each.began_ms < at_ms]
    running = [each for each in begun if not each.is_over(at_ms)]
    if running:
        delay_ms = at_ms - running[-1].began_ms
        return Act(at_ms, cues, len(ended), during=True, delay_ms=delay_ms)
    last_ms = max([over_ms, *(each.ended_ms for each in ended)])
    return Act(at_ms, cues, len(ended), delay_ms=max(0, at_ms - last_ms))
