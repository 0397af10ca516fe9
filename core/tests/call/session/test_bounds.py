"""Whatever providers do, what a call holds in memory is bounded, and nothing waits for ever."""

from __future__ import annotations

import asyncio
import threading
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from patter.aio import task_scope
from patter.audio.formats import MULAW_8K, PCM16_16K, AudioFormat
from patter.call.session import CallSession
from patter.errors import PatterConnectionError
from patter.observe.events import ErrorEvent
from patter.observe.file_writer import FILE_WRITER
from patter.providers.context import CallContext
from patter.providers.llm import DoneChunk, LLMRequest, TextChunk
from patter.providers.stt import STTEvent, Transcript
from patter.providers.tts import Speech
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS, Reply, lab
from patter_testing.caller import Caller
from patter_testing.fakes.stt import FakeSTTSession
from patter_testing.fakes.tts import FakeTTSSession

from .plans import plan

pytestmark = pytest.mark.virtual_time


@attrs.frozen
class Endless:
    """A model that does not stop talking."""

    model = "endless"

    async def stream(self, request: LLMRequest) -> AsyncIterator[TextChunk | DoneChunk]:
        for _ in range(20_000):
            yield TextChunk("And then we went on to talk about the weather. ")
        yield DoneChunk()


async def test_a_model_that_talks_for_ever_waits_for_the_voice() -> None:
    tts = FakeTTS()
    async with lab(plan(Endless()), tts=tts) as call:
        await call.caller.says("tell me everything you know")
        await call.caller.waits(5_000)
        assert sum(len(session.sentences) for session in tts.sessions) < 20
        assert len(call.leg.played) < 200


async def test_a_model_without_full_stops_is_spoken_all_the_same() -> None:
    llm = FakeLLM(replies=(Reply(garbage=(TextChunk("word " * 20_000), DoneChunk())),))
    async with lab(plan(llm)) as call:
        await call.caller.says("tell me everything you know")
        await call.caller.waits(5_000)
        assert call.caller.heard_text().startswith("word word")


async def test_a_voice_that_ends_too_soon_does_not_keep_the_model_waiting() -> None:
    llm = FakeLLM(replies=(Reply(text="One sentence more. " * 200), "Yes."))
    async with lab(plan(llm), tts=FakeTTS(closes_at_ms=500)) as call:
        await call.caller.says("tell me everything you know")
        await call.caller.waits(4_000)
        assert (await call.says("are you there")).endswith("Yes.")
    [error] = call.of(ErrorEvent)
    assert error.message == "tts ended before a reply did on call lab"


@attrs.frozen(kw_only=True)
class ReadsAside(FakeTTS):
    """Reads sentences in a task of its own, as websocket voices do; breaks once."""

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[Any]:
        async with FakeTTS.open(self, call, audio) as session:
            yield _Aside(session, len(self.sessions) == 1)


@attrs.frozen
class _Aside:
    session: FakeTTSSession
    breaks: bool

    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        if self.breaks:
            async with task_scope() as tasks:
                reader = tasks.create_task(self._read(text))
                await asyncio.sleep(0.5)
                reader.cancel()
            raise PatterConnectionError("the voice went away", fix="wait")
        async for speech in self.session.say(text):
            yield speech

    async def _read(self, text: AsyncIterator[str]) -> None:
        async for _ in text:
            pass


async def test_no_sentence_is_lost_when_a_voice_breaks_before_its_first_audio() -> None:
    llm = FakeLLM(replies=(Reply(text="It is five. And more. The end.", gap_ms=300),))
    async with lab(plan(llm), tts=ReadsAside()) as call:
        heard = await call.says("what time is it")
    assert heard.replace(" ", "") == "Itisfive.Andmore.Theend."


@attrs.frozen(kw_only=True)
class Untold(FakeSTT):
    """Tells no positions; the first session is lost after *breaks_at_ms*."""

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[FakeSTTSession]:
        first = not self.sessions
        settings = self if first else attrs.evolve(self, breaks_at_ms=None)
        session = _UntoldSession(settings, call, audio)
        self.sessions.append(session)
        yield session


class _UntoldSession(FakeSTTSession):
    def _deliver(self, event: STTEvent) -> None:
        if isinstance(event, Transcript):
            event = attrs.evolve(event, end_ms=None)
        super()._deliver(event)


async def test_words_that_were_final_are_not_sent_to_the_next_recogniser_again() -> None:
    stt = Untold(breaks_at_ms=4_000)
    async with lab(plan(), stt=stt) as call:
        await call.caller.says("are you open")
        await call.caller.waits(6_000)
    assert len(stt.sessions) == 2
    spoken_ms = len("are you open") * 60
    first, second = (session.sent for session in stt.sessions)
    assert bytes(second).strip(b"\xff") == b""
    assert len(bytes(first).strip(b"\xff")) == spoken_ms * 8


async def test_a_recogniser_lost_while_it_owes_words_is_asked_for_them_again() -> None:
    stt = FakeSTT(deaf=True)
    async with lab(plan(), stt=stt) as call:
        await call.caller.sounds(b"\x21" * 8 * 600)
        await call.caller.waits(1_000)
        assert stt.sessions[0].finalized
        stt.sessions[0].fail()
        await call.caller.waits(1_000)
        assert len(stt.sessions) == 2
        assert stt.sessions[1].finalized >= 1


@pytest.mark.parametrize("audio", [MULAW_8K, PCM16_16K])
async def test_a_recording_is_aligned_with_the_call(tmp_path: Path, audio: AudioFormat) -> None:
    carrier = FakeCarrier(formats=(audio,))
    leg, stt = carrier.leg(), FakeSTT()
    session = CallSession(
        plan=plan(FakeLLM(replies=("Yes, we are.",)), stt=stt),
        call=CallContext(call_id="rec"),
        carrier=carrier,
        recording=tmp_path / "call.wav",
    )
    caller = Caller(leg, on_speech=lambda text: stt.sessions[-1].hear(text))
    async with task_scope() as tasks:
        tasks.create_task(session.run())
        tasks.create_task(session.attach(leg))
        await caller.waits(1_000)
        await caller.says("are you open")
        await caller.hears_the_agent_out()
        began_ms = leg.played[0].at_ms
        caller.hangs_up()
    written = threading.Event()
    FILE_WRITER.run(written.set)
    assert written.wait(10)
    with wave.open(str(tmp_path / "call.wav")) as wav:
        both = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, 2)
    sounds = np.abs(both.astype(int)) > (0 if audio is MULAW_8K else 500)
    caller_at, agent_at = (int(np.argmax(sounds[:, side])) / 8 for side in (0, 1))
    assert abs(caller_at - 1_000) <= 25
    assert abs(agent_at - began_ms) <= 25
    said_ms = np.count_nonzero(sounds[:, 1]) / 8
    assert abs(said_ms - len("Yes, we are.") * 60) <= 25


@pytest.mark.patter_timeout(120)
async def test_half_an_hour_holds_no_more_than_its_history() -> None:
    sizes: list[int] = []
    async with lab(plan(max_history=20)) as call:
        for number in range(60):
            call.caller.types(f"question number {number}")
            await asyncio.sleep(30)
            if number in (20, 59):
                recorder = call.session._turn_recorder
                sizes.append(
                    len(call.session.history.rows)
                    + len(recorder._utterances)
                    + len(recorder._turns)
                )
    assert sizes[0] == sizes[1]
    assert call.summary is not None and call.summary.duration_ms >= 1_800_000
