"""Keys both ways: ours go out whole and unseen, the caller's secret ones stay with who asked."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from patter.aio import task_scope
from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_16K, AudioFormat
from patter.call.control import WAITING_MAX
from patter.call.mind import FunctionMind, ModelMind
from patter.call.turn.codec import effects_to_data, replay, rules_from_data
from patter.errors import InputError, PatterConnectionError, RateLimitError
from patter.observe.codec import encode_line, event_fields
from patter.observe.events import BargeIn, EngineStep, ErrorEvent, Row, Started, Wire
from patter.phone.callbacks import CallbackDispatcher, Callbacks
from patter.providers.llm import ToolRequest
from patter.tools.tool import Tool
from patter_testing import FakeCarrier, FakeLLM, LabCall, Reply, lab
from patter_testing.fakes.carrier import ABLE, Order
from patter_testing.tones import digits_in

from .plans import plan

pytestmark = pytest.mark.virtual_time
TONES = attrs.evolve(ABLE, dtmf_out=False)
SECRET = "73915"


def pressed(call: LabCall) -> str:
    """The keys the other side has understood so far."""
    return digits_in(call.leg.heard(), call.leg.audio)


def sent(call: LabCall) -> list[int]:
    notes = [event_fields(event) for event in call.of(Wire)]
    return [data["count"] for data in notes if data["what"] == "dtmf_sent"]


def record(call: LabCall) -> str:
    """All that is written down of the call, and all that the model was shown."""
    mind = call.session.plan.mind
    llm = mind.llm if isinstance(mind, ModelMind) else None
    shown = [
        repr(message) for request in getattr(llm, "requests", ()) for message in request.messages
    ]
    return "\n".join([*(encode_line(event).decode() for event in call.events), *shown])


def rest_is_same(call: LabCall) -> bool:
    """Does the record of the engine's steps step again to the same effects?"""
    [started] = call.of(Started)
    rows = [event_fields(event) for event in call.of(EngineStep)]
    again = [effects_to_data(each) for _, each in replay(rules_from_data(started.rules), rows)]
    return again == [row["effects"] for row in rows]


# --- ours


@pytest.mark.parametrize("audio", [MULAW_8K, ALAW_8K, PCM16_16K], ids=str)
async def test_keys_are_heard_as_tones_where_the_carrier_presses_none(audio: AudioFormat) -> None:
    async with lab(plan(), carrier=FakeCarrier(can=TONES, formats=(audio,))) as call:
        await call.caller.waits(300)
        await call.session.control.send_dtmf(f"{SECRET}w#")
        await call.caller.waits(2_500)
        assert pressed(call) == f"{SECRET}#"
    assert sent(call) == [6] and call.carrier.orders == []


async def test_keys_are_no_words_and_stand_nowhere() -> None:
    llm = FakeLLM(replies=("Done.",))
    async with lab(plan(llm), carrier=FakeCarrier(can=TONES)) as call:
        await call.caller.waits(300)
        await call.session.control.send_dtmf(SECRET)
        await call.caller.waits(2_000)
        await call.says("what did you press")
    assert call.utterances == ["Done."]
    assert [message.role for message in llm.requests[0].messages] == ["user"]
    assert SECRET not in record(call) and rest_is_same(call)


async def test_keys_come_after_what_is_said_and_before_what_is_said_later() -> None:
    async with lab(plan(), carrier=FakeCarrier(can=TONES)) as call:
        control = call.session.control
        await call.caller.waits(300)
        await control.say("I will press the keys.")
        await call.caller.hears_the_agent_begin()
        await control.send_dtmf("12")
        await control.say("And what now?")
        await control.send_dtmf("3")
        await call.caller.waits(6_000)
        assert pressed(call) == "123"
    rows = call.of(Row)
    keys = [event.at_ms for event in call.of(Wire) if event.what == "dtmf_sent"]
    assert [row.text for row in rows] == ["I will press the keys.", "And what now?"]
    first, second = (event_fields(row) for row in rows)
    assert first["ended_ms"] <= keys[0] < second["began_ms"] < second["ended_ms"] <= keys[1]
    assert not first["interrupted"] and not second["interrupted"]


