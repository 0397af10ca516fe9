"""What is left of noise, and of speech in it. The speech is a recorded voice, over a telephone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patter.audio.formats import PCM16_8K, AudioFormat
from patter.audio.mix import level_db
from patter_deepfilternet import DeepFilterNetFilter
from patter_deepfilternet.library import FRAME, bundled_model
from patter_deepfilternet.network import Network
from patter_testing.noisy_speech import Line, between, fan, hiss, lateness, over_the_line, voice

from .pace import PacedFilter

Noise = Callable[[int, float], Line]
RATES = DeepFilterNetFilter.accepts
LATENCY_MS = {8_000: 105, 16_000: 80, 24_000: 60, 48_000: 45}
SPEECH_FROM_MS = 1_000
VOICES = [Path(__file__).parent / "voices" / f"{name}.wav" for name in ("hours", "table")]


def cleaned(sound: bytes, audio: AudioFormat, **options: float) -> bytes:
    paced = PacedFilter(DeepFilterNetFilter(**options))  # type: ignore[arg-type]
    session, size = paced.start(audio), audio.bytes_in(20)
    return b"".join(session.process(sound[at : at + size]) for at in range(0, len(sound), size))


def signal_to_noise_db(sound: bytes, clean: bytes) -> float:
    """How far what is like *clean* in *sound* is above what is not, once both are aligned."""
    late = lateness(sound, clean)
    heard = np.frombuffer(sound, "<i2").astype(float)[late:]
    wanted = np.frombuffer(clean, "<i2").astype(float)[: len(heard)]
    like = (heard @ wanted) / (wanted @ wanted) * wanted
    return float(10 * np.log10((like @ like) / ((heard - like) @ (heard - like))))


@pytest.mark.parametrize("noise", [hiss, fan])
@pytest.mark.parametrize("audio", RATES, ids=str)
def test_noise_gets_40_db_softer_and_speech_stays(audio: AudioFormat, noise: Noise) -> None:
    line = voice(VOICES)
    sound = over_the_line(line + noise(len(line), -32.0), audio)
    out = cleaned(sound, audio)
    before, after = (level_db(between(each, audio, 500, 950)) for each in (sound, out))
    assert before - after > 40
    speech = over_the_line(line, audio)
    end_ms = audio.ms_in(len(out))
    kept = level_db(between(out, audio, SPEECH_FROM_MS, end_ms))
    assert kept == pytest.approx(level_db(between(speech, audio, SPEECH_FROM_MS, end_ms)), abs=4.5)


@pytest.mark.parametrize(("noise", "gain_db"), [(hiss, 9), (fan, 6)])
def test_speech_as_loud_as_the_noise_stands_out_of_it(noise: Noise, gain_db: float) -> None:
    line = voice(VOICES)
    clean = over_the_line(line, PCM16_8K)
    sound = over_the_line(line + noise(len(line), -20.0), PCM16_8K)
    out = cleaned(sound, PCM16_8K)
    gained = signal_to_noise_db(out, clean) - signal_to_noise_db(sound, clean)
    assert gained > gain_db


@pytest.mark.parametrize("audio", RATES, ids=str)
def test_clean_speech_is_let_through(audio: AudioFormat) -> None:
    sound = over_the_line(voice(VOICES), audio)
    assert level_db(cleaned(sound, audio)) == pytest.approx(level_db(sound), abs=1)


@pytest.mark.parametrize("audio", RATES, ids=str)
def test_it_is_as_late_as_its_page_says(audio: AudioFormat) -> None:
    sound = over_the_line(voice(VOICES), audio)
    out = cleaned(sound, audio)
    held_ms = audio.ms_in(len(sound) - len(out))
    late_ms = held_ms + audio.ms_in(2 * lateness(out, sound))
    assert late_ms == pytest.approx(LATENCY_MS[audio.rate_hz], abs=3)


@pytest.mark.parametrize("limit_db", [6.0, 12.0])
def test_noise_gets_no_softer_than_the_limit(limit_db: float) -> None:
    sound = over_the_line(hiss(16_000, -32.0), PCM16_8K)
    out = cleaned(sound, PCM16_8K, atten_lim_db=limit_db)
    before, after = (level_db(between(each, PCM16_8K, 1_000, 1_800)) for each in (sound, out))
    assert before - after == pytest.approx(limit_db, abs=1)


def test_full_scale_is_clipped_and_not_wrapped_around(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(bundled_model())

    class Overshooting:
        """A network that makes everything twice as loud."""

        def df_process_frame(self, state: int, samples: Any, out: Any) -> None:
            for at in range(FRAME):
                out[at] = 2 * samples[at]

    monkeypatch.setattr("patter_deepfilternet.network.library", Overshooting)
    loud = np.repeat([30_000, -30_000, 1_000], FRAME // 3).astype("<i2")
    out = np.frombuffer(network.clean(loud.tobytes()), "<i2")
    assert np.unique(out).tolist() == [-32_768, 2_000, 32_767]
