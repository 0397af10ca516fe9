"""A caller who is handed over is always with somebody, and comes back to an agent who knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from patter.call.plan import Phrases
from patter.call.transfer import CallerLocation
from patter.call.turn.events import (
    CallerHungUp,
    HearingLost,
    TransferFailed,
    TransferRequested,
    TransferTaken,
    TurnEvent,
)
from patter.call.turn.rules import TurnRules
from patter.errors import InputError, PatterConfigError
from patter.observe.codec import event_fields
from patter.observe.events import Ended, ErrorEvent, Row, Wire
from patter.providers.carrier import LegEvent, TransferRequest
from patter.providers.context import Direction
from patter.providers.llm import ToolRequest
from patter_testing import FakeCarrier, FakeLLM, LabCall, Reply, lab
from patter_testing.fakes.carrier import ABLE, FakeLeg, Order

from .plans import plan

pytestmark = pytest.mark.virtual_time
TARGET = "+15550188000"
TELLS = attrs.evolve(ABLE, transfer_result=True)


@attrs.frozen(kw_only=True)
class Switching(FakeCarrier):
    """A carrier that keeps what it was asked, and answers after *takes_ms* or not at all."""

    takes_ms: int = 0
    refuses: str = ""
    asked: list[TransferRequest] = attrs.field(factory=list, init=False)

    async def transfer(self, carrier_call_id: str, request: TransferRequest) -> None:
        await asyncio.sleep(self.takes_ms / 1_000)
        if self.refuses:
            raise RuntimeError(self.refuses)
        self.asked.append(request)
        await FakeCarrier.transfer(self, carrier_call_id, request)


def where(call: LabCall) -> CallerLocation:
    return call.session.where


def locations(call: LabCall) -> list[str]:
    """Where the caller was after the agent, in order."""
    notes = [event_fields(event) for event in call.of(Wire)]
    return [data["name"] for data in notes if data["what"] == "where"]


async def hand_over(call: LabCall) -> None:
    await call.caller.waits(300)
    await call.session.control.transfer(TARGET)
    await asyncio.sleep(0.1)
    assert where(call) is CallerLocation.HOLD


def tell(call: LabCall, kind: type[TurnEvent], *details: object) -> None:
    call.session.post(kind(call.session.now_ms(), *details))


async def bring_back(call: LabCall, tasks: asyncio.TaskGroup) -> None:
    """The carrier opens another leg for the same caller."""
    call.leg = call.carrier.leg()
    call.caller = attrs.evolve(call.caller, leg=call.leg)
    tasks.create_task(call.session.attach(call.leg))
    await asyncio.sleep(0)


async def test_a_caller_who_was_taken_is_with_a_human_and_the_call_is_over() -> None:
    async with lab(plan(), carrier=Switching(can=TELLS)) as call:
        await hand_over(call)
        call.leg.hang_up("stop")
        await asyncio.sleep(20)
        assert where(call) is CallerLocation.HOLD
        tell(call, TransferTaken)
        await asyncio.sleep(1)
    assert locations(call) == ["hold", "human", "ended"]
    assert call.summary is not None
    assert (call.summary.outcome, call.summary.reason) == ("completed", "transferred")
    assert [order.deed for order in call.carrier.orders] == ["transfer"]


async def test_without_a_transfer_the_caller_is_the_agents_until_the_end() -> None:
    async with lab(plan(FakeLLM(replies=("Yes.",)))) as call:
        assert await call.says("are you there") == "Yes."
        assert where(call) is CallerLocation.AGENT
    assert locations(call) == ["ended"] and where(call) is CallerLocation.ENDED


async def test_the_last_place_is_noted_before_the_end_of_the_record() -> None:
    async with lab(plan(), carrier=Switching(can=TELLS)) as call:
        await hand_over(call)
        tell(call, TransferTaken)
    assert isinstance(call.events[-1], Ended)


async def test_what_breaks_after_somebody_took_the_caller_does_not_hang_up_on_them() -> None:
    @asynccontextmanager
    async def breaks_at_the_end() -> AsyncIterator[None]:
        yield
        raise RuntimeError("the extension is broken")

    class Extensions:
        def call_listeners(self, call: object) -> dict[str, object]:
            return {}

        def call_scopes(self, call: object) -> list[object]:
            return [breaks_at_the_end()]

    registry: Any = Extensions()
    carrier = Switching(can=TELLS)
    async with lab(plan(), carrier=carrier, registry=registry) as call:
        await hand_over(call)
        tell(call, TransferTaken)
    assert [order.deed for order in carrier.orders] == ["transfer"]
    assert call.summary is not None and call.summary.reason == "transferred"


# --- what the end of the media means


@pytest.mark.parametrize("how", ["hang_up", "drop"])
async def test_the_end_of_the_media_is_not_the_end_while_the_carrier_has_the_caller(
    how: str,
) -> None:
    async with lab(plan(), carrier=Switching(can=TELLS)) as call:
        await hand_over(call)
        getattr(call.leg, how)()
        await asyncio.sleep(55)
        assert where(call) is CallerLocation.HOLD
        tell(call, CallerHungUp)
    assert call.summary is not None and call.summary.reason == "caller"
    assert locations(call) == ["hold", "ended"]


@pytest.mark.parametrize("how", ["hang_up", "drop"])
@pytest.mark.parametrize("reconnect", [False, True])
async def test_without_news_the_end_of_the_media_is_the_end_of_our_part(
    how: str, reconnect: bool
) -> None:
    able = attrs.evolve(ABLE, reconnect=reconnect)
    async with lab(plan(), carrier=Switching(can=able)) as call:
        await hand_over(call)
        began = call.session.now_ms()
        getattr(call.leg, how)()
        await asyncio.sleep(0.5)
    assert call.summary is not None and call.summary.reason == "transferred"
    assert call.summary.duration_ms - began < 200
    assert locations(call) == ["hold", "human", "ended"]
    assert [order.deed for order in call.carrier.orders] == ["transfer"]


async def test_a_caller_who_hangs_up_before_a_transfer_is_just_gone() -> None:
    async with lab(plan(), carrier=Switching(can=TELLS)) as call:
        await call.caller.waits(300)
        call.leg.hang_up("caller")
    assert call.summary is not None and call.summary.reason == "caller"


async def test_nobody_listens_to_a_caller_who_was_handed_over() -> None:
    llm = FakeLLM(replies=("Welcome back.",))
    async with lab(plan(llm), carrier=Switching(can=TELLS)) as call:
        await hand_over(call)
        heard = len(call.stt.sessions[-1].sent)
        noted = len(call.events)
        await call.caller.sounds(b"\x30" * 8_000)
        await call.caller.presses("42")
        call.caller.types("my account is 4711")
        await call.caller.waits(2_000)
        assert len(call.stt.sessions[-1].sent) == heard
        new = [event_fields(event) for event in call.events[noted:]]
        assert not [data for data in new if data.get("what") != "played"]
        tell(call, TransferFailed, "busy")
        await call.listens()
        assert await call.says("it was busy") == "Welcome back."


# --- back again


async def test_who_comes_back_is_told_on_the_new_leg_and_the_model_knows() -> None:
    llm = FakeLLM(replies=("It was busy, I am sorry.",))
    async with lab(plan(llm), carrier=Switching(can=TELLS)) as call:
        await hand_over(call)
        call.leg.hang_up("stop")
        await asyncio.sleep(12)
        tell(call, TransferFailed, "busy")
        await asyncio.sleep(3)
        assert where(call) is CallerLocation.AGENT
        async with asyncio.TaskGroup() as tasks:
            await bring_back(call, tasks)
            assert await call.listens() == Phrases().transfer_failed
            assert await call.says("what happened") == "It was busy, I am sorry."
            await call.hangs_up()
    assert locations(call) == ["hold", "agent", "ended"]
    messages = llm.requests[-1].messages
    assert [message.role for message in messages] == ["assistant", "tool", "assistant", "user"]
    [asked] = messages[0].tool_calls
    assert asked.name == "transfer_call" and TARGET in asked.arguments
    assert TARGET in messages[1].text and "busy" in messages[1].text
    assert messages[1].tool_call_id == asked.id
    assert messages[2].text == Phrases().transfer_failed


@pytest.mark.parametrize("how", ["hang_up", "drop"])
async def test_news_that_overtake_the_end_of_the_media_do_not_end_the_call(how: str) -> None:
    async with lab(plan(), carrier=Switching(can=TELLS)) as call:
        await hand_over(call)
        tell(call, TransferFailed, "no-answer")
        await asyncio.sleep(0.3)
        getattr(call.leg, how)()
        await asyncio.sleep(5)
        async with asyncio.TaskGroup() as tasks:
            await bring_back(call, tasks)
            await call.listens()
            await call.hangs_up()
    call.expect_said(Phrases().transfer_failed)
    [row] = [event_fields(event) for event in call.of(Row)]
    assert row["kind"] == "apology" and not row["interrupted"] and row["heard_ms"] > 1_000


async def test_a_caller_who_was_back_and_hangs_up_is_gone_at_once() -> None:
    async with lab(plan(), carrier=Switching(can=TELLS)) as call:
        await hand_over(call)
        call.leg.hang_up("stop")
        tell(call, TransferFailed, "busy")
        await asyncio.sleep(0.5)
        async with asyncio.TaskGroup() as tasks:
            await bring_back(call, tasks)
            await call.caller.waits(500)
            began = call.session.now_ms()
            await call.hangs_up()
    assert call.summary is not None and call.summary.reason == "caller"
    assert call.summary.duration_ms - began < 100


async def test_a_target_that_is_busy_twice_is_asked_twice() -> None:
    asks = Reply(tools=(ToolRequest("t", "transfer_call", f'{{"number": "{TARGET}"}}'),))
    llm = FakeLLM(replies=(asks, Reply(), asks, Reply(), "Shall I take a message?"))
    carrier = Switching(can=TELLS)
    made = plan(llm, system_prompt=f"A person answers at {TARGET}.")
    async with lab(made, carrier=carrier) as call, asyncio.TaskGroup() as tasks:
        for _ in range(2):
            await call.caller.says("a person please")
            await call.caller.waits(1_500)
            assert where(call) is CallerLocation.HOLD
            call.leg.hang_up("stop")
            await asyncio.sleep(5)
            tell(call, TransferFailed, "busy")
            await bring_back(call, tasks)
            assert await call.listens() == Phrases().transfer_failed
        assert await call.says("and now") == "Shall I take a message?"
        await call.hangs_up()
    assert locations(call) == ["hold", "agent", "hold", "agent", "ended"]
    assert len(call.carrier.orders) == 2
    ids = [m.tool_call_id for m in llm.requests[-1].messages if "busy" in m.text]
    assert len(ids) == len(set(ids)) == 2


async def test_a_leg_that_does_not_come_back_after_a_failed_transfer_ends_the_call() -> None:
    async with lab(plan(), carrier=Switching(can=TELLS)) as call:
        await hand_over(call)
        call.leg.hang_up("stop")
        await asyncio.sleep(20)
        tell(call, TransferFailed, "busy")
        failed_ms = call.session.now_ms()
        await asyncio.sleep(12)
        assert where(call) is CallerLocation.ENDED
    assert call.summary is not None and call.summary.reason == "media_lost"
    assert 9_900 <= call.summary.duration_ms - failed_ms <= 10_100


async def test_a_carrier_that_never_says_how_it_ended_is_not_waited_for_for_ever() -> None:
    llm = FakeLLM(replies=("Nobody came.",))
    async with lab(plan(llm), carrier=Switching(can=TELLS)) as call:
        await hand_over(call)
        call.leg.hang_up("stop")
        await asyncio.sleep(60)
        assert where(call) is CallerLocation.AGENT
        async with asyncio.TaskGroup() as tasks:
            await bring_back(call, tasks)
            assert await call.listens() == Phrases().transfer_failed
            await call.says("who was there")
            await call.hangs_up()
    assert "in time" in llm.requests[-1].messages[1].text


async def test_a_caller_who_comes_back_before_the_news_is_not_left_in_silence() -> None:
    async with lab(plan(), carrier=Switching(can=TELLS)) as call:
        await hand_over(call)
        call.leg.hang_up("stop")
        await asyncio.sleep(5)
        async with asyncio.TaskGroup() as tasks:
            await bring_back(call, tasks)
            await asyncio.sleep(1.9)
            assert where(call) is CallerLocation.HOLD
            assert await call.listens() == Phrases().transfer_failed
            tell(call, TransferFailed, "busy")
            tell(call, TransferTaken)
            await asyncio.sleep(1)
            assert where(call) is CallerLocation.AGENT
            await call.hangs_up()
    assert locations(call) == ["hold", "agent", "ended"]


async def test_news_that_come_while_the_old_leg_ends_wait_for_the_new_one() -> None:
    @attrs.define(eq=False)
    class Lingering:
        """A leg that says the caller is gone some time before its socket is."""

        leg: FakeLeg

        def __getattr__(self, name: str) -> object:
            return getattr(self.leg, name)

        async def __aiter__(self) -> AsyncIterator[LegEvent]:
            async for event in self.leg:
                yield event
            await asyncio.sleep(5)

    carrier = Switching(can=TELLS)
    lingering: Any = Lingering(carrier.leg())
    async with lab(plan(), carrier=carrier, leg=lingering) as call:
        await hand_over(call)
        call.leg.hang_up("stop")
        await asyncio.sleep(1)
        tell(call, TransferFailed, "busy")
        await asyncio.sleep(6)
        assert where(call) is CallerLocation.AGENT
        async with asyncio.TaskGroup() as tasks:
            await bring_back(call, tasks)
            assert await call.listens() == Phrases().transfer_failed
            await call.hangs_up()


async def test_ears_that_were_lost_meanwhile_are_lost_when_the_caller_is_back() -> None:
    async with lab(plan(), carrier=Switching(can=TELLS)) as call:
        await hand_over(call)
        tell(call, HearingLost)
        await asyncio.sleep(5)
        assert where(call) is CallerLocation.HOLD
        tell(call, TransferFailed, "busy")
        await call.caller.hears_the_agent_hang_up()
    assert call.summary is not None and call.summary.reason == "failure"


async def test_who_collects_keys_is_not_left_waiting_by_a_transfer() -> None:
    async with lab(plan(), carrier=Switching(can=TELLS)) as call:
        await call.caller.waits(300)
        asked = asyncio.ensure_future(call.session.control.collect_digits(4, wait_ms=60_000))
        await hand_over(call)
        async with asyncio.timeout(0.1):
            assert await asked == ""


# --- what the carrier is asked


@pytest.mark.parametrize(
    ("direction", "ours"),
    [(Direction.INBOUND, "+15550100002"), (Direction.OUTBOUND, "+15550100001")],
)
async def test_the_target_sees_our_number_of_this_call(direction: Direction, ours: str) -> None:
    carrier = Switching()
    async with lab(plan(), carrier=carrier) as call:
        control = call.session.control
        control.context = attrs.evolve(control.context, direction=direction)
        await call.caller.waits(300)
        await control.transfer(TARGET, mode="warm", summary="Ada asks for a table.")
        await call.caller.waits(300)
    [asked] = carrier.asked
    assert (asked.from_number, asked.mode) == (ours, "warm")
    assert asked.summary == "Ada asks for a table."


async def test_a_transfer_somebody_else_asks_for_is_not_that_of_the_agent() -> None:
    carrier = Switching()
    async with lab(plan(), carrier=carrier) as call:
        await call.caller.waits(300)
        await call.session.control.transfer(TARGET, summary="old news")
        call.session.post(TransferRequested(call.session.now_ms(), "+15550188001"))
        await call.caller.waits(300)
        call.session.post(TransferFailed(call.session.now_ms(), "busy"))
        await call.listens()
        call.session.post(TransferRequested(call.session.now_ms(), "+15550188001"))
        await call.caller.waits(300)
    assert [asked.target for asked in carrier.asked] == [TARGET, "+15550188001"]
    assert [asked.summary for asked in carrier.asked] == ["old news", ""]


async def test_a_summary_nobody_would_listen_to_is_refused() -> None:
    assert (
        TurnRules().transfer_max_ms > TransferRequest(target=TARGET).ring_timeout_s * 1_000 + 30_000
    )
    async with lab(plan()) as call:
        with pytest.raises(InputError, match="401 characters"):
            await call.session.control.transfer(TARGET, mode="warm", summary="x" * 401)


async def test_a_refusal_that_comes_late_gives_the_caller_back() -> None:
    async with lab(plan(), carrier=Switching(can=TELLS, takes_ms=4_000, refuses="no")) as call:
        await hand_over(call)
        assert await call.listens() == Phrases().transfer_failed
        assert where(call) is CallerLocation.AGENT
    [error] = call.of(ErrorEvent)
    assert error.where == "transfer"


async def test_what_the_carrier_answers_after_the_end_stands_before_it_in_the_record() -> None:
    async with lab(plan(), carrier=Switching(can=TELLS, takes_ms=3_000, refuses="no")) as call:
        await hand_over(call)
        tell(call, CallerHungUp)
    assert [type(event) for event in call.events[-3:]].count(Ended) == 1
    assert isinstance(call.events[-1], Ended) and call.of(ErrorEvent)


async def test_the_end_comes_in_time_though_the_carrier_does_not_answer() -> None:
    async with lab(plan(), carrier=Switching(can=TELLS, takes_ms=3_600_000)) as call:
        await hand_over(call)
        tell(call, TransferTaken)
        ended_ms = call.session.now_ms()
        await asyncio.sleep(0.1)
        assert call.leg.closed
    assert call.session.now_ms() - ended_ms < 12_000
    assert call.summary is not None and call.summary.duration_ms <= ended_ms + 1


# --- who may be called


@pytest.mark.parametrize(
    ("application", "operator", "allowed"),
    [
        (["+1555*"], "", True),
        (["+1555*"], "+1555*", True),
        (["+1555*"], "+49*", False),
        (["+49*"], "+1555*", False),
        (None, "+49*", False),
        (None, "+15550188000", True),
        ([], "", False),
    ],
)
async def test_application_and_operator_must_both_allow(
    monkeypatch: pytest.MonkeyPatch,
    application: Sequence[str] | None,
    operator: str,
    allowed: bool,
) -> None:
    monkeypatch.setenv("PATTER_TRANSFER_ALLOW", operator)
    async with lab(plan(transfer_allowed=application)) as call:
        await call.caller.waits(300)
        if allowed:
            await call.session.control.transfer(TARGET)
        else:
            with pytest.raises(PatterConfigError, match="not allowed"):
                await call.session.control.transfer(TARGET)
        await call.caller.waits(300)
    assert call.carrier.orders == [Order("transfer", "", TARGET)] * allowed


async def test_no_other_way_leads_to_a_target_that_is_not_allowed() -> None:
    async with lab(plan(transfer_allowed=["+49*"])) as call:
        await call.caller.waits(300)
        call.session.post(TransferRequested(call.session.now_ms(), TARGET))
        assert await call.listens() == Phrases().transfer_failed
    assert call.carrier.orders == []
    [error] = call.of(ErrorEvent)
    assert "not allowed" in error.message


async def test_a_model_that_may_not_transfer_is_told_so() -> None:
    asks = Reply(tools=(ToolRequest("t", "transfer_call", '{"number": "+19005550100"}'),))
    llm = FakeLLM(replies=(asks, "I cannot do that."))
    async with lab(plan(llm, transfer_allowed=["+1555*"])) as call:
        assert await call.says("put me through") == "I cannot do that."
    assert "not allowed" in llm.requests[-1].messages[-1].text
    assert call.carrier.orders == []
