"""PCM16 from one sample rate to another, as a stream.

soxr does the work, in its variable-rate engine: the default one computes in blocks and would
hand out telephone audio in bursts of 20 to 130 ms, this one holds back 10 to 30 ms and never
more. Samples are floats inside, without dither, so any chunking gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from soxr import ResampleStream  # type: ignore[import-untyped]


def _stream(source_hz: int, sink_hz: int) -> ResampleStream:
    from soxr import ResampleStream

    return ResampleStream(source_hz, sink_hz, 1, dtype="float32", quality="HQ", vr=True)


@attrs.define(eq=False)
class Resampler:
    """One stream of mono PCM16 on its way from *source_hz* to *sink_hz*.

    Flat within 0.5 dB up to 85 % of the lower Nyquist frequency; what lies above the lower
    Nyquist frequency is 80 dB down.
    """

    source_hz: int
    sink_hz: int
    _engine: ResampleStream = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._engine = _stream(self.source_hz, self.sink_hz)

    def feed(self, audio: bytes) -> bytes:
        """Take whole samples; return what is ready, perhaps nothing.

        Raises ValueError when *audio* ends inside a sample.
        """
        import numpy as np

        samples = np.frombuffer(audio, "<i2").astype(np.float32)
        return _pcm16(self._engine.resample_chunk(samples)) if len(samples) else b""

    def flush(self) -> bytes:
        """Return what was held back, and be ready for another stream."""
        import numpy as np

        rest = _pcm16(self._engine.resample_chunk(np.zeros(0, np.float32), last=True))
        self._engine.clear()
        return rest


def resample(pcm: bytes, source_hz: int, sink_hz: int) -> bytes:
    """All of *pcm* at another rate, in one go."""
    if source_hz == sink_hz:
        return pcm
    stream = Resampler(source_hz, sink_hz)
    return stream.feed(pcm) + stream.flush()


def _pcm16(samples: NDArray[np.float32]) -> bytes:
    import numpy as np

    # The filter overshoots at steep edges: full scale may come out as more than that.
    return np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()
