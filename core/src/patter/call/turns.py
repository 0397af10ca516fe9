"""Who speaks now: one pure function from a state and an event to a state and effects.

No I/O and no clock: the time comes with the event. First the event is noted, then the whole
state is looked at and settled; so the order in which reasons arrive decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from patter.call import cues as c
from patter.call import ending, hearing, speaking, timers
from patter.call.floor import Caller, Owed, Phase, State
from patter.call.moves import Moves

NOTED: Mapping[type[c.Event], Callable[[Moves, Any], None]] = MappingProxyType(
    {
        c.Connected: ending.connected,
        c.VoiceStarted: hearing.voice_started,
        c.VoiceStopped: hearing.voice_stopped,
        c.Transcript: hearing.transcript,
        c.TurnEnded: hearing.turn_ended,
        c.Verdict: hearing.verdict,
        c.Digit: hearing.digit,
        c.Collect: hearing.collect,
        c.Audible: speaking.audible,
        c.Heard: speaking.heard,
        c.ToolStarted: speaking.tool_started,
        c.ToolFinished: speaking.tool_finished,
        c.ReplyFailed: speaking.reply_failed,
        c.EarsLost: ending.ears_lost,
        c.Announce: speaking.announce,
        c.End: ending.end,
        c.Transfer: ending.transfer,
        c.TransferFailed: ending.transfer_failed,
        c.TransferTaken: ending.transfer_taken,
        c.MachineDetected: ending.machine_detected,
        c.Drain: ending.drain,
        c.Reconfigure: ending.reconfigure,
        c.HungUp: ending.hung_up,
        c.TimerFired: timers.due,
    }
)
_EVERYTHING = frozenset(NOTED)
_TAKEN: Mapping[Phase, frozenset[type[c.Event]]] = MappingProxyType(
    {
        Phase.RINGING: frozenset({c.Connected, c.HungUp, c.End}),
        Phase.LIVE: _EVERYTHING - {c.Connected, c.TransferFailed, c.TransferTaken},
        Phase.CLOSING: _EVERYTHING - {c.Connected, c.TransferFailed, c.TransferTaken},
        Phase.AWAY: frozenset(
            {
                c.HungUp,
                c.TransferFailed,
                c.TransferTaken,
                c.ToolFinished,
                c.Reconfigure,
                c.TimerFired,
            }
        ),
        Phase.OVER: frozenset(),
    }
)


def step(state: State, event: c.Event) -> tuple[State, c.Effects]:
    """Take one event: the next state, and what to do about it, in order. Never raises."""
    do = Moves(state, event.at_ms)
    if _concerns(do, event):
        NOTED[type(event)](do, event)
        _settle(do)
    return do.result()


def _concerns(do: Moves, event: c.Event) -> bool:
    """Does *event* mean anything now? A timer that was stopped or moved does not."""
    if isinstance(event, c.TimerFired) and not do.take_due(event.name):
        return False
    return type(event) in _TAKEN[do.state.phase]


def _settle(do: Moves) -> None:
    """Decide what follows from the whole state; doing it twice changes nothing."""
    reply = do.state.reply
    if reply and reply.held and not do.state.yields():
        do.resume(reply)
    _go_on(do)
    _wait_for_the_caller(do)
    _wait_for_keys(do)
    _wait_for_the_beep(do)
    _mind_the_silence(do)


def _go_on(do: Moves) -> None:
    """Where nobody speaks, begin what is next."""
    s = do.state
    if s.reply is None and s.phase is Phase.CLOSING:
        ending.say_goodbye(do)
    elif s.reply is None and s.phase is Phase.LIVE:
        _take_floor(do)
    elif s.greets and s.caller is Caller.DONE:
        speaking.greet_back(do)


def _take_floor(do: Moves) -> None:
    """First our keys, the caller's turn, what is owed, then what the application wants said."""
    s = do.state
    if s.notices and s.notices[0][0] is c.Kind.TONES:
        _notice(do)
    elif s.caller is Caller.DONE:
        if not s.interim and (s.words or not s.rules.needs_words):
            _answer(do)
    elif s.caller is not Caller.QUIET:
        return
    elif s.owed is Owed.RESULT and not s.tools:
        do.set(turn=s.turn + 1)
        do.think("")
    elif s.owed is Owed.UNHEARD:
        speaking.reprompt(do, "unheard")
    elif s.notices:
        _notice(do)


def _notice(do: Moves) -> None:
    """Keys are no speech and need nobody's silence; a text has waited for it."""
    (kind, text), *rest = do.state.notices
    do.set(notices=tuple(rest))
    do.say(kind, text)


def _answer(do: Moves) -> None:
    """Answer the caller, but not while a result is on its way that the answer should know."""
    do.disarm("endpoint")
    if not do.state.tools:
        do.answer()
    elif "tool" not in do.timers:
        do.arm("tool", do.state.rules.tool_wait_ms)


def _wait_for_the_caller(do: Moves) -> None:
    """Nothing begins over a caller who talks."""
    s = do.state
    if s.reply and not s.reply.audible and s.caller is Caller.TALKING and s.yields():
        do.hold(s.reply)


def _wait_for_keys(do: Moves) -> None:
    """The time for the first key begins when the prompt is over."""
    s = do.state
    if s.collect and s.reply is None and "digits" not in do.timers:
        do.arm("digits", s.collect.wait_ms)


def _wait_for_the_beep(do: Moves) -> None:
    """A machine that is silent for long has ended its greeting, whoever should have told us."""
    s = do.state
    waits = s.phase is Phase.CLOSING and s.ending is not None and not s.ending.beep
    if not waits or s.caller is Caller.TALKING or not s.rules.vad:
        do.disarm("machine")
    elif "machine" not in do.timers:
        do.arm("machine", s.rules.machine_silence_ms)


def _mind_the_silence(do: Moves) -> None:
    """The idle timer runs while, and only while, nobody has anything to say."""
    s, ladder = do.state, do.state.rules.idle_ms
    alone = s.phase is Phase.LIVE and s.reply is None and s.caller is Caller.QUIET
    if not alone or s.collect or s.digits or not ladder:
        do.disarm("idle")
    elif "idle" not in do.timers:
        do.arm("idle", ladder[min(s.rung, len(ladder) - 1)])
