"""The switchboard plugins are tested with keeps core's rules, and what carriers say."""

from __future__ import annotations

import asyncio

import pytest

from patter.errors import InputError, RateLimitError, WebhookVerificationError
from patter.providers.carrier import Answerer, CallOutcome, CarrierCall, Incoming
from patter_testing import FakeCarrier, FakeLeg
from patter_testing.switchboard import (
    Detection,
    FakeSwitchboard,
    RecordingReport,
    Report,
    TransferReport,
    serving,
)

CALL = CarrierCall("fake", "F1", "A")
INCOMING = Incoming(carrier="fake", carrier_call_id="F1", account="A")


async def test_a_repeated_ring_is_the_same_call_with_another_token() -> None:
    desk = FakeSwitchboard()
    first, second = await desk.ring(INCOMING), await desk.ring(INCOMING)
    other = await desk.ring(Incoming(carrier="fake", carrier_call_id="F1", account="B"))
    assert first.call_id == second.call_id != other.call_id
    assert len({first.token, second.token, other.token}) == 3
    assert len(desk.rung) == 3


async def test_a_full_desk_takes_the_calls_it_knows() -> None:
    desk = FakeSwitchboard()
    first = await desk.ring(INCOMING)
    desk.full = True
    assert (await desk.ring(INCOMING)).call_id == first.call_id
    with pytest.raises(RateLimitError):
        await desk.ring(Incoming(carrier="fake", carrier_call_id="F2"))


async def test_media_comes_back_to_calls_that_go_on() -> None:
    desk = FakeSwitchboard()
    ticket = desk.issue("fake")
    with pytest.raises(InputError, match="is not known here"):
        await desk.again(CALL)
    desk.knows(CALL, ticket)
    assert (await desk.again(CALL)).call_id == ticket.call_id
    desk.over.add(CALL)
    for refused in (desk.again(CALL), desk.ring(INCOMING)):
        with pytest.raises(InputError, match="is over"):
            await refused


async def test_a_call_has_one_leg_at_a_time_whatever_its_tokens() -> None:
    desk = FakeSwitchboard()
    first, second = await desk.ring(INCOMING), await desk.ring(INCOMING)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(desk.attach(first.token, FakeLeg()))
        attached = await desk.next_leg()
        for token in (second.token, first.token, "forged"):
            with pytest.raises(WebhookVerificationError):
                await desk.attach(token, FakeLeg())
        attached.done()
    assert desk.refusals == 3
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(desk.attach(second.token, FakeLeg()))
        (await desk.next_leg()).done()


async def test_what_a_carrier_says_is_kept() -> None:
    desk = FakeSwitchboard()
    await desk.report(CALL, "busy", CallOutcome.BUSY)
    await desk.detected(CALL, Answerer.MACHINE, beep=True, raw="machine_end")
    await desk.transferred(CALL, taken=False, status="busy")
    await desk.recording(CALL, "https://files.example/1")
    assert desk.reports == [Report(CALL, "busy", CallOutcome.BUSY)]
    assert desk.detections == [Detection(CALL, Answerer.MACHINE, True, "machine_end")]
    assert desk.transfers == [TransferReport(CALL, False, "busy")]
    assert desk.recordings == [RecordingReport(CALL, "https://files.example/1")]


async def test_the_line_that_is_served_was_opened_for_the_desk() -> None:
    carrier, desk = FakeCarrier(), FakeSwitchboard(public_host="a.example.com")
    async with serving(carrier, desk) as url:
        assert url.startswith("http://127.0.0.1:")
        await carrier.configure("+15550001234")
    assert carrier.boards == [desk]
    assert [order.detail for order in carrier.orders] == ["+15550001234 a.example.com"]
