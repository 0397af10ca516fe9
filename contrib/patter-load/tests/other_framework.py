"""A telephone agent of no framework, for the callers to call: ``python other_framework.py TOKEN``.

It greets, answers whoever was silent for 200 ms, and stops when somebody talks into its answer.
Prints its port. With ``closes`` it hangs up on whoever speaks, with ``clings`` it never closes.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from typing import Any

from aiohttp import web

from patter_load.webhook import signature

TOKEN, FAULT = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
QUIET, SOUND = 0xFF, b"\x20" * 160
ANSWER = 50


async def voice(request: web.Request) -> web.Response:
    form = {name: str(value) for name, value in (await request.post()).items()}
    wanted = signature(TOKEN, str(request.url), form)
    if request.headers.get("X-Twilio-Signature") != wanted:
        return web.Response(status=403)
    url = f"ws://{request.host}/media?call={form['CallSid']}"
    inner = f'<Stream url="{url}"><Parameter name="who" value="caller"/></Stream>'
    twiml = f"<Response><Connect>{inner}</Connect></Response>"
    return web.Response(text=twiml, content_type="text/xml")


class Agent:
    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket, self.stream = socket, ""
        self.speaking: asyncio.Task[None] | None = None
        self.silent_ms = self.voice_ms = 0

    async def say(self, frames: int) -> None:
        media = {"payload": base64.b64encode(SOUND).decode()}
        for number in range(frames):
            await self.send(event="media", media=media)
            await asyncio.sleep(0.02 if number > 5 else 0)
        await self.send(event="mark", mark={"name": "said"})

    async def send(self, **body: Any) -> None:
        await self.socket.send_str(json.dumps({**body, "streamSid": self.stream}))

    def begin(self, frames: int) -> None:
        self.speaking = asyncio.get_running_loop().create_task(self.say(frames))

    async def hear(self, audio: bytes) -> None:
        if audio.count(QUIET) > len(audio) // 2:
            self.silent_ms += 20
            if self.voice_ms and self.silent_ms >= 200:
                self.voice_ms = 0
                self.begin(ANSWER)
            return
        self.silent_ms, self.voice_ms = 0, self.voice_ms + 20
        if self.speaking is not None and not self.speaking.done() and self.voice_ms >= 100:
            self.speaking.cancel()
            await self.send(event="clear")


async def media(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(autoclose=FAULT != "clings")
    await socket.prepare(request)
    agent = Agent(socket)
    async for message in socket:
        body = json.loads(message.data)
        if body["event"] == "start":
            assert body["start"]["callSid"] == request.query["call"]
            assert body["start"]["customParameters"] == {"who": "caller"}
            agent.stream = body["streamSid"]
            agent.begin(15)
        elif body["event"] == "media":
            await agent.hear(base64.b64decode(body["media"]["payload"]))
            if FAULT == "closes" and agent.voice_ms > 200:
                break
        elif body["event"] == "stop":
            break
    if agent.speaking is not None:
        agent.speaking.cancel()
    if FAULT == "clings":
        await asyncio.sleep(2)
    await socket.close()
    return socket


async def main() -> None:
    app = web.Application()
    app.add_routes([web.post("/voice", voice), web.get("/media", media)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
