"""What it means that a timer is due. There is one of each name, and none that runs for ever."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from patter.call import cues as c
from patter.call.ending import beep_heard, close, transfer_failed
from patter.call.floor import Agent, Caller, Phase
from patter.call.hearing import give_way
from patter.call.moves import Moves
from patter.call.speaking import fail, reprompt


def due(do: Moves, event: c.TimerFired) -> None:
    """The time that was given is over."""
    on_due = DUE.get(event.name)
    if on_due:
        on_due(do)


def _hold(do: Moves) -> None:
    """A voice that lasted is evidence; a pause in which no words came is none."""
    if do.state.caller is Caller.TALKING:
        give_way(do)
    elif do.state.reply:
        do.resume(do.state.reply)


def _voice(do: Moves) -> None:
    """Nobody talks so long without a word: the detector is stuck on noise."""
    do.pause(do.now)


def _endpoint(do: Moves) -> None:
    """Patience is over; then the wait for the final is, and what there is has to do."""
    if do.state.caller is Caller.PAUSED:
        do.done()
    elif do.state.open_text:
        do.set(words=do.state.open_text, interim="")
    else:
        do.quiet()


def _digits(do: Moves) -> None:
    do.finish_digits(complete=False)


def _tool(do: Moves) -> None:
    """The words have waited long enough for the result."""
    if do.state.caller is Caller.DONE:
        do.answer()


def _filler(do: Moves) -> None:
    reply = do.state.reply
    if reply and do.state.agent is Agent.THINKING:
        do.emit(c.Say(c.Kind.FILLER, reply.turn, reply.epoch))


def _stall(do: Moves) -> None:
    """Whoever makes the reply has died without saying so."""
    reply = do.state.reply
    if reply is None:
        return
    do.emit(c.Note("stalled"))
    if reply.audible or reply.keys:
        do.cut(reply)
    else:
        fail(do)


def _idle(do: Moves) -> None:
    reprompt(do, str(do.state.rung + 1))


def _closing(do: Moves) -> None:
    """The ending has taken too long; whoever was to take the caller did not."""
    if do.state.phase is Phase.AWAY:
        transfer_failed(do, c.TransferFailed(do.now))
    elif do.state.ending and not do.state.ending.beep:
        beep_heard(do)
    elif do.state.ending:
        do.leave(Phase.OVER, c.Hangup(do.state.ending.reason))


DUE: Mapping[str, Callable[[Moves], None]] = MappingProxyType(
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
