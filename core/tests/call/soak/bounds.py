"""How long a caller may wait in silence, for what: one table, derived from the rules of the call.

| the caller waits for | at most |
|---|---|
| the first word, after pick-up | the voice's own time, and 1 s |
| an answer, nothing failing | patience, the times of recogniser, model and voice, and 0.6 s |
| something, after words that failed to become final | `final_wait_ms` more |
| something, the model late or broken | `filler_ms` more, or without one `reply_max_ms` |
| something, the voice late or broken | `voice_ms` more |
| something, the connection of recogniser or leg broken | 3 s more |
| news of a tool that runs | `progress_ms`, and 2 s; without one as long as it may run |
| an answer, after a filler | `progress_ms`, and 2 s; without one `reply_max_ms` |
| the end of an entry of keys | its `wait_ms`, and then as for anything else |
| anything else | the `idle_ms` of the rules, and 2 s |

An engine says nothing beside its own response: instead of a filler it may take twice `model_ms`.
"""

from __future__ import annotations

from typing import Any

import attrs

from . import ear
from .model import FIRST_MS as MODEL_FIRST_MS
from .recogniser import FINAL_MS, OPEN_MS
from .script import Line
from .voice import FIRST_MS as VOICE_FIRST_MS
from .world import Outcome

MODEL_MS, VOICE_MS, LINK_MS = 4_000, 4_000, 3_000
LINKS = {"stt", "leg", "frames cease", "final"}
LEAVES = {"hangs", "transfers"}
FOREVER_MS = 10_000_000
SHORTEST_MS = 1_000
CUT_MS = 300
"""Of an utterance that a voice cuts so much may be heard after the voice."""


@attrs.frozen
class Gap:
    """A silence of the call; *by_caller*: the last to be heard before it was the caller."""

    began_ms: int
    ended_ms: int
    by_caller: bool

    @property
    def ms(self) -> int:
        """How long it was."""
        return self.ended_ms - self.began_ms


def silences(o: Outcome) -> list[Gap]:
    """All silences of a caller who is on the line, from 1 s on."""
    agent = [(began, end, False) for began, end in o.sounds]
    away = [(began, end, False) for began, end in ear.absent(o)]
    talk = [(float(each.began_ms), float(each.ended_ms), True) for each in o.notes.talk]
    keys = [(float(at), float(at), True) for at, _ in o.notes.keys]
    gaps, last, by_caller = [], 0.0, False
    for began, end, caller in [
        *sorted([*agent, *away, *talk, *keys]),
        (float(o.ended_ms),) * 2 + (False,),
    ]:
        if began - last >= SHORTEST_MS and last < o.ended_ms:
            gaps.append(Gap(round(last), round(min(began, o.ended_ms)), by_caller))
        if end >= last:
            last, by_caller = end, caller
        elif caller and last - end < CUT_MS and o.rules.barge_in_threshold_ms:
            by_caller = True
    return gaps


def bound_of(o: Outcome, gap: Gap) -> tuple[int, str]:
    """How long *gap* may be, and what for."""
    if ear.any_command(o, "machine"):
        return max(_idle(o, gap), o.rules.beep_wait_ms + 2_000), "a machine"
    for entry in o.notes.entries:
        ended = o.ended_ms if entry.ended_ms is None else entry.ended_ms
        if entry.began_ms < gap.ended_ms and ended > gap.began_ms:
            patience = entry.wait_ms + 1_500 + min(_idle(o, gap), 15_000)
            return patience + _owed(o, gap), "keys are collected"
    if (tool := _tool(o, gap)) is not None:
        return tool + _owed(o, gap), "a tool runs"
    if gap.began_ms == 0:
        greets = bool(o.phrases.greeting)
        return (
            (1_000 + _voice(o, gap) + _leg(o, gap), "the first word")
            if greets
            else (_idle(o, gap), "nobody speaks")
        )
    if gap.by_caller and _spoke(o, gap):
        if not _only_listened(o, gap):
            return max(_answer(o, gap), _leaves_after(o, gap)), "an answer"
        if (asked_ms := _asked_before(o, gap)) is not None:
            return _answer(o, attrs.evolve(gap, began_ms=asked_ms)), "an answer"
    if _told_to_wait(o, gap):
        waits_ms = (o.rules.progress_ms or o.rules.reply_max_ms) + 2_000 + _voice(o, gap)
        waits_ms += _engine_again(o)
        return max(waits_ms, _idle(o, gap)), "an answer that takes long"
    return max(_idle(o, gap) + _owed(o, gap), _told_late(o, gap)), "nobody speaks"