async def test_nobody_cuts_keys_in_half() -> None:
    llm = FakeLLM(replies=("I hear you.",))
    async with lab(plan(llm), carrier=FakeCarrier(can=TONES)) as call:
        await call.caller.waits(300)
        await call.session.control.send_dtmf(SECRET * 4)
        await call.caller.waits(300)
        await call.caller.says("wait wait wait wait wait")
        await call.caller.presses("5")
        assert pressed(call) != SECRET * 4
        await call.caller.waits(6_000)
        heard = call.leg.heard()
        assert digits_in(heard, MULAW_8K) == SECRET * 4
    assert not call.of(BargeIn) and set(call.utterances) == {"I hear you."}
    assert "wait wait wait wait wait" in record(call)


async def test_keys_go_out_over_a_menu_that_does_not_stop_talking() -> None:
    async with lab(plan(), carrier=FakeCarrier(can=TONES)) as call, task_scope() as tasks:
        menu = tasks.create_task(call.caller.says("press one for sales " * 20))
        await asyncio.sleep(1)
        await call.session.control.send_dtmf("1")
        await asyncio.sleep(0.5)
        assert pressed(call) == "1" and not menu.done()


async def test_a_brain_that_presses_keys_does_not_wait_for_itself() -> None:
    async def navigate(message: dict[str, Any], control: Any) -> str:
        await control.send_dtmf("2")
        return "Pressing two."

    async with lab(plan(mind=FunctionMind(navigate)), carrier=FakeCarrier(can=TONES)) as call:
        assert (await call.says("press two for billing")).startswith("Pressing two.")
        await call.caller.waits(500)
        assert pressed(call) == "2"
    assert not call.of(ErrorEvent)


async def test_keys_wait_for_a_leg_that_is_lost() -> None:
    carrier = FakeCarrier(can=attrs.evolve(TONES, reconnect=True))
    async with lab(plan(), carrier=carrier) as call, task_scope() as tasks:
        await call.caller.waits(300)
        call.leg.drop()
        await asyncio.sleep(1)
        await call.session.control.send_dtmf(SECRET)
        await asyncio.sleep(5)
        call.leg = carrier.leg()
        call.caller = attrs.evolve(call.caller, leg=call.leg)
        tasks.create_task(call.session.attach(call.leg))
        await call.caller.waits(2_000)
        assert pressed(call) == SECRET
        await call.hangs_up()


async def test_a_long_row_of_keys_is_sent_to_its_end() -> None:
    async with lab(plan(), carrier=FakeCarrier(can=TONES)) as call:
        await call.caller.waits(300)
        await call.session.control.send_dtmf("w" * 59 + SECRET)
        await call.caller.waits(32_000)
        assert pressed(call) == SECRET
    assert call.utterances == []


async def test_a_carrier_that_presses_keys_is_asked_to() -> None:
    async with lab(plan()) as call:
        await call.caller.waits(300)
        await call.session.control.send_dtmf("12w#")
        await call.caller.waits(500)
        assert pressed(call) == ""
    assert call.carrier.orders == [Order("send_dtmf", "", "12w#")]
    assert sent(call) == [3]


@attrs.frozen(kw_only=True)
class Stuck(FakeCarrier):
    """A carrier whose keys are stuck."""

    async def send_dtmf(self, carrier_call_id: str, digits: str) -> None:
        raise PatterConnectionError("the carrier is away", fix="wait")


async def test_a_carrier_that_cannot_press_them_says_so() -> None:
    async with lab(plan(), carrier=Stuck()) as call:
        with pytest.raises(PatterConnectionError):
            await call.session.control.send_dtmf("1")
    assert sent(call) == []


