"""Write the pictures of the pages that the docs show: ``python -m pages.pictures`` in ``tests/``.

They show the call that ``patter demo`` makes meanwhile, its variations, and three calls that go
on. Debian's fonts-inter makes them look as on most desktops; they have at most 256 colours.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from patter.observe.events import CallEvent, ErrorEvent, Row, Started, Turn
from patter.observe.log_root import make_private

from .board import Board, board
from .chrome import Tab, browser
from .records import DEMO_ID, demo_events, write_calls, write_demo

TARGET = Path(__file__).parents[4] / "docs" / "pictures"
MOST_BYTES = 150_000
WIDE, NARROW = (1280, 860), (390, 844)
SHOTS = {
    "health": ("health", ".checks li", WIDE, "light"),
    "live": ("live?call=live-ada", ".live-panel .line", WIDE, "light"),
    "calls": ("calls", ".call-link", WIDE, "light"),
    "call": (f"calls/{DEMO_ID}", ".lanes .wave", WIDE, "light"),
    "call-dark": (f"calls/{DEMO_ID}", ".lanes .wave", WIDE, "dark"),
    "costs": ("costs", ".chart rect", WIDE, "light"),
    "latency": ("latency", ".chart path", WIDE, "dark"),
    "calls-narrow": ("calls", ".call-link", NARROW, "dark"),
    "call-narrow": (f"calls/{DEMO_ID}", ".lanes .wave", NARROW, "light"),
}
"""Each picture: the page, what is on it when it has loaded, the window, the scheme."""

PALETTE = """async (url) => {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const pixels = new Uint32Array(canvas.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const parts = (color) => [color & 255, (color >> 8) & 255, (color >> 16) & 255];
  const apart = (one, other) => {
    const [from, to] = [parts(one), parts(other)];
    return Math.max(...from.map((part, at) => Math.abs(part - to[at])));
  };
  const common = [...counts].sort((one, other) => other[1] - one[1]).map(([color]) => color);
  const chosen = [];
  for (const color of common) {
    if (chosen.length < 256 && chosen.every((each) => apart(each, color) > 5)) chosen.push(color);
  }
  const nearest = new Map(common.map((color) => {
    let [best, least] = [0, 999];
    chosen.forEach((each, at) => {
      const distance = apart(each, color);
      if (distance < least) [best, least] = [at, distance];
    });
    return [color, best];
  }));
  const indices = Uint8Array.from(pixels, (pixel) => nearest.get(pixel));
  let text = "";
  for (let at = 0; at < indices.length; at += 30000) {
    text += String.fromCharCode(...indices.subarray(at, at + 30000));
  }
  return [image.width, chosen.flatMap(parts), btoa(text)];
}"""


def indexed_png(width: int, palette: list[int], indices: bytes) -> bytes:
    """A PNG of *width* whose pixels are *indices* into *palette*, red, green and blue in turn."""
    rows = [b"\0" + indices[at : at + width] for at in range(0, len(indices), width)]
    header = struct.pack(">IIBBBBB", width, len(rows), 8, 3, 0, 0, 0)
    body = zlib.compress(b"".join(rows), 9)
    chunks = ((b"IHDR", header), (b"PLTE", bytes(palette)), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


async def shoot(tab: Tab, path: Path) -> None:
    """Write what is on the screen to *path*, with few colours."""
    shot = await tab.command("Page.captureScreenshot", format="png")
    await tab.command("Page.navigate", url="about:blank")
    url = f"data:image/png;base64,{shot['data']}"
    width, palette, indices = await tab.js(f"({PALETTE})({url!r})")
    image = indexed_png(width, palette, base64.b64decode(indices))
    assert len(image) <= MOST_BYTES, f"{path.name} has {len(image)} bytes"
    path.write_bytes(image)
    print(f"{path.name}  {len(image)} bytes")


def go_on(served: Board, base: Sequence[CallEvent], name: str, age_s: float, **started: Any) -> Any:
    """A call that began *age_s* ago and has said *base*."""
    first: dict[str, Any] = {"agent": "bistro", "carrier": "twilio", "direction": "inbound"}
    call = served.call(name, Started(**{**first, **started}, wall=time.time() - age_s))
    call.play(base)
    return call


def busy(served: Board) -> None:
    """Three calls that go on."""
    rows = [event for event in demo_events() if isinstance(event, Row | Turn)]
    error = ErrorEvent(code="TIMEOUT", message="elevenlabs is late", fix="another voice")
    other = go_on(served, rows[:4], "live-bob", 301, caller="+15550104410", callee="+15550001234")
    other.step("VoiceStopped")
    ours = {"caller": "+15550001234", "callee": "+442079460188", "direction": "outbound"}
    out = go_on(served, [*rows[:7], error], "live-cyd", 128, agent="reservations", **ours)
    out.step("Audible")
    ada = go_on(served, rows[:7], "live-ada", 42, caller="+15550100188", callee="+15550001234")
    ada.step("VoiceStarted")
    ada.hears("for eight o'clock on", 40_000)


async def main() -> None:
    """Make the records, open each page, and write its picture."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="patter-") as folder:
        place = Path(folder)
        demo = [sys.executable, "-m", "patter.cli", "demo", "--out", str(place / "demo"), "--quiet"]
        subprocess.run(demo, check=True, timeout=120)
        root = place / "log"
        make_private(root)
        write_calls(root, 420, now=time.time())
        made = place / "demo"
        write_demo(root, time.time() - 190, record=made / "call.jsonl", recording=made / "call.wav")
        async with board(root) as served, browser(place / "profile") as tab:
            await _shoot_all(served, tab)
        async with board(root, token="a") as locked, browser(place / "other") as tab:
            await tab.size(*WIDE, scale=1.5)
            await tab.scheme("light")
            await tab.open(f"{locked.url}/dashboard", "document.querySelector('.login form')")
            await shoot(tab, TARGET / "dashboard-login.png")


async def _shoot_all(served: Board, tab: Tab) -> None:
    indexer = served.dashboard.indexer
    assert indexer is not None
    while indexer.as_data()["state"] != "ready":
        await asyncio.sleep(0.05)
    busy(served)
    for name, (path, ready, (width, height), scheme) in SHOTS.items():
        await tab.size(width, height, scale=1.5 if width > 1_000 else 2)
        await tab.scheme(scheme)
        await tab.open(f"{served.url}/dashboard/{path}", f"document.querySelector({ready!r})")
        await tab.until("document.querySelector('.lamp.live')")
        await asyncio.sleep(0.6)
        await shoot(tab, TARGET / f"dashboard-{name}.png")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
