"""The store of calls in memory: bounded, filled from disk, and asked as documented."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web

from patter_dashboard import MetricsStore, mount_dashboard
from patter_dashboard.store import QUEUE, CallsStore

from .records import WALL, CallShelf, conversation


def one_call(store: CallsStore, call_id: str) -> None:
    store.record_call_start({"call_id": call_id, "caller": "+1", "started_at": WALL})
    store.record_transcript_line({"call_id": call_id, "role": "user", "text": "hello"})
    store.record_turn({"call_id": call_id, "turn": {"turn_index": 1}})
    store.record_call_end({"call_id": call_id}, {"duration_seconds": 4.0, "cost": {"total": 0.5}})


def test_a_call_goes_on_and_is_over() -> None:
    store = MetricsStore()
    store.record_call_initiated({"call_id": "a", "caller": "+1", "direction": "outbound"})
    assert [each["status"] for each in store.get_active_calls()] == ["initiated"]
    store.record_call_start({"call_id": "a"})
    assert store.get_call("a") == store.get_active_calls()[0] and store.call_count == 0
    store.record_transcript_line({"call_id": "a", "role": "user", "text": "hello"})
    store.record_call_end({"call_id": "a"}, {"cost": {"total": None}})
    (call,) = store.get_calls()
    assert call["status"] == "completed" and call["transcript"][0]["text"] == "hello"
    assert store.get_active_calls() == [] and call["direction"] == "outbound"
    totals = store.get_aggregates()
    assert totals["total_calls"] == 1 and totals["unpriced_calls"] == 1


def test_the_newest_500_are_kept() -> None:
    store = MetricsStore()
    for at in range(510):
        one_call(store, f"c{at}")
    assert store.call_count == 500
    assert store.get_calls(2, 1)[0]["call_id"] == "c508"
    assert store.get_call("c9") is None and store.get_call("c10") is not None
    assert store.get_aggregates()["total_cost"] == 250.0


@pytest.mark.parametrize("status, over", [("ringing", False), ("no-answer", True)])
def test_a_terminal_status_ends_a_call(status: str, over: bool) -> None:
    store = MetricsStore()
    store.record_call_initiated({"call_id": "a"})
    store.update_call_status("a", status)
    assert (store.call_count == 1) is over


def test_a_slow_subscriber_is_let_go() -> None:
    store = MetricsStore()
    slow, other = store.subscribe(), store.subscribe()
    store.unsubscribe(other)
    for at in range(QUEUE + 1):
        store.record_call_initiated({"call_id": f"c{at}"})
    assert len(slow) == QUEUE and len(other) == 0
    assert slow.put({}) is False


def test_hydrate_takes_over_what_is_stored_once(shelf: CallShelf) -> None:
    shelf.several(3)
    bad = shelf.keep("bad", conversation(wall=WALL + 5), WALL + 5)
    (bad / "metadata.json").write_text("{")
    (bad / "call.jsonl").write_text("{\n")
    odd = shelf.keep("odd", conversation(wall=WALL + 6), WALL + 6)
    text = (odd / "metadata.json").read_text()
    (odd / "metadata.json").write_text(text.replace('"started_at":"2026', '"started_at":"soon'))
    store = MetricsStore()
    one_call(store, "call0001")
    assert store.hydrate(str(shelf.root)) == 2
    assert store.hydrate(shelf.root) == 0
    assert {each["call_id"] for each in store.get_calls()} == {"call0000", "call0001", "call0002"}
    assert store.get_calls()[0]["transcript"] != [] or store.get_calls()[0]["call_id"] == "call0001"
    assert store.hydrate(None) == 0 and store.hydrate(shelf.root / "none") == 0


async def test_of_more_than_it_holds_hydrate_takes_the_newest(shelf: CallShelf) -> None:
    ids = shelf.several(6)
    store = MetricsStore(max_calls=4)
    assert await store.hydrate_async(shelf.root) == 4
    assert [each["call_id"] for each in store.get_calls()] == ids[:4]


def test_what_was_deleted_does_not_come_back(shelf: CallShelf) -> None:
    shelf.several(2)
    store = MetricsStore()
    store.hydrate(shelf.root)
    assert store.delete_calls(["call0000", "none"]) == ["call0000"]
    assert store.hydrate(shelf.root) == 0 and store.call_count == 1


def test_a_range_of_time(shelf: CallShelf) -> None:
    shelf.several(3)
    store = MetricsStore()
    store.hydrate(shelf.root)
    assert len(store.get_calls_in_range(WALL - 60, WALL)) == 1
    assert len(store.get_calls_in_range(None, None)) == 3


async def test_a_store_of_ones_own_in_an_application_of_ones_own() -> None:
    app = web.Application()
    store = MetricsStore()
    one_call(store, "mine")
    mount_dashboard(app, store, token="t")
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/v1/calls"
        async with aiohttp.ClientSession() as client:
            async with client.get(url) as stranger:
                assert stranger.status == 401
            async with client.get(url, headers={"Authorization": "Bearer t"}) as answer:
                assert (await answer.json())["data"][0]["call_id"] == "mine"
    finally:
        await runner.cleanup()
