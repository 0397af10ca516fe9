"""What ``/v1/listen`` says, as a pure state: messages in, events of the contract out.

No sockets, no clocks. Deepgram counts in seconds of the audio it was sent, which is this
session's; one utterance may come in several finals, each of them new words.
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
    Word,
)
from patter.vendors.sockets import decoded
from patter_deepgram._errors import ERRORS, failed
from patter_deepgram._socket import encoded

KEEP_ALIVE = encoded("KeepAlive")
FINALIZE = encoded("Finalize")
CLOSE = encoded("CloseStream")


@attrs.frozen
class Configured:
    """Deepgram has taken a new configuration, or *refused* it."""

    refused: Exception | None = None


@attrs.define(eq=False)
class NovaHearing:
    """One session's state: how many pauses wait for their final, and whether a voice is on.

    *lead_ms* is what was sent before the caller's audio; Deepgram counts it, the call does not.
    """

    owed: int = attrs.field(default=0, init=False)
    lead_ms: float = attrs.field(default=0.0, init=False)
    _talks_since_ms: int | None = attrs.field(default=None, init=False)

    def paused(self) -> str:
        """The caller has paused: what to send; a final is owed from now on."""
        self.owed += 1
        return FINALIZE

    def hurry(self) -> str | None:
        """There is nothing more to send: it has been asked."""
        return None

    def overdue(self) -> list[STTEvent]:
        """Deepgram does not answer a pause in which it has nothing to say: nobody spoke."""
        return [Transcript("", True)] if self._settle(self.owed) else []

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
            case "Results":
                yield from self._results(body)
            case "SpeechStarted":
                self._talks_since_ms = self._at(body["timestamp"])
                yield SpeechStarted(self._talks_since_ms)
            case "UtteranceEnd":
                yield from self._silent(self._at(body["last_word_end"]))
            case "ConfigureSuccess":
                yield Configured()
            case "ConfigureFailure":
                yield Configured(failed(str(body["code"]), str(body["description"])))
            case "Error":
                code = body.get("code") or body["variant"]
                raise failed(str(code), str(body["description"]))

    def _results(self, body: Mapping[str, Any]) -> Iterable[STTEvent]:
        end_ms = self._at(body["start"] + body["duration"])
        heard = self._transcript(body["channel"]["alternatives"][0], body, end_ms)
        answers = bool(body.get("from_finalize")) and self._settle(1)
        # Between words Deepgram sends empty ones all the time; only a pause waits for one.
        if heard.text or answers:
            yield heard
        if body.get("speech_final"):
            yield from self._silent(heard.end_ms or end_ms)

    def _transcript(
        self, best: Mapping[str, Any], body: Mapping[str, Any], end_ms: int
    ) -> Transcript:
        """The best alternative; without word times its words end at *end_ms*."""
        words = tuple(
            Word(
                str(word.get("punctuated_word") or word["word"]),
                self._at(word["start"]),
                self._at(word["end"]),
            )
            for word in best["words"]
        )
        text = best["transcript"].strip()
        return Transcript(
            text,
            bool(body.get("is_final")),
            words[-1].end_ms if words else end_ms,
            float(best["confidence"]) if text else None,
            words,
        )

    def _silent(self, at_ms: int) -> Iterable[STTEvent]:
        """A voice ended, unless it began after that: the news of an end may be a second late."""
        if self._talks_since_ms is not None and self._talks_since_ms <= at_ms:
            self._talks_since_ms = None
            yield SpeechEnded(at_ms)

    def _at(self, seconds: float) -> int:
        return ms(seconds - self.lead_ms / 1_000)

    def _settle(self, most: int) -> bool:
        """Are pauses answered by what comes now? At most *most* of them."""
        settled = min(self.owed, most)
        self.owed -= settled
        return settled > 0


def ms(seconds: float) -> int:
    """Whole milliseconds; for what it does not know Deepgram says -1: the beginning.

    >>> ms(1.2346), ms(-1)
    (1235, 0)
    """
    return round(seconds * 1_000) if seconds > 0 else 0


def configure(keyterms: Iterable[str] | None, features: Mapping[str, bool] | None) -> str:
    """The message that replaces the key terms, and turns features on or off."""
    fields: dict[str, object] = {}
    if keyterms is not None:
        fields["keyterms"] = list(keyterms)
    if features is not None:
        fields["features"] = dict(features)
    return encoded("Configure", **fields)
