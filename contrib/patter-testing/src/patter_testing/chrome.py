"""Headless Chromium, driven over its own DevTools protocol: no driver package, no network.

For tests of pages that a plugin serves on this machine; tests skip where `CHROMIUM` is None.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

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
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
LIMIT_S = 30.0
Problem: TypeAlias = Callable[[str, Mapping[str, Any]], object]
"""What is wrong by an event of the browser: its method and parameters; None or empty: nothing."""
KEY_CODES: Mapping[str, int] = {
    "Enter": 13, "Tab": 9, "Escape": 27, " ": 32, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36,
}  # fmt: skip


def any_problem(method: str, params: Mapping[str, Any]) -> object:
    """Exceptions, errors and warnings of the console, and what the browser logs as an error."""
    match method:
        case "Runtime.exceptionThrown":
            return params["exceptionDetails"]
        case "Runtime.consoleAPICalled" if params["type"] in {"error", "warning"}:
            return params["args"]
        case "Log.entryAdded" if params["entry"]["level"] == "error":
            return params["entry"]
    return None


@attrs.define(eq=False)
class Tab:
    """One page, as JavaScript and its user see it.

    *problems* are what `problem` finds wrong, *requests* the addresses it has asked for. What is
    waited for may take *patience_s*.
    """

    _socket: ClientWebSocketResponse
    problem: Problem = any_problem
    patience_s: float = 10.0
    _count: int = 0
    _loads: int = 0
    problems: list[str] = attrs.field(factory=list)
    requests: list[str] = attrs.field(factory=list)

    async def command(self, method: str, **params: Any) -> Any:
        """Send a DevTools command; return its result."""
        self._count += 1
        wanted = self._count
        message = orjson.dumps({"id": wanted, "method": method, "params": params})
        await self._socket.send_str(message.decode())
        while (answer := await self._hear()).get("id") != wanted:
            pass
        assert "error" not in answer, answer["error"]
        return answer["result"]

    async def open(self, url: str, ready: str) -> None:
        """Go to *url* and wait until *ready* holds there."""
        await self.command("Page.navigate", url=url)
        await self.until(f"document.readyState === 'complete' && ({ready})")

    async def load(self, method: str, ready: str, **params: Any) -> None:
        """Send a command that loads a page; return when *ready* holds there."""
        before = self._loads
        await self.command(method, **params)
        while self._loads == before:
            await self._hear()
        await self.until(ready)

    async def js(self, code: str) -> Any:
        """The value of *code*, awaited."""
        answer = await self.command(
            "Runtime.evaluate",
            expression=code,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, condition: str, limit_s: float | None = None) -> None:
        """Wait until *condition* holds in the page, whichever page that is by then."""
        async with asyncio.timeout(LIMIT_S):
            end = asyncio.get_running_loop().time() + (limit_s or self.patience_s)
            while not await self.js(f"Boolean({condition})"):
                late = asyncio.get_running_loop().time() > end
                assert not late, f"{condition} never held: {await self.text()}; {self.problems}"
                await asyncio.sleep(0.02)

    async def text(self) -> str:
        """All that can be read on the page."""
        return str(await self.js("document.body.innerText"))

    async def point(self, selector: str) -> tuple[float, float]:
        """The middle of the element, in view; the pointer is moved there.

        Waits until the pointer is over it: a busy browser may not have drawn it there yet.
        """
        async with asyncio.timeout(self.patience_s):
            while True:
                x, y = await self._middle(selector)
                await self.command("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
                if await self.js(f"document.querySelector({selector!r}).matches(':hover')"):
                    return x, y

    async def _middle(self, selector: str) -> tuple[float, float]:
        x, y = await self.js(
            f"""(() => {{ const e = document.querySelector({selector!r});
              e.scrollIntoView({{block: "center"}});
              const r = e.getBoundingClientRect();
              return [r.x + r.width / 2, r.y + r.height / 2]; }})()"""
        )
        return x, y

    async def click(self, selector: str) -> None:
        """Click as a user does: in the middle of the element."""
        x, y = await self.point(selector)
        for kind in ("mousePressed", "mouseReleased"):
            await self.command(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    async def key(self, key: str, *, shift: bool = False) -> None:
        """Press and release *key* where the focus is."""
        typed = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        code = KEY_CODES.get(key, ord(key.upper()) if len(key) == 1 else 0)
        keys = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        await self.command("Input.dispatchKeyEvent", type="keyDown", text=typed, **keys)
        await self.command("Input.dispatchKeyEvent", type="keyUp", **keys)

    async def write(self, text: str) -> None:
        """Type *text* where the focus is."""
        await self.command("Input.insertText", text=text)

    async def picture(self, path: Path, *, whole: bool = False) -> None:
        """Write what is on the screen, or the *whole* page, to *path*, as PNG."""
        shot = await self.command("Page.captureScreenshot", captureBeyondViewport=whole)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(shot["data"]))

    async def size(self, width: int, height: int, *, scale: float = 1.0) -> None:
        """Make the window *width* by *height* CSS pixels."""
        await self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )

    async def scheme(self, name: str) -> None:
        """Prefer *name*, ``light`` or ``dark``; and no motion."""
        features = [
            {"name": "prefers-color-scheme", "value": name},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        await self.command("Emulation.setEmulatedMedia", features=features)

    async def _hear(self) -> dict[str, Any]:
        message: dict[str, Any] = orjson.loads((await self._socket.receive()).data)
        self._watch(message)
        return message

    def _watch(self, message: dict[str, Any]) -> None:
        method, params = message.get("method"), message.get("params", {})
        if method == "Page.loadEventFired":
            self._loads += 1
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method is not None and (wrong := self.problem(method, params)):
            self.problems.append(str(wrong))


@asynccontextmanager
async def browser(
    profile: Path, *flags: str, problem: Problem = any_problem, patience_s: float = 10.0
) -> AsyncIterator[Tab]:
    """Chromium with one empty page, *flags* and a *profile* of its own; ended on leaving."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *FLAGS,
        *flags,
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
            tab = Tab(socket, problem, patience_s)
            for domain in ("Page", "Runtime", "Log", "Network"):
                await tab.command(f"{domain}.enable")
            yield tab
    finally:
        process.terminate()
        async with asyncio.timeout(LIMIT_S):
            await process.communicate()


async def _port(lines: asyncio.StreamReader) -> int:
    async with asyncio.timeout(LIMIT_S):
        async for line in lines:
            if b"DevTools listening on" in line:
                return int(line.split(b":")[2].split(b"/")[0])
    raise AssertionError("chromium did not start")


async def _page(client: ClientSession, port: int) -> str:
    async with client.get(f"http://127.0.0.1:{port}/json/list") as answer:
        tabs = await answer.json()
    return str(next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"))
