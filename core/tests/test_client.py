"""A phone: what it accepts, what it refuses, and how it serves and stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest

from patter import (
    AgentError,
    InputError,
    Patter,
    PatterConfigError,
    PatterError,
    Registry,
    Static,
)
from patter.errors import PatterConnectionError, PatterTypeError, ProvisionError
from patter.phone.public_host import host_of
from patter.plugins.overrides import overriding
from patter.providers.carrier import CarrierCapabilities, Incoming
from patter.testing import FakeCarrier, FakeLeg, FakeLLM, FakeSTT, FakeTTS, FakeTunnel

LOCAL = FakeCarrier(can=CarrierCapabilities(marks=True))
NUMBER = "+15550001234"
PARTS: dict[str, Any] = {"stt": FakeSTT(), "llm": FakeLLM(), "tts": FakeTTS()}


def bare() -> Registry:
    return Registry.from_environment({}, source=[])


def phone_of(**given: Any) -> Patter:
    return Patter(**{"carrier": LOCAL, "persist": False, "registry": bare(), **given})


def refusal(**given: Any) -> tuple[str, str]:
    with pytest.raises(PatterError) as caught:
        phone_of(**given)
    return caught.value.message, caught.value.fix


# --- what a phone is


@pytest.mark.parametrize(
    ("given", "said", "fix"),
    [
        (
            {"carrier": FakeCarrier()},
            "fake needs a phone_number",
            "Patter(phone_number='+15550188000', ...), with a number you own",
        ),
        (
            {"phone_number": "555-0188"},
            "'555-0188' is not an E.164 number",
            "write it like +15550188000",
        ),
        (
            {"webhook_url": "a.example.com", "tunnel": True},
            "the phone has both webhook_url and tunnel",
            "remove webhook_url, or remove tunnel",
        ),
        (
            {"webhook_url": "https://a.example.com/x"},
            "webhook_url has a path",
            "give the public host alone: agent.example.com",
        ),
        (
            {"carrier": 7},
            "int cannot be the carrier: it has no 'name', 'account', 'formats', 'can', 'open'",
            "pass a spec string or an object like those in patter.providers.carrier",
        ),
        (
            {"phonenumber": NUMBER, "colour": "red"},
            "Patter has no argument 'colour', 'phonenumber'",
            "remove it",
        ),
        ({"phone_numbr": NUMBER}, "Patter has no argument 'phone_numbr'", "did you mean"),
        (
            {"api_key": "secret"},
            "Patter has no argument 'api_key'",
            "remove it: there is no hosted service, Patter runs in your process",
        ),
    ],
)
def test_a_phone_that_cannot_be_is_refused(given: dict[str, Any], said: str, fix: str) -> None:
    message, remedy = refusal(**given)
    assert message == said
    assert remedy.startswith(fix)


@pytest.mark.parametrize("given", [{"carrier": 7}, {"colour": "red"}])
def test_a_wrong_type_is_a_type_error_too(given: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        phone_of(**given)


def test_a_bad_number_is_input() -> None:
    with pytest.raises(InputError):
        phone_of(phone_number="12")


@pytest.mark.parametrize(
    "given", ["a.example.com", "https://a.example.com/", "wss://a.example.com"]
)
def test_the_public_host_is_told_with_or_without_scheme(given: str) -> None:
    assert host_of(given) == "a.example.com"
    assert phone_of(webhook_url=given).webhook_url == "a.example.com"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("a b", "a space"),
        ("me@a.example.com", "a user"),
        ("a.example.com?x", "a query"),
        ("a.example.com#x", "a fragment"),
        ("ftp://a.example.com", "the scheme ftp"),
        ("https://", "no host"),
        (" ", "no host"),
    ],
)
def test_more_or_less_than_a_host_is_refused(given: str, said: str) -> None:
    with pytest.raises(PatterConfigError, match=f"webhook_url has {said}"):
        host_of(given)


def test_a_carrier_that_is_not_installed_is_told_with_the_rest_of_the_agent() -> None:
    phone = phone_of(carrier="pigeon")
    with pytest.raises(AgentError) as caught:
        phone.agent("", stt="zorp", llm=FakeLLM(), tts=FakeTTS())
    said = "no stt provider named 'zorp' is known; no carrier provider named 'pigeon' is known"
    assert caught.value.message == f"2 problems: {said}"


def test_the_flags_in_force_when_a_phone_is_made_stay_in_force() -> None:
    heard = FakeSTT()
    with overriding({"carrier": LOCAL, "stt": heard, "llm": PARTS["llm"], "tts": PARTS["tts"]}):
        phone = phone_of(carrier="twilio", phone_number=NUMBER)
        agent = phone.agent("", stt="deepgram/nova-3", llm="openai", tts="elevenlabs")
    assert (phone.carrier, agent.stt) == (LOCAL, heard)
    assert phone.agent("", stt="deepgram").stt is heard


def test_the_local_mode_is_the_only_one() -> None:
    assert phone_of(mode="local").carrier == phone_of().carrier
    assert refusal(mode="cloud")[0] == "Patter has no argument 'mode'"


def test_two_phones_share_no_state() -> None:
    first, second = phone_of(pricing={"a": {}}), phone_of()
    assert (first.pricing, second.pricing) == ({"a": {}}, {})
    assert first.registry is not second.registry


def test_an_argument_an_agent_has_not_is_refused() -> None:
    with pytest.raises(PatterTypeError) as caught:
        phone_of().agent("", **PARTS, langage="de")
    told = caught.value.message, caught.value.fix
    assert told == ("agent has no argument 'langage'", "did you mean 'language'?")


def test_an_agent_takes_every_field_by_name() -> None:
    agent = phone_of().agent("Hi.", **PARTS, idle_ms=(5_000,), barge_in_mode="pause_resume")
    assert agent.system_prompt == "Hi."
    assert agent.rules().idle_ms == (5_000,)


def test_prices_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(PatterConfigError, match="pricing of 'acme' cannot be read"):
        _ = phone_of(pricing={"acme": {"price": "cheap"}}).prices


# --- serving


@asynccontextmanager
async def served(phone: Patter, **given: Any) -> AsyncIterator[str]:
    """The URL of *phone*, served while inside."""
    agent = phone.agent("Be brief.", **PARTS)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(phone.serve(agent, **{"port": 0, **given}))
        yield await phone.ready
        await phone.disconnect()
    assert serving.result() is True


async def status(url: str) -> int:
    async with aiohttp.ClientSession() as client, client.get(f"{url}/ready") as answer:
        return answer.status


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
    told = caught.value.message, caught.value.fix
    assert told == ("this phone has no carrier", "Patter(carrier=...)")


async def test_who_waits_for_ready_hears_of_a_cancelled_start() -> None:
    phone = phone_of(tunnel=Endless())
    waiting = phone.ready
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(phone.serve(phone.agent("", **PARTS), port=0))
        await phone.tunnel.opening.wait()
        serving.cancel()
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
    ("given", "said"),
    [
        ({"agent": "hello"}, "serve was given a str, not an agent"),
        ({"port": True}, "port=True is no port"),
        ({"port": 70_000}, "port=70000 is no port"),
        ({"recording": "yes"}, "recording='yes' is neither"),
        ({"on_call_end": "print"}, "on_call_end is 'print', which cannot be called"),
        ({"on_message": "https://a.example.com"}, "on_message is a str, not a function"),
        ({"on_message": print}, "agent has an llm, and serve an on_message"),
        ({"recording": True}, "a recording is kept beside the call's record"),
    ],
)
async def test_what_cannot_be_served_is_refused(given: dict[str, Any], said: str) -> None:
    phone = phone_of()
    agent = given.pop("agent", None) or phone.agent("", **PARTS)
    with pytest.raises(PatterError) as caught:
        await phone.serve(agent, **{"port": 0, **given})
    assert caught.value.message.startswith(said)
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

        flood = [await ask("198.51.100.66") for _ in range(400)]
        assert 429 in flood
        assert (await ask("198.51.100.1") == 429) is refused


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
        ticket = await board.ring(Incoming(carrier="fake", carrier_call_id="x1"))
        await board.attach(ticket.token, leg)


@attrs.define
class Ends:
    """What on_call_end was told, and when."""

    told: list[dict[str, Any]] = attrs.field(factory=list)
    came: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def __call__(self, data: dict[str, Any]) -> None:
        self.told.append(data)
        self.came.set()


async def test_a_call_that_is_ending_may_end_when_the_phone_disconnects() -> None:
    door, leg, ends = Door(), FakeLeg(), Ends()
    async with served(phone_of(carrier=door), on_call_end=ends), asyncio.TaskGroup() as tasks:
        tasks.create_task(door.brings(leg))
        leg.hang_up()
    assert [end["outcome"] for end in ends.told] == ["completed"]


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
    assert [end["metrics"]["reason"] for end in ends.told] == ["the server stopped"]


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


# --- an address


async def test_a_start_that_needs_a_tunnel_there_is_not_fails_for_all_who_wait() -> None:
    phone = phone_of(tunnel=True)
    waiting = phone.ready, phone.tunnel_ready
    with pytest.raises(PatterConfigError, match="no tunnel is installed") as caught:
        await phone.serve(phone.agent("", **PARTS), port=0)
    assert [each.exception() for each in waiting] == [caught.value] * 2


async def test_a_tunnel_that_does_not_open_fails_for_all_who_wait() -> None:
    refused = PatterConnectionError("cloudflared is not on PATH", fix="install cloudflared")
    phone = phone_of(tunnel=FakeTunnel(refuses=refused))
    waiting = phone.ready, phone.tunnel_ready
    with pytest.raises(PatterConnectionError) as caught:
        await phone.serve(phone.agent("", **PARTS), port=0)
    assert caught.value is refused
    assert [each.exception() for each in waiting] == [refused] * 2


async def test_a_known_host_is_told_before_it_serves() -> None:
    for phone in (phone_of(webhook_url="a.example.com"), phone_of(tunnel=Static("a.example.com"))):
        assert phone.tunnel_ready.result() == "a.example.com"
        assert not phone.ready.done()


async def test_the_host_of_a_tunnel_is_told_when_it_is_open() -> None:
    tunnel = FakeTunnel(host="fox.example.com")
    phone = phone_of(carrier=FakeCarrier(), phone_number=NUMBER, tunnel=tunnel)
    waiting = phone.tunnel_ready
    assert not waiting.done()
    async with served(phone):
        assert waiting.result() == "fox.example.com"
        assert phone.address is not None
        told = phone.address.host, phone.address.number, phone.address.checked
        assert told == ("fox.example.com", NUMBER, True)
    assert phone.address is None


async def test_a_phone_of_this_machine_has_no_public_host() -> None:
    phone = phone_of()
    waiting = phone.tunnel_ready
    async with served(phone) as url:
        assert waiting.result() == ""
        assert phone.address is not None
        assert (phone.address.url, phone.address.number) == (url, "")


async def test_a_static_tunnel_is_an_address_that_nobody_checked() -> None:
    carrier = FakeCarrier()
    phone = phone_of(carrier=carrier, phone_number=NUMBER, tunnel=Static("a.example.com"))
    async with served(phone) as url:
        assert url == "https://a.example.com"
        assert phone.address is not None
        assert phone.address.checked is False
    assert [order.detail for order in carrier.orders] == [f"{NUMBER} a.example.com"]


async def test_a_webhook_that_is_not_to_be_set_is_left_alone() -> None:
    carrier = FakeCarrier()
    phone = phone_of(carrier=carrier, phone_number=NUMBER, webhook_url="a.example.com")
    async with served(phone, set_webhook=False):
        assert phone.address is not None
        assert phone.address.number == ""
    assert carrier.orders == []


@pytest.mark.parametrize("host", ["localhost:8000", "10.0.0.7", "0x7f.1", "[::1]"])
async def test_an_address_nobody_outside_reaches_is_warned_of(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    carrier = FakeCarrier()
    phone = phone_of(carrier=carrier, phone_number=NUMBER, webhook_url=host)
    with caplog.at_level(logging.WARNING):
        async with served(phone):
            pass
    assert "carriers will not reach this phone: " in caplog.text
    assert len(carrier.orders) == 1


async def test_an_address_that_may_be_reached_is_not_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        async with served(phone_of(webhook_url="a.example.com")):
            pass
    assert caplog.text == ""


async def test_a_tunnel_for_one_serve_goes_before_the_phones_own() -> None:
    phone = phone_of(tunnel=True)
    async with served(phone, tunnel=Static("a.example.com")) as url:
        assert url == "https://a.example.com"
