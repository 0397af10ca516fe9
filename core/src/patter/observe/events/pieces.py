"""Pieces of what is being said, as they come: too many for a record, and made for listeners only.

They have the number of the event before them, because records know nothing of them.
"""

from __future__ import annotations

from patter.observe.events.event import CallEvent


class TextPiece(CallEvent, frozen=True, kw_only=True, tag="text_piece"):
    """The model, or the engine, has produced a piece of an answer's text."""

    text: str
    """The piece, white space and all."""
    turn: int = 0
    """The caller's turn that is answered."""
    epoch: int = 0
    """The number of the utterance."""


class AudioPiece(CallEvent, frozen=True, kw_only=True, tag="audio_piece"):
    """The voice, or the engine, has made a piece of an utterance's audio."""

    size: int
    """How many bytes."""
    turn: int = 0
    """The caller's turn that is answered; 0 before any."""
    epoch: int = 0
    """The number of the utterance."""
