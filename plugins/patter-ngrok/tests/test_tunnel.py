"""The tunnel with an agent on this machine: found ones are left, made ones are removed."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from patter import ErrorCode, PatterError
from patter.providers.health import HealthReport
from patter_ngrok import Ngrok
from patter_testing.suites.rules import nothing_left

from .double import Agent, running


async def refusal_of(tunnel: Ngrok) -> PatterError:
    """Open *tunnel*, which must fail and leave nothing."""
    async with nothing_left():
        with pytest.raises(PatterError) as caught:
            async with tunnel.open(8_000):
                pytest.fail("it opened")
    return caught.value


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port where nobody listens, and nobody else will."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


async def test_a_domain_of_ones_own_is_yielded_and_nobody_asked(closed_port: int) -> None:
    tunnel = Ngrok("rosas.ngrok.app", api=f"http://127.0.0.1:{closed_port}")
    async with nothing_left(), tunnel.open(8_000) as host:
        assert host == tunnel.hostname == "rosas.ngrok.app"


async def test_a_tunnel_to_our_port_is_used_and_left(agent: Agent) -> None:
    agent.has("web", "http://localhost:80", "https://other.ngrok.app")
    agent.has("command_line", "http://localhost:8000")
    async with nothing_left(), Ngrok(api=agent.url).open(8_000) as host:
        assert host == "found.ngrok.app"
    assert agent.asked == ["GET /api/tunnels"]
    assert set(agent.tunnels) == {"web", "command_line"}


async def test_without_one_it_is_made_and_removed(agent: Agent) -> None:
    agent.has("web", "http://localhost:80")
    async with nothing_left(), Ngrok(api=agent.url).open(8_000) as host:
        assert host == "made.ngrok.app"
        assert agent.tunnels["patter-8000"]["config"]["addr"] == "http://127.0.0.1:8000"
    assert set(agent.tunnels) == {"web"}


async def test_a_tunnel_with_our_name_but_not_to_us_stays(agent: Agent) -> None:
    agent.has("patter-8000", "http://192.0.2.1:8000")
    async with Ngrok(api=agent.url).open(8_000):
        assert "patter-8000-2" in agent.tunnels
    assert set(agent.tunnels) == {"patter-8000"}


async def test_an_agent_that_is_connecting_is_waited_for(agent: Agent) -> None:
    agent.connecting = 2
    async with Ngrok(api=agent.url).open(8_000) as host:
        assert host == "made.ngrok.app"
    assert agent.asked.count("POST /api/tunnels") == 3


async def test_an_agent_that_never_connects_is_given_up(agent: Agent) -> None:
    agent.connecting = 1_000
    error = await refusal_of(Ngrok(api=agent.url, start_s=0.3))
    assert error.code is ErrorCode.TIMEOUT
    assert error.message == "the ngrok agent is not connected after 0.3 s"
    assert "authtoken" in error.fix


async def test_without_an_agent_the_error_says_how_to_start_one(closed_port: int) -> None:
    error = await refusal_of(Ngrok(api=f"http://127.0.0.1:{closed_port}"))
    assert error.code is ErrorCode.CONNECTION
    assert error.message == f"no ngrok agent answers at http://127.0.0.1:{closed_port}"
    assert error.fix == "ngrok start --none, or pass Ngrok(hostname=...)"


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        ("Your authtoken: 2hunter2hunter2\r\n\r\nERR_NGROK_105", ErrorCode.AUTH),
        ("Usage of ngrok requires a verified account. ERR_NGROK_4018", ErrorCode.AUTH),
        ("Your account is limited to 1 agent sessions. ERR_NGROK_108", ErrorCode.CONNECTION),
        ("The endpoint is already online. ERR_NGROK_334", ErrorCode.CONNECTION),
    ],
)
async def test_a_refusal_of_the_service_has_its_code(
    agent: Agent, refusal: str, code: ErrorCode
) -> None:
    agent.refusal = refusal
    error = await refusal_of(Ngrok(api=agent.url))
    assert error.code is code
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ((200, b"<html>"), "not an answer of an ngrok agent"),
        ((200, b'{"tunnels": [{"name": 7}]}'), "not an answer of an ngrok agent"),
        ((404, b"404 page not found"), "HTTP 404"),
        ((302, b""), "HTTP 302"),
        ((200, b" " * 1_000_001), "more than 1000000 bytes"),
    ],
)
async def test_something_else_on_that_port_is_told(
    agent: Agent, raw: tuple[int, bytes], told: str
) -> None:
    agent.raw = raw
    assert told in (await refusal_of(Ngrok(api=agent.url))).message
    assert agent.asked == ["GET /api/tunnels"]


async def test_an_agent_without_https_is_refused_and_cleaned_up(agent: Agent) -> None:
    agent.scheme = "http"
    assert "without https" in (await refusal_of(Ngrok(api=agent.url))).message
    assert not agent.tunnels


async def test_an_agent_that_is_silent_is_given_up(agent: Agent) -> None:
    agent.mute = frozenset({"GET"})
    error = await refusal_of(Ngrok(api=agent.url, start_s=0.2))
    assert error.code is ErrorCode.TIMEOUT


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_one_that_breaks_off_is_told_and_cleaned_up(agent: Agent, method: str) -> None:
    agent.breaks = frozenset({method})
    error = await refusal_of(Ngrok(api=agent.url))
    assert error.code is ErrorCode.CONNECTION
    assert error.message == f"what listens at {agent.url} broke off"
    assert not agent.tunnels


async def test_an_agent_that_ended_took_its_tunnels_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with AsyncExitStack() as stack, nothing_left():
        agent = await stack.enter_async_context(running(Agent()))
        async with Ngrok(api=agent.url).open(8_000):
            await stack.aclose()
    assert not caplog.records


async def test_a_tunnel_nobody_confirmed_is_removed(agent: Agent) -> None:
    agent.mute = frozenset({"POST"})
    error = await refusal_of(Ngrok(api=agent.url, start_s=0.2))
    assert error.code is ErrorCode.TIMEOUT
    assert agent.asked[-1] == "DELETE /api/tunnels/patter-8000"
    assert not agent.tunnels


async def test_cancelling_while_it_is_made_removes_it(agent: Agent) -> None:
    agent.mute = frozenset({"POST"})

    async def hold() -> None:
        async with Ngrok(api=agent.url).open(8_000):
            pytest.fail("it opened")

    async with nothing_left(), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(hold())
        await agent.muted.wait()
        assert agent.tunnels
        task.cancel()
    assert not agent.tunnels


async def test_a_body_that_fails_removes_it_and_its_error_is_not_wrapped(agent: Agent) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with Ngrok(api=agent.url).open(8_000):
            raise KeyError("mine")
    assert not agent.tunnels


@pytest.mark.parametrize("mute", [False, True])
async def test_one_that_cannot_be_removed_is_logged_and_nothing_waits(
    agent: Agent, caplog: pytest.LogCaptureFixture, mute: bool
) -> None:
    async with nothing_left(), Ngrok(api=agent.url).open(8_000):
        agent.mute = frozenset({"DELETE"}) if mute else frozenset()
        agent.raw = None if mute else (500, b'{"msg":"broken"}')
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "patter-8000 may still be open" in record.getMessage()
    assert ("no answer" if mute else "HTTP 500 broken") in record.getMessage()


async def test_a_check_tells_the_agents_version_and_makes_nothing(agent: Agent) -> None:
    agent.has("web", "http://localhost:80")
    async with nothing_left():
        assert await Ngrok(api=agent.url).check() == HealthReport(text="ngrok 3.39.6")
    assert agent.asked == ["GET /api/tunnels", "GET /api/status"]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (None, "ngrok agent answers"),
        (b"<html>", "ngrok agent answers"),
        (b'{"agent_version": 3}', "ngrok agent answers"),
        (b'{"agent_version": "3.1.0", "status": "reconnecting"}', "ngrok 3.1.0, reconnecting"),
    ],
)
async def test_a_check_tells_what_the_agent_does(
    agent: Agent, status: bytes | None, told: str
) -> None:
    agent.status = status
    assert await Ngrok(api=agent.url).check() == HealthReport(text=told)


async def test_a_check_without_an_agent_fails_as_opening_would(closed_port: int) -> None:
    tunnel = Ngrok(api=f"http://127.0.0.1:{closed_port}")
    opened = await refusal_of(tunnel)
    checked = await check_refusal_of(tunnel)
    assert (checked.code, checked.message, checked.fix) == (
        opened.code,
        opened.message,
        opened.fix,
    )


async def test_a_check_of_something_else_or_nobody_says_so(agent: Agent) -> None:
    agent.mute = frozenset({"GET"})
    late = await check_refusal_of(Ngrok(api=agent.url, start_s=0.2))
    assert late.code is ErrorCode.TIMEOUT
    assert late.message == f"what listens at {agent.url} did not answer in 0.2 s"
    agent.raw = (200, b"<html>")
    refusal = await check_refusal_of(Ngrok(api=agent.url))
    assert "not an answer of an ngrok agent" in refusal.message


async def test_a_domain_of_ones_own_is_not_asked_after(closed_port: int) -> None:
    tunnel = Ngrok("rosas.ngrok.app", api=f"http://127.0.0.1:{closed_port}")
    checked = await tunnel.check()
    assert checked.text == "rosas.ngrok.app, not asked: an ngrok of yours leads it here"


async def check_refusal_of(tunnel: Ngrok) -> PatterError:
    """Check *tunnel*, which must fail and leave nothing."""
    async with nothing_left():
        with pytest.raises(PatterError) as caught:
            await tunnel.check()
    return caught.value
