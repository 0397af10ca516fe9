"""How loud audio is, block by block, in any encoding: a few microseconds for 20 ms."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from patter.audio.formats import AudioFormat, Encoding
from patter.audio.g711 import ALAW_VALUES, MULAW_VALUES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_VALUES = {Encoding.MULAW: MULAW_VALUES, Encoding.ALAW: ALAW_VALUES}


def powers(audio: bytes, form: AudioFormat, block_ms: float) -> list[float]:
    """The mean square of each block of *block_ms* in *audio*; 1.0 is full scale.

    The last block may be shorter; half a sample at the end is left out.
    """
    import numpy as np

    squares = _squares(audio, form)
    if not len(squares):
        return []
    size = max(1, form.bytes_in(block_ms) // form.sample_bytes)
    if len(squares) <= size:
        return [float(np.add.reduce(squares)) / len(squares)]
    starts = np.arange(0, len(squares), size)
    sizes = np.minimum(size, len(squares) - starts)
    blocks: list[float] = (np.add.reduceat(squares, starts) / sizes).tolist()
    return blocks


def _squares(audio: bytes, form: AudioFormat) -> NDArray[np.float32]:
    """The square of each sample; 1.0 is full scale."""
    import numpy as np

    if form.encoding is not Encoding.PCM16:
        return _table(form.encoding).take(np.frombuffer(audio, np.uint8))
    samples = np.frombuffer(audio, "<i2", len(audio) // 2).astype(np.float32)
    samples *= np.float32(1 / 32768)
    samples *= samples
    return samples


@cache
def _table(encoding: Encoding) -> NDArray[np.float32]:
    """The square of each code of G.711."""
    import numpy as np

    return np.square(np.array(_VALUES[encoding]) / 32768).astype(np.float32)
