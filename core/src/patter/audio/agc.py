"""Makes callers equally loud: automatic gain control of what they say, and of nothing else."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import PatterConfigError, PatterTypeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Reals: TypeAlias = NDArray[np.float64]

BLOCK_MS = 10
LEVEL_MS = 400.0
"""Loudness is that of some syllables, not of a vowel: else all speech would come out too soft."""
_LIMITS = {
    "target_rms_dbfs": (-60.0, 0.0),
    "max_gain_db": (0.0, 60.0),
    "speech_floor_dbfs": (-90.0, 0.0),
    "attack_ms": (1.0, 10_000.0),
    "release_ms": (1.0, 10_000.0),
    "limiter_ceiling": (0.01, 1.0),
}


def _in_range(_: object, attribute: attrs.Attribute[float], value: object) -> None:
    least, most = _LIMITS[attribute.name]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not least <= value <= most:  # type: ignore[operator]
        raise PatterConfigError(
            f"{attribute.name}={value!r} is out of range", fix=f"give {least:g} to {most:g}"
        )


def _number(default: float) -> float:
    made: float = attrs.field(default=default, validator=_in_range)
    return made


@attrs.frozen(kw_only=True)
class AgcConfig:
    """How loud a caller is made. Raises PatterConfigError, a ValueError, for what is out of range.

    Speech comes to *target_rms_dbfs*, its level in dB of full scale, by at most *max_gain_db* up
    or down. What is below *speech_floor_dbfs* is no speech and stays as it is. The gain follows a
    caller who gets louder within about *attack_ms*, one who gets softer within about
    *release_ms*. No sample gets above *limiter_ceiling* of full scale.
    """

    target_rms_dbfs: float = _number(-18.0)
    max_gain_db: float = _number(30.0)
    speech_floor_dbfs: float = _number(-45.0)
    attack_ms: float = _number(10.0)
    release_ms: float = _number(200.0)
    limiter_ceiling: float = _number(0.99)


def agc_config(agc: object) -> AgcConfig | None:
    """What the parameter ``agc`` means. Raises PatterTypeError for neither bool nor `AgcConfig`."""
    if agc is None or isinstance(agc, bool):
        return AgcConfig() if agc else None
    if isinstance(agc, AgcConfig):
        return agc
    raise PatterTypeError(
        f"agc={agc!r} is neither a bool nor an AgcConfig", fix="write agc=True, or agc=AgcConfig()"
    )


@attrs.define(eq=False)
class GainControl:
    """One caller's gain, for PCM16 *audio*. It adds no delay.

    The gain for speech is learned from speech, and kept through pauses; in a pause the audio
    goes back to how it came.
    """

    audio: AudioFormat
    config: AgcConfig = attrs.field(factory=AgcConfig)
    _size: int = attrs.field(init=False)
    _power: float = attrs.field(default=0.0, init=False)
    _for_speech: float = attrs.field(default=1.0, init=False)
    _gain: float = attrs.field(default=1.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._size = self.audio.rate_hz * BLOCK_MS // 1_000

    def process(self, audio: bytes) -> bytes:
        """The same, louder or softer; whole samples."""
        import numpy as np

        samples = np.frombuffer(audio, "<i2").astype(np.float64)
        out = np.empty_like(samples)
        for at in range(0, len(samples), self._size):
            block = samples[at : at + self._size]
            out[at : at + self._size] = self._levelled(block)
        return np.rint(out).astype("<i2").tobytes()

    def _levelled(self, block: Reals) -> Reals:
        import numpy as np

        peak = float(np.abs(block).max())
        ms = BLOCK_MS * len(block) / self._size
        before, self._gain = self._gain, self._next_gain(float(block @ block) / len(block), ms)
        most = self.config.limiter_ceiling * 32_767 / peak if peak else math.inf
        self._gain = min(self._gain, most)
        ramp = np.linspace(min(before, most), self._gain, len(block) + 1)[1:]
        out: Reals = block * ramp
        return out

    def _next_gain(self, power: float, ms: float) -> float:
        """The gain at the end of *ms* milliseconds of that *power*."""
        config = self.config
        if power <= (32_768 * _ratio(config.speech_floor_dbfs)) ** 2:
            return _nearer(self._gain, 1.0, ms / config.release_ms)
        self._power = _nearer(self._power or power, power, ms / LEVEL_MS)
        wanted = self._wanted()
        time_ms = config.attack_ms if wanted < self._for_speech else config.release_ms
        self._for_speech = _nearer(self._for_speech, wanted, ms / time_ms)
        # What was learned before a pause holds after it: the first syllable needs it, too.
        return _nearer(self._gain, self._for_speech, ms / config.attack_ms)

    def _wanted(self) -> float:
        gain = _ratio(self.config.target_rms_dbfs) * 32_768 / math.sqrt(self._power)
        most = _ratio(self.config.max_gain_db)
        return min(max(gain, 1 / most), most)


def _nearer(value: float, goal: float, share: float) -> float:
    """*value* after *share* of a time constant on its way to *goal*."""
    return goal + (value - goal) * math.exp(-share)


def _ratio(db: float) -> float:
    return float(10 ** (db / 20))
