"""Engines whose words, audio, answers and sessions come late, stop in the middle or never come."""

from __future__ import annotations

import attrs
import pytest

from patter.errors import PatterConnectionError
from patter.observe.events import Link, Row
from patter.providers.engine import Verbatim
from patter.providers.engine_events import CallerTranscript, CallerTurnEnded, SessionEnding
from patter.providers.stt import SpeechEnded, SpeechStarted
from patter_testing import FakeEngine, FakeTTS, lab
from patter_testing.fakes.engine import ABLE

from .engine_plans import OWN_WAY, SPEAKS, engine, greeting, plan

pytestmark = pytest.mark.virtual_time


async def test_words_that_never_come_cost_no_answer() -> None:
    fake = engine("From five.", words_ms=None)
    async with lab(plan(fake)) as call:
        assert await call.says("when are you open") == "From five."
    assert [row.text for row in call.of(Row) if row.role == "caller"] == [""]


@pytest.mark.parametrize("words_ms", [0, 200, 1_500])
async def test_late_words_fill_the_row_and_are_not_answered_twice(words_ms: float) -> None:
    fake = engine("From five to eleven.", words_ms=words_ms)
    async with lab(plan(fake)) as call:
        await call.says("when are you open")
        await call.caller.waits(2_000)
    assert len(fake.sessions[0].responses) == 1
    assert [row.text for row in call.of(Row) if row.role == "caller"][-1] == "when are you open"


async def test_a_lost_session_comes_back_with_the_conversation_so_far() -> None:
    fake = engine(
        "From five to eleven.", "You are welcome.", can=attrs.evolve(ABLE, resumption=False)
    )
    async with lab(plan(fake)) as call:
        await call.says("when are you open")
        await call.caller.waits(600)
        fake.sessions[0].fail()
        await call.caller.waits(1_000)
        assert await call.says("thank you very much") == "From five to eleven."
    again = fake.sessions[1].setup.history
    assert [(row.role, row.text) for row in again] == [
        ("user", "when are you open"),
        ("assistant", "From five to eleven."),
    ]
    assert [link.what for link in call.of(Link)] == ["lost", "back"]


async def test_a_session_that_is_lost_in_an_answer_nobody_heard_is_asked_again() -> None:
    fake = engine("From five.", fails_at_ms=0)
    async with lab(plan(fake)) as call:
        await call.caller.says("when are you open")
        await call.caller.waits(1_500)
    assert len(fake.sessions) >= 2
    assert all(session.responses for session in fake.sessions[:2])


async def test_an_engine_that_says_nothing_is_left_for_another_session() -> None:
    fake = engine("From five.", stalls_at_ms=0)
    async with lab(plan(fake)) as call:
        await call.caller.says("when are you open")
        await call.caller.waits(12_000)
    assert len(fake.sessions) >= 2


async def test_an_engine_that_is_gone_for_good_ends_the_call_with_the_voice_there_is() -> None:
    fake = engine(refuses=PatterConnectionError("no", fix="no"))
    async with lab(plan(fake, tts=FakeTTS())) as call:
        await call.caller.hears_the_agent_hang_up()
    assert "technical problem" in " ".join(call.utterances)
    assert call.summary is not None and call.summary.outcome == "failed"


async def test_a_session_at_the_end_of_its_time_is_left_before_it_is_closed() -> None:
    fake = engine("From five.", "Bye.", can=attrs.evolve(ABLE, resumption=True))
    async with lab(plan(fake)) as call:
        await call.says("when are you open")
        fake.sessions[0].emit(SessionEnding(5_000))
        await call.caller.waits(3_000)
        assert await call.says("and on mondays") == "From five."
    assert fake.sessions[1].setup.resume == "0"


@pytest.mark.parametrize("voice_ends", [True, False])
@pytest.mark.parametrize("turn_ends", [True, False])
async def test_the_vendors_own_answer_does_not_wait_for_the_rest_of_an_interim(
    voice_ends: bool, turn_ends: bool
) -> None:
    fake = FakeEngine(replies=("From five.", "Hm."), can=OWN_WAY, first_ms=800)
    async with lab(plan(fake)) as call:
        await call.caller.waits(100)
        session = fake.sessions[0]
        session.emit(SpeechStarted())
        await call.caller.waits(500)
        session.emit(CallerTranscript("item-1", "when are", final=False))
        for event in [SpeechEnded()] * voice_ends + [CallerTurnEnded("item-1")] * turn_ends:
            session.emit(event)
        await session.send_text("when are you open")  # as it would for what it has heard
        await call.caller.waits(200)
        session.emit(CallerTranscript("item-1", "when are you open", final=True))
        assert await call.listens() == "From five."
        await call.caller.waits(3_000)
    assert len(session.responses) == 1
    assert not session.interrupted
    rows = [(row.turn, row.text) for row in call.of(Row) if row.role == "caller"]
    assert rows == [(1, "when are"), (1, "when are you open")]


@pytest.mark.parametrize("first_ms", [2_000, 5_000])
async def test_a_slow_answer_is_still_heard(first_ms: float) -> None:
    fake = engine("From five.", first_ms=first_ms)
    async with lab(plan(fake)) as call:
        await call.caller.says("when are you open")
        assert (await call.listens()).endswith("From five.")
    assert len(fake.sessions) == 1


async def test_an_answer_that_stops_in_the_middle_is_apologised_for() -> None:
    fake = engine("From five to eleven, every day.", stalls_at_ms=900, can=SPEAKS)
    async with lab(plan(fake, tts=FakeTTS())) as call:
        await call.caller.says("when are you open")
        await call.caller.waits(9_000)
    assert "something went wrong" in " ".join(call.utterances)
    assert len(fake.sessions) >= 2, "a socket that is open and silent is left"


async def test_a_vendor_that_never_answers_is_heard_to_fail() -> None:
    fake = engine("From five.", mute=True, can=SPEAKS)
    async with lab(plan(fake, tts=FakeTTS())) as call:
        await call.caller.says("when are you open")
        await call.caller.hears_the_agent_begin()
        assert call.leg.now_ms < 6_000, "the caller is told that it takes a moment"
        await call.caller.waits(25_000)
    assert "something went wrong" in " ".join(call.utterances)


async def test_a_response_whose_end_is_told_late_has_not_failed() -> None:
    text = "We are open from five to eleven, every day but Monday, and on feasts until two."
    fake = engine(text, ends_ms=len(text) * 60 + 2_000)
    async with lab(plan(fake)) as call:
        assert await call.says("when are you open") == text
        await call.caller.waits(4_000)
    assert len(fake.sessions) == 1
    assert not call.of(Link)


async def test_a_session_that_will_end_is_left_when_its_response_is_complete() -> None:
    fake = engine("From five.", "Bye.")
    async with lab(plan(fake)) as call:
        await call.says("hello there")
        fake.sessions[0].emit(SessionEnding(60_000))
        await call.caller.waits(500)
        assert len(fake.sessions) == 1
        await call.says("when are you open")
        await call.caller.waits(2_500)
        assert len(fake.sessions) == 2, "long before it had to be"


async def test_a_greeting_is_not_said_again_by_the_next_session() -> None:
    can = attrs.evolve(OWN_WAY, verbatim=Verbatim.GREETING, resumption=False)
    fake = engine("From five.", can=can)
    async with lab(plan(fake, **greeting())) as call:
        await call.listens()
        fake.sessions[0].fail()
        await call.caller.waits(1_500)
    assert [each.setup.greeting for each in fake.sessions] == ["Good evening, this is Rosa's.", ""]
