"""Calls nobody would think of: every short sequence of events, and long random ones.

`explore` goes breadth first and visits states that look alike once; time moves when a timer
is due. `walk` follows one seeded random path, with time passing as it likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TypeAlias

import attrs

from patter.call.turn.engine import step
from patter.call.turn.events import (
    Announce,
    Audible,
    BargeInVerdict,
    CallerFinished,
    CallerHungUp,
    CallerWords,
    CollectDigits,
    CollectionCancelled,
    Connected,
    Digit,
    DrainRequested,
    EndOfTurnVerdict,
    EndRequested,
    Heard,
    HearingLost,
    MachineDetected,
    RanDry,
    RecogniserConnected,
    ReplyFailed,
    RulesChanged,
    TimerFired,
    ToolFinished,
    ToolStarted,
    TransferFailed,
    TransferRequested,
    TransferTaken,
    TurnEvent,
    UtteranceKind,
    VendorAnswers,
    VoiceStarted,
    VoiceStopped,
)
from patter.call.turn.rules import TurnRules
from patter.call.turn.state import CallerStatus, TurnState

from .watch import check_step, silence_ends

VARIANTS = {
    "default": TurnRules(),
    "pause_resume": TurnRules(barge_in_mode="pause_resume", barge_in_min_words=2),
    "as an agent has them": TurnRules(
        barge_in_mode="pause_resume",
        language="en",
        speak_after_ms=1_000,
        filler_ms=4_000,
        progress_ms=8_000,
    ),
    "never": TurnRules(barge_in_threshold_ms=0),
    "no vad, drafts, filler": TurnRules(vad=False, speculate=True, filler_ms=3_000),
    "turn model, drafts": TurnRules(wait_for_turn_end=True, speculate=True),
    "engine": TurnRules(needs_words=False),
    "fixed greeting, soft goodbye": TurnRules(
        greeting_interruptible=False, goodbye_interruptible=True, voicemail="message"
    ),
}

_ANSWERED: tuple[TurnEvent, ...] = (
    Heard(0, 1),
    VoiceStarted(0, 0),
    CallerWords(0, "one two three", True),
    VoiceStopped(0, 0),
    CallerFinished(0),
)
_SPEAKING = (*_ANSWERED, Audible(0, 2))
_BOOKING = (*_ANSWERED, ToolStarted(0, "book", 2))
SEEDS: dict[str, tuple[TurnEvent, ...]] = {
    "connected": (),
    "thinking": _ANSWERED,
    "speaking": _SPEAKING,
    "waiting for a result": (
        *_BOOKING,
        CallerWords(0, "and more", True),
        CallerFinished(0),
    ),
    "held": (*_SPEAKING, VoiceStarted(0, 0)),
    "a key over the greeting": (
        Audible(0, 1),
        Digit(0, "#"),
        TimerFired(1_000, "endpoint"),
    ),
    "pressing keys": (*_SPEAKING, Announce(0, "keys", UtteranceKind.TONES), Heard(0, 2)),
    "leaving": (*_SPEAKING, EndRequested(0, "tool", goodbye=True)),
    "away": (Heard(0, 1), TransferRequested(0, "+15550100")),
}
"""Places it takes many steps to reach; explorations start from each."""

Look: TypeAlias = tuple[object, ...]


@attrs.define
class Tally:
    """What an exploration covered; *sequences* counts paths, not states."""

    states: int = 0
    steps: int = 0
    sequences: int = 0
    effects: set[type] = attrs.field(factory=set)


def explore(rules: TurnRules, depth: int) -> Tally:
    """Take every event in every state up to *depth* steps from the seeds; check it all."""
    tally = Tally()
    frontier = {looks(state, now): (state, now, 1) for state, now in seeded(rules)}
    seen = set(frontier)
    for level in range(depth):
        frontier = _expand(frontier, seen, level, tally)
        for state, now, _ in frontier.values():
            assert silence_ends(state, now), f"dead air: {state}"
        seen |= frontier.keys()
    tally.states = len(seen)
    return tally


def _expand(
    frontier: dict[Look, tuple[TurnState, int, int]], seen: set[Look], level: int, tally: Tally
) -> dict[Look, tuple[TurnState, int, int]]:
    """The states one event further, with how many paths lead to each."""
    further: dict[Look, tuple[TurnState, int, int]] = {}
    for state, now, paths in frontier.values():
        for event in alphabet(state, now, level):
            after, effects = step(state, event)
            check_step(state, event, effects, after)
            tally.steps += 1
            tally.sequences += paths
            tally.effects.update(map(type, effects))
            look = looks(after, event.at_ms)
            known = further.get(look)
            if known:
                further[look] = (known[0], known[1], known[2] + paths)
            elif look not in seen:
                further[look] = (after, event.at_ms, paths)
    return further


def walk(rules: TurnRules, random: Random, length: int) -> None:
    """Follow one random path and check every step, then that silence ends."""
    state, now = connected(rules), 0
    for word in range(length):
        now += random.choice((0, 0, 20, 100, 250, 600, 1_500, 5_000))
        due = sorted((at_ms, name) for name, at_ms in state.timers if at_ms <= now)
        chosen = random.choice([*alphabet(state, now, word), _other_rules(now, random)])
        for event in (*(TimerFired(now, name) for _, name in due), chosen):
            after, effects = step(state, event)
            check_step(state, event, effects, after)
            now, state = max(now, event.at_ms), after
    assert silence_ends(state, now), f"dead air: {state}"


def _other_rules(now: int, random: Random) -> TurnEvent:
    return RulesChanged(now, VARIANTS[random.choice(sorted(VARIANTS))])


def connected(rules: TurnRules) -> TurnState:
    """A call that has just come up."""
    return step(TurnState(rules), Connected(0))[0]


def seeded(rules: TurnRules) -> Iterator[tuple[TurnState, int]]:
    """Each seed's state and its time."""
    for path in SEEDS.values():
        state, now = connected(rules), 0
        for event in path:
            state, _ = step(state, event)
            now = event.at_ms
        yield state, now


