"""A session that speaks: what is sent to Deepgram and comes of it, on a socket for a whole call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import PatterConnectionError
from patter.vendors.options import Query
from patter.vendors.sockets import decoded
from patter.vendors.speech_session import SpeechLine, SpeechReply, SpeechSession
from patter_deepgram import _socket, _speak
from patter_deepgram._errors import ERRORS, failed

log = logging.getLogger("patter.deepgram")


@attrs.frozen(kw_only=True)
class Voice:
    """Where and how one session speaks; audio that is owed comes within *timeout_ms*."""

    dialect: _speak.Dialect
    base_url: str
    query: Query
    key: str = attrs.field(repr=False)
    timeout_ms: float


@attrs.define(eq=False)
class _Line(SpeechLine):
    """A socket, and what it still takes."""

    budget: _speak.Budget


@attrs.define(eq=False)
class _Reply(SpeechReply):
    """What was sent of one reply and what came of it."""

    errors = ERRORS
    progress: _speak.Progress
    quiet: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    @property
    def owes(self) -> bool:
        return self.progress.owes > 0

    def sent(self, text: str) -> None:
        self.progress.sent(text)
        self.quiet.clear()
        self.news()

    def audio(self, chunk: bytes) -> None:
        self.news()
        self.put(self.progress.audio(chunk))

    def ended(self) -> None:
        """Deepgram has told the end of a sentence."""
        self.news()
        if not self.progress.ended():
            self.fail(
                PatterConnectionError("Deepgram sent no audio for a sentence", fix="try again")
            )
        elif not self.owes:
            self.quiet.set()
            self.settle()

    def close(self) -> None:
        SpeechReply.close(self)
        self.quiet.set()


@attrs.define(eq=False)
class SpeakSession(SpeechSession[_Line, _Reply]):
    """A voice for one call."""

    errors = ERRORS
    _voice: Voice
    _audio: AudioFormat

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[_Line]:
        """A socket that takes what Deepgram's limits allow."""
        voice = self._voice
        url = f"{voice.base_url}{voice.dialect.path}"
        async with _socket.connected(url, voice.query, voice.key, _speak.CLOSE) as socket:
            yield _Line(socket, _speak.Budget(voice.dialect, self.clock.ms()))

    def begin(self) -> _Reply:
        """A reply that Deepgram owes nothing of."""
        progress = _speak.Progress(self._audio.sample_bytes)
        return _Reply(self.clock, self._voice.timeout_ms, progress)

    async def speak(self, reply: _Reply, sentence: str) -> None:
        """Send and flush it, in pieces that Deepgram takes."""
        for piece in _speak.pieces(sentence, self._voice.dialect.longest):
            line = await self._taking(len(piece), reply)
            line.budget.spend(len(piece), self.clock.ms())
            reply.sent(piece)
            await line.socket.send(_speak.speak(piece))
            await line.socket.send(_speak.FLUSH)

    async def _taking(self, letters: int, reply: _Reply) -> _Line:
        """A line that takes so many *letters* more; another one when what is owed is spoken."""
        line = await self.ready()
        if line.budget.takes(letters, self.clock.ms()):
            return line
        if reply.owes:
            await reply.quiet.wait()
        self.drop(line)
        return await self.ready()

    def take(self, line: _Line, message: str | bytes) -> None:
        """Read what Deepgram sends. Raises PatterError for its errors, and for garbage."""
        reply = self.listener(line)
        if isinstance(message, bytes):
            if reply is not None:
                reply.audio(message)
            return
        body, dialect = decoded(message, ERRORS), self._voice.dialect
        kind, (code, words) = str(body.get("type")), _speak.complaint(body)
        if kind == "Error":
            raise failed(code, words)
        if kind == "Warning":
            log.warning("Deepgram warns: %s %s", code, words)
        sign = code if kind == "Warning" else kind
        if sign in dialect.cancelled:
            line.settle()
        elif reply is not None and kind == dialect.ended:
            reply.ended()

    async def leave(self, line: _Line, reply: _Reply) -> None:
        """Have Deepgram stop speaking. Where it cannot be told to, its socket is closed."""
        dialect, progress = self._voice.dialect, reply.progress
        if not reply.owes:
            return
        if dialect.cancels_all or (progress.owes == 1 and progress.heard):
            await self.cancel(line, dialect.cancel, confirmed=True)
        else:
            self.replace(line)
