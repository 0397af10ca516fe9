"""Headless Chromium, driven over its own DevTools protocol: no driver package, no network."""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import orjson
from aiohttp import ClientSession, ClientWebSocketResponse

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--window-size=1000,900",
)
ALLOWED = "--use-fake-ui-for-media-stream"
LIMIT_S = 30.0


@attrs.define(eq=False)
class Tab:
    """One page, as JavaScript sees it."""

    _socket: ClientWebSocketResponse
    _count: int = 0
    _loads: int = 0
    problems: list[str] = attrs.field(factory=list)

    async def command(self, method: str, **params: Any) -> Any:
        """Send a DevTools command; return its result."""
        self._count += 1
        wanted = self._count
        said = orjson.dumps({"id": wanted, "method": method, "params": params})
        await self._socket.send_str(said.decode())
        while (heard := await self._hear()).get("id") != wanted:
            pass
        assert "error" not in heard, heard["error"]
        return heard["result"]

    async def load(self, method: str, **params: Any) -> None:
        """Send a command that loads a page; return when its scripts have run."""
        before = self._loads
        await self.command(method, **params)
        while self._loads == before:
            await self._hear()
        await self.until("document.querySelector('#pad button')")

    async def js(self, code: str) -> Any:
        """The value of *code*, awaited."""
        found = await self.command(
            "Runtime.evaluate",
            expression=code,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def until(self, condition: str, limit_s: float = 10.0) -> None:
        """Wait until *condition* holds in the page."""
        held = await self.js(
            f"""new Promise((done) => {{
              const stop = performance.now() + {1_000 * limit_s};
              const look = () => ({condition}) ? done(true)
                : performance.now() > stop ? done(false) : setTimeout(look, 20);
              look();
            }})"""
        )
        assert held, f"{condition} never held; the page: {await self.text()}; {self.problems}"

    async def text(self) -> str:
        """All that can be read on the page."""
        return str(await self.js("document.body.innerText"))

    async def click(self, selector: str) -> None:
        """Click as a user does: in the middle of the element."""
        box = await self.js(
            f"""(() => {{ const e = document.querySelector({selector!r});
              e.scrollIntoView({{block: "center"}});
              const r = e.getBoundingClientRect();
              return [r.x + r.width / 2, r.y + r.height / 2]; }})()"""
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.command(
                "Input.dispatchMouseEvent",
                type=kind,
                x=box[0],
                y=box[1],
                button="left",
                clickCount=1,
            )

    async def key(self, key: str) -> None:
        """Press and release *key* where the focus is."""
        typed = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        code = {"Enter": 13, "Tab": 9}.get(key, ord(key.upper()) if len(key) == 1 else 0)
        await self.command(
            "Input.dispatchKeyEvent",
            type="keyDown",
            key=key,
            text=typed,
            windowsVirtualKeyCode=code,
        )
        await self.command("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def picture(self, path: Path) -> None:
        """Write what is on the screen to *path*, as PNG."""
        shot = await self.command("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    async def size(self, width: int, height: int, scale: float = 1.0) -> None:
        """Make the window *width* by *height* CSS pixels."""
        await self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )

    async def _hear(self) -> dict[str, Any]:
        said: dict[str, Any] = orjson.loads((await self._socket.receive()).data)
        self._watch(said)
        return said

    def _watch(self, said: dict[str, Any]) -> None:
        method, params = said.get("method"), said.get("params", {})
        if method == "Page.loadEventFired":
            self._loads += 1
        elif method == "Runtime.exceptionThrown":
            self.problems.append(str(params["exceptionDetails"]))
        elif method == "Log.entryAdded" and params["entry"]["source"] == "security":
            self.problems.append(params["entry"]["text"])


@asynccontextmanager
async def browser(url: str, profile: Path, microphone: Path | None = None) -> AsyncIterator[Tab]:
    """Chromium showing *url*, hearing *microphone* over and over, or denied one."""
    assert CHROMIUM is not None
    hears = (ALLOWED, f"--use-file-for-fake-audio-capture={microphone}") if microphone else ()
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *FLAGS,
        *hears,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        port = await _port(process.stderr)
        async with (
            ClientSession() as client,
            client.ws_connect(await _page(client, port), max_msg_size=0) as socket,
        ):
            tab = Tab(socket)
            for domain in ("Page", "Runtime", "Log"):
                await tab.command(f"{domain}.enable")
            await tab.load("Page.navigate", url=url)
            yield tab
    finally:
        process.terminate()
        async with asyncio.timeout(LIMIT_S):
            await process.communicate()


async def _port(said: asyncio.StreamReader) -> int:
    async with asyncio.timeout(LIMIT_S):
        async for line in said:
            if b"DevTools listening on" in line:
                return int(line.split(b":")[2].split(b"/")[0])
    raise AssertionError("chromium did not start")


async def _page(client: ClientSession, port: int) -> str:
    async with client.get(f"http://127.0.0.1:{port}/json/list") as answer:
        tabs = await answer.json()
    return str(next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"))
