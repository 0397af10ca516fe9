"""What becomes of a reply whose mind or voice gave up, or of which nothing came."""

from __future__ import annotations

from collections.abc import Callable

from patter.call.link import as_patter_error
from patter.call.turn.events import ReplyFailed, TurnEvent, UtteranceKind
from patter.call.turn_recorder import Utterance
from patter.observe.call_events import CallEvents
from patter.observe.events import Note


def report_failure(
    events: CallEvents, post: Callable[[TurnEvent], None], utterance: Utterance, raised: Exception
) -> None:
    """Nothing more comes of *utterance*, because of what was *raised*; of a filler nobody cares.

    The turn engine decides what is said.
    """
    events.error(as_patter_error(raised, "the reply"), f"reply {utterance.turn}/{utterance.epoch}")
    if utterance.kind is not UtteranceKind.FILLER:
        post(ReplyFailed(events.now_ms(), utterance.epoch))


def note_empty(events: CallEvents) -> None:
    """An answer was empty, and silence is no answer: it is asked for again."""
    events.emit(Note(what="empty_answer", text="it is asked once more"))
