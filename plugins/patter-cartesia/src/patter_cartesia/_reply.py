"""One reply of a voice: what was sent of it, what has come, and how long the rest may take."""

from __future__ import annotations

import asyncio

import attrs

from patter.errors import ErrorCode, PatterConnectionError, PatterError
from patter.vendors.speech_session import SpeechReply
from patter_cartesia._errors import ERRORS
from patter_cartesia._progress import Progress
from patter_cartesia._sonic import Chunk, Flushed, Times

_EXPIRED = frozenset({ErrorCode.PROVIDER_ERROR, ErrorCode.CONFIG})
"""How an expired context may be refused: as a bad request, or as something that is not there."""

FRESH_MS = 500.0
"""A context expires a second after its last audio, by a clock that is half a round trip away."""


@attrs.define(eq=False)
class Reply(SpeechReply):
    """A reply on its way.

    *context* is the one that it is spoken in now, empty before the first; it *ended* when Cartesia
    was told so. *repeating*: some has to be sent again.
    """

    errors = ERRORS
    progress: Progress
    turn: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    context: str = attrs.field(default="", init=False)
    ended: bool = attrs.field(default=False, init=False)
    repeating: bool = attrs.field(default=False, init=False)
    _spoke: bool = attrs.field(default=False, init=False)

    @property
    def owes(self) -> bool:
        """May audio still come of what was sent?"""
        return self.progress.owes

    @property
    def fresh(self) -> bool:
        """Can another sentence be said in the context that there is?"""
        idle_ms = self.clock.ms() - self.news_ms
        return bool(self.context) and (self.owes or idle_ms < FRESH_MS)

    @property
    def busy(self) -> bool:
        """Is Cartesia still at it, or may it be?"""
        return self.owes or (self.fresh and not self.ended)

    def begin(self, context: str) -> None:
        """Go on in *context*."""
        self.context, self.ended, self._spoke = context, False, False
        self.progress.begin()

    def sent(self, text: str) -> None:
        """A sentence is sent."""
        self.progress.sent(text)
        self.news()

    def take(self, message: Chunk | Times | Flushed) -> list[str]:
        """Something has come of the context; nothing has to be said again for it."""
        self.news()
        match message:
            case Chunk(_, audio, flush):
                self.put(self.progress.chunk(audio, flush))
            case Times(_, words, flush):
                self.put(self.progress.times(words, flush))
            case Flushed(_, flush):
                self._spoke = True
                self.put(self.progress.flushed(flush))
        self.settle()
        return []

    def done(self) -> list[str]:
        """The context is over: the sentences that have to be said again in another one."""
        again = self._expired()
        self.put(self.progress.done())
        self.settle()
        return again

    def failed(self, error: PatterError) -> list[str]:
        """The context failed, and the reply with it, unless the context had expired: what to say
        again in another one."""
        expired = error.code in _EXPIRED and not self.progress.begun
        again = self._expired() if expired else []
        self.context = ""
        # A context that was told its end with nothing to say is "failed", too.
        if not again and self.owes:
            self.fail(error)
        return again

    def _expired(self) -> list[str]:
        """What was sent too late for the context. It said something before, so that it had a
        chance to expire, and what is said again and again comes to an end."""
        again = self.progress.unheard() if self._spoke else []
        self.news()
        self.context, self.repeating = "", bool(again)
        return again

    def repeated(self) -> None:
        """What had to be sent again was sent."""
        self.repeating = False
        self.settle()

    def lose(self, error: PatterError) -> None:
        """The socket is gone, and the context with it."""
        SpeechReply.lose(self, error)
        self.context = ""

    def settle(self) -> None:
        """End the reply, if it is complete, or if a sentence was without any audio."""
        if self.progress.missed:
            self.fail(
                PatterConnectionError(
                    "Cartesia sent no audio for a sentence", fix="try again, or use another voice"
                )
            )
        elif not self.repeating:
            SpeechReply.settle(self)
