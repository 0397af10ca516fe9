"""What AssemblyAI says, as a pure state: its turns in, events of the contract out.

No sockets, no clocks. A Turn tells all of its turn each time, so its words are interims until the
turn ends. AssemblyAI counts in milliseconds of the audio it was sent, which is this session's.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from patter.errors import PatterError
from patter.providers.stt import (
    SpeechEnded,
    SpeechStarted,
    STTEvent,
    Transcript,
    TurnEnded,
    Word,
)
from patter.vendors.sockets import decoded
from patter_assemblyai._errors import ERRORS, failed
from patter_assemblyai._socket import FORCE_ENDPOINT

log = logging.getLogger("patter.assemblyai")

MUTE_TURNS = 2
"""After how many turns in a row that AssemblyAI does not end when asked, without any message, it
counts as gone, however open its socket."""

WORDLESS_MS = 2_000
"""A voice of which no word has come after so much audio was a noise, and has ended."""


@attrs.define(eq=False)
class TurnHearing:
    """One session's state.

    *judges*: does AssemblyAI decide when a caller's turn has ended? *formats*: is the end of a
    turn told twice, the second time with punctuation? *secret* is in no error. *owed* pauses wait
    for a final; *held* are final words that wait for their punctuation.
    """

    judges: bool = True
    formats: bool = False
    secret: str = attrs.field(default="", repr=False)
    begun: bool = attrs.field(default=False, init=False)
    owed: int = attrs.field(default=0, init=False)
    in_turn: bool = attrs.field(default=False, init=False)
    held: Transcript | None = attrs.field(default=None, init=False)
    _held_judged: bool = attrs.field(default=False, init=False)
    _voice_ms: int | None = attrs.field(default=None, init=False)
    _interim: str = attrs.field(default="", init=False)
    _last_order: int = attrs.field(default=-1, init=False)
    _forced: bool = attrs.field(default=False, init=False)
    _mute_turns: int = attrs.field(default=0, init=False)

    def paused(self) -> str | None:
        """The caller has paused: what to send. A judge is given time to judge by itself."""
        self.owed += 1
        return None if self.judges else self._force()

    def hurry(self) -> str | None:
        """The pause was not judged in time: what to send, if a turn is open."""
        return self._force() if self.owed and self.in_turn and not self._forced else None

    def overdue(self) -> list[STTEvent]:
        """No turn is open, or AssemblyAI does not end it: there are no final words.

        Raises PatterTimeoutError when that was once too often.
        """
        if not self.owed:
            return []
        self._mute_turns += self.in_turn
        if self._mute_turns >= MUTE_TURNS:
            raise ERRORS.late()
        if self.held is not None:
            return self.unformatted()
        self._forced, self.owed = False, 0
        return [Transcript("", True)]

    def unformatted(self) -> list[STTEvent]:
        """The punctuation did not come: the words that wait for it, as they are."""
        held, self.held = self.held, None
        return [] if held is None else list(self._final(held, self._held_judged))

    def passed(self, sent_ms: float) -> list[STTEvent]:
        """This much audio was sent: a voice without words has ended by now."""
        if self._voice_ms is None or self.in_turn or sent_ms - self._voice_ms < WORDLESS_MS:
            return []
        return list(self._silent(int(sent_ms)))

    def read(self, message: str | bytes) -> list[STTEvent]:
        """The events in *message*. Raises PatterError for garbage and for what ends a session."""
        self._mute_turns = 0
        body = decoded(message, ERRORS)
        try:
            return list(self._events(body))
        except PatterError:  # some are a ValueError, too
            raise
        except (LookupError, TypeError, ValueError, OverflowError, AttributeError):
            raise ERRORS.garbled(message) from None

    def _events(self, body: Mapping[str, Any]) -> Iterable[STTEvent]:
        match body.get("type", "Error" if "error" in body else ""):
            case "Turn":
                yield from self._turn(body)
            case "SpeechStarted":
                yield from self._talks(_ms(body["timestamp"]))
            case "Begin":
                self.begun = True
                log.debug("AssemblyAI's session %s", body["id"])
            case "Warning":
                log.warning("AssemblyAI warns: %s", self._discreet(body["warning"]))
            case "Error":
                raise failed(body.get("error_code"), self._discreet(body["error"]))
            case "Termination":
                raise ERRORS.hung_up(None, "the session was terminated")

    def _turn(self, body: Mapping[str, Any]) -> Iterable[STTEvent]:
        order, ends = int(body["turn_order"]), bool(body["end_of_turn"])
        heard = _transcript(body, final=ends)
        if order <= self._last_order:  # the same words again, with punctuation
            if self.held is not None and order == self._last_order and ends:
                self.held = heard
                yield from self.unformatted()
            return
        yield from self.unformatted()
        if heard.text:
            yield from self._talks(heard.words[0].start_ms if heard.words else None)
        if ends:
            self._last_order = order
            yield from self._ended(heard, formatted=bool(body["turn_is_formatted"]))
        elif heard.text and heard.text != self._interim:
            self.in_turn, self._interim = True, heard.text
            yield heard

    def _ended(self, heard: Transcript, *, formatted: bool) -> Iterable[STTEvent]:
        # Forced by our own pause, so nobody has judged that the caller has finished.
        judged = self.judges and not self._forced
        self.in_turn, self._forced, self._interim = False, False, ""
        yield from self._silent(heard.end_ms)
        if heard.text and self.formats and not formatted:
            self.held, self._held_judged = heard, judged
        else:
            yield from self._final(heard, judged)

    def _final(self, heard: Transcript, judged: bool) -> Iterable[STTEvent]:
        if heard.text or self.owed:
            yield heard
        if heard.text and judged:
            yield TurnEnded()
        self.owed = 0

    def _talks(self, at_ms: int | None) -> Iterable[STTEvent]:
        """A voice began, unless it was heard before: not all models say so themselves."""
        if self._voice_ms is None:
            self._voice_ms = at_ms or 0
            yield SpeechStarted(at_ms)

    def _silent(self, at_ms: int | None) -> Iterable[STTEvent]:
        if self._voice_ms is not None:
            self._voice_ms = None
            yield SpeechEnded(at_ms)

    def _force(self) -> str:
        self._forced = True
        return FORCE_ENDPOINT

    def _discreet(self, words: object) -> str:
        return str(words).replace(self.secret, "...") if self.secret else str(words)


def _transcript(body: Mapping[str, Any], *, final: bool) -> Transcript:
    """All words of the turn so far: final ones are in the transcript, others are not yet."""
    words = tuple(
        Word(str(each["text"]), _ms(each["start"]), _ms(each["end"])) for each in body["words"]
    )
    pending = [str(each["text"]) for each in body["words"] if not each["word_is_final"]]
    text = " ".join([body["transcript"].strip(), *pending]).strip()
    scores = [float(each["confidence"]) for each in body["words"]]
    return Transcript(
        text,
        final,
        words[-1].end_ms if words else None,
        min(scores) if text and scores else None,
        words,
    )


def _ms(value: float) -> int:
    """Whole milliseconds.

    >>> _ms(1920), _ms(-1)
    (1920, 0)
    """
    if isinstance(value, bool) or not math.isfinite(value):
        raise ValueError("not a time")
    return max(0, round(value))
