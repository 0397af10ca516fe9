"""What an application can do about calls on a phone that serves: place them, wait, end them."""

from __future__ import annotations

import asyncio
import inspect
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter import (
    CallOutcome,
    CallResult,
    InputError,
    Patter,
    PatterConfigError,
    PatterConnectionError,
    PluginRegistry,
)
from patter.errors import PatterTypeError
from patter.phone.results import ServingStopped
from patter.providers.carrier import Answerer, CarrierCall, CarrierCapabilities, Incoming
from patter.server.switchboard import LocalSwitchboard
from patter_testing import FakeCarrier, FakeLeg, FakeLLM, FakeSTT, FakeTTS

OURS, ADA, BOB = "+15550001234", "+15550107788", "+15550107799"
ABLE = CarrierCapabilities(marks=True, outbound=True, machine_detection=True)


@attrs.define(eq=False)
class Line:
    """A phone that serves on a carrier of its own; the test is everybody who is called."""

    phone: Patter
    carrier: FakeCarrier
    ended: list[dict[str, Any]] = attrs.field(factory=list)

    @property
    def board(self) -> LocalSwitchboard:
        board = self.carrier.boards[-1]
        assert isinstance(board, LocalSwitchboard)
        return board

    async def dialled(self, count: int = 1) -> CarrierCall:
        """The *count*-th call the carrier was asked for."""
        while len(self.carrier.dialed) < count:
            await asyncio.sleep(0.001)
        return CarrierCall("fake", f"FAKE{count}", self.carrier.account)

    async def is_busy(self, count: int = 1) -> None:
        call = await self.dialled(count)
        await self.board.report(call, "busy", CallOutcome.BUSY)

    @asynccontextmanager
    async def taken(self, count: int = 1) -> AsyncIterator[FakeLeg]:
        """Somebody takes the call, and hangs up on leaving."""
        await self.dialled(count)
        leg = FakeLeg()
        async with asyncio.TaskGroup() as tasks:
            token = self.carrier.dialed[count - 1].ticket.token
            tasks.create_task(self.board.attach(token, leg))
            yield leg
            leg.hang_up()


def agent_of(phone: Patter, **fields: Any) -> Any:
    parts: dict[str, Any] = {"stt": FakeSTT(), "llm": FakeLLM(), "tts": FakeTTS()}
    return phone.agent("Be brief.", **{**parts, **fields})


def phone_of(**fields: Any) -> Patter:
    registry = PluginRegistry.from_environment({}, source=[])
    can = fields.pop("can", ABLE)
    defaults = {
        "carrier": FakeCarrier(can=can, account=fields.pop("account", "")),
        "phone_number": OURS,
        "webhook_url": "a.example.com",
        "persist": False,
        "registry": registry,
    }
    return Patter(**{**defaults, **fields})


@asynccontextmanager
async def line_of(phone: Patter | None = None, **fields: Any) -> AsyncIterator[Line]:
    phone = phone or phone_of()
    assert isinstance(phone.carrier, FakeCarrier)
    line = Line(phone, phone.carrier)

    async def ended(data: dict[str, Any]) -> None:
        line.ended.append(data)

    async with asyncio.TaskGroup() as tasks:
        agent = agent_of(phone, first_message="Hello.")
        tasks.create_task(phone.serve(agent, port=0, on_call_end=ended, **fields))
        await phone.ready
        yield line
        await phone.disconnect()


# --- call


def test_the_arguments_come_in_the_order_people_know() -> None:
    names = [name for name in inspect.signature(Patter.call).parameters if name != "self"]
    assert names[:8] == [
        *("to", "first_message", "from_number", "agent", "machine_detection"),
        *("on_machine", "voicemail_message", "ring_timeout"),
    ]


async def test_a_call_is_dialled_from_the_phones_number_for_25_seconds() -> None:
    async with line_of() as line:
        assert await line.phone.call(ADA) is None
        (request,) = line.carrier.dialed
        assert (request.to, request.from_number, request.ring_timeout_s) == (ADA, OURS, 25)
        assert request.machine_detection is False
        assert request.ticket.media_url.startswith("wss://a.example.com/media/fake/")
        await line.is_busy()


