"""Reads a file of sound, whole, as mono PCM16. Setup work: it blocks, and no call waits for it.

WAV with 16-bit samples or G.711 is read here. Everything else (OGG, FLAC, MP3, other widths) is
read by the package soundfile, where it is installed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from patter.audio import g711
from patter.errors import NotInstalled, PatterConfigError

LONGEST_S = 600
"""A longer file takes more memory than an ambience is worth: 58 MB at 48 kHz."""
_PCM, _ALAW, _MULAW, _EXTENSIBLE = 1, 6, 7, 0xFFFE
_DECODERS: dict[tuple[int, int], Callable[[bytes], bytes]] = {
    (_PCM, 16): lambda data: data[: len(data) & ~1],
    (_ALAW, 8): g711.alaw_to_pcm16,
    (_MULAW, 8): g711.mulaw_to_pcm16,
}


@attrs.frozen
class Sound:
    """Mono *pcm*, 16-bit little-endian, *rate_hz* samples a second; at least one sample."""

    pcm: bytes = attrs.field(repr=False)
    rate_hz: int

    @property
    def duration_ms(self) -> float:
        return len(self.pcm) * 500 / self.rate_hz


def read_sound(path: Path) -> Sound:
    """All of the file *path*, several channels as their mean.

    Read once; a file that changes later is not read again while the process lives. Raises
    PatterConfigError when it cannot be read, is empty, or lasts longer than ten minutes, and
    NotInstalled when only soundfile could read it.
    """
    return _read(path)


# As many as an application plays; each is read again when it is pushed out.
@lru_cache(maxsize=64)
def _read(path: Path) -> Sound:
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise PatterConfigError(
            f"the sound {str(path)!r} cannot be read: {exc.strerror}",
            fix="name a file that exists and may be read",
        ) from exc
    sound = _wav(data) or _by_soundfile(path)
    if not sound.pcm:
        raise PatterConfigError(f"the sound {str(path)!r} is empty", fix="name another file")
    if sound.duration_ms > LONGEST_S * 1_000:
        raise PatterConfigError(
            f"the sound {str(path)!r} lasts {sound.duration_ms / 1_000:.0f} s",
            fix=f"cut it to {LONGEST_S} s, and let it loop",
        )
    return sound


def _wav(data: bytes) -> Sound | None:
    """The sound of a WAV file that needs no other package; None for anything else."""
    chunks = dict(_chunks(data)) if data[:4] == b"RIFF" and data[8:12] == b"WAVE" else {}
    form, body = chunks.get(b"fmt ", b""), chunks.get(b"data")
    if len(form) < 16 or body is None:
        return None
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", form)
    if tag == _EXTENSIBLE and len(form) >= 26:
        (tag,) = struct.unpack_from("<H", form, 24)
    decode = _DECODERS.get((tag, bits))
    if decode is None or not channels or not rate_hz:
        return None
    return Sound(_mono(decode(body), channels), rate_hz)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each chunk; one that is cut short has what there is."""
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        yield name, data[at + 8 : at + 8 + size]
        # Chunks begin at even places.
        at += 8 + size + size % 2


def _mono(pcm: bytes, channels: int) -> bytes:
    if channels == 1:
        return pcm
    import numpy as np

    frames = len(pcm) // (2 * channels)
    samples = np.frombuffer(pcm, "<i2", frames * channels).reshape(frames, channels)
    mean: bytes = np.rint(samples.mean(axis=1)).astype("<i2").tobytes()
    return mean


def _by_soundfile(path: Path) -> Sound:
    try:
        soundfile: Any = import_module("soundfile")
    except ImportError as exc:
        raise NotInstalled(
            f"reading {str(path)!r} needs the package soundfile",
            fix="pip install soundfile, or name a WAV file with 16-bit samples",
        ) from exc
    try:
        samples: Any
        samples, rate_hz = soundfile.read(str(path), dtype="int16", always_2d=True)
    except Exception as exc:
        raise PatterConfigError(
            f"{str(path)!r} is not a sound that soundfile can read",
            fix="name a WAV, OGG, FLAC or MP3 file",
        ) from exc
    return Sound(_mono(samples.astype("<i2").tobytes(), samples.shape[1]), rate_hz)
