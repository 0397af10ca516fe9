"""What strangers send to a server that runs, while one good call goes on to its end."""

from __future__ import annotations

import io
import signal
import sys
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from patter.observe.call_log import read_record
from patter.observe.codec import event_fields
from patter.observe.events import Ended, Row
from patter.server.tokens import MediaClaims, TokenSigner
from patter_softphone import Softphone, SoftphoneCall

from .processes import LIMIT_S, Running, row, running

KEY = b"a key that the test knows too"
SERVER = f"""
import asyncio, json
from patter import Patter
from patter.observe.call_log import CallLog
from patter.server.app import Server
from patter.phone.serving import ServeContext
from patter_testing import FakeSTT, FakeTTS

phone = Patter(carrier="softphone")
agent = phone.agent("Be brief.", stt=FakeSTT(), llm="rules", tts=FakeTTS(ms_per_letter=10))
log = CallLog.of("log")
desk = ServeContext(agent=agent, parts=phone.gathered(agent), registry=phone.registry, log=log)

async def main():
    server = Server(port=0, token_key={KEY!r})
    async with server.open(desk.answer, carriers=[phone.carrier]) as serving:
        print(json.dumps({{"url": serving.url}}), flush=True)
        return await serving.until_stopped()

raise SystemExit(not asyncio.run(main()))
"""
RING = "/webhooks/softphone/call"
MEDIA = "/media/softphone/"
HUGE = 10_000_000
LOST, TOO_BIG, TOKEN_REFUSED = 1006, 1009, 4401
JSON = {"Content-Type": "application/json"}

pytestmark = pytest.mark.patter_timeout(90)


async def test_strangers_are_refused_and_the_call_beside_them_goes_on(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER, encoding="utf-8")
    async with running(tmp_path, [sys.executable, "server.py"]) as process:
        url = await process.told("url")
        async with Softphone(url=url).call() as call, aiohttp.ClientSession(url) as client:
            await answered(call, "one")
            assert await bodies(client) == 5 * [400] + [413]
            await answered(call, "two")
            assert await tokens(client, call) == [404, 403, 403] + 3 * [TOKEN_REFUSED]
            await answered(call, "three")
            assert await frames(client) in ((4, TOO_BIG), (4, LOST))
            await answered(call, "four")
            await call.hang_up("thank you")
        process.send(signal.SIGTERM)
        assert await process.ended() == 0
    assert words(tmp_path / "log", call.call_id) == ["one", "two", "three", "four"]
    assert not unexplained(process)


async def answered(call: SoftphoneCall, word: str) -> None:
    """Say *word* and hear it said back to the end."""
    await call.write(word)
    await row(call, "agent", word)


async def bodies(client: aiohttp.ClientSession) -> list[int]:
    """What calls with a bad body get; the last two are of no known type, and huge."""
    bad = (b"{", b"[1]", b"\xff", b'{"caller": 7}')
    found = [await posted(client, body, JSON) for body in bad]
    typeless = await posted(client, b"<xml/>", {"Content-Type": "text/xml"})
    return [*found, typeless, await posted(client, b" " * HUGE, JSON)]


async def posted(client: aiohttp.ClientSession, body: bytes, headers: dict[str, str]) -> int:
    async with client.post(RING, data=io.BytesIO(body), headers=headers) as answer:
        assert set((await answer.json())["error"]) == {"code", "message", "fix"}
        return answer.status


async def tokens(client: aiohttp.ClientSession, call: SoftphoneCall) -> list[int]:
    """What media sockets get without a token, with a wrong, expired, held and finished one."""
    now = 1_700_000_000
    old = TokenSigner(KEY).sign(MediaClaims(call_id=call.call_id, carrier="softphone", expires=now))
    forged = TokenSigner().sign(MediaClaims(call_id=call.call_id, carrier="softphone"))
    async with Softphone(url=str(client._base_url)).call() as second:
        await second.hang_up()
    used = [path.removeprefix(MEDIA) for path in (call.media_path, second.media_path)]
    return [await refused(client, token) for token in ("", "x", forged, old, *used)]


async def refused(client: aiohttp.ClientSession, token: str) -> int:
    """The status or close code a media socket with *token* gets."""
    try:
        async with client.ws_connect(MEDIA + token) as socket:
            await socket.receive(timeout=LIMIT_S)
            return int(socket.close_code or 0)
    except aiohttp.WSServerHandshakeError as error:
        return error.status


async def frames(client: aiohttp.ClientSession) -> tuple[int, int]:
    """How many bad frames of a call get a complaint, and how it ends with one of 10 MB.

    A server that stops reading may be gone before its close frame can be read.
    """
    async with client.post(RING, json={}) as answer:
        path = (await answer.json())["media_path"]
    bad = ("{", "[1]", '{"event": "media", "payload": "***"}', '{"event": "levitate"}')
    complaints = 0
    async with client.ws_connect(path) as socket:
        for frame in bad:
            await socket.send_str(frame)
        await socket.send_bytes(b"\x01")
        while complaints < len(bad):
            complaints += "fix" in str((await socket.receive(timeout=LIMIT_S)).data)
        with suppress(ConnectionError):
            await socket.send_bytes(bytes(HUGE))
        while not socket.closed:
            await socket.receive(timeout=LIMIT_S)
        return complaints, int(socket.close_code or 0)


def words(log: Path, call_id: str) -> list[str]:
    """What the caller said, by the record of the call, which was completed."""
    (path,) = log.rglob(f"{call_id}/call.jsonl")
    events = read_record(path)
    assert isinstance(events[-1], Ended)
    assert events[-1].outcome == "completed"
    rows = [event_fields(each) for each in events if isinstance(each, Row)]
    return [each["text"] for each in rows if each["role"] == "caller"]


def unexplained(process: Running) -> list[str]:
    """Lines of a traceback: whatever a stranger sends is told in a line."""
    return [line for line in process.err if "Traceback" in line or line.startswith("  File")]
