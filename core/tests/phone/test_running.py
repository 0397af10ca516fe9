"""How a phone serves and stops, and what becomes of its calls then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest

from patter import AgentError, PatterConfigError, PatterError
from patter.errors import PatterConnectionError, ProvisionError
from patter.plugins.overrides import overriding
from patter.providers.carrier import CarrierCapabilities, Incoming
from patter_testing import FakeCarrier, FakeLeg, FakeTunnel

from .phones import LOCAL, NUMBER, PARTS, phone_of, served, status


async def test_a_phone_serves_until_it_is_disconnected() -> None:
    phone = phone_of()
    async with served(phone) as url:
        assert await status(url) == 200
    with pytest.raises(aiohttp.ClientConnectionError):
        await status(url)


async def test_the_environment_says_where_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_BIND_HOST", "127.0.0.2")
    async with served(phone_of()) as url:
        assert url.startswith("http://127.0.0.2:")
    async with served(phone_of(), host="127.0.0.3") as url:
        assert url.startswith("http://127.0.0.3:")


async def test_a_phone_can_serve_again() -> None:
    phone = phone_of()
    for _ in range(2):
        async with served(phone) as url:
            assert await status(url) == 200


async def test_disconnecting_what_does_not_serve_is_nothing() -> None:
    async with phone_of() as phone:
        await phone.disconnect()


async def test_leaving_its_scope_disconnects() -> None:
    async with asyncio.TaskGroup() as tasks, phone_of() as phone:
        agent = phone.agent("", **PARTS)
        serving = tasks.create_task(phone.serve(agent, port=0))
        await phone.ready
    assert serving.done()


async def test_one_phone_serves_once_at_a_time() -> None:
    phone = phone_of()
    async with served(phone):
        with pytest.raises(PatterConfigError, match="this phone serves already"):
            await phone.serve(phone.agent("", **PARTS), port=0)


async def test_ready_raises_what_keeps_it_from_serving() -> None:
    phone = phone_of(carrier=None)
    agent = phone.agent("", **PARTS)
    waiting = phone.ready
    with pytest.raises(PatterConfigError) as caught:
        await phone.serve(agent, port=0)
    assert waiting.exception() is caught.value
    reports = caught.value.message, caught.value.fix
    assert reports == ("this phone has no carrier", "Patter(carrier=...)")


async def test_who_waits_for_ready_hears_of_a_cancelled_start() -> None:
    tunnel = Endless()
    phone = phone_of(tunnel=tunnel)
    waiting = phone.ready
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(phone.serve(phone.agent("", **PARTS), port=0))
        await tunnel.opening.wait()
        serving.cancel()
    with pytest.raises(PatterConnectionError, match="serving was stopped"):
        await waiting


async def test_who_waits_for_ready_hears_of_a_phone_that_is_disconnected_before() -> None:
    tunnel = Endless()
    phone = phone_of(tunnel=tunnel)
    waiting = phone.ready
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(phone.serve(phone.agent("", **PARTS), port=0))
        await tunnel.opening.wait()
        await phone.disconnect()
        assert serving.result() is True
        with pytest.raises(PatterConnectionError, match="serving was stopped"):
            await waiting


@attrs.define(eq=False)
class Endless:
    """A tunnel that never opens."""

    opening: asyncio.Event = attrs.field(factory=asyncio.Event)

    @asynccontextmanager
    async def open(self, port: int) -> AsyncIterator[str]:
        self.opening.set()
        await asyncio.get_running_loop().create_future()
        yield ""


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"agent": "hello"}, "serve was given a str, not an agent"),
        ({"port": True}, "port=True is not a valid port"),
        ({"port": 70_000}, "port=70000 is not a valid port"),
        ({"recording": "yes"}, "recording='yes' is neither"),
        ({"on_call_end": "print"}, "on_call_end is 'print', which cannot be called"),
        ({"on_message": "answer"}, "on_message is a str, not a function"),
        ({"on_message": "https://a.example.com"}, "agent has an llm, and serve an on_message"),
        ({"on_message": "http://127.0.0.1/"}, "127.0.0.1 is not on the internet"),
        ({"on_message": print}, "agent has an llm, and serve an on_message"),
        ({"recording": True}, "a recording is kept beside the call's record"),
    ],
)
async def test_what_cannot_be_served_is_refused(fields: dict[str, Any], expected: str) -> None:
    phone = phone_of()
    agent = fields.pop("agent", None) or phone.agent("", **PARTS)
    with pytest.raises(PatterError) as caught:
        await phone.serve(agent, **{"port": 0, **fields})
    assert caught.value.message.startswith(expected)
    assert caught.value.fix


async def test_a_mind_is_needed_at_last_when_it_serves() -> None:
    phone = phone_of()
    agent = phone.agent("", stt=PARTS["stt"], tts=PARTS["tts"])
    with pytest.raises(AgentError, match="agent has no llm, and serve no on_message"):
        await phone.serve(agent, port=0)


async def test_a_carrier_with_numbers_needs_an_address() -> None:
    phone = phone_of(carrier=FakeCarrier(), phone_number=NUMBER)
    with pytest.raises(PatterConfigError) as caught:
        await phone.serve(phone.agent("", **PARTS), port=0)
    assert caught.value.message == "fake has no address to send calls to"
    assert caught.value.fix == "webhook_url='agent.example.com', or tunnel=True"


async def test_the_number_is_pointed_at_the_address() -> None:
    carrier = FakeCarrier()
    phone = phone_of(carrier=carrier, phone_number=NUMBER, webhook_url="a.example.com")
    async with served(phone) as url:
        assert url == "https://a.example.com"
    assert [order.detail for order in carrier.orders] == [f"{NUMBER} a.example.com"]


async def test_a_tunnel_is_opened_for_the_port_and_closed() -> None:
    carrier, tunnel = FakeCarrier(), FakeTunnel(host="fox.example.com")
    phone = phone_of(carrier=carrier, phone_number=NUMBER)
    async with served(phone, tunnel=tunnel) as url:
        assert url == "https://fox.example.com"
        assert len(tunnel.ports) == 1
    assert tunnel.ports == []
    assert [order.detail for order in carrier.orders] == [f"{NUMBER} fox.example.com"]


@pytest.mark.parametrize(
    ("way", "refused"),
    [
        ({"tunnel": FakeTunnel(host="fox.example.com")}, False),
        ({"webhook_url": "a.example.com"}, True),
    ],
)
async def test_a_flood_through_our_own_tunnel_locks_out_only_who_sent_it(
    way: dict[str, Any], refused: bool
) -> None:
    phone = phone_of(carrier=FakeCarrier(), phone_number=NUMBER, **way)
    async with served(phone), aiohttp.ClientSession() as http:
        assert phone.address is not None
        url = f"{phone.address.local_url}/nothing"

        async def ask(sender: str) -> int:
            async with http.get(url, headers={"X-Forwarded-For": sender}) as answer:
                return answer.status

        async def statuses(senders: Iterable[str]) -> list[int]:
            # At once: one after the other a slow machine sends fewer than are let through.
            return await asyncio.gather(*map(ask, senders))

        flood = list[int]()
        async with asyncio.timeout(30):
            while 429 not in flood:
                flood = await statuses(["198.51.100.66"] * 400)
        others = await statuses(f"198.51.100.{n}" for n in range(250) if n != 66)
        assert (429 in others) is refused


async def test_an_override_without_a_way_in_serves_this_machine_only() -> None:
    with overriding({"carrier": LOCAL, "tunnel": None}):
        phone = phone_of(carrier="twilio", phone_number=NUMBER, webhook_url="a.example.com")
    async with served(phone) as url:
        assert url.startswith("http://127.0.0.1:")


@attrs.frozen(kw_only=True)
class Stubborn(FakeCarrier):
    """A carrier whose numbers cannot be pointed anywhere."""

    async def configure(self, number: str) -> None:
        raise ProvisionError("could not set the webhook (HTTP 500)", fix="set it by hand")


async def test_a_number_that_cannot_be_pointed_is_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    phone = phone_of(carrier=Stubborn(), phone_number=NUMBER, webhook_url="a.example.com")
    with caplog.at_level(logging.WARNING):
        async with served(phone):
            pass
    assert "could not set the webhook (HTTP 500)\n  fix: set it by hand" in caplog.text


async def test_a_log_directory_that_others_can_read_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    phone = phone_of(persist=str(tmp_path))
    with pytest.raises(PatterConfigError, match="is readable by others"):
        await phone.serve(phone.agent("", **PARTS), port=0)


# --- calls


@attrs.frozen(kw_only=True)
class Door(FakeCarrier):
    """A carrier through which a test brings calls itself."""

    can: CarrierCapabilities = attrs.field(factory=lambda: CarrierCapabilities(marks=True))

    async def brings(self, leg: FakeLeg) -> None:
        """A call with *leg* as its media; returns when the call is done with it."""
        board = self.boards[-1]
        ticket = await board.register(Incoming(carrier="fake", carrier_call_id="x1"))
        await board.attach(ticket.token, leg)


@attrs.define
class Ends:
    """What on_call_end was told, and when."""

    reports: list[dict[str, Any]] = attrs.field(factory=list)
    came: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def __call__(self, data: dict[str, Any]) -> None:
        self.reports.append(data)
        self.came.set()


async def test_a_call_that_is_ending_may_end_when_the_phone_disconnects() -> None:
    door, leg, ends = Door(), FakeLeg(), Ends()
    async with served(phone_of(carrier=door), on_call_end=ends), asyncio.TaskGroup() as tasks:
        tasks.create_task(door.brings(leg))
        leg.hang_up()
    assert [end["outcome"] for end in ends.reports] == ["completed"]


async def test_a_callback_at_the_end_may_ask_over_the_network_when_the_phone_disconnects() -> None:
    door, leg, reports = Door(), FakeLeg(), list[str]()

    async def slow(data: dict[str, Any]) -> None:
        await asyncio.sleep(1.2)
        reports.append(data["outcome"])

    async with served(phone_of(carrier=door), on_call_end=slow), asyncio.TaskGroup() as tasks:
        tasks.create_task(door.brings(leg))
        leg.hang_up()
    assert reports == ["completed"]


async def test_a_call_that_goes_on_is_cut_when_the_phone_disconnects() -> None:
    door, ends, began = Door(), Ends(), Ends()
    phone = phone_of(carrier=door)
    agent = phone.agent("", **PARTS)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(
            phone.serve(agent, port=0, on_call_start=began, on_call_end=ends)
        )
        await phone.ready
        tasks.create_task(door.brings(FakeLeg()))
        await began.came.wait()
        await phone.disconnect()
    assert serving.result() is False
    assert [end["metrics"].reason for end in ends.reports] == ["stopped"]


async def test_the_end_of_a_call_may_disconnect_the_phone() -> None:
    door, leg = Door(), FakeLeg()
    phone = phone_of(carrier=door)
    agent = phone.agent("", **PARTS)

    async def last(data: dict[str, Any]) -> None:
        await phone.disconnect()
        await phone.disconnect()

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(phone.serve(agent, port=0, on_call_end=last))
        await phone.ready
        tasks.create_task(door.brings(leg))
        leg.hang_up()
    assert serving.result() is True
