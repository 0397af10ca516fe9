"""What ``/v2/listen`` says, as a pure state: Flux turns in, events of the contract out.

No sockets, no clocks. Flux tells the whole turn anew each time, so its words are interims until
the turn ends. An early end is no event of its own in the contract and needs none: the voice has
ended, and begins again when Flux takes it back. In such a pause the turn engine drafts.
"""

from __future__ import annotations

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
from patter_deepgram._errors import ERRORS, failed
from patter_deepgram._nova import Configured, ms
from patter_deepgram._socket import encoded

FORCE_END = encoded("ForceEndTurn")
CLOSE = encoded("CloseStream")


@attrs.define(eq=False)
class FluxHearing:
    """One session's state: how many pauses wait for their final, and what the turn is so far.

    *lead_ms* stays 0: pings keep Flux open, so nothing is sent before the caller's audio.
    """

    owed: int = attrs.field(default=0, init=False)
    lead_ms: float = attrs.field(default=0.0, init=False)
    speaking: bool = attrs.field(default=False, init=False)
    in_turn: bool = attrs.field(default=False, init=False)
    _interim: str = attrs.field(default="", init=False)
    _forced: bool = attrs.field(default=False, init=False)

    def paused(self) -> str | None:
        """The caller has paused: Flux is given time to judge that by itself."""
        self.owed += 1
        return None

    def hurry(self) -> str | None:
        """It has judged nothing yet: what to send, if a turn is open."""
        if not (self.owed and self.in_turn):
            return None
        self._forced = True
        return FORCE_END

    def overdue(self) -> list[STTEvent]:
        """No turn is open, or Flux does not end it: there are no final words."""
        if not self.owed:
            return []
        self.owed = 0
        return [Transcript("", True)]

    def read(self, message: str | bytes) -> list[STTEvent | Configured]:
        """The events in *message*. Raises PatterError for garbage and for what ends a session."""
        body = decoded(message, ERRORS)
        try:
            return list(self._events(body))
        except PatterError:
            raise  # some of ours are ValueErrors, too
        except (LookupError, TypeError, ValueError, OverflowError, AttributeError):
            raise ERRORS.garbled(message) from None

    def _events(self, body: Mapping[str, Any]) -> Iterable[STTEvent | Configured]:
        match body["type"]:
            case "TurnInfo":
                yield from self._turn(str(body["event"]), body)
            case "ConfigureSuccess":
                yield Configured()
            case "ConfigureFailure":
                code, words = body.get("code") or "refused", body.get("description") or ""
                yield Configured(failed(str(code), str(words)))
            case "Error":
                raise failed(str(body["code"]), str(body["description"]))

    def _turn(self, event: str, body: Mapping[str, Any]) -> Iterable[STTEvent]:
        heard = _transcript(body, final=event == "EndOfTurn")
        if event == "EndOfTurn":
            yield from self._ended(heard, str(body.get("trigger") or ""))
            return
        self.in_turn = self.in_turn or bool(heard.text) or event == "StartOfTurn"
        if event == "StartOfTurn":
            first_ms = heard.words[0].start_ms if heard.words else ms(body["audio_window_start"])
            yield self._talks(first_ms)
        elif event == "TurnResumed":
            yield self._talks(ms(body["audio_window_end"]))
        if heard.text and heard.text != self._interim:
            self._interim = heard.text
            yield heard
        if event == "EagerEndOfTurn" and self.speaking:
            self.speaking = False
            yield SpeechEnded(heard.end_ms)

    def _talks(self, at_ms: int) -> STTEvent:
        self.speaking = True
        return SpeechStarted(at_ms)

    def _ended(self, heard: Transcript, trigger: str) -> Iterable[STTEvent]:
        if self.speaking:
            yield SpeechEnded(heard.end_ms)
        if heard.text or self.owed:
            yield heard
        # Forced by our own pause, so Flux has not judged that the caller has finished.
        judged = trigger != "manual" if trigger else not self._forced
        if heard.text and judged:
            yield TurnEnded()
        self.owed, self._interim = 0, ""
        self.in_turn = self.speaking = self._forced = False


def _transcript(body: Mapping[str, Any], *, final: bool) -> Transcript:
    words = body["words"]
    timed = tuple(
        [
            Word(str(word["word"]), ms(word.get("start") or 0.0), ms(word["end"]))
            for word in words
            if word.get("end") is not None
        ]
    )
    text = body["transcript"].strip()
    scores = [float(word["confidence"]) for word in words]
    return Transcript(
        text,
        final,
        timed[-1].end_ms if timed else ms(body["audio_window_end"]),
        min(scores) if text and scores else None,
        timed,
    )


def configure(
    *,
    keyterms: Iterable[str] | None,
    language_hints: Iterable[str] | None,
    numerals: bool | None,
    thresholds: Mapping[str, float | None],
) -> str:
    """The message that changes what is given, and leaves the rest as it is."""
    fields: dict[str, object] = {}
    if changed := {name: value for name, value in thresholds.items() if value is not None}:
        fields["thresholds"] = changed
    if keyterms is not None:
        fields["keyterms"] = list(keyterms)
    if language_hints is not None:
        fields["language_hints"] = list(language_hints)
    if numerals is not None:
        fields["numerals"] = numerals
    return encoded("Configure", **fields)
