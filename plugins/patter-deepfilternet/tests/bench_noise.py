"""How far does speech stand out of noise, before a filter and after? Exits 1 for a gain below 5 dB.

    python bench_noise.py [--filter SPEC] [--speech FOLDER] [--noise FILE.wav ...]

Speech and noise are WAV files; without them it is tests/voices, in hiss and a fan. All goes over
mu-law at 8 kHz. A row a noise: the signal-to-noise ratio (SI-SDR) after the filter, in dB, for 0, 6
and 12 dB before. *SPEC* may name any audio filter that is installed.
"""

from __future__ import annotations

import argparse
import sys
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from patter import PluginRegistry
from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K, AudioFormat, Encoding
from patter.plugins.kinds import AUDIO_FILTER_KIND
from patter.providers.audio_filter import AudioFilter

Line: TypeAlias = NDArray[np.float64]
VOICES = Path(__file__).parent / "voices"
BEFORE_DB = (0, 6, 12)
BUDGET_DB = 5.0
MULAW = 7


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--filter", default="deepfilternet")
    parser.add_argument("--speech", type=Path, default=VOICES)
    parser.add_argument("--noise", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    audio_filter = PluginRegistry.from_environment().resolve(AUDIO_FILTER_KIND, given.filter)
    speech = speech_of(sorted(given.speech.glob("*.wav")))
    gains = []
    for name, noise in noises(len(speech), given.noise):
        after = [stands_out(audio_filter, speech, noise, before) for before in BEFORE_DB]
        gains.append(after[0] - BEFORE_DB[0])
        print(f"{given.filter}, {name:20}", "  ".join(f"{each:5.1f}" for each in after))
    return min(gains) < BUDGET_DB and not given.noise


def speech_of(files: Sequence[Path]) -> Line:
    """All of them, half a second of silence before and 0.3 s after each."""
    parts = [np.zeros(4_000)]
    for path in files:
        parts += [read(path), np.zeros(2_400)]
    line = np.concatenate(parts)
    return np.asarray(line * 0.1 / line[np.abs(line) > 1e-3].std())


def noises(count: int, files: Sequence[Path]) -> Iterator[tuple[str, Line]]:
    hiss = np.random.default_rng(1).standard_normal(count)
    hz = np.fft.rfftfreq(count, 1 / 8_000)
    yield "hiss", hiss
    yield "a fan", np.fft.irfft(np.fft.rfft(hiss) / (1 + (hz / 300) ** 2), count)
    for path in files:
        yield path.stem, np.resize(read(path), count)


def read(path: Path) -> Line:
    """The first channel of a file in PCM16, or in mu-law, at 8 kHz."""
    held = path.read_bytes()
    if held[20] == MULAW:
        pcm = convert(held[held.index(b"data") + 8 :], MULAW_8K, PCM16_8K)
        return np.frombuffer(pcm, "<i2") / 32_768
    with wave.open(str(path)) as file:
        frames, rate = file.readframes(file.getnframes()), file.getframerate()
        first = np.frombuffer(frames, "<i2")[:: file.getnchannels()]
    pcm = convert(first.tobytes(), AudioFormat(Encoding.PCM16, rate), PCM16_8K)
    return np.frombuffer(pcm, "<i2") / 32_768


def stands_out(audio_filter: AudioFilter, speech: Line, noise: Line, before_db: float) -> float:
    noisy = speech + noise / noise.std() * speech.std() * 10 ** (-before_db / 20)
    pcm = np.rint(np.clip(noisy, -1, 1) * 32_767).astype("<i2").tobytes()
    sound = convert(convert(pcm, PCM16_8K, MULAW_8K), MULAW_8K, PCM16_8K)
    session = audio_filter.start(PCM16_8K)
    pieces = (session.process(sound[at : at + 320]) for at in range(0, len(sound), 320))
    out = np.frombuffer(b"".join(pieces), "<i2") / 32_768
    return si_sdr_db(*aligned(out, speech))


def aligned(out: Line, speech: Line) -> tuple[Line, Line]:
    """Both without what is only in one, for *out* is later."""
    count = len(out)
    spectra = np.fft.rfft(out, 2 * count) * np.fft.rfft(speech[:count], 2 * count).conj()
    late = int(np.argmax(np.fft.irfft(spectra)[: count // 2]))
    return out[late:], speech[: count - late]


def si_sdr_db(out: Line, speech: Line) -> float:
    like = (out @ speech) / (speech @ speech) * speech
    return float(10 * np.log10((like @ like) / ((out - like) @ (out - like))))


if __name__ == "__main__":
    sys.exit(main())
