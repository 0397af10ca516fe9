"""Mono PCM16 in one go and in streams, for applications that convert audio outside a call.

A call itself converts by `patter.audio.convert`. Everything here is little-endian, and the streams
take pieces that end inside a sample.
"""

from __future__ import annotations

from functools import partial

import attrs

from patter.audio.mix import mix
from patter.audio.resample import Resampler, resample
from patter.errors import PatterConfigError


def resample_pcm(pcm: bytes, source_hz: int, sink_hz: int) -> bytes:
    """All of *pcm* at another rate; half a sample at its end is dropped."""
    return resample(pcm[: len(pcm) & ~1], source_hz, sink_hz)


def resample_8k_to_16k(pcm: bytes) -> bytes:
    """All of *pcm*, at 8 kHz, at 16 kHz."""
    return resample_pcm(pcm, 8_000, 16_000)


def resample_16k_to_8k(pcm: bytes) -> bytes:
    """All of *pcm*, at 16 kHz, at 8 kHz."""
    return resample_pcm(pcm, 16_000, 8_000)


def resample_24k_to_16k(pcm: bytes) -> bytes:
    """All of *pcm*, at 24 kHz, at 16 kHz."""
    return resample_pcm(pcm, 24_000, 16_000)


@attrs.define(eq=False)
class PcmCarry:
    """Makes whole samples of *sample_width* bytes out of pieces that end anywhere."""

    sample_width: int = attrs.field(default=2, validator=attrs.validators.ge(1))
    _rest: bytes = attrs.field(default=b"", init=False)

    def feed(self, piece: bytes) -> bytes:
        """The whole samples there are now; what is left over comes with the next piece."""
        pcm = self._rest + piece if self._rest else piece
        whole = len(pcm) - len(pcm) % self.sample_width
        self._rest = pcm[whole:]
        return pcm[:whole]

    def flush(self) -> bytes:
        """The bytes that are no sample yet; they are forgotten."""
        rest, self._rest = self._rest, b""
        return rest

    def reset(self) -> None:
        """Forget them."""
        self._rest = b""

    def align(self, piece: bytes) -> bytes:
        """*piece* without the bytes that are no whole sample, and without carrying any."""
        return piece[: len(piece) - len(piece) % self.sample_width]


@attrs.define(eq=False)
class StatefulResampler:
    """One stream from *src* to *dst* samples a second: any pieces give the bytes of the whole.

    It holds back 10 to 30 ms. Raises PatterConfigError, a ValueError, for anything but one
    channel of 16 bits.
    """

    src: int
    dst: int
    channels: int = 1
    sample_width: int = 2
    _carry: PcmCarry = attrs.field(factory=PcmCarry, init=False)
    _stream: Resampler | None = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        if (self.channels, self.sample_width) != (1, 2):
            raise PatterConfigError(
                f"{self.channels} channels of {self.sample_width} bytes cannot be resampled",
                fix="use channels=1 and sample_width=2: telephones have one channel of PCM16",
            )
        self._stream = None if self.src == self.dst else Resampler(self.src, self.dst)

    def process(self, piece: bytes) -> bytes:
        """What is ready at the new rate once *piece* is there, perhaps nothing."""
        pcm = self._carry.feed(piece)
        return pcm if self._stream is None else self._stream.feed(pcm)

    def flush(self) -> bytes:
        """What was held back; another stream may begin."""
        self._carry.reset()
        return b"" if self._stream is None else self._stream.flush()

    def reset(self) -> None:
        """Drop what was held back; another stream may begin."""
        self.flush()


create_resampler_8k_to_16k = partial(StatefulResampler, 8_000, 16_000)
create_resampler_16k_to_8k = partial(StatefulResampler, 16_000, 8_000)
create_resampler_24k_to_16k = partial(StatefulResampler, 24_000, 16_000)
create_resampler_24k_to_8k = partial(StatefulResampler, 24_000, 8_000)


def mix_pcm(agent: bytes, bg: bytes, ratio: float) -> bytes:
    """*agent* plus *bg* times *ratio*, rounded, clipped at full scale; as long as *agent*.

    Half a sample at an end is dropped.
    """
    return mix(agent[: len(agent) & ~1], bg[: len(bg) & ~1], ratio)


@attrs.frozen
class PcmMixer:
    """Mixes with the same *ratio* every time."""

    ratio: float = 0.1

    def mix(self, agent: bytes, bg: bytes) -> bytes:
        """See `mix_pcm`."""
        return mix_pcm(agent, bg, self.ratio)
