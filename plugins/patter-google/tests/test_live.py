"""Conversing over the Live API, against its double; what all engines keep is in the suite."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from patter import PatterError
from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.providers.engine import EngineTurns, EngineUpdate, TurnDetection
from patter.providers.engine_events import (
    CallerTranscript,
    CallerTurnEnded,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
    VendorInterrupted,
)
from patter.providers.llm import Message, ToolSpec
from patter.providers.stt import SpeechEnded, SpeechStarted
from patter_google import GeminiLive
from patter_google.double import LiveScript
from patter_testing.doubles.vendor_sound import read_back

from .live_lab import CLOUD, MIDDLE, talking, voice

BOOK = ToolSpec(
    "book", "Book a table", {"type": "object", "properties": {"people": {"type": "integer"}}}
)


# --- audio


def tone(audio: AudioFormat, hz: float, ms: int) -> bytes:
    pcm = AudioFormat("pcm16", audio.rate_hz)
    at = np.arange(audio.rate_hz * ms // 1_000)
    wave = (8_000 * np.sin(2 * np.pi * hz * at / audio.rate_hz)).astype("<i2").tobytes()
    return convert(wave, pcm, audio)


def pitch(sound: bytes, audio: AudioFormat) -> float:
    """The strongest frequency in *sound*."""
    samples = np.frombuffer(sound, "<i2").astype(float)
    powers = np.abs(np.fft.rfft(samples))
    return float(np.argmax(powers) * audio.rate_hz / len(samples))


async def test_a_tone_of_the_telephone_arrives_at_the_vendor_as_that_tone() -> None:
    """Through soxr: a line has 8 kHz, the vendor wants 16."""
    async with talking(hears=["a tone"]) as talk:
        await talk.session.send(convert(tone(MULAW_8K, 1_000, 500), MULAW_8K, PCM16_16K))
        await talk.session.send(voice(0, 600))
        await talk.one(CallerTranscript)
        sent = [each["audio"] for each in talk.sent("realtimeInput") if "audio" in each]
    assert {each["mimeType"] for each in sent} == {"audio/pcm;rate=16000"}
    heard = base64.b64decode(sent[0]["data"])
    assert pitch(heard, PCM16_16K) == pytest.approx(1_000, abs=4)
    assert PCM16_16K.ms_in(len(heard)) == pytest.approx(500, abs=1)


async def test_a_voice_of_the_vendor_is_heard_on_the_telephone() -> None:
    async with talking(LiveScript(replies=("At seven.",))) as talk:
        own = await talk.session.respond()
        await talk.events.until_done(own)
        sound = talk.events.audio(own)
    assert read_back(sound, PCM16_24K) == "At seven."
    assert read_back(convert(sound, PCM16_24K, MULAW_8K), MULAW_8K) == "At seven."


# --- turns


async def test_the_vendors_detector_ends_turns_and_all_of_them_are_answered() -> None:
    """The SDK's iterator ends with a turn; a call has many."""
    async with talking(LiveScript(replies=("One.", "Two.", "Three."))) as talk:
        for turn, reply in enumerate(("One.", "Two.", "Three."), 1):
            talk.double.lines.put(f"question {turn}")
            await talk.session.send(voice(400, 700))
            own = await talk.events.until_started(ResponseCause.CALLER)
            await talk.events.until_done(own)
            assert talk.events.text(own) == reply
        ended = [each for each in talk.events.log if isinstance(each, CallerTurnEnded)]
        said = [e for e in talk.events.log if isinstance(e, CallerTranscript) and e.final]
    assert [each.item_id for each in ended] == [each.item_id for each in said]
    assert [each.text for each in said] == ["question 1", "question 2", "question 3"]


async def test_words_add_up_and_guesses_come_before_them() -> None:
    async with talking(LiveScript(guesses=True, finishes=True), hears=["a table for two"]) as talk:
        await talk.session.send(voice(1_000, 700))
        await talk.events.until_started(ResponseCause.CALLER)
        words = [each for each in talk.events.log if isinstance(each, CallerTranscript)]
    assert [each.text for each in words[:2]] == ["a", "a table"]
    assert words[-1] == CallerTranscript(words[0].item_id, "a table for two", True)
    assert {each.item_id for each in words} == {"turn-1"}


async def test_words_that_come_after_the_answer_began_are_of_the_turn_that_it_answers() -> None:
    async with talking(LiveScript(late_words=True)) as talk:
        await talk.script.hear("a table for two")
        ended = await talk.one(CallerTurnEnded)
        started = await talk.one(ResponseStarted)
        final = await talk.events.until(lambda e: isinstance(e, CallerTranscript) and e.final)
    assert started.cause is ResponseCause.CALLER
    assert final == CallerTranscript(ended.item_id, "a table for two", True)


async def test_a_caller_who_speaks_stops_the_vendor() -> None:
    async with talking(LiveScript(lingers=True), hears=["hello", "never mind"]) as talk:
        await talk.session.send(voice(400, 700))
        first = await talk.events.until_started(ResponseCause.CALLER)
        await talk.one(ResponseAudio)
        talk.script.lingers = False
        await talk.session.send(voice(400, 700))
        assert await talk.one(VendorInterrupted) == VendorInterrupted(first)
        done = await talk.events.until_done(first)
        second = await talk.events.until_started(ResponseCause.CALLER)
        await talk.events.until_done(second)
    assert done.status is ResponseStatus.CANCELLED
    assert done.usage is not None, "the end of an interrupted turn brings what it cost"
    assert talk.events.text(second) == "Of course."


