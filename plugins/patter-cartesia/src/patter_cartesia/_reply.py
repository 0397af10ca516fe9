"""One reply of a voice: what was sent of it, what has come, and how long the rest may take."""

from __future__ import annotations

import asyncio

import attrs

from patter.aio import Full, Mailbox
from patter.clock import Clock, Timer
from patter.errors import ErrorCode, PatterConnectionError, PatterError
from patter.providers.tts import Speech
from patter_cartesia._errors import ERRORS
from patter_cartesia._progress import Progress
from patter_cartesia._sonic import Chunk, Flushed, Times

MOST_UNREAD = 20_000
"""Pieces of a reply that nobody has read; hours of audio."""

_EXPIRED = frozenset({ErrorCode.PROVIDER_ERROR, ErrorCode.CONFIG})
"""How an expired context may be refused: as a bad request, or as something that is not there."""

FRESH_MS = 500.0
"""A context expires a second after its last audio, by a clock that is half a round trip away."""


@attrs.define(eq=False)
class Reply:
    """A reply on its way; *out* ends with it, or with its *failure*.

    *context* is the one that it is spoken in now, empty before the first; it *ended* when Cartesia
    was told so. *complete*: all text is sent. *repeating*: some has to be sent again. *late*: audio
    that was owed did not come for *timeout_ms*.
    """

    progress: Progress
    clock: Clock
    timeout_ms: float
    out: Mailbox[Speech] = attrs.field(
        factory=lambda: Mailbox(MOST_UNREAD, Full.REFUSE), init=False
    )
    turn: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    context: str = attrs.field(default="", init=False)
    ended: bool = attrs.field(default=False, init=False)
    complete: bool = attrs.field(default=False, init=False)
    repeating: bool = attrs.field(default=False, init=False)
    late: bool = attrs.field(default=False, init=False)
    failure: BaseException | None = attrs.field(default=None, init=False)
    _spoke: bool = attrs.field(default=False, init=False)
    _news_ms: float = attrs.field(default=0.0, init=False)
    _timer: Timer | None = attrs.field(default=None, init=False)

    @property
    def fresh(self) -> bool:
        """Can another sentence be said in the context that there is?"""
        idle_ms = self.clock.ms() - self._news_ms
        return bool(self.context) and (self.progress.owes or idle_ms < FRESH_MS)

    @property
    def owes(self) -> bool:
        """Is Cartesia still at it, or may it be?"""
        return self.progress.owes or (self.fresh and not self.ended)

    def begin(self, context: str) -> None:
        """Go on in *context*."""
        self.context, self.ended, self._spoke = context, False, False
        self.progress.begin()

    def sent(self, text: str) -> None:
        """A sentence is sent."""
        self.progress.sent(text)
        self._news()
        if self._timer is None:
            self._watch()

    def take(self, message: Chunk | Times | Flushed) -> list[str]:
        """Something has come of the context; nothing has to be said again for it."""
        self._news()
        match message:
            case Chunk(_, audio, flush):
                self._put(self.progress.chunk(audio, flush))
            case Times(_, words, flush):
                self._put(self.progress.times(words, flush))
            case Flushed(_, flush):
                self._spoke = True
                self._put(self.progress.flushed(flush))
        self._settle()
        return []

    def done(self) -> list[str]:
        """The context is over: the sentences that have to be said again in another one."""
        again = self._expired()
        self._put(self.progress.done())
        self._settle()
        return again

    def failed(self, error: PatterError) -> list[str]:
        """The context failed, and the reply with it, unless the context had expired: what to say
        again in another one."""
        expired = error.code in _EXPIRED and not self.progress.begun
        again = self._expired() if expired else []
        self.context = ""
        # A context that was told its end with nothing to say is "failed", too.
        if not again and self.progress.owes:
            self.fail(error)
        return again

    def _expired(self) -> list[str]:
        """What was sent too late for the context. It said something before, so that it had a
        chance to expire, and what is said again and again comes to an end."""
        again = self.progress.unheard() if self._spoke else []
        self._news()
        self.context, self.repeating = "", bool(again)
        return again

    def repeated(self) -> None:
        """What had to be sent again was sent."""
        self.repeating = False
        self._settle()

    def last(self) -> None:
        """There is no further sentence."""
        self.complete = True
        self._settle()

    def fail(self, error: BaseException) -> None:
        """It is over; the first failure counts."""
        self.failure = self.failure or error
        self.close()

    def close(self) -> None:
        """Nothing more comes out."""
        self.out.close()
        if self._timer is not None:
            self._timer.cancel()

    def _put(self, speech: Speech | None) -> None:
        if speech is not None and not self.out.put(speech):
            self.fail(PatterConnectionError("nobody takes the audio", fix="read what is said"))

    def _settle(self) -> None:
        if self.progress.missed:
            self.fail(
                PatterConnectionError(
                    "Cartesia sent no audio for a sentence", fix="try again, or use another voice"
                )
            )
        elif self.complete and not (self.progress.owes or self.repeating):
            self.close()

    def _news(self) -> None:
        self._news_ms = self.clock.ms()

    def _watch(self) -> None:
        """Look again when Cartesia, which owes audio, may have been silent for too long."""
        self._timer = self.clock.at(self._news_ms + self.timeout_ms, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self.progress.owes:
            return
        if self.clock.ms() - self._news_ms + 1 < self.timeout_ms:
            self._watch()
        else:
            self.late = True
            self.fail(ERRORS.late())
