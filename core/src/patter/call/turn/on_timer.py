"""What it means that a timer is due. There is one of each name, and none that runs for ever."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from attrs import evolve

from patter.call.turn.effects import EndCall, Observe, Say
from patter.call.turn.events import TimerFired, TransferFailed, UtteranceKind
from patter.call.turn.on_agent import break_off, fail, reprompt
from patter.call.turn.on_caller import give_way
from patter.call.turn.on_ending import beep_heard, close, transfer_failed
from patter.call.turn.state import CallerStatus, Phase
from patter.call.turn.transition import Transition

SAYING_MS = 500
"""How soon to look again whether somebody still speaks."""


def timer_fired(tx: Transition, event: TimerFired) -> None:
    """Run what timer *event* is for."""
    on_due = DUE.get(event.name)
    if on_due:
        on_due(tx)


def _hold(tx: Transition) -> None:
    """A voice that lasted is evidence where voice alone cuts; else the reply goes on."""
    reply = tx.state.reply
    if reply is None:
        return
    talking = tx.state.caller is CallerStatus.TALKING
    if talking and reply.audible and tx.state.rules.barge_in_mode == "cancel":
        give_way(tx)
    elif reply.audible or not (talking and tx.state.open_text):
        tx.resume(reply, insists=talking)


def _voice(tx: Transition) -> None:
    """So long a voice without a new word is not the caller's: a noise, or somebody behind."""
    said_ms = tx.state.rules.patience_ms if tx.state.open_text else 0
    tx.pause(tx.now - said_ms)
    tx.set(probing=True)


def _endpoint(tx: Transition) -> None:
    """The pause has ended the turn. If it had ended already, go on without the final."""
    if tx.state.caller is CallerStatus.PAUSED:
        tx.done()
    elif tx.state.open_text:
        tx.set(interim_taken=True)
    else:
        tx.quiet()


def _digits(tx: Transition) -> None:
    tx.finish_digits(complete=False)


def _tool(tx: Transition) -> None:
    """Answer without the tool's result: now, or when nobody speaks."""
    tx.set(waited_for_tool=True)


def _filler(tx: Transition) -> None:
    """Say that it takes a moment, and again as long as it does."""
    reply, rules = tx.state.reply, tx.state.rules
    if reply is None:
        return
    if reply.held:
        # Who makes a noise just now waits as long as who does not.
        tx.arm("filler", SAYING_MS)
        return
    if not (reply.broken or tx.state.collect):
        detail = "progress" if reply.fillers else ""
        tx.emit(Say(UtteranceKind.FILLER, reply.turn, reply.epoch, detail))
        tx.set(reply=evolve(reply, fillers=reply.fillers + 1))
    if rules.progress_ms:
        tx.arm("filler", rules.progress_ms)


def _progress(tx: Transition) -> None:
    """A tool still runs whose result the caller waits for."""
    if tx.state.caller not in (CallerStatus.QUIET, CallerStatus.DONE):
        tx.arm("progress", SAYING_MS)
        return
    answer_ms = tx.timers.get("tool")
    tx.say(UtteranceKind.REPROMPT, "working")
    if answer_ms is not None:
        tx.arm("tool", answer_ms - tx.now)


def _stall(tx: Transition) -> None:
    """Neither the reply's end nor its failure was reported in time.

    A reply that is held is not failing, nor, until the call ends, one that waits for keys.
    """
    reply = tx.state.reply
    if reply is None:
        return
    keys_awaited = tx.state.collect and not tx.state.ending
    if reply.silent and (reply.held or keys_awaited):
        tx.arm("stall", tx.state.rules.reply_max_ms)
        return
    tx.emit(Observe("stalled"))
    if tx.state.ending:
        tx.cut(reply)
        return
    if not reply.audible and not reply.keys:
        fail(tx)
        return
    tx.cut(reply)
    if reply.dry:
        break_off(tx)


def _idle(tx: Transition) -> None:
    reprompt(tx, str(tx.state.idle_step + 1))


def _closing(tx: Transition) -> None:
    """The ending has taken too long: a transfer has failed, a goodbye is given up."""
    if tx.state.phase is Phase.AWAY:
        transfer_failed(tx, TransferFailed(tx.now))
    elif tx.state.ending and not tx.state.ending.beep:
        beep_heard(tx)
    elif tx.state.ending:
        tx.leave(Phase.OVER, EndCall(tx.state.ending.reason))


DUE: Mapping[str, Callable[[Transition], None]] = MappingProxyType(
    {
        "hold": _hold,
        "voice": _voice,
        "endpoint": _endpoint,
        "digits": _digits,
        "draft": Transition.speculate,
        "tool": _tool,
        "filler": _filler,
        "progress": _progress,
        "stall": _stall,
        "idle": _idle,
        "machine": beep_heard,
        "closing": _closing,
        "limit": partial(close, reason="limit"),
        "drain": partial(close, reason="drain"),
    }
)
