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
    switchboard = FakeSwitchboard()
    first, second = await switchboard.register(INCOMING), await switchboard.register(INCOMING)
    other = await switchboard.register(Incoming(carrier="fake", carrier_call_id="F1", account="B"))
    assert first.call_id == second.call_id != other.call_id
    assert len({first.token, second.token, other.token}) == 3
    assert len(switchboard.rung) == 3


async def test_a_full_desk_takes_the_calls_it_knows() -> None:
    switchboard = FakeSwitchboard()
    first = await switchboard.register(INCOMING)
    switchboard.full = True
    assert (await switchboard.register(INCOMING)).call_id == first.call_id
    with pytest.raises(RateLimitError):
        await switchboard.register(Incoming(carrier="fake", carrier_call_id="F2"))


async def test_media_comes_back_to_calls_that_go_on() -> None:
    switchboard = FakeSwitchboard()
    ticket = switchboard.issue("fake")
    with pytest.raises(InputError, match="is not known here"):
        await switchboard.reissue(CALL)
    switchboard.knows(CALL, ticket)
    assert (await switchboard.reissue(CALL)).call_id == ticket.call_id
    switchboard.over.add(CALL)
    for refused in (switchboard.reissue(CALL), switchboard.register(INCOMING)):
        with pytest.raises(InputError, match="is over"):
            await refused


async def test_a_call_has_one_leg_at_a_time_whatever_its_tokens() -> None:
    switchboard = FakeSwitchboard()
    first, second = await switchboard.register(INCOMING), await switchboard.register(INCOMING)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(switchboard.attach(first.token, FakeLeg()))
        attached = await switchboard.next_leg()
        for token in (second.token, first.token, "forged"):
            with pytest.raises(WebhookVerificationError):
                await switchboard.attach(token, FakeLeg())
        attached.done()
    assert switchboard.refusals == 3
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(switchboard.attach(second.token, FakeLeg()))
        (await switchboard.next_leg()).done()


async def test_what_a_carrier_says_is_kept() -> None:
    switchboard = FakeSwitchboard()
    await switchboard.report(CALL, "busy", CallOutcome.BUSY)
    await switchboard.detected(CALL, Answerer.MACHINE, beep=True, raw="machine_end")
    await switchboard.transferred(CALL, taken=False, status="busy")
    await switchboard.recording(CALL, "https://files.example/1")
    assert switchboard.reports == [Report(CALL, "busy", CallOutcome.BUSY)]
    assert switchboard.detections == [Detection(CALL, Answerer.MACHINE, True, "machine_end")]
    assert switchboard.transfers == [TransferReport(CALL, False, "busy")]
    assert switchboard.recordings == [RecordingReport(CALL, "https://files.example/1")]


async def test_the_line_that_is_served_was_opened_for_the_desk() -> None:
    carrier, switchboard = FakeCarrier(), FakeSwitchboard(public_host="a.example.com")
    async with serving(carrier, switchboard) as url:
        assert url.startswith("http://127.0.0.1:")
        await carrier.configure("+15550001234")
    assert carrier.boards == [switchboard]
    assert [order.detail for order in carrier.orders] == ["+15550001234 a.example.com"]
