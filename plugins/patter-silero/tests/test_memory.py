"""What SileroVAD remembers of a voice, and what it does not listen to at all."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from patter.audio.convert import convert
from patter.audio.formats import PCM16_8K, PCM16_16K
from patter.audio.mix import level_db
from patter.providers.vad import SpeechEvent, VoiceStart
from patter_silero import SileroVAD
from patter_silero._model import Listener

WINDOW_MS = 32


def voice(name: str) -> bytes:
    with wave.open(str(Path(__file__).parent / "voices" / f"{name}.wav")) as file:
        pcm = convert(file.readframes(file.getnframes()), PCM16_8K, PCM16_16K)
    return pcm + bytes(-len(pcm) % PCM16_16K.bytes_in(WINDOW_MS))


def pause(windows: int) -> bytes:
    return bytes(PCM16_16K.bytes_in(windows * WINDOW_MS))


def events(vad: SileroVAD, before: bytes, audio: bytes) -> list[SpeechEvent]:
    """What is reported of *audio* after *before*, in milliseconds of *audio*."""
    session, size = vad.start(PCM16_16K), PCM16_16K.bytes_in(WINDOW_MS)
    from_ms = round(PCM16_16K.ms_in(len(before)))
    line = before + audio + pause(40)
    found = [session.feed(line[at : at + size]) for at in range(0, len(line), size)]
    return [
        type(event)(event.at_ms - from_ms)
        for event in found
        if event is not None and event.at_ms >= from_ms
    ]


@pytest.mark.parametrize("name", ["hours", "table"])
def test_long_after_a_voice_it_judges_as_if_there_had_been_none(name: str) -> None:
    before = pause(20) + voice("hours") + pause(24)
    assert events(SileroVAD(), before, voice(name)) == events(SileroVAD(), b"", voice(name)) != []


def test_the_memory_is_cleared_once_a_voice_and_not_in_the_pauses_of_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session, cleared = SileroVAD().start(PCM16_16K), []
    monkeypatch.setattr(Listener, "forget", lambda _self: cleared.append(True))
    for _ in range(3):
        session.feed(voice("hours"))  # begins and ends with silence
    assert cleared == []
    session.feed(pause(200))
    assert cleared == [True]


def quiet(pcm: bytes, db: float) -> bytes:
    gain = 10 ** ((db - level_db(pcm)) / 20)
    return (np.frombuffer(pcm, "<i2") * gain).round().astype("<i2").tobytes()


def test_what_is_quieter_than_the_gate_is_no_voice() -> None:
    whisper = quiet(voice("hours"), -62)
    assert events(SileroVAD(), b"", whisper) == []
    assert isinstance(events(SileroVAD(gate_db=-120), b"", whisper)[0], VoiceStart)


def test_silence_costs_no_judgement(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[bytes] = []

    def probability(_listener: Listener, pcm: bytes) -> float:
        judged.append(pcm)
        return 0.0

    monkeypatch.setattr(Listener, "probability", probability)
    session = SileroVAD().start(PCM16_16K)
    session.feed(pause(100))
    assert judged == []
    session.feed(voice("hours"))
    assert judged


def test_a_skipped_window_still_stands_before_the_next() -> None:
    one, other = Listener(16_000), Listener(16_000)
    first, then = voice("hours")[32_000:33_024], voice("hours")[33_024:34_048]
    one.skip(first)
    other.probability(first)
    other.forget()
    assert one.probability(then) == other.probability(then) != Listener(16_000).probability(then)
