"""A session that speaks: what is sent to Cartesia and comes of it, on a socket for a whole call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import PatterError
from patter.vendors.speech_session import SpeechLine, SpeechSession
from patter_cartesia import _socket, _sonic
from patter_cartesia._errors import ERRORS
from patter_cartesia._progress import Progress
from patter_cartesia._reply import Reply
from patter_cartesia._sonic import Done, Failed, Speaking
from patter_cartesia._words import letters

PATH = "/tts/websocket"
IDLE_MS = 270_000.0
"""Cartesia closes a socket that was idle for 5 minutes: another one is ready before."""

KEEP_MS = 10_000.0


@attrs.frozen(kw_only=True)
class Voice:
    """Where and how one session speaks; audio that is owed comes within *timeout_ms*."""

    account: _socket.Account
    speaking: Speaking
    timeout_ms: float


@attrs.define(eq=False)
class _Line(SpeechLine):
    """A socket, and when it was last used."""

    used_ms: float


@attrs.define(eq=False)
class SpeakSession(SpeechSession[_Line, Reply]):
    """A voice for one call."""

    errors = ERRORS
    _voice: Voice
    _audio: AudioFormat
    _name: str = attrs.field(factory=lambda: uuid4().hex, init=False)
    _contexts: int = attrs.field(default=0, init=False)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[_Line]:
        """A socket without contexts."""
        async with _socket.connected(self._voice.account, PATH) as socket:
            line = _Line(socket, self.clock.ms())
            self.work(self._keep(line))
            yield line

    def begin(self) -> Reply:
        """A reply that has no context."""
        return Reply(self.clock, self._voice.timeout_ms, Progress(self._audio))

    async def speak(self, reply: Reply, sentence: str) -> None:
        """Send and flush it, in the reply's context while it lives, else in another one."""
        sentence = sentence.strip()
        # Sonic refuses a text in which there is nothing to be heard.
        if letters(sentence):
            async with reply.turn:
                await self._speak(reply, sentence)

    async def finish(self, reply: Reply) -> None:
        """There is no further sentence: the context is ended, so that it does not count."""
        async with reply.turn:
            if reply.fresh and self.line is not None:
                reply.ended = True
                await self.line.socket.send(self._voice.speaking.end(reply.context))
            reply.last()

    def take(self, line: _Line, message: str | bytes) -> None:
        """Read what Cartesia sends. Raises PatterError for garbage."""
        line.used_ms = self.clock.ms()
        news, reply = _sonic.decode(message, self._voice.account.key), self.listener(line)
        if news is not None and reply is not None and reply.context:
            self._hear(reply, news)

    async def leave(self, line: _Line, reply: Reply) -> None:
        """Have Cartesia make no more audio of it."""
        if reply.context and reply.busy:
            await self.cancel(line, _sonic.cancel(reply.context), confirmed=False)

    async def _speak(self, reply: Reply, sentence: str) -> None:
        line, speaking = await self.ready(), self._voice.speaking
        if not reply.fresh:
            self._contexts += 1
            reply.begin(f"{self._name}-{self._contexts}")
        reply.sent(sentence)
        line.used_ms = self.clock.ms()
        # Texts are joined as they are: the space is between this one and the next.
        await line.socket.send(speaking.text(reply.context, f"{sentence} "))
        await line.socket.send(speaking.flush(reply.context))

    async def _again(self, reply: Reply, sentences: list[str]) -> None:
        """Say in another context what was sent too late for the one that has expired."""
        try:
            async with reply.turn:
                for sentence in sentences:
                    await self._speak(reply, sentence)
            reply.repeated()
            if reply.complete:
                await self.finish(reply)
        except PatterError as error:
            reply.fail(error)

    def _hear(self, reply: Reply, news: _sonic.Message) -> None:
        """Give *news* to the reply; what is of another context is of one that was left."""
        again = list[str]()
        if isinstance(news, Failed):
            if news.context in (reply.context, ""):
                again = reply.failed(news.error)
        elif news.context == reply.context:
            again = reply.done() if isinstance(news, Done) else reply.take(news)
        if again:
            self.work(self._again(reply, again))

    async def _keep(self, line: _Line) -> None:
        """Replace *line* before it has been idle for too long."""
        while self.reply is not None or self.clock.ms() - line.used_ms < IDLE_MS:
            await self.clock.sleep(KEEP_MS)
        self.replace(line)
