"""A recogniser that says nothing any more is replaced in bounded time, and no word is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from patter.audio.formats import AudioFormat
from patter.call.link import LinkRules
from patter.call.plan import CallPlan
from patter.observe.events import ErrorEvent, Link
from patter.providers.context import CallContext
from patter.providers.stt import Transcript
from patter_testing import FakeLLM, FakeSTT, LabCall, lab
from patter_testing.fakes.stt import FakeSTTSession
from patter_testing.fakes.tts import spoken

from . import plans

pytestmark = pytest.mark.virtual_time
WORDS = "are you open on sunday"
ANSWER = "Yes, we are."
RULES = LinkRules()


def plan(**changes: Any) -> CallPlan:
    return plans.plan(FakeLLM(replies=(ANSWER,)), **changes)


@attrs.frozen(kw_only=True)
class Understands(FakeSTT):
    """Says `WORDS` when it is asked and there was a voice; the first *mute* sessions do not.

    A mute session with *stuck* takes no audio either.
    """

    mute: int = 0
    stuck: bool = False

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[FakeSTTSession]:
        deaf = len(self.sessions) < self.mute
        session = _Session(attrs.evolve(self, deaf=deaf), call, audio, stuck=deaf and self.stuck)
        self.sessions.append(session)
        try:
            yield session
        finally:
            session.end()


@attrs.define(eq=False)
class _Session(FakeSTTSession):
    stuck: bool = attrs.field(default=False, kw_only=True)
    _heard_to: int = attrs.field(default=0, init=False)

    async def send(self, audio: bytes) -> None:
        if self.stuck and self.position_ms > 400:
            await asyncio.Event().wait()
        await FakeSTTSession.send(self, audio)

    async def finalize(self) -> None:
        new = bytes(self.sent[self._heard_to :])
        if not self.settings.deaf:
            self._heard_to = len(self.sent)
            self._pending = WORDS if len(new.strip(b"\xff")) >= 8 * 600 else ""
        await FakeSTTSession.finalize(self)


async def asks(call: LabCall) -> None:
    await call.caller.waits(600)
    await call.caller.sounds(spoken(WORDS, call.leg.audio))


def callers(call: LabCall) -> list[str]:
    return [row.text for row in call.session.history.rows if row.role == "caller"]


@pytest.mark.parametrize("stuck", [False, True])
@pytest.mark.parametrize("sends_silence", [True, False])
async def test_words_that_a_mute_session_owed_are_answered_by_the_next(
    stuck: bool, sends_silence: bool
) -> None:
    stt = Understands(mute=1, stuck=stuck)
    async with lab(plan(), stt=stt) as call:
        await asks(call)
        ended_ms = call.leg.now_ms
        if sends_silence:
            await call.caller.waits(RULES.answer_ms + 2_500)
        else:
            await asyncio.sleep((RULES.answer_ms + 2_500) / 1_000)
        answers = [each.at_ms for each in call.leg.played]
    assert answers and answers[0] - ended_ms <= RULES.answer_ms + 2_000
    assert callers(call) == [WORDS]
    assert [link.what for link in call.of(Link)] == ["lost", "back"]
    assert not call.of(ErrorEvent)


async def test_a_mute_recogniser_leaves_the_words_to_the_next_in_a_second() -> None:
    first, second = Understands(mute=9), Understands()
    async with lab(plan(stt_fallbacks=(second,)), stt=first) as call:
        await asks(call)
        ended_ms = call.leg.now_ms
        await call.caller.waits(RULES.hurry_ms + 2_500)
        answered_ms = call.leg.played[0].at_ms
    assert answered_ms - ended_ms <= RULES.hurry_ms + 1_500
    assert len(first.sessions) == 1
    assert callers(call) == [WORDS]
    assert [event.code for event in call.of(ErrorEvent)] == ["TIMEOUT"]


async def test_a_recogniser_that_is_alive_is_left_alone_however_long_a_caller_speaks() -> None:
    stt = Understands()
    async with lab(plan(), stt=stt) as call:
        for _ in range(4):
            await asks(call)
            await call.caller.waits(3_000)
    assert len(stt.sessions) == 1
    assert callers(call) == [WORDS] * 4


async def test_a_recogniser_that_hangs_while_it_connects_is_left_for_the_next() -> None:
    @attrs.frozen(kw_only=True)
    class Hangs(FakeSTT):
        @asynccontextmanager
        async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[Any]:
            await asyncio.Event().wait()
            yield

    second = Understands()
    async with lab(plan(stt_fallbacks=(second,)), stt=Hangs()) as call:
        await asks(call)
        await call.caller.waits(5_000)
    assert callers(call) == [WORDS]
    assert [event.code for event in call.of(ErrorEvent)] == ["TIMEOUT"]


async def test_a_lone_recogniser_that_hangs_is_said_goodbye_for_in_bounded_time() -> None:
    @attrs.frozen(kw_only=True)
    class Hangs(FakeSTT):
        @asynccontextmanager
        async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[Any]:
            await asyncio.Event().wait()
            yield

    async with lab(plan(), stt=Hangs()) as call:
        await call.caller.waits(RULES.outage_ms + 2 * RULES.open_ms + 5_000)
    call.expect_said("technical problem")
    assert call.summary is not None and call.summary.duration_ms <= 15_000


async def test_what_is_kept_to_be_heard_again_is_bounded() -> None:
    stt = Understands(mute=9)
    async with lab(plan(), stt=stt) as call:
        for _ in range(9):
            await asks(call)
            await call.caller.waits(1_000)
        pipe = call.session.pipe
        assert pipe is not None
        link = pipe.stt_link
        most_ms = RULES.replay_ms + 2 * RULES.answer_ms + 100
        assert call.leg.audio.ms_in(link._kept_bytes) <= most_ms


@pytest.mark.parametrize(("ended", "asked"), [(True, 0), (False, 1)])
async def test_a_final_is_asked_for_unless_the_turn_is_over(ended: bool, asked: int) -> None:
    async with lab(plan(vad=None), stt=FakeSTT(), keep=("vad",)) as call:
        await asyncio.sleep(0.5)
        session = call.stt.sessions[0]
        session.start_voice()
        session.hear(WORDS, final=False)
        await asyncio.sleep(0.5)
        session.stop_voice()
        session.hear(WORDS)
        if ended:
            session.end_turn()
        await asyncio.sleep(5)
    assert session.finalized == asked
    assert call.utterances == [ANSWER]


@attrs.define(eq=False)
class _HeldUp(FakeSTTSession):
    """Takes audio once its line is *open*."""

    open: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    async def send(self, audio: bytes) -> None:
        await self.open.wait()
        await FakeSTTSession.send(self, audio)


@attrs.frozen(kw_only=True)
class HeldUp(FakeSTT):
    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[FakeSTTSession]:
        session = _HeldUp(self, call, audio)
        self.sessions.append(session)
        try:
            yield session
        finally:
            session.end()


@pytest.mark.parametrize(("late_ms", "asked"), [(0, 0), (600, 1)])
async def test_a_turn_that_is_over_does_not_end_a_pause_in_audio_it_had_not(
    late_ms: int, asked: int
) -> None:
    async with lab(plan(vad=None), stt=HeldUp(), keep=("vad",)) as call:
        await asyncio.sleep(0.5)
        session = call.stt.sessions[0]
        assert isinstance(session, _HeldUp)
        session.start_voice()
        session.hear(WORDS, final=False)
        await call.caller.waits(late_ms)
        session.stop_voice()
        session.hear(WORDS)
        session.end_turn()
        await asyncio.sleep(0.1)
        session.open.set()
        await asyncio.sleep(5)
    assert session.finalized == asked


@pytest.mark.parametrize(("told", "again"), [((True, True), 0), ((True, False), 1)])
async def test_a_turn_that_is_over_is_sent_again_if_nothing_was_told_of_it(
    told: tuple[bool, bool], again: int
) -> None:
    """Each turn has its own words: those of the one before say nothing of the next."""
    async with lab(plan(vad=None), stt=FakeSTT(deaf=True, endpoints=True), keep=("vad",)) as call:
        await call.caller.waits(600)
        session, words = call.stt.sessions[0], spoken(WORDS, call.leg.audio)
        for is_told in told:
            await call.caller.sounds(words)
            if is_told:
                session._deliver(Transcript(WORDS, False))
            session.end_turn()
        await asyncio.sleep(0)
        session.fail()
        await call.caller.waits(500)
    [back] = [link for link in call.of(Link) if link.what == "back"]
    spoken_ms = call.leg.audio.ms_in(len(words))
    assert back.replayed_ms == pytest.approx(again * spoken_ms, abs=100)
