"""How a call begins and comes to its end: connected, handed over, closed, hung up.

An ending waits until what is said was heard, and is bounded; a firm one the caller cannot
take back.
"""

from __future__ import annotations

from attrs import evolve

from patter.call import cues as c
from patter.call.floor import Ending, Phase
from patter.call.moves import Moves


def connected(do: Moves, _event: c.Connected) -> None:
    """Now there is somebody to greet."""
    do.set(phase=Phase.LIVE)
    do.arm("limit", do.state.rules.call_max_ms)
    if do.state.rules.greeting:
        do.say(c.Kind.GREETING)


def end(do: Moves, event: c.End) -> None:
    """Nobody needs to hear anything while it still rings."""
    if do.state.phase is Phase.RINGING:
        do.leave(Phase.OVER, c.Hangup(event.reason))
    else:
        do.end(Ending(event.reason, goodbye=event.goodbye))


def transfer(do: Moves, event: c.Transfer) -> None:
    """Hand the caller over once what is said was heard."""
    do.end(Ending("transfer", target=event.target))


def transfer_failed(do: Moves, _event: c.TransferFailed) -> None:
    """The caller is ours again, and is told so."""
    do.set(phase=Phase.LIVE, ending=None)
    do.disarm("closing")
    do.say(c.Kind.APOLOGY, "transfer")


def transfer_taken(do: Moves, _event: c.TransferTaken) -> None:
    """The caller talks to somebody else, and our part is over."""
    do.leave(Phase.OVER)


def machine_detected(do: Moves, event: c.MachineDetected) -> None:
    """Stop talking to a machine: hang up, or speak after its beep."""
    rules, reply = do.state.rules, do.state.reply
    if rules.voicemail == "ignore" or (reply and reply.kind is c.Kind.VOICEMAIL):
        return
    message = rules.voicemail == "message"
    beep = event.beep or not message
    ending = Ending("machine", goodbye=message, firm=True, beep=beep)
    do.set(phase=Phase.CLOSING, ending=ending)
    do.arm("closing", rules.closing_max_ms if beep else rules.beep_wait_ms)
    if reply:
        do.cut(reply)


def beep_heard(do: Moves) -> None:
    """The machine records from now on, as far as anybody can tell."""
    if do.state.ending:
        do.set(ending=evolve(do.state.ending, beep=True))
        do.arm("closing", do.state.rules.closing_max_ms)


def ears_lost(do: Moves, _event: c.EarsLost) -> None:
    """A deaf agent says goodbye."""
    close(do, "failure")


def drain(do: Moves, event: c.Drain) -> None:
    """The call has this long."""
    do.arm("drain", event.by_ms - do.now)


def reconfigure(do: Moves, event: c.Reconfigure) -> None:
    """Timers that run keep their time."""
    do.set(rules=event.rules)


def hung_up(do: Moves, _event: c.HungUp) -> None:
    """Nothing is left to do but to write it down."""
    do.leave(Phase.OVER)


def close(do: Moves, reason: str) -> None:
    """End for a reason the caller cannot change, with a goodbye; audible speech goes first."""
    reply, ending = do.state.reply, do.state.ending
    if do.state.phase is Phase.AWAY:
        do.arm(reason, do.state.rules.transfer_max_ms)
    elif not (ending and ending.firm):
        do.end(Ending(reason, goodbye=True, firm=True))
        if reply and not reply.keys and (reply.held or not reply.audible):
            do.cut(reply)


def say_goodbye(do: Moves) -> None:
    """Nobody speaks any more: say what the ending asks for, else leave."""
    ending = do.state.ending
    if ending is None or not ending.beep:
        return
    if ending.goodbye:
        _say_last_words(do, ending)
    elif ending.target:
        do.leave(Phase.AWAY, c.TransferCall(ending.target))
        do.arm("closing", do.state.rules.transfer_max_ms)
    else:
        do.leave(Phase.OVER, c.Hangup(ending.reason))


def _say_last_words(do: Moves, ending: Ending) -> None:
    if do.state.open_text:
        do.commit()
    do.set(ending=evolve(ending, goodbye=False))
    machine = ending.reason == "machine"
    do.say(c.Kind.VOICEMAIL if machine else c.Kind.GOODBYE, ending.reason)
