"""A session that speaks: what is sent to LMNT and comes of it, on a socket for a whole call.

A reply that is cut off is reset at LMNT. What a reset does to text that was flushed already is not
documented, so it is believed as far as it is seen: a socket that does not confirm in time, or that
speaks on, is closed, and after that all others are, instead of being reset.
"""

from __future__ import annotations

import logging
from contextlib import AbstractAsyncContextManager

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import PatterConnectionError
from patter.vendors.speech_session import SpeechSession
from patter_lmnt import _wire
from patter_lmnt._errors import ERRORS
from patter_lmnt._line import Line, connected
from patter_lmnt._options import letters, pieces
from patter_lmnt._progress import Progress
from patter_lmnt._reply import Reply
from patter_lmnt._wav import WavHeader

log = logging.getLogger("patter.lmnt")


@attrs.frozen(kw_only=True)
class Voice:
    """Where and how one session speaks; audio that is owed comes within *timeout_ms*."""

    base_url: str
    init: str = attrs.field(repr=False)
    key: str = attrs.field(repr=False)
    timeout_ms: float


@attrs.define(eq=False)
class LMNTSpeechSession(SpeechSession[Line, Reply]):
    """A voice for one call."""

    errors = ERRORS
    _voice: Voice
    _audio: AudioFormat
    _resets: bool = attrs.field(default=True, init=False)

    def connect(self) -> AbstractAsyncContextManager[Line]:
        """A socket that was introduced, and on which nothing is spoken."""
        return connected(self._voice.base_url, self._voice.init, self._voice.key)

    def begin(self) -> Reply:
        """A reply that LMNT owes nothing of."""
        return Reply(self.clock, self._voice.timeout_ms, Progress(self._audio))

    async def speak(self, reply: Reply, sentence: str) -> None:
        """Send and flush it, in pieces that LMNT takes."""
        for piece in filter(letters, pieces(sentence)):
            line = await self.ready()
            nonce = line.count()
            reply.sent(piece, nonce)
            await line.speak(piece, nonce)

    def take(self, line: Line, message: str | bytes) -> None:
        """Read what LMNT sends. Raises PatterError for its errors, and for garbage."""
        if isinstance(message, bytes):
            self._hear(line, message)
            return
        news = _wire.decode(message, self._voice.key)
        if news.kind == _wire.RESET and news.nonce == line.resetting:
            line.settle()
        elif news.kind == _wire.FLUSHED and news.nonce in line.stale:
            self._spoke_on(line)
        elif (reply := self.listener(line)) is not None:
            if news.kind == _wire.TIMESTAMPS:
                reply.time(news.tokens)
            elif news.kind == _wire.FLUSHED:
                line.header = WavHeader()
                reply.flushed(news.nonce)

    def _hear(self, line: Line, chunk: bytes) -> None:
        reply = self.listener(line)
        if reply is not None and reply.owes:
            if audio := line.header.strip(chunk):
                reply.hear(audio)
        elif line.stale:
            self._spoke_on(line)

    def _spoke_on(self, line: Line) -> None:
        """LMNT speaks what it was to forget. Before it has confirmed that is to be expected."""
        if line.resetting or line is not self.line:
            return
        log.warning("LMNT went on with a reply that was reset; sockets are closed instead")
        self._resets = False
        if (reply := self.listener(line)) is not None:
            # What was heard may have been the other reply's.
            reply.lose(PatterConnectionError("LMNT mixed two replies", fix="try again"))
        self.replace(line)

    async def leave(self, line: Line, reply: Reply) -> None:
        """Have LMNT stop speaking. Where it may not be able to, its socket is closed."""
        if reply.owes and self._resets:
            await self.cancel(line, line.reset(reply.progress.nonces), confirmed=True)
        elif reply.owes:
            self.replace(line)