def _answer(o: Outcome, gap: Gap) -> int:
    """The bound of an answer, every link of the chain with its own time or that of its failure."""
    rules, base = o.rules, 600
    stt, faults = _line(o, "stt"), _faults(o, gap)
    question = o.notes.about(" ".join(_last_words(o, gap)))
    final_ms = stt.number("final", FINAL_MS)
    if question is not None:
        given = question.options.get("final", str(final_ms))
        late = 10_000 if given == "never" else int(given) + int(question.options.get("split", 0))
        final_ms = min(late, rules.final_wait_ms + FINAL_MS + 500)
    keyed = any(gap.began_ms - 400 <= at <= gap.ended_ms for at, _ in o.notes.keys)
    base += rules.digit_gap_ms if keyed else 0
    base += _patience(o) + final_ms + _model(o, gap, question, faults) + _voice(o, gap)
    if o.rules.barge_in_mode == "pause_resume":
        base += rules.barge_in_confirm_ms
    return base + _connecting(o, gap, again=bool(faults & LINKS))


def _told_late(o: Outcome, gap: Gap) -> int:
    """How long until the answer to words that a recogniser tells in *gap*, if somebody waits."""
    told = [at for at, text, _ in o.notes.delivered if text and gap.began_ms < at < gap.ended_ms]
    late_ms = min(told, default=FOREVER_MS) - gap.began_ms
    return late_ms + _answer(o, gap) if late_ms < _idle(o, gap) else 0


def _leaves_after(o: Outcome, gap: Gap) -> int:
    """How long until news of the answer after which a caller leaves, whatever they say by then."""
    ordered = any(at < gap.ended_ms and what in LEAVES for at, what in o.notes.commands)
    return ordered * (o.rules.progress_ms or o.rules.reply_max_ms)


def _connecting(o: Outcome, gap: Gap, *, again: bool) -> int:
    """How long the recogniser may take to be connected, for the first time or *again*."""
    if ear.never_opens(o, "stt"):
        return 2 * OPEN_MS + LINK_MS  # it is tried twice before the call is given up
    if again:
        return LINK_MS + _line(o, "stt").number("opens")
    return max(0, opened_ms(o) - gap.began_ms)


def opened_ms(o: Outcome) -> int:
    """When the recogniser is connected, which may be before the call."""
    return _line(o, "stt").number("opens") - _line(o, "given").number("rings")


def _told_to_wait(o: Outcome, gap: Gap) -> bool:
    """Was it a filler that was heard last, whole, before the silence?"""
    before = [each for each in o.heard if each.until_ms <= gap.began_ms + 1]
    fillers = {o.phrases.filler, o.phrases.progress}
    return bool(before) and before[-1].whole and _sentence(o, before[-1].code) in fillers


def _engine_again(o: Outcome) -> int:
    """How long an engine may owe a response, which is then asked for in another connection."""
    return 2 * (o.rules.model_ms + _line(o, "stt").number("opens")) * ear.has_engine(o)


def _owed(o: Outcome, gap: Gap) -> int:
    """How long a response of an engine may be owed in *gap*."""
    since_ms = gap.began_ms - o.rules.model_ms
    asked = any(since_ms < each.at_ms < gap.ended_ms for each in o.notes.requests)
    return _engine_again(o) if asked else 0


def _sentence(o: Outcome, code: int) -> str:
    return o.notes.spoken[code].sentence


def _faults(o: Outcome, gap: Gap) -> set[str]:
    return {what for at, what in o.notes.faults if gap.began_ms - 8_000 <= at <= gap.ended_ms}


def _patience(o: Outcome) -> int:
    return max(o.rules.patience_ms, o.rules.speak_after_ms - FINAL_MS)


def _model(o: Outcome, gap: Gap, question: Any, faults: set[str]) -> int:
    limit = o.rules.filler_ms or o.rules.reply_max_ms
    if ear.has_engine(o):
        # It says no filler beside its own response, which it may owe so long.
        slow_ms = _engine_again(o) + 2_000
        limit = max(limit, slow_ms) if o.rules.filler_ms else limit + slow_ms
        # The one before may be owed still.
        stalls = [at for at, what in o.notes.faults if what == "model late"]
        limit += o.rules.model_ms * any(0 < gap.began_ms - at < o.rules.model_ms for at in stalls)
    if faults & {"model", "model late"}:
        return limit + MODEL_FIRST_MS
    own = question.answer.get("first") if question is not None else None
    first = int(own) if own else _line(o, "model").number("first", MODEL_FIRST_MS)
    steps = question.answer.get("steps", "") if question is not None else ""
    waits = sum(int(each.partition(":")[2]) for each in steps.split(",") if each.startswith("wait"))
    return min(first + waits, limit) + MODEL_FIRST_MS


