"""Keys as tones: what a telephone sends when somebody presses them. Pure.

A key is two tones at once, one of its row and one of its column (ITU-T Q.23); 120 ms on and
80 ms off is twice what a receiver needs to be sure (ITU-T Q.24).
"""

from __future__ import annotations

from functools import lru_cache

from patter.audio.convert import convert
from patter.audio.formats import AudioFormat, Encoding
from patter.errors import InputError, PatterConfigError

LOW_HZ = (697, 770, 852, 941)
HIGH_HZ = (1209, 1336, 1477, 1633)
KEYPAD = ("123A", "456B", "789C", "*0#D")
"""Rows by `LOW_HZ`, columns by `HIGH_HZ`."""
WAIT = "w"
"""Not a key: half a second of silence."""
ON_MS, OFF_MS, WAIT_MS = 120, 80, 500
# A tone that begins at full level clicks, and the click spreads over other tones' frequencies.
RAMP_MS = 3
AMPLITUDE = 7_900
"""-9 dBm0 for each tone, where the loudest sine of G.711 is +3.17 dBm0."""
# Twice the highest tone is 3266 Hz.
_LEAST_HZ = 4_000

_PAIRS = {
    key: (LOW_HZ[row], HIGH_HZ[column])
    for row, keys in enumerate(KEYPAD)
    for column, key in enumerate(keys)
}
KEYS = "".join(sorted(_PAIRS))


def tones(digits: str, audio: AudioFormat, pause_ms: int | None = None) -> bytes:
    """*digits* (0-9 * # A-D, w waits half a second) as sound in the format *audio*.

    After each key there is silence of *pause_ms*, `OFF_MS` if None.

    Raises InputError for another character, PatterConfigError for a rate too low to carry it.
    """
    if audio.rate_hz < _LEAST_HZ:
        raise PatterConfigError(
            f"{audio} cannot carry the tones of keys", fix="use a format of 8000 Hz or more"
        )
    if wrong := set(digits) - {*_PAIRS, WAIT}:
        raise InputError(f"{min(wrong)!r} is not a key", fix="use 0-9 * # A-D, and w to wait")
    longer_ms = 0 if pause_ms is None else max(0, pause_ms - OFF_MS)
    pause = audio.silence * (audio.bytes_in(longer_ms) // audio.sample_bytes)
    return pause.join(_key(digit, audio) for digit in digits)


def tones_ms(digits: str) -> int:
    """How long `tones` of *digits* last, in milliseconds."""
    return sum(WAIT_MS if digit == WAIT else ON_MS + OFF_MS for digit in digits)


# Room for the 16 keys and the pause in three formats.
@lru_cache(maxsize=64)
def _key(digit: str, audio: AudioFormat) -> bytes:
    sample = audio.sample_bytes
    if digit == WAIT:
        return audio.silence * (audio.bytes_in(WAIT_MS) // sample)
    pcm = AudioFormat(Encoding.PCM16, audio.rate_hz)
    pause = audio.silence * (audio.bytes_in(OFF_MS) // sample)
    return convert(_tone(digit, audio.rate_hz), pcm, audio) + pause


def _tone(digit: str, rate_hz: int) -> bytes:
    """Both tones, faded in and out so that they do not click."""
    import numpy as np

    at = np.arange(rate_hz * ON_MS // 1_000)
    wave = sum(np.sin(2 * np.pi * hz * at / rate_hz) for hz in _PAIRS[digit])
    ramp = np.minimum(1, (at + 1) / (rate_hz * RAMP_MS / 1_000))
    faded = AMPLITUDE * wave * ramp * ramp[::-1]
    return np.asarray(np.rint(faded), "<i2").tobytes()
