"""Recognition by files: what was said between two pauses is transcribed at the second."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import attrs

from patter.audio.formats import AudioFormat
from patter.audio.level import powers
from patter.errors import PatterConnectionError, PatterError
from patter.providers.stt import STTEvent, Transcript, Word
from patter.vendors.errors import VendorErrors
from patter.vendors.events import SessionEvents
from patter.vendors.reply_stream import UNREADABLE

BLOCK_MS = 10

PENDING = 16
"""How many files may wait for the one before; with more the vendor is too slow for a call."""

VOUCH_S = 1.0


@attrs.frozen
class Clip:
    """What was said between two cuts, and where in all audio, in milliseconds.

    Without a voice *sound* is empty. *anchors* (in *sound*, in all audio) follow left out silence.
    """

    sound: bytes = attrs.field(repr=False)
    start_ms: int
    end_ms: int
    anchors: tuple[tuple[float, float], ...] = ()

    def position_ms(self, at_ms: float) -> int:
        """Where in all audio *at_ms* of *sound* lie, from its start to its end.

        >>> Clip(b"", 0, 900, ((0, 100), (200, 700))).position_ms(250)
        750
        """
        before = (each for each in self.anchors if each[0] <= at_ms)
        here, there = max(before, default=(0.0, self.start_ms))
        return max(self.start_ms, min(int(there + at_ms - here), self.end_ms))


class Clips(Protocol):
    """Keeps, of the audio that it is fed, what is worth a file; `cut` begins anew."""

    @property
    def kept_ms(self) -> float: ...

    def feed(self, audio: bytes) -> None: ...

    def cut(self) -> Clip: ...


@attrs.define(eq=False)
class VoiceBlocks:
    """Cuts audio into blocks of `BLOCK_MS`; louder than *floor_db* of full scale is a voice."""

    audio: AudioFormat
    floor_db: float
    rest: bytes = attrs.field(default=b"", init=False, repr=False)

    def feed(self, audio: bytes) -> list[tuple[bytes, bool]]:
        """The blocks that *audio*, cut anywhere, completes, and whether each has a voice."""
        self.rest += audio
        size, least = self.audio.bytes_in(BLOCK_MS), 10 ** (self.floor_db / 10)
        whole = len(self.rest) // size * size
        blocks, self.rest = self.rest[:whole], self.rest[whole:]
        loud = [power > least for power in powers(blocks, self.audio, BLOCK_MS)]
        return [(blocks[at * size : (at + 1) * size], voice) for at, voice in enumerate(loud)]


@attrs.define(eq=False)
class FileSession:
    """One caller's audio, kept until it is worth a file: at a pause, or after *most_s*.

    *transcribe* is asked for one clip after the other. Before, *check* may tell within `VOUCH_S`
    that key or model are refused; that opens the connection, too.
    """

    _errors: VendorErrors
    _clips: Clips
    _most_s: float
    _check: Callable[[], Awaitable[object]]
    _transcribe: Callable[[Clip], Awaitable[Transcript]]
    _files: asyncio.Queue[Clip] = attrs.field(
        factory=lambda: asyncio.Queue(PENDING), init=False, repr=False
    )
    _events: SessionEvents[STTEvent] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._events = SessionEvents(self._errors.vendor)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[FileSession]:
        """Listen while inside."""
        async with self._events.working(self._work):
            yield self

    async def send(self, audio: bytes) -> None:
        """Keep what is louder than silence. Raises PatterError when a file has failed."""
        self._events.check_open()
        self._clips.feed(audio)
        if self._clips.kept_ms > self._most_s * 1_000:
            self._cut()

    async def finalize(self) -> None:
        """Transcribe what was said since the last pause; an empty final if nothing was."""
        self._events.check_open()
        self._cut()

    def __aiter__(self) -> AsyncIterator[STTEvent]:
        return aiter(self._events)

    async def deliver(self, receive: Callable[[STTEvent], object]) -> None:
        """As iterating, without a turn of the loop between the socket and *receive*."""
        await self._events.deliver(receive)

    async def _work(self) -> None:
        await self._vouch()
        while True:
            clip = await self._files.get()
            silent = Transcript("", final=True, end_ms=clip.end_ms)
            self._events.put(await self._transcribe(clip) if clip.sound else silent)

    def _cut(self) -> None:
        try:
            self._files.put_nowait(self._clips.cut())
        except asyncio.QueueFull:
            raise PatterConnectionError(
                f"{self._errors.vendor} transcribes slower than is spoken",
                fix=f"see {self._errors.status_page}",
            ) from None

    async def _vouch(self) -> None:
        """What may pass is left to the first file."""
        try:
            async with asyncio.timeout(VOUCH_S):
                await self._check()
        except TimeoutError:
            return
        except PatterError as failure:
            if not failure.passing:
                raise


def wav(sound: bytes, audio: AudioFormat) -> bytes:
    """*sound*, linear and of one channel, as a file.

    >>> from patter.audio.formats import PCM16_8K
    >>> len(wav(bytes(320), PCM16_8K))
    364
    """
    rate, size = audio.rate_hz, len(sound)
    head = struct.pack("<4sI8sIHHII", b"RIFF", 36 + size, b"WAVEfmt ", 16, 1, 1, rate, rate * 2)
    return head + struct.pack("<HH4sI", 2, 16, b"data", size) + sound


def transcript(body: Any, clip: Clip, errors: VendorErrors) -> Transcript:
    """The words of *clip* in *body*, whose times never run back. Raises PatterError for garbage."""
    try:
        text, words, latest = body["text"].strip(), list[Word](), clip.start_ms
        for each in body.get("words") or ():
            start = max(latest, clip.position_ms(float(each["start"]) * 1_000))
            latest = max(start, clip.position_ms(float(each["end"]) * 1_000))
            words.append(Word(str(each["word"]).strip(), start, latest))
    except UNREADABLE:
        raise errors.garbled(type(body).__name__) from None
    return Transcript(text, final=True, end_ms=clip.end_ms, words=tuple(words))