@pytest.mark.parametrize("digits", ["", "x", "1 2", "W", "\u0661", "1" * 65])
async def test_what_is_no_key_is_refused_and_not_repeated(digits: str) -> None:
    async with lab(plan(), carrier=FakeCarrier(can=TONES)) as call:
        with pytest.raises(InputError) as refused:
            await call.session.control.send_dtmf(digits)
    assert not digits or digits not in refused.value.message


async def test_keys_that_cannot_be_sent_do_not_pile_up() -> None:
    async with lab(plan(), carrier=FakeCarrier(can=TONES)) as call:
        control = call.session.control
        await call.caller.waits(300)
        await control.say("One moment please, I am looking for the keys.")
        await call.caller.hears_the_agent_begin()
        for _ in range(WAITING_MAX):
            await control.send_dtmf("1")
        with pytest.raises(RateLimitError):
            await control.send_dtmf("2")
        for _ in range(6):
            await control.say("news")
        await call.caller.waits(12_000)
        assert pressed(call) == "1" * WAITING_MAX
        await control.send_dtmf("2")


async def test_keys_that_were_never_sent_are_forgotten_with_the_call() -> None:
    async with lab(plan(), carrier=FakeCarrier(can=TONES)) as call:
        control = call.session.control
        await call.caller.waits(300)
        await control.say("One moment please.")
        await call.caller.hears_the_agent_begin()
        await control.send_dtmf(SECRET)
    assert sent(call) == [] and control.to_press("keys-1") == ""


async def test_keys_are_as_far_apart_as_is_asked_for() -> None:
    async with lab(plan(), carrier=FakeCarrier(can=TONES)) as call:
        await call.caller.waits(300)
        await call.session.control.send_dtmf("12", delay_ms=1_000)
        await call.caller.waits(3_000)
        first, second = call.leg.played[0], call.leg.played[-1]
        assert digits_in(call.leg.recording(), call.leg.audio) == "12"
    assert second.at_ms - first.at_ms > 900


async def test_a_carrier_presses_keys_one_by_one_when_there_is_to_be_time_between() -> None:
    carrier = FakeCarrier()
    async with lab(plan(), carrier=carrier) as call:
        await call.caller.waits(300)
        began_ms = call.session.now_ms()
        await call.session.control.send_dtmf("1w2", delay_ms=400)
        assert call.session.now_ms() - began_ms == 800
        for delay_ms in (10, 6_000):
            with pytest.raises(InputError, match="delay_ms"):
                await call.session.control.send_dtmf("1", delay_ms=delay_ms)
    assert [each.detail for each in carrier.orders if each.deed == "send_dtmf"] == ["1", "w", "2"]


# --- the caller's


async def collected(
    call: LabCall, keys: str, count: int = 0, *, sensitive: bool = True, wait_ms: int = 10_000
) -> str:
    control = call.session.control
    async with task_scope() as tasks:
        asked = tasks.create_task(
            control.collect_digits(count, wait_ms=wait_ms, sensitive=sensitive)
        )
        await asyncio.sleep(0)
        await call.caller.presses(keys)
        await call.caller.waits(2_500)
        assert asked.done() or not keys
        return await asked


@pytest.mark.parametrize(("keys", "count"), [(SECRET, 5), (f"{SECRET}#", 0), (SECRET, 0)])
async def test_sensitive_digits_are_with_who_asked_and_nowhere_else(keys: str, count: int) -> None:
    llm = FakeLLM(replies=("Thank you.",))
    async with lab(plan(llm)) as call:
        await call.caller.waits(300)
        assert await collected(call, keys, count) == SECRET
        assert await call.says("is that right") == "Thank you."
        assert call.session.history.rows[0].text == "is that right"
    written = record(call)
    assert SECRET not in written and rest_is_same(call)
    digits = [e.input["fields"]["digit"] for e in call.of(EngineStep)
              if e.input["name"] == "Digit"]  # fmt: skip
    assert set(digits) <= {"x", "#"}
    notes = [event_fields(e) for e in call.of(Wire) if e.what == "dtmf"]
    assert notes == [{"what": "dtmf", "hidden": 5}]


