"""The recording of a call: a stereo WAV, caller left, agent right, on the call's clock.

Taking audio appends to a bounded queue; decoding and writing happen on the writing thread.
The agent's side holds what was played: what a barge-in cut off is silence.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import attrs

from patter.audio.convert import converter
from patter.audio.fit import chain
from patter.audio.formats import PCM16_8K, AudioFormat
from patter.observe.file_writer import FILE_WRITER, FileWriter, WriteQueue
from patter.observe.log_root import FILE_MODE, make_private
from patter.observe.timeline import Side, Timeline

if TYPE_CHECKING:
    import numpy as np

NAME = "call.wav"
# Half a minute of 20 ms pieces from both sides, for a disk that stalls.
PIECES_WAITING = 3_000
HEADER_BYTES, FRAME_BYTES = 44, 4
QUIET = 300
"""A peak below this, of 32768, is no voice: 41 dB below full scale."""
CLOSE_S = 5.0
BINARY = getattr(os, "O_BINARY", 0)
"""On Windows, bytes are only written as they are when that is asked for."""


@attrs.frozen
class _Piece:
    side: Side
    at_ms: float
    audio: bytes | None


@attrs.define(eq=False)
class WavRecorder:
    """Records one call into *path*; the file is a complete WAV at any moment.

    *rate_hz* is 8000 or 16000. Audio is PCM16 little-endian at that rate; any other is turned
    into it on the writing thread by the functions of *decoder*, which is called once a side.
    *at_ms* is on the call's clock: when the caller spoke, and when the agent's audio is
    played, which may lie ahead. Pieces of one side come in order. What exists at *path* already
    stays as it is, and nothing is recorded.
    """

    path: Path
    rate_hz: int = attrs.field(default=8_000, validator=attrs.validators.in_((8_000, 16_000)))
    decoder: Callable[[], Callable[[bytes], bytes]] | None = None
    file_writer: FileWriter = FILE_WRITER
    _queue: WriteQueue[_Piece] = attrs.field(init=False)
    _timeline: Timeline = attrs.field(init=False)
    _decode: dict[Side, Callable[[bytes], bytes]] = attrs.field(factory=dict, init=False)
    _file: BinaryIO | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._timeline = Timeline(self.rate_hz)
        if self.decoder:
            self._decode = {side: self.decoder() for side in Side}
        self._queue = self.file_writer.queue(
            self._write, self._close, PIECES_WAITING, self._release
        )

    def caller(self, at_ms: float, audio: bytes) -> None:
        """What the caller said, from *at_ms* on."""
        self._queue.put(_Piece(Side.CALLER, at_ms, audio))

    def agent(self, at_ms: float, audio: bytes) -> None:
        """What the caller hears of the agent, from *at_ms* on."""
        self._queue.put(_Piece(Side.AGENT, at_ms, audio))

    def agent_cut(self, at_ms: float) -> None:
        """Nothing of the agent's audio from *at_ms* on is played after all."""
        self._queue.put(_Piece(Side.AGENT, at_ms, None))

    @property
    def dropped(self) -> int:
        """Pieces that found no room; the recording is silent there."""
        return self._queue.dropped

    async def finish(self, within_s: float = CLOSE_S) -> bool:
        """Complete the file; False when the disk took longer (it goes on meanwhile)."""
        return await self.file_writer.finish(self._queue, within_s)

    def join(self, within_s: float = CLOSE_S) -> None:
        """Wait, blocking, until the file is complete. Raises TimeoutError."""
        self.file_writer.end(self._queue)
        self._queue.done.result(within_s)

    def _write(self, pieces: list[_Piece]) -> None:
        import numpy as np

        file = self._file or self._open()
        for piece in pieces:
            if piece.audio is None:
                start, stop = self._timeline.cut(piece.side, piece.at_ms)
                _overlay(file, piece.side, start, np.zeros(stop - start, "<i2"))
            else:
                self._place(file, piece.side, piece.at_ms, piece.audio)
        # After every batch: a killed process then leaves a file that plays.
        self._describe(file)

    def _place(self, file: BinaryIO, side: Side, at_ms: float, audio: bytes) -> None:
        import numpy as np

        pcm = self._decode[side](audio) if self._decode else audio
        # frombuffer refuses bytes that end inside a sample.
        samples = np.frombuffer(pcm, "<i2", count=len(pcm) // 2)
        if side is Side.CALLER and _is_quiet(samples):
            # A line that was held up brings all at once what it has, and would stay behind its
            # clock for the rest of the call: in the caller's pauses the recording catches up.
            samples = samples[self._timeline.lag(side, at_ms) :]
        start = self._timeline.put(side, at_ms, len(samples))
        if start is not None:
            _overlay(file, side, start, samples)

    def _describe(self, file: BinaryIO) -> None:
        size = self._timeline.length * FRAME_BYTES
        # Lengthens, too: what no piece has covered becomes zeros, which is silence.
        file.truncate(HEADER_BYTES + size)
        file.seek(0)
        file.write(wav_header(self.rate_hz, size))
        file.flush()

    def _open(self) -> BinaryIO:
        make_private(self.path.parent)
        # open() alone would create it as the umask says, often readable by others; and O_EXCL
        # rather than another's recording.
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | BINARY, FILE_MODE)
        self._file = os.fdopen(file, "w+b")
        return self._file

    def _close(self) -> None:
        file = self._file or self._open()
        self._describe(file)
        file.close()

    def _release(self) -> None:
        if self._file is not None:
            # What it still holds may find no room either, as was logged; closed it is all the same.
            with suppress(OSError):
                self._file.close()


def _is_quiet(samples: np.ndarray) -> bool:
    return not len(samples) or int(abs(samples.astype("<i4")).max()) < QUIET


def wav_header(rate_hz: int, size: int) -> bytes:
    """The 44 bytes before *size* bytes of stereo PCM16 (RIFF WAVE, format tag 1)."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + size,
        b"WAVE",
        b"fmt ",
        16,
        1,
        2,
        rate_hz,
        rate_hz * FRAME_BYTES,
        FRAME_BYTES,
        16,
        b"data",
        size,
    )


def _overlay(file: BinaryIO, side: Side, start: int, samples: np.ndarray) -> None:
    """Write *samples* into one channel; the other keeps what it has, or silence."""
    import numpy as np

    if not len(samples):
        return
    file.seek(HEADER_BYTES + start * FRAME_BYTES)
    there = np.frombuffer(file.read(len(samples) * FRAME_BYTES), "<i2")
    frames = np.zeros((len(samples), 2), "<i2")
    frames.reshape(-1)[: len(there)] = there
    frames[:, side] = samples
    file.seek(HEADER_BYTES + start * FRAME_BYTES)
    file.write(frames.tobytes())


def call_recorder(path: Path | None, audio: AudioFormat) -> WavRecorder | None:
    """What records a call whose line speaks *audio* into *path*; None without a path."""
    if path is None:
        return None
    steps = chain(audio, PCM16_8K)
    return WavRecorder(path, 8_000, lambda: converter(steps).feed)