async def test_where_the_call_decides_a_caller_who_speaks_stops_nothing() -> None:
    settings = {"vendor_interrupts": False}
    async with talking(LiveScript(pace_ms=20), settings=settings, hears=["hello", "and"]) as talk:
        await talk.session.send(voice(400, 700))
        first = await talk.events.until_started(ResponseCause.CALLER)
        await talk.one(ResponseAudio)
        await talk.session.send(voice(400, 700))
        assert (await talk.events.until_done(first)).status is ResponseStatus.COMPLETED
        await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
    assert not any(isinstance(each, VendorInterrupted) for each in talk.events.log)


async def test_a_response_is_over_when_the_vendor_has_played_it() -> None:
    """Between `generationComplete` and `turnComplete` it waits for a telephone."""
    async with talking(LiveScript(replies=("Yes.",), plays=True)) as talk:
        own = await talk.session.respond()
        done = await talk.events.until_done(own)
    assert done.status is ResponseStatus.COMPLETED
    assert done.usage is not None and done.usage.output_audio_tokens > 0


async def test_a_response_that_was_interrupted_here_is_not_heard_again() -> None:
    """The vendor goes on with it; the next request stops it, and what is left is dropped."""
    script = LiveScript(lingers=True, replies=("First.", "Second."))
    async with talking(script) as talk:
        first = await talk.session.respond()
        await talk.one(ResponseAudio)
        await talk.session.interrupt(first, 20)
        script.lingers = False
        second = await talk.session.respond()
        await talk.events.until_done(second)
        after = talk.events.of(first)
    assert isinstance(after[-1], ResponseDone) and after[-1].status is ResponseStatus.CANCELLED
    assert talk.events.text(second) == "Second."


async def test_turns_by_hand_are_marked_and_answered_at_once() -> None:
    turns = EngineTurns(detection=TurnDetection.MANUAL)
    async with talking(turns=turns, hears=["hello", "again"]) as talk:
        for _ in range(2):
            await talk.session.send(voice(300))
            await talk.session.send(voice(0, 50))
            await talk.session.commit()
            await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
        marks = [next(iter(each)) for each in talk.sent("realtimeInput")]
        rows = [row.text for row in talk.script.rows]
    assert marks == ["activityStart", "audio", "audio", "activityEnd"] * 2
    assert rows == ["hello", "Of course.", "again", "Of course."]
    assert not any(isinstance(each, CallerTurnEnded) for each in talk.events.log)


async def test_a_commit_needs_turns_by_hand() -> None:
    async with talking() as talk:
        with pytest.raises(PatterError, match="manual"):
            await talk.session.commit()


async def test_a_caller_on_hold_is_told_of_so_that_the_turn_ends() -> None:
    async with talking(hears=["hold on"]) as talk:
        await talk.session.send(voice(400))
        await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
        assert talk.sent("realtimeInput")[-1] == {"audioStreamEnd": True}
        ends = [each for each in talk.sent("realtimeInput") if "audioStreamEnd" in each]
    assert len(ends) == 1


async def test_where_the_cloud_hears_a_voice_is_told() -> None:
    settings = {**CLOUD, "explicit_vad": True}
    async with talking(settings=settings, hears=["hello"]) as talk:
        assert GeminiLive(**settings).can.hears_voice
        await talk.session.send(voice(400, 700))
        started = await talk.one(SpeechStarted)
        ended = await talk.one(SpeechEnded)
    assert isinstance(started.at_ms, int) and ended.at_ms == pytest.approx(400, abs=20)


# --- requests


async def test_what_is_to_be_said_is_said() -> None:
    async with talking() as talk:
        own = await talk.session.say("This call is recorded: press 9 to object.")
        await talk.events.until_done(own)
        assert talk.events.text(own) == "This call is recorded: press 9 to object."


async def test_requests_go_in_the_stream_where_rows_are_not_answered() -> None:
    async with talking(settings={"model": MIDDLE}) as talk:
        await talk.events.until_done(await talk.session.respond("Be quick."))
        assert talk.sent("realtimeInput") == [{"text": "Be quick."}]
        assert talk.sent("clientContent") == []


async def test_a_request_always_has_a_turn_to_answer() -> None:
    """Without one the vendor closes the socket: "No turn to complete"."""
    async with talking() as talk:
        for _ in range(2):
            await talk.events.until_done(await talk.session.respond())
        rows = talk.sent("clientContent")
    assert all(each["turns"][0]["parts"][0]["text"] for each in rows) and len(rows) == 2


async def test_the_caller_writes_and_is_answered() -> None:
    async with talking() as talk:
        await talk.session.send_text("A table, please.")
        own = await talk.events.until_started(ResponseCause.CALLER)
        await talk.events.until_done(own)
        assert talk.script.rows[0] == Message("user", "A table, please.")


async def test_the_session_changes_its_mind_without_a_new_one() -> None:
    async with talking(tools=(BOOK,)) as talk:
        await talk.session.update(EngineUpdate(instructions="Be kind.", tools=()))
        await talk.events.until_done(await talk.session.respond())
        assert (talk.script.instructions, list(talk.script.tools)) == ("Be kind.", [])
        (update,) = talk.sent("contextUpdate")
    assert update == {
        "systemInstruction": {"parts": [{"text": "Be kind."}]},
        "tools": {"tools": []},
    }
