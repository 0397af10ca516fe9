"""A session that speaks: what is sent to Rime and comes of it, on a socket for a whole call.

The next sentence is sent when Rime is done with the one before: sentences that are flushed while
another is spoken it joins to one, and no longer forgets when it is told to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import attrs

from patter.audio.formats import AudioFormat
from patter.vendors.options import Query
from patter.vendors.speech_session import SpeechLine, SpeechSession
from patter_rime import _socket, _wire
from patter_rime._errors import ERRORS, of_message
from patter_rime._reply import Reply, Utterance


@attrs.frozen(kw_only=True)
class Voice:
    """Where and how one session speaks; audio that is owed comes within *timeout_ms*."""

    url: str
    query: Query
    key: str = attrs.field(repr=False)
    timeout_ms: float


@attrs.define(eq=False)
class _Line(SpeechLine):
    """A socket, and the utterance on it that nobody wants any more."""

    unwanted: Utterance | None = attrs.field(default=None, init=False)


@attrs.define(eq=False)
class RimeSession(SpeechSession[_Line, Reply]):
    """A voice for one call."""

    errors = ERRORS
    _voice: Voice
    _audio: AudioFormat
    _contexts: count[int] = attrs.field(factory=lambda: count(1), init=False)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[_Line]:
        """A socket on which nothing is spoken."""
        voice = self._voice
        async with _socket.connected(voice.url, voice.query, voice.key) as socket:
            yield _Line(socket)

    def begin(self) -> Reply:
        """A reply that Rime owes nothing of."""
        return Reply(self.clock, self._voice.timeout_ms, self._audio)

    async def speak(self, reply: Reply, sentence: str) -> None:
        """Have it spoken to its end, in pieces that Rime takes."""
        for piece in _wire.pieces(sentence):
            line = await self.ready()
            utterance = reply.begin(piece, f"utterance-{next(self._contexts)}")
            await line.socket.send(_wire.text(piece, utterance.context))
            await line.socket.send(_wire.FLUSH)
            utterance.flushed = True
            await reply.quiet.wait()
            if reply.failure is not None:
                raise reply.failure

    def take(self, line: _Line, message: str | bytes) -> None:
        """Read what Rime sends. Raises PatterError for what it complains of, and for garbage."""
        event = _wire.read(message)
        if isinstance(event, _wire.Failure):
            raise of_message(event.words, self._voice.key)
        if (reply := self.listener(line)) is not None and event is not None:
            reply.take(event)
        elif isinstance(event, _wire.Done) and line.unwanted and line.unwanted.is_meant(event):
            line.settle()

    async def leave(self, line: _Line, reply: Reply) -> None:
        """Have Rime stop speaking: its buffer is cleared, and what it has begun is not waited for.

        It ends a sentence that it has begun in any case, often before it could have been played.
        """
        line.unwanted = reply.owed
        if reply.owed is not None and reply.owed.flushed:
            await self.cancel(line, _wire.CLEAR, confirmed=True)
        elif reply.owed is not None:
            self.replace(line)
