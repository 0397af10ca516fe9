"""Tells what is hidden of a call from the turn engine's events and effects, as they happen."""

from __future__ import annotations

from collections.abc import Iterable

from patter.call.turn.effects import Commit, Draft, Effect, Say, Think
from patter.call.turn.events import Announce, CallerWords, TurnEvent
from patter.observe.sensitivity import Sensitivity


def note_event(sensitivity: Sensitivity, event: TurnEvent, epoch: int) -> None:
    """*event* is about to be stepped; *epoch* is the agent's last utterance."""
    match event:
        case CallerWords(at_ms, text, final, end_ms):
            sensitivity.heard(text, final, at_ms, end_ms, epoch)
        case Announce(text=text):
            sensitivity.announced(text)


def note_effects(sensitivity: Sensitivity, effects: Iterable[Effect]) -> None:
    """*effects* are about to be performed, and written down."""
    for effect in effects:
        match effect:
            case Commit(turn=turn):
                sensitivity.committed(turn)
            case Say(turn=turn, epoch=epoch, detail=detail):
                sensitivity.uttered(epoch, turn, detail)
            case Think(turn=turn, epoch=epoch) | Draft(turn=turn, epoch=epoch):
                sensitivity.uttered(epoch, turn)
