"""API v1 and /api/dashboard: what the documents promise."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import patter_dashboard
from patter_dashboard import documents
from patter_dashboard.documented import COLUMNS, calls_to_csv, calls_to_json, record_in

from .records import DAY, WALL, CallShelf, Site, conversation, served

HEAD = (
    "call_id,caller,callee,direction,started_at,ended_at,duration_s,cost_total,cost_stt,"
    "cost_tts,cost_llm,cost_telephony,avg_latency_ms,turns_count,provider_mode"
)


async def test_calls_are_listed_newest_first(shelf: CallShelf) -> None:
    ids = shelf.several(4)
    async with served(shelf.root) as site:
        own = await site.get("/api/dashboard/calls?limit=2&offset=1")
        v1 = await site.get("/api/v1/calls?limit=2&offset=1")
    assert [each["call_id"] for each in own] == ids[1:3]
    assert v1["data"] == own
    assert v1["pagination"] == {"limit": 2, "offset": 1, "count": 2, "total": 4}


async def test_a_record_has_the_documented_fields(shelf: CallShelf) -> None:
    shelf.keep("a", conversation())
    async with served(shelf.root) as site:
        record = await site.get("/api/dashboard/calls/a")
        assert (await site.get("/api/v1/calls/a")) == {"data": record}
        for path in ("/api/dashboard/calls/none", "/api/v1/calls/none"):
            assert "error" in await site.get(path, 404)
    assert {
        "call_id",
        "caller",
        "callee",
        "direction",
        "status",
        "started_at",
        "ended_at",
        "transcript",
        "turns",
        "metrics",
    } == set(record)
    assert record["caller"] == "***7788" and record["status"] == "completed"
    assert [(each["role"], each["turnIndex"]) for each in record["transcript"]] == [
        ("assistant", 0),
        ("user", 1),
        ("assistant", 1),
    ]
    assert record["metrics"]["cost"]["total"] == 0.0214


async def test_aggregates(shelf: CallShelf) -> None:
    for at, cost in enumerate([0.0214, None]):
        shelf.keep(f"c{at}", conversation(wall=WALL - at, cost_usd=cost), WALL - at)
    async with served(shelf.root) as site:
        own = await site.get("/api/dashboard/aggregates")
        assert (await site.get("/api/v1/analytics/overview")) == {"data": own}
        costs = (await site.get("/api/v1/analytics/costs?from=2026-09-01"))["data"]
        none = (await site.get("/api/v1/analytics/costs?to=2026-09-01"))["data"]
        await site.get("/api/v1/analytics/costs?from=soon", 400)
    assert own["total_calls"] == 2 and own["total_cost"] == 0.0214
    assert own["unpriced_calls"] == 1 and own["active_calls"] == 0
    assert own["avg_duration"] == 51.2 and own["avg_latency_ms"] == 500
    assert set(own["cost_breakdown"]) == {"stt", "tts", "llm", "telephony"}
    assert costs["calls_analyzed"] == 2 and none["calls_analyzed"] == 0
    assert costs["breakdown"]["telephony"] == 0.04
    assert costs["period"] == {"from": "2026-09-01", "to": None}


async def test_deleting_is_soft_and_stays(shelf: CallShelf) -> None:
    shelf.several(4)
    async with served(shelf.root) as site:
        one = await site.send("/api/dashboard/calls/call0001", method="DELETE")
        assert one == {"deleted": ["call0001"], "count": 1}
        again = await site.send("/api/dashboard/calls/call0001", method="DELETE")
        assert again == {"deleted": [], "count": 0}
        several = await site.send(
            "/api/dashboard/calls/delete", {"call_ids": ["call0002", "call0001", "none"]}
        )
        assert several == {"deleted": ["call0002"], "count": 1}
        assert (await site.get("/api/v1/calls"))["pagination"]["total"] == 2
        assert (await site.api("/calls"))["total"] == 2
        assert (await site.api("/summary?from=2026-09-01"))["calls"] == 2
        await site.send("/api/dashboard/calls/delete", {"call_ids": "all"}, 400)
    async with served(shelf.root) as site:
        assert (await site.api("/calls"))["total"] == 2
    assert len([*shelf.root.rglob("call.jsonl")]) == 4


@pytest.mark.parametrize("path", ["/api/dashboard/export/calls?format=csv", "/api/v1/export/csv?"])
async def test_a_table_of_all_calls(
    shelf: CallShelf, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "CHUNK", 3)
    shelf.several(7)
    shelf.keep("f", conversation(caller="=cmd()", wall=WALL - 9 * DAY), WALL - 9 * DAY)
    async with served(shelf.root) as site:
        async with site.client.get(f"{site.url}{path}") as answer:
            assert "attachment" in answer.headers["Content-Disposition"]
            assert answer.content_type == "text/csv"
            rows = [*csv.reader(io.StringIO(await answer.text()))]
        async with site.client.get(f"{site.url}{path}&to=2026-09-15") as answer:
            assert len((await answer.text()).splitlines()) == 2
    assert ",".join(rows[0]) == HEAD == ",".join(COLUMNS)
    assert len(rows) == 9
    assert not any(cell.startswith("=") for row in rows for cell in row)
    assert dict(zip(rows[0], rows[1], strict=True))["cost_total"] == "0.0214"


@pytest.mark.parametrize("path", ["/api/dashboard/export/calls", "/api/v1/export/json"])
async def test_an_array_of_all_calls(shelf: CallShelf, path: str) -> None:
    ids = shelf.several(3)
    async with served(shelf.root) as site, site.client.get(f"{site.url}{path}") as answer:
        body = json.loads(await answer.text())
    assert [each["call_id"] for each in body] == ids
    async with served(None) as site, site.client.get(f"{site.url}{path}") as answer:
        assert json.loads(await answer.text()) == []


async def test_an_unknown_format_is_refused(site: Site) -> None:
    assert (await site.get("/api/dashboard/export/calls?format=xml", 400))["error"]["fix"]


def test_functions_of_the_same(shelf: CallShelf) -> None:
    record = record_in(shelf.keep("a", conversation()))
    assert record is not None
    assert calls_to_csv([record]).splitlines()[0] == HEAD
    assert calls_to_csv([]) == HEAD + "\n"
    assert json.loads(calls_to_json([record])) == [record]
    assert patter_dashboard.calls_to_csv is calls_to_csv


async def test_what_is_ingested_is_told_to_pages(site: Site) -> None:
    from .records import next_event

    data = {"call_id": "a", "event": "call_start", "caller": "+15550107788"}
    async with site.client.get(f"{site.url}/api/dashboard/events") as stream:
        await next_event(stream.content, "ping")
        async with site.client.post(f"{site.url}/api/dashboard/ingest", json=data) as answer:
            assert await answer.json() == {"ok": True, "call_id": "a", "event": "call_start"}
        event = await next_event(stream.content, "call_start")
    assert event["data"]["caller"] == "***7788"


@pytest.mark.parametrize("wrong", [{}, {"call_id": 7}, {"call_id": "a", "event": "drop"}])
async def test_what_is_no_event_is_refused(site: Site, wrong: dict[str, object]) -> None:
    async with site.client.post(f"{site.url}/api/dashboard/ingest", json=wrong) as answer:
        assert answer.status == 400


async def test_a_page_elsewhere_ingests_nothing(site: Site) -> None:
    headers = {"Origin": "https://evil.example.com"}
    url = f"{site.url}/api/dashboard/ingest"
    async with site.client.post(url, json={"call_id": "a"}, headers=headers) as answer:
        assert answer.status == 403


async def test_notify_reaches_it_and_nobody_waits(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    from patter_dashboard import notify_dashboard

    port = int(site.url.rpartition(":")[2])
    hub = site.dashboard.hub
    before = hub.last_id
    notify_dashboard({"call_id": "a", "event": "call_end"}, port)
    async with asyncio.timeout(5):
        while hub.last_id == before:
            await asyncio.sleep(0.01)
    monkeypatch.setenv("PATTER_DASHBOARD_NOTIFY", "Off")
    before = hub.last_id
    notify_dashboard({"call_id": "a", "event": "call_end"}, port)
    await asyncio.sleep(0.2)
    assert hub.last_id == before
    monkeypatch.delenv("PATTER_DASHBOARD_NOTIFY")
    notify_dashboard({"call_id": "a"}, 1)  # nobody there


def test_the_command_serves_records(shelf: CallShelf) -> None:
    shelf.keep("a", conversation())
    words = ["dashboard", "--root", str(shelf.root), "--port", "0", "--json"]
    environment = {**os.environ, "PATTER_ONLY_PLUGINS": "dashboard"}
    child = subprocess.Popen(
        [sys.executable, "-m", "patter.cli", *words],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert child.stdout is not None
        told = json.loads(child.stdout.readline())
        from urllib.request import urlopen

        base = told["url"].removesuffix("/dashboard")
        with urlopen(f"{base}/dashboard/api/session", timeout=10) as answer:
            assert json.load(answer)["serving"] is False
    finally:
        child.terminate()
        assert child.wait(20) == 0
        assert child.stdout is not None
        child.stdout.close()


@pytest.mark.parametrize(
    "more, message",
    [
        (["--host", "0.0.0.0"], "it has no token"),
        (["--root", "/nowhere/at/all"], "there are no calls"),
    ],
)
def test_the_command_refuses_what_is_wrong(
    shelf: CallShelf, more: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from patter.cli import main

    words = ["--root", str(shelf.root)] if "--root" not in more else []
    assert main(["dashboard", *words, *more]) == 3
    assert message in capsys.readouterr().err


def test_a_root_that_others_may_read_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from patter.cli import main

    root = tmp_path / "open"
    root.mkdir(mode=0o755)
    assert main(["dashboard", "--root", str(root)]) == 3
    assert "chmod 700" in capsys.readouterr().err
