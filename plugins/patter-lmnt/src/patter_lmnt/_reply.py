"""One reply: what LMNT owes of it, and what has come and is not read yet."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from patter.aio import Full, Mailbox
from patter.clock import Clock, Timer
from patter.errors import PatterConnectionError
from patter.providers.tts import Speech
from patter_lmnt._errors import ERRORS
from patter_lmnt._progress import Progress
from patter_lmnt._wire import Token

CHUNKS = 20_000
"""Pieces of audio that nobody has read; hours of it."""


@attrs.define(eq=False)
class Reply:
    """What was sent and came; *out* ends with the reply, or with its *failure*.

    What is owed has *timeout_ms* from the last that came. *stalled*: it did not come in time.
    """

    progress: Progress
    clock: Clock
    timeout_ms: float
    out: Mailbox[Speech] = attrs.field(factory=lambda: Mailbox(CHUNKS, Full.REFUSE), init=False)
    failure: Exception | None = attrs.field(default=None, init=False)
    stalled: bool = attrs.field(default=False, init=False)
    _complete: bool = attrs.field(default=False, init=False)
    _news_ms: float = attrs.field(default=0.0, init=False)
    _timer: Timer | None = attrs.field(default=None, init=False)

    def sent(self, text: str, nonce: int) -> None:
        """*text* is owed from now on."""
        if not self.progress.owes:
            # What was owed before does not get more time because more is asked for.
            self._news_ms = self.clock.ms()
            self._watch()
        self.progress.add(text, nonce)

    def hear(self, chunk: bytes) -> None:
        """Audio has come."""
        self._news_ms = self.clock.ms()
        self._put(self.progress.hear(chunk))

    def time(self, tokens: Iterable[Token]) -> None:
        """Times have come, before their audio or after it."""
        self._news_ms = self.clock.ms()
        self.progress.time(tokens)

    def flushed(self, nonce: int) -> None:
        """LMNT has told that the audio of a sentence is complete."""
        self._news_ms = self.clock.ms()
        complete = self.progress.end(nonce)
        self._put(self.progress.rest())
        if not complete:
            self.fail(PatterConnectionError("LMNT sent no audio for a sentence", fix="try again"))
        elif self._complete and not self.progress.owes:
            self.close()

    def last(self) -> None:
        """There is no further sentence."""
        self._complete = True
        if not self.progress.owes:
            self.close()

    def fail(self, error: Exception) -> None:
        """The reply ends with *error*, unless it has failed before."""
        self.failure = self.failure or error
        self.close()

    def close(self) -> None:
        """Nothing is waited for any more."""
        self.out.close()
        if self._timer is not None:
            self._timer.cancel()

    def _put(self, speech: Speech | None) -> None:
        if speech is not None and not self.out.put(speech) and self.failure is None:
            self.fail(PatterConnectionError("nobody takes the audio", fix="read what is said"))

    def _watch(self) -> None:
        """Look again when LMNT, which owes audio, may have been silent for too long."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.clock.at(self._news_ms + self.timeout_ms, self._look)

    def _look(self) -> None:
        # A timer may ring a little early.
        if self.clock.ms() - self._news_ms + 1 < self.timeout_ms:
            self._watch()
        elif self.progress.owes:
            self.stalled = True
            self.fail(ERRORS.late())