def _voice(o: Outcome, gap: Gap) -> int:
    limit = getattr(o.rules, "voice_ms", 0) or VOICE_MS
    who = "stt" if ear.has_engine(o) else "voice"
    voice = _line(o, who)
    first = max([voice.number("first", VOICE_FIRST_MS), *_own_firsts(o)])
    late = min(first, limit + 1_000)
    dead = voice.number("dead")
    failed = any(
        gap.began_ms - 5_000 <= at <= gap.ended_ms and what == who for at, what in o.notes.faults
    )
    opens_ms = voice.number("opens")
    late += max(0, opens_ms - _line(o, "given").number("rings") - gap.began_ms)
    again = limit + 1_000 + min(opens_ms, limit) if failed else 0
    return late + again + (min(dead, 10_000) if gap.began_ms < dead else 0)


def _own_firsts(o: Outcome) -> list[int]:
    return [each.number("first") for each in o.script if each.who == "voice" and each.words]


def _tool(o: Outcome, gap: Gap) -> int | None:
    """The bound of a wait for a tool, and for what must be mended before there can be news."""
    limit = o.rules.progress_ms or o.rules.tool_ms
    # A final may cut news that are about to be heard, which then are spoken a second time.
    limit += 2 * (_voice(o, gap) - VOICE_FIRST_MS) + LINK_MS * bool(_faults(o, gap) & LINKS)
    for use in o.notes.tools:
        ended = o.ended_ms if use.ended_ms is None else use.ended_ms
        if use.began_ms < gap.ended_ms and ended > gap.began_ms:
            return limit + 2_000
    return None


def _idle(o: Outcome, gap: Gap) -> int:
    waits = o.rules.idle_ms
    return max(waits) + 2_000 + _voice(o, gap) + _leg(o, gap) if waits else FOREVER_MS


def _leg(o: Outcome, gap: Gap) -> int:
    faults = [at for at, what in o.notes.faults if what == "leg" and at <= gap.ended_ms]
    # It is felt by the first audio after it.
    unfelt = [at for at in faults if not any(at <= start < gap.began_ms for start, _ in o.sounds)]
    return LINK_MS * (bool(unfelt) or any(gap.began_ms - 500 <= at for at in faults))


def _spoke(o: Outcome, gap: Gap) -> bool:
    """Was it words or keys, and not mere sound, that came before the silence?"""
    # A key at its end has ended it, and asked for nothing before; one of an entry that the
    # application made for itself, those that waited for it included, asks the agent for nothing.
    waits_ms = o.rules.digit_gap_ms
    entries = [each for each in o.notes.entries if not each.answers]
    own = [(each.began_ms - waits_ms, each.ended_ms or o.ended_ms) for each in entries]
    # So does the `#` after the last of a number that was known to be so long.
    ends = [(each.began_ms, (each.ended_ms or o.ended_ms) + waits_ms) for each in entries]
    keys = [at for at, key in o.notes.keys if not ear.is_in(at, ends if key == "#" else own)]
    keyed = any(gap.began_ms - 400 <= at < gap.ended_ms for at in keys)
    # A key of such an entry does not ask once more what was said, and answered, before it.
    heard_ms = max((end for _, end in o.sounds if end <= gap.began_ms), default=0.0)
    said = [each.ended_ms for each in o.notes.talk if each.ended_ms <= gap.began_ms + 1]
    cut_ms = CUT_MS if o.rules.barge_in_threshold_ms else 0
    return keyed or (max(said, default=-1) >= heard_ms - cut_ms and bool(_last_words(o, gap)))


def _only_listened(o: Outcome, gap: Gap) -> bool:
    """Were the last words those of a listener, who waits for what was under way before them?"""
    told = {word for q in o.notes.questions for word in q.told_of(_last_words(o, gap))}
    return bool(told) and told <= ear.words_of_listeners(o)


def _asked_before(o: Outcome, gap: Gap) -> int | None:
    """When the words before those of a listener ended, if nothing was heard since."""
    heard_ms = max((each.until_ms for each in o.heard if each.until_ms <= gap.began_ms), default=0)
    listened = ear.words_of_listeners(o)
    said = [each.ended_ms for each in o.notes.talk if not listened >= set(each.words)]
    return next((at for at in reversed(said) if heard_ms <= at < gap.began_ms - 1), None)


def _last_words(o: Outcome, gap: Gap) -> tuple[str, ...]:
    before = [each for each in o.notes.talk if each.ended_ms <= gap.began_ms + 1]
    return before[-1].words if before else ()


def _line(o: Outcome, who: str) -> Line:
    lines = [each for each in o.script if each.who == who and not each.when and not each.words]
    return lines[0] if lines else Line("", who)
