"""What is left of noise, and of speech in it. The speech is a recorded voice, over a telephone."""

from __future__ import annotations

import gc
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from patter import ProviderSpec
from patter.audio.formats import PCM16_8K, AudioFormat
from patter.audio.mix import level_db
from patter.errors import NotInstalled
from patter_rnnoise import RNNoiseFilter, library
from patter_rnnoise.audio_filter import RNNoiseSession
from patter_rnnoise.plugin import patter_audio_filter
from patter_testing.noisy_speech import Line, between, fan, hiss, lateness, over_the_line, voice

Noise = Callable[[int, float], Line]
RATES = RNNoiseFilter().accepts
LATENCY_MS = {8_000: 85, 16_000: 50, 24_000: 45, 48_000: 30}
SPEECH_FROM_MS = 1_000
VOICES = [Path(__file__).parent / "voices" / f"{name}.wav" for name in ("hours", "table")]


def cleaned(sound: bytes, audio: AudioFormat) -> bytes:
    session, size = RNNoiseFilter().start(audio), audio.bytes_in(20)
    return b"".join(session.process(sound[at : at + size]) for at in range(0, len(sound), size))


@pytest.mark.parametrize("noise", [hiss, fan])
@pytest.mark.parametrize("audio", RATES, ids=str)
def test_noise_gets_20_db_softer_and_speech_stays(audio: AudioFormat, noise: Noise) -> None:
    line = voice(VOICES)
    sound = over_the_line(line + noise(len(line), -32.0), audio)
    out = cleaned(sound, audio)
    before, after = (level_db(between(each, audio, 500, 950)) for each in (sound, out))
    assert before - after > 20
    speech = over_the_line(line, audio)
    end_ms = audio.ms_in(len(out))
    kept = level_db(between(out, audio, SPEECH_FROM_MS, end_ms))
    assert kept == pytest.approx(level_db(between(speech, audio, SPEECH_FROM_MS, end_ms)), abs=1.5)


@pytest.mark.parametrize("audio", RATES, ids=str)
def test_clean_speech_is_let_through(audio: AudioFormat) -> None:
    sound = over_the_line(voice(VOICES), audio)
    assert level_db(cleaned(sound, audio)) == pytest.approx(level_db(sound), abs=1)


@pytest.mark.parametrize("audio", RATES, ids=str)
def test_it_is_as_late_as_its_page_says(audio: AudioFormat) -> None:
    sound = over_the_line(voice(VOICES), audio)
    out = cleaned(sound, audio)
    held_ms = audio.ms_in(len(sound) - len(out))
    late = lateness(out, sound)
    assert held_ms + audio.ms_in(2 * late) <= LATENCY_MS[audio.rate_hz]


def test_full_scale_is_clipped_and_not_wrapped_around() -> None:
    square = np.repeat([0.99, -0.99], 40).tolist() * 200
    out = np.frombuffer(cleaned(over_the_line(np.array(square), PCM16_8K), PCM16_8K), "<i2")
    assert np.abs(out.astype(int)).max() <= 32_768


def test_a_session_that_is_gone_leaves_no_network_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    real, destroyed = library.library(), list[int]()

    def destroy(state: int) -> None:
        destroyed.append(state)
        real.rnnoise_destroy(state)

    counting = SimpleNamespace(rnnoise_create=real.rnnoise_create, rnnoise_destroy=destroy)
    monkeypatch.setattr("patter_rnnoise.audio_filter.library", lambda: counting)
    session: RNNoiseSession | None = RNNoiseFilter().start(PCM16_8K)
    assert session is not None
    state = session._state
    session = None
    gc.collect()
    assert destroyed == [state]


def test_without_the_library_an_agent_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library.library.cache_clear()
    monkeypatch.setattr(library, "find_spec", lambda name: None)
    with pytest.raises(NotInstalled, match="pip install pyrnnoise"):
        RNNoiseFilter()
    library.library.cache_clear()


def test_a_library_that_does_not_load_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    library.library.cache_clear()
    (tmp_path / "__init__.py").touch()
    broken = importlib.util.spec_from_file_location(
        "pyrnnoise", tmp_path / "__init__.py", submodule_search_locations=[str(tmp_path)]
    )
    monkeypatch.setattr(library, "find_spec", lambda name: broken)
    with pytest.raises(NotInstalled, match="cannot be loaded"):
        RNNoiseFilter()
    library.library.cache_clear()


def test_a_spec_makes_it() -> None:
    assert patter_audio_filter(ProviderSpec.parse("rnnoise")) == RNNoiseFilter()
