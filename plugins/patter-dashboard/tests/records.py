"""A log root with calls in it, and a dashboard over it on a real socket."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import numpy as np
from aiohttp import web

from patter.observe.call_log import CallLog
from patter.observe.codec import stamped
from patter.observe.events import (
    BargeIn,
    CallEvent,
    Ended,
    ErrorEvent,
    Note,
    Row,
    Started,
    ToolRun,
    Turn,
    Wire,
)
from patter_dashboard._routes import routes
from patter_dashboard.access import Access
from patter_dashboard.dashboard import Dashboard
from patter_dashboard.ingest import Ingest
from patter_dashboard.store import MetricsStore

WALL = 1_790_000_000.0
DAY = 86_400.0
THEIRS, OURS = "+15550107788", "+15550001234"
API = "/dashboard/api"
TOKEN = "open sesame"


@attrs.frozen
class CallShelf:
    """Calls below *root*."""

    root: Path

    def keep(self, id: str, events: Sequence[CallEvent], wall: float = WALL) -> Path:
        """Write down a call with *events* that began at *wall*; its directory."""
        record = CallLog(root=self.root).open(id, wall, chance=1)
        for seq, event in enumerate(events, 1):
            record(stamped(event, id, seq, event.at_ms or seq * 100))
        record.join()
        return record.directory

    def several(self, count: int, every_s: float = 60.0) -> list[str]:
        """Keep *count* calls, the first the newest; their ids."""
        ids = [f"call{at:04}" for at in range(count)]
        for at, id in enumerate(ids):
            self.keep(id, conversation(wall=WALL - at * every_s), WALL - at * every_s)
        return ids

    def record_audio(self, directory: Path, seconds: float = 2.0) -> Path:
        """A recording beside a record: a second of the caller, then one of the agent."""
        frames = round(seconds * 8_000)
        both = np.zeros((frames, 2), "<i2")
        both[: frames // 2, 0] = 16_384
        both[frames // 2 :, 1] = -32_768
        path = directory / "call.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(8_000)
            file.writeframes(both.tobytes())
        return path

    @property
    def bytes(self) -> bytes:
        """Every file below the root."""
        return b"\n".join(
            path.read_bytes() for path in sorted(self.root.rglob("*")) if path.is_file()
        )


def conversation(
    *,
    caller: str = THEIRS,
    outcome: str = "completed",
    words: str = "book a table for two",
    gap_ms: int = 800,
    wall: float = WALL,
    agent: str = "bistro",
    cost_usd: float | None = 0.0214,
    direction: str = "inbound",
    llm: str = "openai/gpt-4o-mini",
    error: str = "",
) -> list[CallEvent]:
    """A call of one turn in which a table is booked."""
    booked: dict[str, Any] = {"name": "book_table", "arguments": {"people": 2}, "effect": "once"}
    failed = (
        [ErrorEvent(code=error, message="it failed", fix="do it", where="tts")] if error else []
    )
    return [
        Started(
            caller=caller,
            callee=OURS,
            direction=direction,
            carrier="twilio",
            agent=agent,
            language="en",
            wall=wall,
            providers={"stt": "deepgram/nova-3", "llm": llm},
        ),
        Row(role="agent", text="Good evening.", turn=0, epoch=1, began_ms=0, ended_ms=900),
        Row(role="caller", text="book a", turn=1, began_ms=1_000, ended_ms=1_500),
        Row(role="caller", text=words, turn=1, amends=True, began_ms=1_000, ended_ms=2_500),
        Note(what="llm_request", messages=[{"role": "caller", "text": words}]),
        Wire(what="dtmf", hidden=4),
        ToolRun(what="started", **booked),
        ToolRun(what="finished", result="R-17", ok=True, took_ms=86, turn=1, **booked),
        *failed,
        Turn(turn=1, epoch=2, gap_ms=gap_ms, stages={"stt": 300, "end": gap_ms - 300}),
        BargeIn(epoch=2, cut_ms=3_800, evidence_ms=3_700, heard_ms=400),
        Row(
            role="agent",
            text="Booked",
            unheard="for two.",
            turn=1,
            epoch=2,
            began_ms=3_300,
            ended_ms=4_000,
            interrupted=True,
        ),
        Ended(
            outcome=outcome,
            reason="caller",
            duration_ms=51_200,
            turns=1,
            gap_p50_ms=gap_ms,
            gap_p95_ms=gap_ms,
            cost_usd=cost_usd,
            costs={"llm": 0.0014, "carrier": 0.02},
            unpriced=() if cost_usd is not None else ("acme/x minutes",),
        ),
    ]


@attrs.frozen(eq=False)
class Site:
    """A dashboard that is served, and somebody who asks it."""

    dashboard: Dashboard
    url: str
    client: aiohttp.ClientSession

    async def get(self, path: str, status: int = 200, **more: Any) -> Any:
        """The JSON at *path*, which is answered with *status*."""
        async with self.client.get(f"{self.url}{path}", **more) as answer:
            body = await answer.read()
            assert answer.status == status, (answer.status, body)
            return await answer.json() if "json" in answer.content_type else body

    async def api(self, path: str, status: int = 200, **more: Any) -> Any:
        """As `get`, of the page's own API."""
        return await self.get(f"{API}{path}", status, **more)

    async def send(
        self, path: str, body: Any = None, status: int = 200, method: str = "POST", **more: Any
    ) -> Any:
        """As a page of ours sends a change."""
        csrf = (await self.api("/session", headers=more.get("headers", {})))["csrf"]
        headers = {"X-Patter-CSRF": csrf, "Origin": self.url, **more.pop("headers", {})}
        sending = self.client.request(
            method, f"{self.url}{path}", json=body if body is not None else {}, headers=headers
        )
        async with sending as answer:
            assert answer.status == status, (answer.status, await answer.text())
            return await answer.json()

    async def indexed(self) -> None:
        """Wait until the first look at the records is over."""
        assert self.dashboard.indexer is not None
        async with asyncio.timeout(10):
            await self.dashboard.indexer.ready.wait()

    async def look(self) -> None:
        """Look at all records, now."""
        assert self.dashboard.indexer is not None
        await self.dashboard.indexer.look(0)


@asynccontextmanager
async def served(
    root: Path | None, *, token: str = "", host: str = "127.0.0.1", **more: Any
) -> AsyncIterator[Site]:
    """The dashboard of *root* on a free port."""
    dashboard = Dashboard(access=Access(token=token, **more), root=root)
    app = web.Application()
    app.add_routes([Ingest(dashboard, MetricsStore()).route(), *routes(dashboard)])
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        jar = aiohttp.CookieJar(unsafe=True)
        async with dashboard.running(), aiohttp.ClientSession(cookie_jar=jar) as client:
            site = Site(dashboard, url, client)
            if root is not None:
                await site.indexed()
            yield site
    finally:
        await runner.cleanup()


async def next_event(lines: Any, wanted: str = "") -> Mapping[str, Any]:
    """The next event of a stream, called *wanted* if that is given: its id, event and data."""
    import orjson

    event: dict[str, Any] = {}
    async with asyncio.timeout(10):
        async for raw in lines:
            line = raw.decode().rstrip("\n")
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
                continue
            if event.get("event") and (not wanted or event["event"] == wanted):
                return event | {"data": orjson.loads(event["data"])}
            event = {}
    raise AssertionError("the stream is over")
