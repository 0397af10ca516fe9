"""Who speaks now: one pure function from a state and an event to a state and effects.

No I/O and no clock: the time comes with the event. First the event is noted, then the whole
state is looked at and settled; so the order in which reasons arrive decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from patter.call.turn import on_agent, on_caller, on_ending, on_timer
from patter.call.turn.effects import Effects
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
    ReplyWithdrawn,
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
from patter.call.turn.evidence import interrupts, only_listens
from patter.call.turn.state import CallerStatus, Pending, Phase, Reply, TurnState
from patter.call.turn.transition import Transition

HANDLERS: Mapping[type[TurnEvent], Callable[[Transition, Any], None]] = MappingProxyType(
    {
        Connected: on_ending.connected,
        VoiceStarted: on_caller.voice_started,
        VoiceStopped: on_caller.voice_stopped,
        CallerWords: on_caller.transcript,
        CallerFinished: on_caller.turn_ended,
        VendorAnswers: on_caller.vendor_answers,
        EndOfTurnVerdict: on_caller.end_of_turn_verdict,
        BargeInVerdict: on_caller.verdict,
        Digit: on_caller.digit,
        CollectDigits: on_caller.collect,
        CollectionCancelled: on_caller.stop_collecting,
        Audible: on_agent.audible,
        RanDry: on_agent.ran_dry,
        Heard: on_agent.heard,
        ToolStarted: on_agent.tool_started,
        ToolFinished: on_agent.tool_finished,
        ReplyFailed: on_agent.reply_failed,
        ReplyWithdrawn: on_agent.reply_withdrawn,
        RecogniserConnected: on_caller.recogniser_connected,
        HearingLost: on_ending.hearing_lost,
        Announce: on_agent.announce,
        EndRequested: on_ending.end,
        TransferRequested: on_ending.transfer,
        TransferFailed: on_ending.transfer_failed,
        TransferTaken: on_ending.transfer_taken,
        MachineDetected: on_ending.machine_detected,
        DrainRequested: on_ending.drain,
        RulesChanged: on_ending.reconfigure,
        CallerHungUp: on_ending.hung_up,
        TimerFired: on_timer.timer_fired,
    }
)
_EVERYTHING = frozenset(HANDLERS)
COLLECTED_MS = 2_000
"""How long whoever collected keys has to say what comes of it."""
FOREVER_MS = 10_000_000
_WAITING = (CallerStatus.QUIET, CallerStatus.DONE)
ACCEPTED: Mapping[Phase, frozenset[type[TurnEvent]]] = MappingProxyType(
    {
        Phase.RINGING: frozenset({Connected, CallerHungUp, EndRequested}),
        Phase.LIVE: _EVERYTHING - {Connected, TransferFailed, TransferTaken},
        Phase.CLOSING: _EVERYTHING - {Connected, TransferFailed, TransferTaken},
        Phase.AWAY: frozenset(
            {
                CallerHungUp,
                CallerWords,
                EndRequested,
                DrainRequested,
                TransferFailed,
                TransferTaken,
                ToolFinished,
                RecogniserConnected,
                RulesChanged,
                TimerFired,
                VoiceStarted,
                VoiceStopped,
            }
        ),
        Phase.OVER: frozenset(),
    }
)


def step(state: TurnState, event: TurnEvent) -> tuple[TurnState, Effects]:
    """Take one event: the next state, and what to do about it, in order. Never raises."""
    tx = Transition(state, event.at_ms)
    if _accepts(tx, event):
        HANDLERS[type(event)](tx, event)
        _settle(tx)
    return tx.result()


def _accepts(tx: Transition, event: TurnEvent) -> bool:
    """Is *event* valid in this phase? A timer that was stopped or moved is not."""
    if isinstance(event, TimerFired) and not tx.take_due(event.name):
        return False
    return type(event) in ACCEPTED[tx.state.phase]


def _settle(tx: Transition) -> None:
    """Decide what follows from the whole state. Idempotent."""
    _release_held(tx)
    _leave_without_tool(tx)
    _begin_if_free(tx)
    _watch_key_entry(tx)
    _watch_machine_greeting(tx)
    _watch_idle(tx)
    _watch_tools(tx)


def _release_held(tx: Transition) -> None:
    """Let a reply go on that nobody may stop, or that what was said over it does not stop."""
    s, reply = tx.state, tx.state.reply
    if reply is None or not (reply.held or reply.audible):
        return
    if reply.held and not s.yields():
        tx.resume(reply)
    elif s.caller in (CallerStatus.PAUSED, CallerStatus.DONE) and s.open_text and s.yields():
        _weigh_words(tx, reply)


def _leave_without_tool(tx: Transition) -> None:
    """Who must leave hears the farewell instead of a tool's result: there is no time for both."""
    s, reply = tx.state, tx.state.reply
    must = s.ending is not None and s.ending.firm
    if must and reply and reply.silent and any(at == reply.epoch for _, at in s.tools | s.reads):
        tx.cut(reply)


