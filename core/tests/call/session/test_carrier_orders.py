"""What the carrier is asked beside the media: to record, and what it charged."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from patter.aio import task_scope
from patter.call.session import CallSession
from patter.call.turn.events import CallerHungUp, EndRequested, TransferTaken
from patter.errors import ProviderError
from patter.observe.codec import event_fields
from patter.observe.events import CallEvent, Ended, ErrorEvent, Usage, Wire
from patter.observe.pricing import Price
from patter.observe.summary import CallSummary
from patter.providers.context import CallContext
from patter.providers.llm import ToolRequest
from patter.tools.tool import Tool
from patter_testing import FakeCarrier, FakeLeg, FakeLLM, FakeSTT, FakeVAD, Reply
from patter_testing.caller import Caller
from patter_testing.fakes.carrier import ABLE, Order

from .plans import plan

pytestmark = pytest.mark.virtual_time
PRICES = (
    Price(kind="carrier", provider="fake", unit="minutes", usd=0.6),
    Price(provider="fake", unit="characters", usd=0.0),
    Price(provider="tts", unit="characters", usd=0.0),
)


@attrs.frozen(kw_only=True)
class Billing(FakeCarrier):
    """A carrier that charges *usd*, and needs *after_ms* to say so."""

    usd: Any = 0.25
    after_ms: int = 0
    hangup_ms: int = 0
    records: bool = True

    async def price(self, carrier_call_id: str) -> float | None:
        self.orders.append(Order("price", carrier_call_id))
        await asyncio.sleep(self.after_ms / 1_000)
        if isinstance(self.usd, Exception):
            raise self.usd
        told: float | None = self.usd
        return told

    async def hangup(self, carrier_call_id: str) -> None:
        await asyncio.sleep(self.hangup_ms / 1_000)
        await FakeCarrier.hangup(self, carrier_call_id)

    async def start_recording(self, carrier_call_id: str) -> None:
        if not self.records:
            raise ProviderError("recording is not enabled", fix="enable it")
        await FakeCarrier.start_recording(self, carrier_call_id)


@attrs.define(eq=False)
class Running:
    """A call that runs beside the test."""

    session: CallSession
    leg: FakeLeg
    events: list[CallEvent]
    run: asyncio.Task[CallSummary]

    @property
    def caller(self) -> Caller:
        return Caller(self.leg, on_speech=self.heard)

    def heard(self, text: str) -> None:
        stt = self.session.plan.stt
        assert isinstance(stt, FakeSTT)
        stt.sessions[-1].hear(text)

    def of(self, kind: type[CallEvent]) -> list[dict[str, Any]]:
        return [event_fields(event) for event in self.events if isinstance(event, kind)]

    @property
    def carrier(self) -> list[dict[str, Any]]:
        """What was used of the carrier."""
        return [used for used in self.of(Usage) if used["kind"] == "carrier"]


def begun(tasks: asyncio.TaskGroup, carrier: FakeCarrier, **options: Any) -> Running:
    events: list[CallEvent] = []
    session = CallSession(
        plan=options.pop("plan", plan()),
        call=CallContext(call_id="c1", carrier_call_id="FAKE1"),
        carrier=carrier,
        listeners=(events.append,),
        prices=PRICES,
        **options,
    )
    leg = carrier.leg()
    run = tasks.create_task(session.run())
    tasks.create_task(session.attach(leg))
    return Running(session, leg, events, run)


async def ended(carrier: FakeCarrier, seconds: float = 60.0, **options: Any) -> Running:
    """A call of so many seconds that the agent ends."""
    async with task_scope() as tasks:
        call = begun(tasks, carrier, **options)
        await asyncio.sleep(seconds)
        call.session.post(EndRequested(call.session.now_ms(), "done"))
    return call


# --- what the carrier says of the stream


async def test_what_the_carrier_complains_of_is_in_the_record_and_the_call_goes_on() -> None:
    async with task_scope() as tasks:
        call = begun(tasks, Billing())
        await asyncio.sleep(1)
        call.leg.complain("100004", "invalid_media")
        await asyncio.sleep(1)
        assert not call.run.done()
        call.leg.hang_up()
    errors = [event for event in call.of(Wire) if event["what"] == "error"]
    assert [(each["name"], each["text"]) for each in errors] == [("100004", "invalid_media")]


# --- recording


async def test_the_carrier_records_once_however_many_legs_there_are() -> None:
    carrier = Billing(can=attrs.evolve(ABLE, reconnect=True))
    async with task_scope() as tasks:
        call = begun(tasks, carrier, carrier_recording=True)
        await asyncio.sleep(1)
        for _ in range(2):
            call.leg.drop()
            call.leg = carrier.leg()
            tasks.create_task(call.session.attach(call.leg))
            await asyncio.sleep(1)
        call.leg.hang_up()
    deeds = [order for order in carrier.orders if order.deed == "start_recording"]
    assert deeds == [Order("start_recording", "FAKE1")]


async def test_nothing_is_recorded_unasked() -> None:
    carrier = Billing()
    await ended(carrier)
    assert "start_recording" not in [order.deed for order in carrier.orders]


async def test_a_call_that_cannot_be_recorded_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    call = await ended(Billing(records=False), carrier_recording=True)
    [error] = call.of(ErrorEvent)
    assert (error["where"], error["message"]) == ("recording", "recording is not enabled")
    assert "recording is not enabled" in caplog.text
    assert call.run.result().reason == "done"


# --- price


async def test_what_the_carrier_says_it_charged_is_what_the_call_cost() -> None:
    call = await ended(Billing(usd=0.25))
    summary = call.run.result()
    assert summary.costs["carrier"] == 0.25 and summary.cost_usd == 0.25
    kinds = [type(event) for event in call.events]
    assert kinds[-1] is Ended and Usage in kinds
    assert call.of(Ended)[0]["costs"]["carrier"] == 0.25
    assert [used.get("usd") for used in call.carrier] == [0.25, None]


@pytest.mark.parametrize(
    ("usd", "errors"),
    [
        (None, 0),
        (float("nan"), 0),
        (-1.0, 0),
        ("a lot", 1),
        (ProviderError("no such call", fix="wait"), 1),
    ],
)
async def test_minutes_are_estimated_where_the_carrier_says_nothing_of_use(
    usd: Any, errors: int
) -> None:
    call = await ended(Billing(usd=usd))
    [used] = call.carrier
    assert (used["unit"], used["provider"]) == ("minutes", "fake")
    assert call.run.result().costs["carrier"] == pytest.approx(0.6, abs=0.001)
    assert [error["where"] for error in call.of(ErrorEvent)] == ["price"] * errors


async def test_a_carrier_that_tells_no_price_is_not_asked() -> None:
    carrier = Billing(can=attrs.evolve(ABLE, price=False))
    call = await ended(carrier)
    assert [order.deed for order in carrier.orders] == ["hangup"]
    assert [used["unit"] for used in call.carrier] == ["minutes"]


async def test_a_carrier_that_does_not_answer_keeps_the_record_waiting_two_seconds() -> None:
    carrier = Billing(after_ms=3_600_000)
    call = await ended(carrier, 10)
    assert call.events[-1].at_ms == pytest.approx(12_000, abs=50)
    assert call.run.result().duration_ms == pytest.approx(10_000, abs=50)
    assert [error["code"] for error in call.of(ErrorEvent)] == ["TIMEOUT"]


async def test_the_caller_is_let_go_before_the_price_is_asked() -> None:
    carrier = Billing(after_ms=1_500)
    async with task_scope() as tasks:
        call = begun(tasks, carrier)
        await asyncio.sleep(5)
        call.session.post(EndRequested(call.session.now_ms(), "done"))
        await asyncio.sleep(0.1)
        assert call.leg.closed and not call.run.done()
        assert [order.deed for order in carrier.orders] == ["hangup", "price"]


async def test_the_price_is_asked_while_tools_come_to_their_end() -> None:
    async def book(call: CallContext) -> str:
        await call.clock.sleep(3_000)
        return "R-17"

    llm = FakeLLM(replies=(Reply(tools=(ToolRequest("t", "book", "{}"),)),))
    booking = plan(llm, tools=(Tool(name="book", handler=book),))
    async with task_scope() as tasks:
        call = begun(tasks, Billing(after_ms=1_500), plan=booking)
        await call.caller.says("book it please")
        await call.caller.waits(600)
        gone_ms = call.session.now_ms()
        call.session.post(CallerHungUp(gone_ms))
    assert call.events[-1].at_ms - gone_ms < 3_000
    assert call.run.result().costs["carrier"] == 0.25


async def test_the_price_of_a_call_somebody_else_has_taken_is_not_known_yet() -> None:
    carrier = Billing(can=attrs.evolve(ABLE, transfer_result=True))
    async with task_scope() as tasks:
        call = begun(tasks, carrier)
        await asyncio.sleep(1)
        await call.session.control.transfer("+15550188000")
        await asyncio.sleep(5)
        call.session.post(TransferTaken(call.session.now_ms()))
    assert [order.deed for order in carrier.orders] == ["transfer"]
    assert [used["unit"] for used in call.carrier] == ["minutes"]


async def test_a_call_that_broke_is_priced_too() -> None:
    class NoModel:
        accepts, tail_ms = FakeVAD().accepts, 100

        def start(self, audio: object) -> FakeVAD:
            raise FileNotFoundError("silero.onnx")

    call = await ended(Billing(), 1, plan=plan(vad=NoModel()))
    assert call.run.result().reason == "internal"
    assert call.of(Ended)[0]["costs"]["carrier"] == 0.25


async def test_a_call_without_a_carrier_uses_none() -> None:
    carrier = Billing()
    async with task_scope() as tasks:
        events: list[CallEvent] = []
        session = CallSession(
            plan=plan(), call=CallContext(call_id="c1"), listeners=(events.append,)
        )
        leg = carrier.leg()
        tasks.create_task(session.run())
        tasks.create_task(session.attach(leg))
        await asyncio.sleep(1)
        leg.hang_up()
    used = [event.kind for event in events if isinstance(event, Usage)]
    assert "carrier" not in used and carrier.orders == []
