"""An agent in front of a phone menu presses keys, and does not go round in circles."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import CallControl, InputError, Patter, PluginRegistry
from patter.errors import CallStateError
from patter.providers.llm import LLMRequest, ToolRequest
from patter.testing import lab
from patter_ivr import (
    DTMF_EVENTS,
    DtmfEvent,
    IVRActivity,
    TfidfLoopDetector,
    format_dtmf,
    menu_hooks,
    send_dtmf_events,
)
from patter_testing import FakeLLM, FakeSTT, FakeTTS, Reply

MENU = "For orders press one. For invoices press two. To hear this again press nine."
KEYS = '{"events": ["1", "#"]}'


def agent_of(phone: Patter, llm: FakeLLM) -> Any:
    menus = menu_hooks()
    return phone.agent(
        "Cancel an order.",
        stt=FakeSTT(),
        tts=FakeTTS(),
        llm=llm,
        hooks=menus.hooks,
        tools=[*menus.tools],
    )


def plan_of(llm: FakeLLM) -> Any:
    phone = Patter(persist=False, registry=PluginRegistry.from_environment({}, source=[]))
    return agent_of(phone, llm).plan(phone.registry)


@pytest.mark.virtual_time
async def test_the_model_presses_the_keys_of_its_own_call() -> None:
    presses = Reply(tools=(ToolRequest("t", "send_dtmf_events", KEYS),))
    async with lab(plan_of(FakeLLM(replies=(presses, Reply(text="Pressed."))))) as call:
        assert await call.says(MENU) == "Pressed."
        call.expect_tool("send_dtmf_events", events=["1", "#"])
        assert ("send_dtmf", "1#") in [(each.deed, each.detail) for each in call.carrier.orders]


@pytest.mark.virtual_time
async def test_a_menu_that_repeats_itself_is_told_to_the_model_once() -> None:
    told: list[int] = []

    def answer(request: LLMRequest) -> str:
        told.append(sum("repeats itself" in each.text for each in request.messages))
        return f"Answer {len(told)}."

    async with lab(plan_of(FakeLLM(answer=answer))) as call:
        for _ in range(5):
            await call.says(MENU)
    assert told == [0, 0, 0, 1, 0]


async def test_outside_of_a_call_no_key_can_be_pressed() -> None:
    with pytest.raises(CallStateError):
        await send_dtmf_events.handler(events=["1"])


# --- loops


def test_the_same_with_other_words_between_is_no_loop() -> None:
    detector = TfidfLoopDetector()
    for text in (MENU, "One moment please.", MENU, "You are number three.", MENU):
        detector.add_chunk(text)
        assert not detector.check_loop_detection()


def test_nearly_the_same_in_a_row_is_one_until_it_is_reset() -> None:
    detector = TfidfLoopDetector(consecutive_threshold=2)
    for text in (MENU, f"Sorry. {MENU}", MENU):
        assert not detector.check_loop_detection()
        detector.add_chunk(text)
    assert detector.check_loop_detection()
    detector.reset()
    assert not detector.check_loop_detection()


@given(st.lists(st.text(max_size=40), max_size=30))
def test_no_text_breaks_it(texts: list[str]) -> None:
    detector = TfidfLoopDetector(window_size=3)
    for text in texts:
        detector.add_chunk(text)
        detector.check_loop_detection()


@given(st.text(min_size=1), st.integers(1, 5))
def test_what_has_words_and_is_repeated_is_a_loop(text: str, needed: int) -> None:
    detector = TfidfLoopDetector(consecutive_threshold=needed)
    for _ in range(needed + 1):
        detector.add_chunk(f"menu {text}")
    assert detector.check_loop_detection()


@pytest.mark.parametrize(
    "values",
    [{"window_size": 1}, {"similarity_threshold": 0}, {"consecutive_threshold": 0}],
)
def test_a_detector_that_finds_nothing_is_refused(values: Any) -> None:
    with pytest.raises(ValueError, match="find nothing"):
        TfidfLoopDetector(**values)


# --- keys


def test_keys_are_their_characters() -> None:
    assert len(DTMF_EVENTS) == 16
    assert str(DtmfEvent.POUND) == "#"
    assert format_dtmf([DtmfEvent.ONE, "#"]) == "1 #"
    with pytest.raises(InputError, match="is not a valid"):
        format_dtmf(["11"])


# --- a call driven by hand


@pytest.fixture
def control() -> CallControl:
    class Call:
        call_id = "c1"

    return Call()  # type: ignore[return-value]


async def test_a_silence_of_both_is_reported_once(control: CallControl) -> None:
    silences: list[float] = []
    loop = asyncio.get_running_loop()
    activity = IVRActivity(
        control, max_silence_duration=0.05, on_silence=lambda: silences.append(loop.time())
    )
    async with activity:
        activity.note_user_state("speaking")
        await asyncio.sleep(0.15)
        assert silences == []
        activity.note_user_state("listening")
        await asyncio.sleep(0.3)
        assert len(silences) == 1
        activity.note_agent_state("speaking")
        await asyncio.sleep(0.01)
        activity.note_agent_state("idle")
        await asyncio.sleep(0.3)
        assert len(silences) == 2
    activity.note_agent_state("speaking")
    await activity.aclose()


async def test_a_loop_is_reported_and_what_its_callback_raises_is_not(
    control: CallControl, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[str] = []

    async def broken() -> None:
        calls.append("loop")
        raise SystemExit

    activity = IVRActivity(control, on_loop_detected=broken)
    for _ in range(5):
        await activity.on_user_transcribed(MENU)
    assert calls == ["loop"]
    assert "on_loop_detected of call c1 failed" in caplog.text
    assert [each.name for each in activity.tools] == ["send_dtmf_events"]


async def test_without_a_detector_nothing_is_a_loop(control: CallControl) -> None:
    activity = IVRActivity(control, loop_detector=False, on_loop_detected=lambda: 1 / 0)
    for _ in range(9):
        await activity.on_user_transcribed(MENU)
    with pytest.raises(ValueError, match="not a valid time"):
        IVRActivity(control, max_silence_duration=0)
