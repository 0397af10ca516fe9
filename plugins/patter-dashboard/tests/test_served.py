"""A phone that serves, with its dashboard: calls as they go on, and what is done about them."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest
from importlib_metadata import EntryPoint

from patter import Patter, PluginRegistry
from patter.providers.carrier import CarrierCapabilities, Incoming
from patter_dashboard import listen
from patter_dashboard.dashboard import dashboard_of
from patter_testing import FakeCarrier, FakeLeg, FakeLLM, FakeSTT, FakeTTS, FakeVAD

from .records import API, OURS, THEIRS, Site, next_event

ABLE = CarrierCapabilities(marks=True, cold_transfer=True)


@attrs.define(eq=False)
class Served:
    """A phone with a dashboard, and callers."""

    site: Site
    server: Any
    stt: FakeSTT
    tasks: asyncio.TaskGroup
    carrier: FakeCarrier

    async def rings(self, caller: str = THEIRS) -> tuple[str, FakeLeg]:
        """A call that comes in and is answered: its id, and its line."""
        incoming = Incoming(
            carrier="fake", carrier_call_id=f"CA{caller[1:]}", caller=caller, callee=OURS
        )
        ticket = await self.server.switchboard.register(incoming)
        leg = FakeLeg()
        self.tasks.create_task(self.server.switchboard.attach(ticket.token, leg))
        return ticket.call_id, leg

    def hears(self, words: str) -> None:
        """The agent makes out *words* of the newest call."""
        ears = self.stt.sessions[-1]
        ears.start_voice()
        ears.hear(words)
        ears.stop_voice()
        ears.end_turn()

    async def live(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = (await self.site.api("/live"))["calls"]
        return calls


@asynccontextmanager
async def phone_served(root: Path | None, stt: FakeSTT | None = None) -> AsyncIterator[Served]:
    advertised = [EntryPoint("dashboard", "patter_dashboard.plugin", "patter.extension")]
    registry = PluginRegistry.from_environment({}, source=advertised)
    carrier = FakeCarrier(can=ABLE)
    phone = Patter(
        carrier=carrier, registry=registry, persist=str(root) if root is not None else False
    )
    stt = FakeSTT() if stt is None else stt
    agent = phone.agent(
        "Be brief.",
        name="bistro",
        stt=stt,
        llm=FakeLLM(replies=("We open at five.",) * 9),
        tts=FakeTTS(ms_per_letter=4),
        vad=FakeVAD(),
        first_message="Good evening.",
    )
    jar = aiohttp.CookieJar(unsafe=True)
    async with asyncio.TaskGroup() as tasks, aiohttp.ClientSession(cookie_jar=jar) as client:
        tasks.create_task(phone.serve(agent, port=0))
        url = await phone.ready
        server = phone._run.running.serving  # type: ignore[union-attr]
        dashboard = dashboard_of(server)
        assert dashboard is not None
        yield Served(Site(dashboard, url, client), server, stt, tasks, carrier)
        await phone.disconnect()


async def until(condition: Any, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_a_call_is_seen_as_it_goes_on_and_then_in_the_list(shelf: Any) -> None:
    async with phone_served(shelf.root) as phone:
        await phone.site.indexed()
        async with phone.site.client.get(f"{phone.site.url}{API}/events") as stream:
            lines = stream.content
            await next_event(lines, "ping")
            call_id, leg = await phone.rings()
            rings = await next_event(lines, "call_initiated")
            assert rings["data"]["caller"] == "***7788"
            started = await next_event(lines, "call_start")
            assert started["data"]["call_id"] == call_id
            assert started["data"]["caller"] == "***7788"
            greeting = await next_event(lines, "transcript_line")
            assert greeting["data"]["text"] == "Good evening."
            phone.hears(f"my number is {THEIRS}")
            said = await next_event(lines, "transcript_line")
            assert (said["data"]["role"], said["data"]["turnIndex"]) == ("caller", 1)
            assert said["data"]["text"] == "my number is ***7788"
            turn = await next_event(lines, "turn_complete")
            stages = turn["data"]["turn"]["stages"]
            assert sum(stages.values()) == turn["data"]["turn"]["gap_ms"]
            (live,) = await phone.live()
            assert (live["id"], live["here"], live["turns"]) == (call_id, True, 1)
            assert [each["text"] for each in live["lines"]][:2] == [
                "Good evening.",
                "my number is ***7788",
            ]
            session = await phone.site.api("/session")
            assert session["serving"] is True and session["agent"] == "bistro"
            (active,) = await phone.site.get("/api/dashboard/active")
            assert active["call_id"] == call_id and active["status"] == "in-progress"
            leg.hang_up()
            ended = await next_event(lines, "call_end")
            assert ended["data"]["outcome"] == "completed"
            indexed = await next_event(lines, "call_indexed")
            assert indexed["data"]["row"]["id"] == call_id
        assert await phone.live() == []
        (row,) = (await phone.site.api("/calls"))["data"]
        assert (row["id"], row["outcome"], row["caller"]) == (call_id, "completed", "***7788")


async def test_a_live_call_is_in_the_list_and_is_not_deleted(shelf: Any) -> None:
    async with phone_served(shelf.root) as phone:
        await phone.site.indexed()
        call_id, _ = await phone.rings()
        await until(phone.live)

        async def listed() -> bool:
            await phone.site.look()
            return bool((await phone.site.api("/calls?outcome=live"))["data"])

        await until(listed)
        gone = await phone.site.send(f"/api/dashboard/calls/{call_id}", method="DELETE")
        assert gone["count"] == 0


async def test_hanging_up_and_transferring(shelf: Any) -> None:
    async with phone_served(shelf.root) as phone:
        call_id, _ = await phone.rings()
        await until(phone.live)
        one = f"{API}/calls/{call_id}"
        await phone.site.send(f"{one}/transfer", {"to": "help"}, 400)
        await phone.site.send(f"{one}/transfer", {}, 400)
        assert await phone.site.send(f"{one}/transfer", {"to": "+15550100200"}) == {"sent": True}

        async def transferred() -> bool:
            return any(each.deed == "transfer" for each in phone.carrier.orders)

        await until(transferred)
        (order,) = [each for each in phone.carrier.orders if each.deed == "transfer"]
        assert order.detail == "+15550100200"
        other, _ = await phone.rings("+15550107799")
        await phone.site.send(f"{API}/calls/{other}/hang-up")

        async def over() -> bool:
            return other not in {each["id"] for each in await phone.live()}

        await until(over)
        await phone.site.send(f"{API}/calls/none/hang-up", status=404)
        audit = (shelf.root / "dashboard-audit.jsonl").read_text()
        assert '"transfer"' in audit and '"hang up"' in audit and "0100200" not in audit


async def test_listening_in_hears_both_sides(shelf: Any) -> None:
    async with phone_served(shelf.root) as phone:
        call_id, leg = await phone.rings()
        await until(phone.live)
        url = f"{phone.site.url}{API}/calls/{call_id}/listen"
        async with phone.site.client.ws_connect(url, origin=phone.site.url) as socket:
            assert await socket.receive_json(timeout=5) == {
                "rate_hz": 8_000,
                "channels": ["caller", "agent"],
            }
            leg.speak(b"\x00" * 160)  # the loudest of mu-law
            phone.hears("hello")
            sides: dict[int, bytes] = {}
            async with asyncio.timeout(10):
                while set(sides) != {0, 1}:
                    piece = await socket.receive_bytes()
                    side, _ = struct.unpack("<BI", piece[:5])
                    if len(piece) > 5:
                        sides.setdefault(side, piece[5:])
            assert len(sides[0]) == 320 and sides[0][:2] != b"\0\0"
            leg.hang_up()
            async with asyncio.timeout(10):
                while (message := await socket.receive()).type is aiohttp.WSMsgType.BINARY:
                    continue
            assert message.type is aiohttp.WSMsgType.CLOSE and socket.close_code == 1_000


@pytest.mark.parametrize("origin", ["https://evil.example.com", None])
async def test_another_page_hears_nothing(shelf: Any, origin: str | None) -> None:
    async with phone_served(shelf.root) as phone:
        call_id, _ = await phone.rings()
        await until(phone.live)
        url = f"{phone.site.url}{API}/calls/{call_id}/listen"
        headers = {"Sec-Fetch-Site": "cross-site"}
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await phone.site.client.ws_connect(url, origin=origin, headers=headers)
        assert refused.value.status == 403


async def test_five_may_listen_and_who_is_slow_holds_nobody_up(
    shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "AT_ONCE", 1)
    async with phone_served(shelf.root) as phone:
        call_id, leg = await phone.rings()
        await until(phone.live)
        url = f"{phone.site.url}{API}/calls/{call_id}/listen"
        async with phone.site.client.ws_connect(url, origin=phone.site.url):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await phone.site.client.ws_connect(url, origin=phone.site.url)
            assert refused.value.status == 429
            # Nobody reads what comes: the call goes on, and answers.
            for _ in range(2_000):
                leg.speak(b"\xff" * 160)
            phone.hears("hello")

            async def answered() -> bool:
                (live,) = await phone.live()
                return bool(live["turns"])

            await until(answered)
        async with phone.site.client.ws_connect(url, origin=phone.site.url):
            pass


def test_the_ear_forgets_what_is_not_fetched_and_what_is_cut() -> None:
    ear = listen.Ear()
    for at in range(500):
        ear.caller(at * 20, b"x")
    assert len(ear.box) == listen.PIECES
    ear.agent(9_000, b"a")
    ear.agent(9_500, b"b")
    ear.agent_cut(9_400)
    agents = [each for each in ear.box.items() if each.side == listen.AGENT]
    assert [(each.at_ms, each.audio) for each in agents] == [(9_000, b"a"), (9_400, b"")]


async def test_without_records_calls_are_seen_all_the_same() -> None:
    async with phone_served(None) as phone:
        call_id, leg = await phone.rings()
        await until(phone.live)
        (live,) = await phone.live()
        assert live["id"] == call_id
        (active,) = (await phone.site.get("/api/v1/calls/active"))["data"]
        assert active["call_id"] == call_id and active["caller"] == "***7788"

        async def greeted() -> bool:
            return bool((await phone.live())[0]["lines"])

        await until(greeted)
        leg.hang_up()

        async def listed() -> bool:
            return bool((await phone.site.get("/api/v1/calls"))["data"])

        await until(listed)
        (call,) = (await phone.site.get("/api/v1/calls"))["data"]
        assert call["transcript"][0]["text"] == "Good evening."
        assert call["metrics"]["telephony_provider"] == "fake"


async def test_a_phone_that_is_told_so_has_none() -> None:
    advertised = [EntryPoint("dashboard", "patter_dashboard.plugin", "patter.extension")]
    registry = PluginRegistry.from_environment({}, source=advertised)
    phone = Patter(carrier=FakeCarrier(can=ABLE), registry=registry, persist=False)
    agent = phone.agent("Be brief.", stt=FakeSTT(), llm=FakeLLM(), tts=FakeTTS())
    async with asyncio.TaskGroup() as tasks, aiohttp.ClientSession() as client:
        tasks.create_task(phone.serve(agent, port=0, dashboard=False))
        async with client.get(f"{await phone.ready}/dashboard") as answer:
            assert answer.status == 404
        await phone.disconnect()


async def test_a_call_that_nobody_answers_is_told_too(shelf: Any) -> None:
    incoming = Incoming(carrier="fake", carrier_call_id="CA1", caller=THEIRS, callee=OURS)
    async with (
        phone_served(shelf.root) as phone,
        phone.site.client.get(f"{phone.site.url}{API}/events") as stream,
    ):
        await next_event(stream.content, "ping")
        ticket = await phone.server.switchboard.register(incoming)
        await next_event(stream.content, "call_initiated")
        await phone.server.switchboard.hang_up(ticket.call_id, "test")
        ended = await next_event(stream.content, "call_end")
        assert ended["data"]["call_id"] == ticket.call_id
        assert ended["data"]["outcome"] == "canceled"
