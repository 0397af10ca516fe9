"""What Soniox says, as a pure state: messages in, events of the contract out.

No sockets, no clocks. A token that is final is sent once, one that is not is sent anew with
each message. Final tokens may end in the middle of a word, so they are told as an interim until
Soniox ends the utterance (``<end>``) or has done what it was asked to (``<fin>``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from patter.errors import PatterError
from patter.providers.stt import STTEvent, Transcript, TurnEnded
from patter.vendors.sockets import decoded
from patter_soniox._errors import ERRORS, failed
from patter_soniox._socket import FINALIZE
from patter_soniox._tokens import Token, position, tokens_in, transcript, whole

ENDED, FINALIZED = "<end>", "<fin>"


@attrs.define(eq=False)
class Hearing:
    """One session's state. *owed* pauses wait for their final.

    *judges*: does Soniox decide when the caller has finished? Then a pause is left to it first,
    and asked for only if it does not. *key* is kept out of errors. *lead_ms* is what was sent
    before the caller's audio; Soniox counts it, the call does not. *over*: was that the last
    message of the session?
    """

    judges: bool
    key: str = attrs.field(default="", repr=False)
    owed: int = attrs.field(default=0, init=False)
    lead_ms: int = attrs.field(default=0, init=False)
    over: bool = attrs.field(default=False, init=False)
    _final: list[Token] = attrs.field(factory=list, init=False)
    _tail: list[Token] = attrs.field(factory=list, init=False)
    _interim: str = attrs.field(default="", init=False)
    _speakers: set[str] = attrs.field(factory=set, init=False)
    _unjudged: bool = attrs.field(default=False, init=False)
    _answers: bool = attrs.field(default=False, init=False)

    def paused(self) -> str | None:
        """The caller has paused: what to send; a final is owed from now on."""
        self.owed += 1
        self._answers = False
        return None if self.judges else FINALIZE

    def hurry(self) -> str | None:
        """Soniox has not judged the pause: what to send, if there is anything to ask for.

        Nothing is asked of one that has told, since the pause, that it has heard no words.
        """
        words = self._final or self._tail
        return FINALIZE if self.judges and self.owed and (words or not self._answers) else None

    def overdue(self) -> list[STTEvent]:
        """It still has not answered: there are no final words, as far as anybody knows."""
        if not self.owed:
            return []
        self.owed = 0
        return [Transcript("", True)]

    def lost(self) -> list[STTEvent]:
        """The session is over: what it made final, and had not told, stands, in whole words."""
        self._final = whole(self._final, self._tail)
        heard = self._transcript(final=True)
        self._forget()
        return [heard] if heard.text else []

    def read(self, message: str | bytes) -> list[STTEvent]:
        """The events in *message*. Raises PatterError for garbage and for an error of Soniox."""
        try:
            body = decoded(message, ERRORS)
        except PatterError:
            raise self._garbled(message) from None
        try:
            refused = failed(body, self.key) if body.get("error_code") is not None else None
            events = list(self._events(body)) if refused is None else []
        except (LookupError, TypeError, ValueError, OverflowError, AttributeError):
            raise self._garbled(message) from None
        if refused is not None:
            raise refused
        self._answers, self.over = True, body.get("finished") is True
        return events

    def _garbled(self, message: str | bytes) -> PatterError:
        """What nobody can read is shown, but not the key, should it be in there."""
        text = message if isinstance(message, str) else message.decode(errors="replace")
        return ERRORS.garbled(text.replace(self.key or "\0", "..."))

    def _events(self, body: Mapping[str, Any]) -> Iterable[STTEvent]:
        self._tail = []
        for token in tokens_in(body, self.lead_ms):
            if token.final and token.text in (ENDED, FINALIZED):
                yield from self._end(token.text == ENDED, position(body, self.lead_ms))
            else:
                self._take(token)
        heard = self._transcript(final=False)
        if heard.text and heard.text != self._interim:
            self._interim = heard.text
            yield heard

    def _take(self, token: Token) -> None:
        if token.speaker:
            self._speakers.add(token.speaker)
        (self._final if token.final else self._tail).append(token)

    def _end(self, judged: bool, at_ms: int | None) -> Iterable[STTEvent]:
        """The utterance is over: *judged* to be by Soniox, or because it was asked to end it."""
        heard = self._transcript(final=True)
        self._forget()
        if heard.text:
            yield heard
        elif self.owed:
            yield Transcript("", True, at_ms)
        # One judgement answers all pauses before it; each request has an answer of its own.
        self.owed = 0 if self.judges else max(0, self.owed - 1)
        self._unjudged = self.judges and (self._unjudged or bool(heard.text))
        if judged and self._unjudged:
            self._unjudged = False
            yield TurnEnded()

    def _transcript(self, *, final: bool) -> Transcript:
        tokens = self._final if final else [*self._final, *self._tail]
        return transcript(tokens, final=final, labels=len(self._speakers) > 1)

    def _forget(self) -> None:
        self._final, self._tail, self._interim = [], [], ""
