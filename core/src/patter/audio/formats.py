"""What a stretch of audio bytes means. Always one channel; PCM is little-endian."""

from __future__ import annotations

from enum import StrEnum

import attrs


class Encoding(StrEnum):
    """How one sample is written down."""

    MULAW = "mulaw"
    ALAW = "alaw"
    PCM16 = "pcm16"


@attrs.frozen
class AudioFormat:
    """An encoding at *rate_hz* samples a second, mono.

    >>> str(MULAW_8K), MULAW_8K.bytes_per_ms, PCM16_16K.bytes_in(20)
    ('mulaw/8k', 8, 640)
    """

    encoding: Encoding = attrs.field(converter=Encoding)
    rate_hz: int = attrs.field(validator=[attrs.validators.ge(1_000), attrs.validators.le(192_000)])

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample: 1 for G.711, 2 for PCM16."""
        return 2 if self.encoding is Encoding.PCM16 else 1

    @property
    def bytes_per_ms(self) -> float:
        """Bytes of one millisecond; a whole number at whole kilohertz."""
        exact = self.rate_hz * self.sample_bytes / 1_000
        return int(exact) if exact.is_integer() else exact

    @property
    def silence(self) -> bytes:
        """One sample of nothing."""
        return {Encoding.MULAW: b"\xff", Encoding.ALAW: b"\xd5"}.get(self.encoding, b"\0\0")

    def bytes_in(self, ms: float) -> int:
        """Bytes of *ms* milliseconds, whole samples."""
        return int(ms * self.rate_hz / 1_000) * self.sample_bytes

    def ms_in(self, size: int) -> float:
        """Milliseconds that *size* bytes last."""
        return size * 1_000 / (self.rate_hz * self.sample_bytes)

    def __str__(self) -> str:
        return f"{self.encoding.value}/{self.rate_hz / 1_000:g}k"


MULAW_8K = AudioFormat(Encoding.MULAW, 8_000)
ALAW_8K = AudioFormat(Encoding.ALAW, 8_000)
PCM16_8K = AudioFormat(Encoding.PCM16, 8_000)
PCM16_16K = AudioFormat(Encoding.PCM16, 16_000)
PCM16_24K = AudioFormat(Encoding.PCM16, 24_000)