async def test_the_result_of_a_call_can_be_waited_for() -> None:
    async with line_of() as line, asyncio.TaskGroup() as tasks:
        placing = tasks.create_task(line.phone.call(ADA, wait=True))
        async with line.taken():
            pass
    result = placing.result()
    assert isinstance(result, CallResult)
    assert (result.outcome, [end["call_id"] for end in line.ended]) == (
        CallOutcome.ANSWERED,
        [result.call_id],
    )


@pytest.mark.parametrize("name", ["on_machine", "on_machine_detection"])
async def test_who_answered_is_passed_on_under_either_name(name: str) -> None:
    results: list[Any] = []
    async with line_of() as line:
        callback: dict[str, Any] = {name: results.append}
        await line.phone.call(ADA, **callback)
        call = await line.dialled()
        async with line.taken():
            await line.board.detected(call, Answerer.HUMAN, raw="human")
            while not results:
                await asyncio.sleep(0.001)
    (result,) = results
    assert (result.classification, result.raw, result.carrier) == (Answerer.HUMAN, "human", "fake")
    assert result.detected_at.tzinfo is not None


async def test_a_callback_has_one_name() -> None:
    async with line_of() as line:
        with pytest.raises(PatterConfigError, match="are the same"):
            await line.phone.call(ADA, on_machine=print, on_machine_detection=print)
        assert line.carrier.dialed == []


@pytest.mark.parametrize(
    ("phone", "error", "message"),
    [
        ({}, PatterConnectionError, "this phone does not serve, and cannot place a call"),
        ({"can": CarrierCapabilities()}, PatterConfigError, "fake cannot place calls"),
        ({"carrier": None}, PatterConfigError, "this phone has no carrier"),
    ],
)
async def test_a_phone_that_cannot_call_says_why(
    phone: dict[str, Any], error: type[PatterConnectionError], message: str
) -> None:
    with pytest.raises(error) as caught:
        await phone_of(**phone).call(ADA)
    assert caught.value.message == message
    assert caught.value.fix


async def test_disconnecting_ends_the_wait() -> None:
    async with line_of() as line, asyncio.TaskGroup() as tasks:
        placing = tasks.create_task(_stopped(line.phone))
        await line.dialled()
        await line.phone.disconnect()
        await placing
    assert [order.deed for order in line.carrier.orders if order.deed == "hangup"] == ["hangup"]


async def test_a_call_that_is_cut_is_hung_up() -> None:
    async with line_of() as line, asyncio.TaskGroup() as tasks:
        await line.phone.call(ADA)
        await line.dialled()
        leg = FakeLeg()
        tasks.create_task(line.board.attach(line.carrier.dialed[0].ticket.token, leg))
        while not leg.played:
            await asyncio.sleep(0.01)
        await line.phone.disconnect()
    assert ("hangup", "FAKE1") in [(o.deed, o.carrier_call_id) for o in line.carrier.orders]
    assert [end["metrics"].reason for end in line.ended] == ["stopped"]
    assert [end["duration"] for end in line.ended] > [0]


async def _stopped(phone: Patter) -> None:
    with pytest.raises(ServingStopped, match="serving stopped before the call was over"):
        await phone.call(ADA, wait=True)


# --- end_call


@pytest.mark.parametrize("theirs", [True, False])
async def test_a_call_is_ended_by_either_id(theirs: bool) -> None:
    async with line_of() as line, asyncio.TaskGroup() as tasks:
        placing = tasks.create_task(line.phone.call(ADA, wait=True))
        call = await line.dialled()
        ours = line.carrier.dialed[0].call_id
        await line.phone.end_call(call.carrier_call_id if theirs else ours)
        await line.phone.end_call(ours)
    result = placing.result()
    assert result is not None
    assert result.outcome is CallOutcome.CANCELED
    assert ("hangup", "FAKE1") in [(o.deed, o.carrier_call_id) for o in line.carrier.orders]


@pytest.mark.parametrize(
    ("call_id", "error", "message"),
    [
        ("", InputError, "no call is named"),
        (" ", InputError, "no call is named"),
        (None, PatterTypeError, "call_id is a NoneType, not text"),
        ("nobody", InputError, "no call 'nobody' is known"),
    ],
)
async def test_a_call_there_is_not_cannot_be_ended(
    call_id: Any, error: type[InputError], message: str
) -> None:
    async with line_of() as line:
        with pytest.raises(error) as caught:
            await line.phone.end_call(call_id)
    assert caught.value.message == message