def alphabet(state: TurnState, now: int, fresh: int) -> Iterator[TurnEvent]:
    """The events worth trying in *state*; *fresh* makes words that nobody has said yet."""
    epoch = state.reply.epoch if state.reply else state.epoch
    yield from _of_the_caller(now, fresh, away=state.recogniser_away)
    if not state.rules.needs_words:
        yield VendorAnswers(now)
    yield from _of_the_agent(now, epoch)
    yield from _of_the_call(now)
    for name, at_ms in sorted(state.timers, key=lambda timer: timer[1])[:1]:
        yield TimerFired(max(now, at_ms), name)
    yield TimerFired(now, "endpoint")


def _of_the_caller(now: int, fresh: int, *, away: bool) -> Iterator[TurnEvent]:
    yield VoiceStarted(now, now)
    yield VoiceStopped(now, now)
    yield CallerWords(now, f"w{fresh}", True)
    yield CallerWords(now, f"i{fresh}", False)
    yield CallerWords(now, f"w{fresh}", True, now - 500)
    yield CallerWords(now, "mm-hm", True)
    yield CallerWords(now, "", True)
    yield RecogniserConnected(now, away)
    yield CallerFinished(now)
    yield EndOfTurnVerdict(now, True)
    yield EndOfTurnVerdict(now, False)
    yield BargeInVerdict(now, True)
    yield BargeInVerdict(now, False)
    yield Digit(now, "1")
    yield Digit(now, "#")
    yield CollectDigits(now, 2)
    yield CollectionCancelled(now)


def _of_the_agent(now: int, epoch: int) -> Iterator[TurnEvent]:
    for one in (epoch, epoch - 1):
        yield Audible(now, one)
        yield RanDry(now, one)
        yield Heard(now, one)
        yield ReplyFailed(now, one)
    yield ToolStarted(now, "book", epoch)
    yield ToolFinished(now, "book")
    yield ToolStarted(now, "find", epoch, once=False)
    yield ToolFinished(now, "find")
    yield Announce(now, "notice")
    yield Announce(now, "keys", UtteranceKind.TONES)


def _of_the_call(now: int) -> Iterator[TurnEvent]:
    yield EndRequested(now, "tool", goodbye=True)
    yield EndRequested(now, "tool")
    yield TransferRequested(now, "+15550100")
    yield TransferFailed(now)
    yield TransferTaken(now)
    yield MachineDetected(now, True)
    yield MachineDetected(now, False)
    yield HearingLost(now)
    yield DrainRequested(now, now + 5_000)
    yield CallerHungUp(now)


def looks(state: TurnState, now: int) -> Look:
    """What two states share when they behave alike; names, counts and times are relative."""
    reply, draft = state.reply, state.draft
    return (
        state.phase,
        state.ending,
        state.caller,
        (state.voice_on, state.probing, state.sure, state.interims_seen, state.spoke_since),
        state.caller is CallerStatus.PAUSED and now - state.paused_ms,
        min(len(state.words.split()), 3),
        (bool(state.interim), state.interim_taken, bool(state.unconfirmed)),
        (state.reopened, min(state.restarts, 3)),
        now - state.committed_ms <= state.rules.repeat_ms,
        reply and _reply_looks(state, now),
        draft and draft.text == state.open_text,
        state.pending,
        tuple(kind for kind, _ in state.notices),
        min(len(state.digits), 2),
        bool(state.collect),
        frozenset(reply is not None and epoch == reply.epoch for _, epoch in state.tools),
        state.idle_step,
        state.failures,
        frozenset((name, at_ms - now) for name, at_ms in state.timers),
    )


def _reply_looks(state: TurnState, now: int) -> Look:
    reply = state.reply
    assert reply is not None
    traits = (reply.held, reply.dry, reply.spent, reply.insists, reply.broken, reply.hello)
    return (reply.kind, reply.audible, *traits, bool(reply.text), reply.speak_ms > now)
