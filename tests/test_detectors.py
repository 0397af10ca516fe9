"""Every detector means the same by a voice; and the recordings that taught us what to look for.

The recordings are not part of this repository: PATTER_VOICES names a folder with them, and with
``labels.json``, where speech is marked in milliseconds.
"""

from __future__ import annotations

import json
import os
import statistics
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patter import PluginRegistry
from patter.agent import Agent
from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K
from patter.plugins.kinds import VAD_KIND
from patter.providers.vad import VAD, SpeechEvent, VoiceStart, VoiceStop
from patter_silero import SileroVAD
from patter_testing import FakeLLM, FakeSTT, FakeTTS, lab
from patter_webrtcvad import WebrtcVAD

VOICES = Path(__file__).parents[1] / "plugins/patter-silero/tests/voices"
SAME_MS = 40
DETECTORS = (SileroVAD(), WebrtcVAD())
PATIENT = (
    *DETECTORS,
    SileroVAD(tail_ms=250),
    SileroVAD(min_voice_ms=128),
    WebrtcVAD(tail_ms=40),
    WebrtcVAD(tail_ms=300, min_voice_ms=140),
)
FOLDER = Path(os.environ.get("PATTER_VOICES", "nowhere"))
recorded = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="PATTER_VOICES names no folder with the recordings"
)


def read(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        return bytes(file.readframes(file.getnframes()))


def pause(ms: float) -> bytes:
    return bytes(PCM16_8K.bytes_in(ms))


def test_of_the_detectors_here_silero_is_the_default() -> None:
    registry = PluginRegistry.from_environment()
    assert registry.catalogue.default(VAD_KIND) == "silero"
    agent = Agent(system_prompt="", stt=FakeSTT(), tts=FakeTTS(), llm=FakeLLM())
    assert agent.gather(registry).names["vad"] == ("silero", "")


# --- the same voice, other detectors


def events(vad: VAD, audio: bytes) -> list[SpeechEvent]:
    session = vad.start(PCM16_8K)
    found = [session.feed(audio[at : at + 320]) for at in range(0, len(audio), 320)]
    return [event for event in found if event is not None]


def words() -> Iterator[bytes]:
    """Pieces of speech of 700 ms that begin and end within a vowel."""
    hours, table = read(VOICES / "hours.wav"), read(VOICES / "table.wav")
    for speech, at_ms in ((hours, 400), (hours, 1_100), (hours, 1_700), (table, 350), (table, 800)):
        yield speech[PCM16_8K.bytes_in(at_ms) : PCM16_8K.bytes_in(at_ms + 700)]


def bounds(vad: VAD) -> tuple[float, float]:
    """The median beginning and end of the words, of which each begins at 500 and ends at 1,200."""
    found = [events(vad, pause(500) + word + pause(500)) for word in words()]
    assert all(found)
    began = [each[0].at_ms for each in found if isinstance(each[0], VoiceStart)]
    ended = [each[-1].at_ms for each in found if isinstance(each[-1], VoiceStop)]
    assert len(began) == len(ended) == len(found)
    return statistics.median(began), statistics.median(ended)


def test_detectors_agree_on_where_a_voice_begins_and_ends() -> None:
    (one, other) = (bounds(vad) for vad in DETECTORS)
    assert one[0] == pytest.approx(other[0], abs=SAME_MS)
    assert one[1] == pytest.approx(other[1], abs=SAME_MS)


async def cut_after(vad: VAD, speech: bytes) -> float | None:
    """When the agent falls silent after *speech* has begun; None: it does not."""
    phone = Agent(
        system_prompt="",
        first_message="A" * 80,
        stt=FakeSTT(),
        tts=FakeTTS(),
        llm=FakeLLM(),
        vad=vad,
        echo_gate=False,
        barge_in_mode="cancel",
    )
    async with lab(phone, keep=("vad",)) as call:
        await call.caller.waits(1_000)
        began = call.leg.now_ms
        await call.caller.sounds(convert(speech + pause(600), PCM16_8K, MULAW_8K))
        return call.leg.clears[0] - began if call.leg.clears else None


@pytest.mark.virtual_time
async def test_a_voice_interrupts_as_soon_whatever_the_detector_and_its_patience() -> None:
    cuts: dict[str, list[float]] = {}
    for vad in PATIENT:
        for word in words():
            cut = await cut_after(vad, word)
            assert cut is not None, f"{vad} let the agent go on"
            cuts.setdefault(str(vad), []).append(cut)
    medians = [statistics.median(each) for each in cuts.values()]
    assert max(medians) - min(medians) <= SAME_MS
    assert statistics.median(medians) == pytest.approx(400, abs=SAME_MS)


@pytest.mark.virtual_time
@pytest.mark.parametrize("vad", DETECTORS, ids=lambda vad: type(vad).__name__)
async def test_a_voice_shorter_than_the_threshold_does_not_interrupt(vad: VAD) -> None:
    for word in words():
        assert await cut_after(vad, word[: PCM16_8K.bytes_in(180)]) is None


# --- recordings


def clips(kind: str) -> list[dict[str, Any]]:
    return [
        each
        for each in json.loads((FOLDER / "labels.json").read_text(encoding="utf-8"))
        if each["set"] == kind
    ]


@recorded
def test_silero_hears_single_words_after_somebody_has_spoken() -> None:
    """Of these it heard eight in ten before it learnt to forget."""
    sentences, missed = clips("sent"), []
    for number, word in enumerate(clips("word")):
        sentence = read(FOLDER / sentences[number % len(sentences)]["file"])[:64_000]
        before = pause(300) + sentence + pause(5_000)
        line = before + read(FOLDER / word["file"]) + pause(500)
        from_ms = PCM16_8K.ms_in(len(before)) - 100
        if not any(each.at_ms > from_ms for each in events(SileroVAD(), line)):
            missed.append(word["file"])
    assert missed == []


@recorded
def test_detectors_agree_on_where_recorded_voices_begin() -> None:
    late: dict[str, list[float]] = {}
    for vad in DETECTORS:
        for clip in (*clips("sent"), *clips("word")):
            heard = events(vad, pause(1_000) + read(FOLDER / clip["file"]) + pause(1_000))
            begins = clip["speech_ms"][0][0] + 1_000
            errors = [each.at_ms - begins for each in heard if isinstance(each, VoiceStart)]
            late.setdefault(type(vad).__name__, []).extend(errors[:1])
    one, other = (statistics.median(each) for each in late.values())
    assert one == pytest.approx(other, abs=SAME_MS)


@recorded
@pytest.mark.virtual_time
async def test_recorded_sentences_interrupt_in_time() -> None:
    for vad in DETECTORS:
        cuts = []
        for clip in clips("sent")[:8]:
            speech = read(FOLDER / clip["file"])
            begins = PCM16_8K.bytes_in(clip["speech_ms"][0][0])
            cuts.append(await cut_after(vad, speech[begins : begins + 24_000]))
        heard = [cut for cut in cuts if cut is not None]
        assert len(heard) == len(cuts)
        assert statistics.median(heard) < 450