def _weigh_words(tx: Transition, reply: Reply) -> None:
    """All words are there: a listener's are noted, late ones wait for a turn of their own."""
    s = tx.state
    complete = s.interim_taken or not s.interim
    if reply.kind is UtteranceKind.GREETING and not reply.audible:
        return
    if complete and s.rules.barge_in_min_words and only_listens(s, reply):
        if reply.kind is not UtteranceKind.GREETING:
            tx.overheard()
        tx.go_on()
    elif reply.audible and reply.held:
        if complete and s.rules.barge_in_min_words and not interrupts(s, reply):
            tx.resume(reply)
    elif reply.held and not tx.may_take_back(reply):
        tx.resume(reply)
        tx.tell_soon()


def _begin_if_free(tx: Transition) -> None:
    """If nothing is being said, begin what is next."""
    s = tx.state
    if s.reply is None and s.phase is Phase.CLOSING:
        on_ending.say_goodbye(tx)
    elif s.reply is None and s.phase is Phase.LIVE:
        _begin_next(tx)
    if tx.state.caller is CallerStatus.DONE and _is_hello(tx.state):
        on_agent.greet_back(tx)


def _is_hello(s: TurnState) -> bool:
    """Did the caller speak before hearing the greeting in progress, or only greet over it?"""
    reply = s.reply
    if reply is None or reply.kind is not UtteranceKind.GREETING:
        return False
    return not reply.audible or reply.hello or only_listens(s, reply)


def _begin_next(tx: Transition) -> None:
    """In this order: DTMF tones, the caller's turn, pending speech, the application's texts."""
    s = tx.state
    if s.notices and s.notices[0][0] is UtteranceKind.TONES:
        _notice(tx)
    elif s.pending is Pending.GREETING and s.caller in _WAITING:
        tx.say(UtteranceKind.GREETING)
    elif s.caller is CallerStatus.DONE:
        if _is_settled(s):
            _answer(tx)
    elif s.caller is not CallerStatus.QUIET:
        return
    elif s.pending is Pending.RESULT and not s.tools and not s.open_text:
        tx.set(turn=s.turn + 1, greeted=False)
        tx.think("")
    elif s.pending is Pending.APOLOGY:
        tx.say(UtteranceKind.APOLOGY)
    elif s.pending is Pending.UNHEARD:
        tx.say(UtteranceKind.REPROMPT, "unheard")
    elif s.notices:
        _notice(tx)


def _is_settled(s: TurnState) -> bool:
    """Is all there that the answer needs? An engine that has ended the turn has heard it."""
    if s.sure and not s.rules.needs_words:
        return True
    return bool(s.open_text) and (s.interim_taken or not s.interim)


def _notice(tx: Transition) -> None:
    """Say, or send as tones, the oldest announcement."""
    (kind, text), *rest = tx.state.notices
    tx.set(notices=tuple(rest))
    tx.say(kind, text)


def _answer(tx: Transition) -> None:
    """Answer the caller, but not while a result is on its way that the answer should know."""
    tx.disarm("endpoint")
    if tx.state.waited_for_tool or not tx.state.tools:
        tx.answer()
    elif "tool" not in tx.timers:
        tx.arm("tool", tx.state.rules.tool_wait_ms)


def _watch_key_entry(tx: Transition) -> None:
    """Owns the ``digits`` timer of a collection: it starts when the prompt was heard."""
    s = tx.state
    if s.collect is None or s.digits:
        return
    if s.reply and not s.reply.silent:
        tx.disarm("digits")
    elif "digits" not in tx.timers:
        tx.arm("digits", s.collect.wait_ms)


def _watch_machine_greeting(tx: Transition) -> None:
    """Owns the ``machine`` timer: long silence means that its greeting is over.

    Carriers do not always report the beep.
    """
    s = tx.state
    waits = s.phase is Phase.CLOSING and s.ending is not None and not s.ending.beep
    if not waits or s.caller is CallerStatus.TALKING or not s.rules.vad:
        tx.disarm("machine")
    elif "machine" not in tx.timers:
        tx.arm("machine", s.rules.machine_silence_ms)


def _watch_idle(tx: Transition) -> None:
    """Owns the ``idle`` timer: it runs only while neither side speaks or is about to."""
    s, waits_ms, due_ms = tx.state, tx.state.rules.idle_ms, tx.timers.get("idle")
    silent = _nobody_speaks(s) and not (s.digits or s.tools)
    if not silent or s.collect or not waits_ms:
        left_ms = due_ms - tx.now if silent and due_ms is not None else s.idle_left_ms * silent
        if left_ms != s.idle_left_ms:
            tx.set(idle_left_ms=left_ms)
        tx.disarm("idle")
    elif due_ms is None:
        # Who heard nothing while keys were collected has waited for as long already.
        left_ms = max(s.idle_left_ms, COLLECTED_MS) if s.idle_left_ms else FOREVER_MS
        tx.arm("idle", min(left_ms, waits_ms[min(s.idle_step, len(waits_ms) - 1)]))


def _watch_tools(tx: Transition) -> None:
    """Owns the ``progress`` timer: a caller who waits for a tool is told that it takes long."""
    s = tx.state
    waits = s.phase is Phase.LIVE and s.reply is None
    if not waits or not s.tools or not s.rules.progress_ms:
        tx.disarm("progress")
    elif "progress" not in tx.timers:
        tx.arm("progress", s.rules.progress_ms)


def _nobody_speaks(s: TurnState) -> bool:
    return s.phase is Phase.LIVE and s.reply is None and s.caller is CallerStatus.QUIET