async def test_a_phone_that_does_not_serve_ends_no_call() -> None:
    with pytest.raises(PatterConnectionError, match="does not serve, and cannot end a call"):
        await phone_of().end_call("x")


# --- two phones


async def test_two_phones_at_once_share_neither_calls_nor_callbacks() -> None:
    first, second = phone_of(account="A"), phone_of(account="B", webhook_url="b.example.com")
    async with line_of(first) as one, line_of(second) as two, asyncio.TaskGroup() as tasks:
        assert first.address is not None
        assert second.address is not None
        assert first.address.local_url != second.address.local_url
        hers = tasks.create_task(first.call(ADA, wait=True))
        his = tasks.create_task(second.call(BOB, agent=agent_of(second, name="other"), wait=True))
        await one.is_busy()
        async with two.taken():
            pass
    results = hers.result(), his.result()
    assert [each.outcome.value for each in results if each] == ["busy", "answered"]
    assert [end["callee"] for end in one.ended] == [ADA]
    assert [end["callee"] for end in two.ended] == [BOB]
    hosts = [line.carrier.dialed[0].ticket.media_url.split("/")[2] for line in (one, two)]
    assert hosts == ["a.example.com", "b.example.com"]


async def test_what_ends_one_phone_leaves_the_other_alone() -> None:
    async with line_of(phone_of()) as one, line_of(phone_of()) as two:
        await one.phone.disconnect()
        with pytest.raises(PatterConnectionError):
            await one.phone.call(ADA)
        await two.phone.call(ADA)
        await two.is_busy()


# --- recording


async def _recorded(tmp_path: Path, *, able: bool, **fields: Any) -> tuple[list[str], list[Path]]:
    """The carrier's orders and our recordings of a call that came in."""
    tmp_path.chmod(0o700)
    can = attrs.evolve(ABLE, recording=able)
    phone = phone_of(can=can, persist=str(tmp_path))
    async with line_of(phone, **fields) as line:
        ticket = await line.board.register(Incoming(carrier="fake", carrier_call_id="x1"))
        leg = FakeLeg()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(line.board.attach(ticket.token, leg))
            leg.speak(b"\xff" * 1_600)
            await asyncio.sleep(0.1)
            leg.hang_up()
    deeds = [order.deed for order in line.carrier.orders if order.deed != "configure"]
    return deeds, sorted(tmp_path.rglob("*.wav"))


async def test_a_carrier_that_can_record_does(tmp_path: Path) -> None:
    deeds, wavs = await _recorded(tmp_path, able=True, recording=True)
    assert ("start_recording" in deeds, wavs) == (True, [])


async def test_both_may_record(tmp_path: Path) -> None:
    deeds, wavs = await _recorded(tmp_path, able=True, recording=True, local_recording=True)
    assert ("start_recording" in deeds, len(wavs)) == (True, 1)


async def test_a_carrier_that_records_needs_no_records_of_ours() -> None:
    async with line_of(phone_of(can=attrs.evolve(ABLE, recording=True)), recording=True):
        pass


async def test_a_carrier_that_cannot_record_leaves_it_to_us(tmp_path: Path) -> None:
    deeds, wavs = await _recorded(tmp_path, able=False, recording=True)
    assert deeds == []
    with wave.open(str(wavs[0])) as wav:
        assert wav.getnchannels() == 2


async def test_a_local_recording_is_ours_whatever_the_carrier_can(tmp_path: Path) -> None:
    deeds, wavs = await _recorded(tmp_path, able=True, local_recording=True)
    assert (deeds, len(wavs)) == ([], 1)


async def test_nothing_is_recorded_unasked(tmp_path: Path) -> None:
    assert await _recorded(tmp_path, able=True) == ([], [])


async def test_a_local_recording_needs_records() -> None:
    phone = phone_of()
    with pytest.raises(PatterConfigError, match="there are no records"):
        await phone.serve(agent_of(phone), port=0, local_recording=True)
