"""The outline of a recording: how loud each piece of it is, computed once and kept beside it.

An hour is a hundred megabytes; nobody draws more than a few thousand points of it. Blocks.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, BinaryIO

import attrs
import numpy as np
from numpy.typing import NDArray

from patter.errors import InputError
from patter.observe.log_root import FILE_MODE

POINTS = 4_000
LEAST = 100
NAME = ".peaks.1"
"""Of the file beside the recording; `patter calls erase` removes it with it."""
HEADER_BYTES = 44
FULL = 32_768


@attrs.frozen
class Format:
    """Of a WAV as Patter writes it: PCM16."""

    rate_hz: int
    channels: int
    frames: int
    bytes: int

    @property
    def duration_ms(self) -> int:
        """How long it is."""
        return round(self.frames * 1_000 / self.rate_hz) if self.rate_hz else 0


def format_of(wav: Path) -> Format:
    """The format of *wav*. Raises InputError when it is none of ours."""
    with wav.open("rb") as file:
        head = file.read(HEADER_BYTES)
    size = wav.stat().st_size
    channels, rate_hz = int.from_bytes(head[22:24], "little"), int.from_bytes(head[24:28], "little")
    if head[:4] != b"RIFF" or head[34:36] != b"\x10\x00" or channels not in (1, 2) or not rate_hz:
        raise InputError(
            f"{wav} is not a recording of Patter's", fix="play it with another program"
        )
    frames = max(0, size - HEADER_BYTES) // (2 * channels)
    return Format(rate_hz, channels, frames, size)


def peaks(wav: Path, points: int) -> dict[str, Any]:
    """*points* peaks of each side, in percent of full scale; at most as many as there are frames.

    Raises InputError.
    """
    form = format_of(wav)
    kept = _kept(wav, form)
    if kept is None:
        kept = _computed(wav, form)
        _keep(wav, form, kept)
    each = _reduced(kept, max(1, min(points, kept.shape[1])))
    caller, agent = each[0].tolist(), each[-1].tolist()
    return {"n": len(caller), "duration_ms": form.duration_ms, "caller": caller, "agent": agent}


def _computed(wav: Path, form: Format) -> NDArray[np.uint8]:
    """The greatest level of each of `POINTS` pieces, by channel."""
    points = max(1, min(POINTS, form.frames))
    peaks = np.zeros((form.channels, points), np.uint8)
    edges = np.linspace(0, form.frames, points + 1).astype(np.int64)
    with wav.open("rb") as file:
        for first in range(0, points, 100):
            last = min(points, first + 100)
            block = _frames(file, form, int(edges[first]), int(edges[last]))
            if not len(block):
                continue
            starts = np.minimum(edges[first:last] - edges[first], len(block) - 1)
            for channel in range(form.channels):
                side = np.ascontiguousarray(block[:, channel])
                # As int32: the absolute value of -32768 does not fit into 16 bits.
                low = np.minimum.reduceat(side, starts).astype(np.int32)
                most = np.maximum(np.maximum.reduceat(side, starts), -low)
                peaks[channel, first:last] = np.ceil(most * 100 / FULL)
    return peaks


def _frames(file: BinaryIO, form: Format, first: int, last: int) -> NDArray[np.int16]:
    width = 2 * form.channels
    file.seek(HEADER_BYTES + first * width)
    raw = file.read((last - first) * width)
    raw = raw[: len(raw) // width * width]
    return np.frombuffer(raw, "<i2").reshape(-1, form.channels)


def _reduced(kept: NDArray[np.uint8], points: int) -> NDArray[np.uint8]:
    edges = np.linspace(0, kept.shape[1], points + 1).astype(np.int64)[:-1]
    reduced: NDArray[np.uint8] = np.maximum.reduceat(kept, edges, axis=1)
    return reduced


def _kept(wav: Path, form: Format) -> NDArray[np.uint8] | None:
    """What was computed before of a recording of this length."""
    with suppress(OSError):
        body = wav.with_name(NAME).read_bytes()
        if body[:8] == form.bytes.to_bytes(8, "little") and len(body) > 8:
            return np.frombuffer(body[8:], np.uint8).reshape(form.channels, -1)
    return None


def _keep(wav: Path, form: Format, peaks: NDArray[np.uint8]) -> None:
    path = wav.with_name(NAME)
    draft = path.with_name(f"{NAME}.{token_hex(8)}")
    # A disk that takes nothing costs only that it is computed again.
    with suppress(OSError):
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(file, "wb") as writing:
            writing.write(form.bytes.to_bytes(8, "little") + peaks.tobytes())
        draft.replace(path)
