"""The stream of events: numbered, resumed, and never waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest

from patter.clock import LoopClock
from patter_dashboard import hub as hubs
from patter_dashboard.hub import QUEUE, RING, Client, Hub

from .records import API, Site, next_event

STREAM = f"{API}/events"


@asynccontextmanager
async def listening(site: Site, last: int | None = None, path: str = STREAM) -> AsyncIterator[Any]:
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    async with site.client.get(site.url + path, headers=headers) as answer:
        assert answer.status == 200 and answer.content_type == "text/event-stream"
        # The first of all is a ping: from then on nothing is missed.
        assert (await next_event(answer.content))["event"] == "ping"
        yield answer.content


@pytest.mark.parametrize("path", [STREAM, "/api/dashboard/events", "/api/v1/events"])
async def test_what_happens_is_told_with_its_number(site: Site, path: str) -> None:
    async with listening(site, path=path) as lines:
        site.dashboard.hub.publish("call_start", {"call_id": "a"})
        event = await next_event(lines)
        assert (event["event"], event["data"]) == ("call_start", {"call_id": "a"})
        assert int(event["id"]) == site.dashboard.hub.last_id


async def test_who_comes_back_gets_what_was_missed(site: Site) -> None:
    hub = site.dashboard.hub
    hub.publish("one", {})
    seen = hub.last_id
    hub.publish("two", {})
    hub.publish("three", {})
    async with listening(site, seen) as lines:
        assert [(await next_event(lines))["event"] for _ in range(2)] == ["two", "three"]


@pytest.mark.parametrize("last", ["0", "99999999999999", "x", "-1"])
async def test_or_a_reset_when_that_is_not_known(site: Site, last: str) -> None:
    hub = site.dashboard.hub
    hub.publish("one", {})
    async with site.client.get(site.url + STREAM, headers={"Last-Event-ID": last}) as answer:
        event = await next_event(answer.content, "reset")
        assert int(event["id"]) == hub.last_id
        hub.publish("two", {})
        assert (await next_event(answer.content))["event"] == "two"


async def test_too_much_missed_is_a_reset_too(site: Site) -> None:
    hub = site.dashboard.hub
    hub.publish("one", {})
    seen = hub.last_id
    for _ in range(QUEUE + 1):
        hub.publish("more", {})
    async with listening(site, seen) as lines:
        assert (await next_event(lines))["event"] == "reset"


async def test_the_ring_is_bounded_in_events_and_bytes() -> None:
    hub = Hub()
    for _ in range(RING + 10):
        hub.publish("small", {})
    assert len(hub._ring) == RING
    for _ in range(100):
        hub.publish("large", {"text": "x" * 100_000})
    assert sum(len(each.body) for each in hub._ring) == hub._bytes <= hubs.RING_BYTES


async def test_who_does_not_read_is_closed_and_counted(site: Site) -> None:
    hub = site.dashboard.hub
    async with listening(site) as lines:
        async with asyncio.timeout(20):
            # More than the sockets of both sides hold.
            while not hub.dropped:
                hub.publish("large", {"text": "x" * 200_000})
                await asyncio.sleep(0.001)
        with pytest.raises(aiohttp.ClientError):
            async for _ in lines:
                pass
    assert hub.clients == 0 and hub.dropped == 1


def test_a_full_queue_is_the_end_of_its_client() -> None:
    client = Client()
    for _ in range(QUEUE):
        client.put(b"x")
    assert not client.slow
    client.put(b"x")
    assert client.slow and len(client.box) == 0


@pytest.mark.virtual_time
async def test_pings_and_comments_keep_it_open() -> None:
    hub = Hub()
    client = Client()
    hub._clients[client] = None
    async with hub.running():
        await LoopClock().sleep(30_100)
        got = client.box.items()
    assert got.count(hubs.PING) == 6 and got.count(hubs.KEEPALIVE) == 1


async def test_numbers_in_events_are_masked() -> None:
    hub = Hub()
    hub.publish("call_start", {"caller": "+15550107788", "text": "15550107788"}, ("15550107788",))
    assert b"5550107" not in hub._ring[-1].body and b"***7788" in hub._ring[-1].body


async def test_a_text_with_line_ends_is_one_event(site: Site) -> None:
    async with listening(site) as lines:
        site.dashboard.hub.publish("line", {"text": "a\n\nevent: b\r\ndata: {}\n\n"})
        event = await next_event(lines)
        assert event["event"] == "line" and event["data"]["text"].startswith("a\n\nevent: b")


async def test_more_clients_than_it_has_room_for_are_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "CLIENTS", 1)
    async with listening(site), site.client.get(site.url + STREAM) as answer:
        assert answer.status == 429 and orjson.loads(await answer.read())["error"]["fix"]


async def test_a_server_that_ends_lets_everybody_go(site: Site) -> None:
    async with listening(site) as lines:
        site.dashboard.hub.close()
        async with asyncio.timeout(5):
            assert [line async for line in lines] == []
