"""Calls nobody would think of: every short sequence of events, and long random ones.

`explore` goes breadth first and visits states that look alike once; time moves when a timer
is due. `walk` follows one seeded random path, with time passing as it likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TypeAlias

import attrs

from patter.call import cues as c
from patter.call.floor import Rules, State
from patter.call.turns import step

from .watch import check_step, silence_ends

VARIANTS = {
    "default": Rules(),
    "pause_resume": Rules(barge_in_mode="pause_resume", barge_in_min_words=2),
    "never": Rules(barge_in_threshold_ms=0),
    "no vad, drafts, filler": Rules(vad=False, speculate=True, filler_ms=3_000),
    "turn model, drafts": Rules(wait_for_turn_end=True, speculate=True),
    "engine": Rules(needs_words=False),
    "fixed greeting, soft goodbye": Rules(
        greeting_interruptible=False, goodbye_interruptible=True, voicemail="message"
    ),
}

_ANSWERED: tuple[c.Event, ...] = (
    c.Heard(0, 1),
    c.VoiceStarted(0, 0),
    c.Transcript(0, "one two three", True),
    c.VoiceStopped(0, 0),
    c.TurnEnded(0),
)
_SPEAKING = (*_ANSWERED, c.Audible(0, 2))
_BOOKING = (*_ANSWERED, c.ToolStarted(0, "book", 2))
SEEDS: dict[str, tuple[c.Event, ...]] = {
    "connected": (),
    "thinking": _ANSWERED,
    "speaking": _SPEAKING,
    "waiting for a result": (
        *_BOOKING,
        c.Transcript(0, "and more", True),
        c.TurnEnded(0),
    ),
    "held": (*_SPEAKING, c.VoiceStarted(0, 0)),
    "a key over the greeting": (
        c.Audible(0, 1),
        c.Digit(0, "#"),
        c.TimerFired(1_000, "endpoint"),
    ),
    "pressing keys": (*_SPEAKING, c.Announce(0, "keys", c.Kind.TONES), c.Heard(0, 2)),
    "leaving": (*_SPEAKING, c.End(0, "tool", goodbye=True)),
    "away": (c.Heard(0, 1), c.Transfer(0, "+15550100")),
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


def explore(rules: Rules, depth: int) -> Tally:
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
    frontier: dict[Look, tuple[State, int, int]], seen: set[Look], level: int, tally: Tally
) -> dict[Look, tuple[State, int, int]]:
    """The states one event further, with how many paths lead to each."""
    further: dict[Look, tuple[State, int, int]] = {}
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


def walk(rules: Rules, random: Random, length: int) -> None:
    """Follow one random path and check every step, then that silence ends."""
    state, now = connected(rules), 0
    for word in range(length):
        now += random.choice((0, 0, 20, 100, 250, 600, 1_500, 5_000))
        due = sorted((at_ms, name) for name, at_ms in state.timers if at_ms <= now)
        chosen = random.choice([*alphabet(state, now, word), _other_rules(now, random)])
        for event in (*(c.TimerFired(now, name) for _, name in due), chosen):
            after, effects = step(state, event)
            check_step(state, event, effects, after)
            now, state = max(now, event.at_ms), after
    assert silence_ends(state, now), f"dead air: {state}"


def _other_rules(now: int, random: Random) -> c.Event:
    return c.Reconfigure(now, VARIANTS[random.choice(sorted(VARIANTS))])


def connected(rules: Rules) -> State:
    """A call that has just come up."""
    return step(State(rules), c.Connected(0))[0]


def seeded(rules: Rules) -> Iterator[tuple[State, int]]:
    """Each seed's state and its time."""
    for path in SEEDS.values():
        state, now = connected(rules), 0
        for event in path:
            state, _ = step(state, event)
            now = event.at_ms
        yield state, now


def alphabet(state: State, now: int, fresh: int) -> Iterator[c.Event]:
    """The events worth trying in *state*; *fresh* makes words that nobody has said yet."""
    epoch = state.reply.epoch if state.reply else state.epoch
    yield from _of_the_caller(now, fresh)
    yield from _of_the_agent(now, epoch)
    yield from _of_the_call(now)
    for name, at_ms in sorted(state.timers, key=lambda timer: timer[1])[:1]:
        yield c.TimerFired(max(now, at_ms), name)
    yield c.TimerFired(now, "endpoint")


def _of_the_caller(now: int, fresh: int) -> Iterator[c.Event]:
    yield c.VoiceStarted(now, now)
    yield c.VoiceStopped(now, now)
    yield c.Transcript(now, f"w{fresh}", True)
    yield c.Transcript(now, f"i{fresh}", False)
    yield c.Transcript(now, "", True)
    yield c.TurnEnded(now)
    yield c.Verdict(now, True)
    yield c.Verdict(now, False)
    yield c.Digit(now, "1")
    yield c.Digit(now, "#")
    yield c.Collect(now, 2)


def _of_the_agent(now: int, epoch: int) -> Iterator[c.Event]:
    for one in (epoch, epoch - 1):
        yield c.Audible(now, one)
        yield c.Heard(now, one)
        yield c.ReplyFailed(now, one)
    yield c.ToolStarted(now, "book", epoch)
    yield c.ToolFinished(now, "book")
    yield c.Announce(now, "notice")
    yield c.Announce(now, "keys", c.Kind.TONES)


def _of_the_call(now: int) -> Iterator[c.Event]:
    yield c.End(now, "tool", goodbye=True)
    yield c.End(now, "tool")
    yield c.Transfer(now, "+15550100")
    yield c.TransferFailed(now)
    yield c.TransferTaken(now)
    yield c.MachineDetected(now, True)
    yield c.MachineDetected(now, False)
    yield c.EarsLost(now)
    yield c.Drain(now, now + 5_000)
    yield c.HungUp(now)


def looks(state: State, now: int) -> Look:
    """What two states share when they behave alike; names, counts and times are relative."""
    reply, draft = state.reply, state.draft
    return (
        state.phase,
        state.ending,
        state.caller,
        min(len(state.words.split()), 3),
        bool(state.interim),
        state.reopened,
        now - state.said_ms <= state.rules.repeat_ms,
        reply and (reply.kind, reply.audible, reply.held, reply.spent, bool(reply.text)),
        draft and draft.text == state.open_text,
        state.owed,
        tuple(kind for kind, _ in state.notices),
        min(len(state.digits), 2),
        bool(state.collect),
        frozenset(reply is not None and epoch == reply.epoch for _, epoch in state.tools),
        state.rung,
        state.failures,
        frozenset((name, at_ms - now) for name, at_ms in state.timers),
    )
