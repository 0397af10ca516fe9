"""What it means that a timer is due. There is one of each name, and none that runs for ever."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from patter.call.turn.effects import EndCall, Observe, Say
from patter.call.turn.events import TimerFired, TransferFailed, UtteranceKind
from patter.call.turn.on_agent import fail, reprompt
from patter.call.turn.on_caller import give_way
from patter.call.turn.on_ending import beep_heard, close, transfer_failed
from patter.call.turn.state import AgentStatus, CallerStatus, Phase
from patter.call.turn.transition import Transition


def timer_fired(tx: Transition, event: TimerFired) -> None:
    """Run what timer *event* is for."""
    on_due = DUE.get(event.name)
    if on_due:
        on_due(tx)


def _hold(tx: Transition) -> None:
    """A voice that lasted is evidence; a pause in which no words came is none."""
    if tx.state.caller is CallerStatus.TALKING:
        give_way(tx)
    elif tx.state.reply:
        tx.resume(tx.state.reply)


def _voice(tx: Transition) -> None:
    """So long a voice without a word is noise that the detector is stuck on."""
    tx.pause(tx.now)


def _endpoint(tx: Transition) -> None:
    """The pause has ended the turn. If it had ended already, go on without the final."""
    if tx.state.caller is CallerStatus.PAUSED:
        tx.done()
    elif tx.state.open_text:
        tx.set(words=tx.state.open_text, interim="")
    else:
        tx.quiet()


def _digits(tx: Transition) -> None:
    tx.finish_digits(complete=False)


def _tool(tx: Transition) -> None:
    """Answer now, without the tool's result."""
    if tx.state.caller is CallerStatus.DONE:
        tx.answer()


def _filler(tx: Transition) -> None:
    reply = tx.state.reply
    if reply and tx.state.agent is AgentStatus.THINKING:
        tx.emit(Say(UtteranceKind.FILLER, reply.turn, reply.epoch))


def _stall(tx: Transition) -> None:
    """Neither the reply's end nor its failure was reported in time."""
    reply = tx.state.reply
    if reply is None:
        return
    tx.emit(Observe("stalled"))
    if reply.audible or reply.keys:
        tx.cut(reply)
    else:
        fail(tx)


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
        "tool": _tool,
        "filler": _filler,
        "stall": _stall,
        "idle": _idle,
        "machine": beep_heard,
        "closing": _closing,
        "limit": partial(close, reason="limit"),
        "drain": partial(close, reason="drain"),
    }
)