async def test_the_transcript_counts_sensitive_digits(caplog: pytest.LogCaptureFixture) -> None:
    rows: list[dict[str, Any]] = []
    async with lab(plan()) as call:
        story = CallbackDispatcher(call.session.call, Callbacks(on_transcript=rows.append))
        call.session.events.subscribe(story)
        await call.caller.waits(300)
        await collected(call, f"{SECRET}#")
        story.delivery.finish()
        await story.delivery.run()
    assert [row["text"] for row in rows] == ["[DTMF: 5 hidden]"]
    assert SECRET not in caplog.text and SECRET not in repr(call.session.control)


async def test_other_digits_are_shown_as_they_are_pressed() -> None:
    async with lab(plan()) as call:
        await call.caller.waits(300)
        assert await collected(call, "123#", sensitive=False) == "123"
    notes = [event_fields(e) for e in call.of(Wire) if e.what == "dtmf"]
    assert [note["digits"] for note in notes] == ["1", "2", "3", "#"]


async def test_a_tool_that_collects_a_secret_leaks_only_what_it_returns() -> None:
    asks = Reply(tools=(ToolRequest("t", "check_pin", "{}"),))
    llm = FakeLLM(replies=(asks, "Your PIN is right."))
    found: list[str] = []

    async def check_pin() -> str:
        found.append(await calls[0].session.control.collect_digits(5, sensitive=True))
        return "the PIN is right"

    calls: list[LabCall] = []
    async with lab(plan(llm, tools=(Tool(name="check_pin", handler=check_pin),))) as call:
        calls.append(call)
        await call.caller.says("check my pin")
        await call.caller.waits(500)
        await call.caller.presses(SECRET)
        assert await call.listens() == "Your PIN is right."
    assert found == [SECRET] and SECRET not in record(call)
    call.expect_tool("check_pin")


async def test_the_end_key_after_the_last_digit_is_no_turn() -> None:
    llm = FakeLLM(replies=("Hm?",))
    async with lab(plan(llm)) as call:
        await call.caller.waits(300)
        assert await collected(call, "1234#", 4, sensitive=False) == "1234"
        await call.caller.waits(4_000)
        assert llm.requests == []
        await call.caller.presses("#")
        await call.caller.waits(4_000)
    assert len(llm.requests) == 1


async def test_a_secret_that_came_too_slowly_does_not_leak_at_its_end() -> None:
    llm = FakeLLM(replies=("Hm?",))
    async with lab(plan(llm)) as call:
        await call.caller.waits(300)
        assert await collected(call, "739", 5) == "739"
        await call.caller.presses("15")
        await call.caller.waits(4_000)
    assert llm.requests == []
    notes = [event_fields(e) for e in call.of(Wire) if e.what == "dtmf"]
    assert notes == [{"what": "dtmf", "hidden": 3}] and rest_is_same(call)


async def test_no_key_within_the_wait_is_no_digits() -> None:
    async with lab(plan()) as call:
        await call.caller.waits(300)
        began = call.session.now_ms()
        assert await collected(call, "", wait_ms=5_000) == ""
        assert 5_000 <= call.session.now_ms() - began < 5_100


@pytest.mark.parametrize(
    "wrong", [{"count": -1}, {"wait_ms": 0}, {"end": "##"}, {"end": "x"}, {"end": "12"}]
)
async def test_an_entry_that_nothing_can_complete_is_refused(wrong: dict[str, Any]) -> None:
    async with lab(plan()) as call:
        with pytest.raises(InputError):
            await call.session.control.collect_digits(**wrong)
