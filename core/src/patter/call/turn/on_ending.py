"""How a call begins and ends: connected, transferred, closed, hung up.

An ending waits until what is being said was heard, and that wait is bounded.
"""

from __future__ import annotations

from attrs import evolve

from patter.call.turn.effects import EndCall, Observe, TransferCall
from patter.call.turn.events import (
    CallerHungUp,
    Connected,
    DrainRequested,
    EndRequested,
    HearingLost,
    MachineDetected,
    RulesChanged,
    TransferFailed,
    TransferRequested,
    TransferTaken,
    UtteranceKind,
)
from patter.call.turn.state import Ending, Phase
from patter.call.turn.transition import Transition


def connected(tx: Transition, _event: Connected) -> None:
    """Now there is somebody to greet."""
    tx.set(phase=Phase.LIVE)
    tx.arm("limit", tx.state.rules.call_max_ms)
    if tx.state.rules.greeting:
        tx.say(UtteranceKind.GREETING)


def end(tx: Transition, event: EndRequested) -> None:
    """Nobody can hear us while it still rings, or while the carrier has the caller."""
    if tx.state.phase in (Phase.RINGING, Phase.AWAY):
        tx.leave(Phase.OVER, EndCall(event.reason))
    else:
        tx.end(Ending(event.reason, goodbye=event.goodbye))


def transfer(tx: Transition, event: TransferRequested) -> None:
    """Transfer the caller once what is being said was heard."""
    tx.end(Ending("transfer", target=event.target))


def transfer_failed(tx: Transition, _event: TransferFailed) -> None:
    """The caller is back with the agent, which apologises."""
    tx.set(phase=Phase.LIVE, ending=None)
    tx.disarm("closing")
    tx.say(UtteranceKind.APOLOGY, "transfer")


def transfer_taken(tx: Transition, _event: TransferTaken) -> None:
    """Somebody else has the caller: our call is over."""
    tx.leave(Phase.OVER)


def machine_detected(tx: Transition, event: MachineDetected) -> None:
    """Stop talking to a machine: hang up, or speak after its beep.

    Whoever has had answers heard, and answered them, is a human whatever the verdict.
    """
    rules, reply = tx.state.rules, tx.state.reply
    if tx.state.doubts_machine:
        tx.emit(Observe("machine_doubted"))
        return
    if rules.voicemail == "ignore" or (reply and reply.kind is UtteranceKind.VOICEMAIL):
        return
    message = rules.voicemail == "message"
    beep = event.beep or not message
    ending = Ending("machine", goodbye=message, firm=True, beep=beep)
    tx.set(phase=Phase.CLOSING, ending=ending)
    tx.arm("closing", rules.closing_max_ms if beep else rules.beep_wait_ms)
    if reply:
        tx.cut(reply)


def beep_heard(tx: Transition) -> None:
    """Treat the machine as recording from now on."""
    if tx.state.ending:
        tx.set(ending=evolve(tx.state.ending, beep=True))
        tx.arm("closing", tx.state.rules.closing_max_ms)


def hearing_lost(tx: Transition, _event: HearingLost) -> None:
    """Say goodbye: nothing the caller says would be understood."""
    close(tx, "failure")


def drain(tx: Transition, event: DrainRequested) -> None:
    """Start the timer of the goodbye."""
    tx.arm("drain", event.by_ms - tx.now)


def reconfigure(tx: Transition, event: RulesChanged) -> None:
    """Use other rules; timers that run keep their time."""
    tx.set(rules=event.rules)


def hung_up(tx: Transition, _event: CallerHungUp) -> None:
    """End the call; there is nobody to speak to."""
    tx.leave(Phase.OVER)


def close(tx: Transition, reason: str) -> None:
    """End for a reason the caller cannot change, with a goodbye; audible speech goes first."""
    reply, ending = tx.state.reply, tx.state.ending
    if tx.state.phase is Phase.AWAY and reason == "drain":
        # The carrier has the caller; whoever takes them needs nothing of us.
        tx.leave(Phase.OVER)
    elif tx.state.phase is Phase.AWAY:
        tx.arm(reason, tx.state.rules.transfer_max_ms)
    elif not (ending and ending.firm):
        tx.end(Ending(reason, goodbye=True, firm=True))
        if reply and not reply.keys and (reply.held or reply.silent):
            tx.cut(reply)


def say_goodbye(tx: Transition) -> None:
    """Nobody speaks any more: say what the ending asks for, else leave."""
    ending = tx.state.ending
    if ending is None or not ending.beep:
        return
    if ending.goodbye:
        _say_last_words(tx, ending)
    elif ending.target:
        tx.leave(Phase.AWAY, TransferCall(ending.target))
        tx.arm("closing", tx.state.rules.transfer_max_ms)
    else:
        tx.leave(Phase.OVER, EndCall(ending.reason))


def _say_last_words(tx: Transition, ending: Ending) -> None:
    if tx.state.open_text:
        tx.commit()
    tx.set(ending=evolve(ending, goodbye=False))
    machine = ending.reason == "machine"
    tx.say(UtteranceKind.VOICEMAIL if machine else UtteranceKind.GOODBYE, ending.reason)
