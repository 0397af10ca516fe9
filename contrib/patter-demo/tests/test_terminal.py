"""What is printed: plain in a pipe, JSON when asked, repainted on a terminal."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import pty
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter.cli.out import Out
from patter.observe.codec import decode_line
from patter.observe.events import VERSION, CallEvent
from patter.observe.view import LiveView
from patter_demo.terminal import JsonLines, PaintedLines, PlainLines, Screen

sys.path.insert(0, str(Path(__file__).parent))
from .a_call import the_call


def expected() -> list[str]:
    live = LiveView()
    return [str(line) for event in the_call() for line in live.feed(event)]


async def shown(screen: Screen) -> None:
    for event in the_call():
        screen(event)
    screen.tick(18_400)
    await screen.finish()


async def test_a_pipe_gets_the_lines_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen.on(Out())
    assert isinstance(screen.printer, PlainLines)
    await shown(screen)
    printed = capsys.readouterr().out
    assert printed.splitlines() == expected()
    assert "\x1b" not in printed


async def test_json_is_an_event_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen.on(Out(json=True))
    assert isinstance(screen.printer, JsonLines)
    await shown(screen)
    lines = capsys.readouterr().out.splitlines()
    assert [decode_line(line) for line in lines] == the_call()
    assert all(json.loads(line)["v"] == VERSION for line in lines)


async def on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, *, color: bool = True, term: str = "xterm", columns: int = 100
) -> tuple[Screen, bytes]:
    """Everything a terminal is sent."""
    ours, theirs = pty.openpty()
    sent = bytearray()
    reader = threading.Thread(target=_collect, args=(ours, sent))
    reader.start()
    with os.fdopen(theirs, "w") as stdout, monkeypatch.context() as patch:
        patch.setenv("TERM", term)
        patch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((columns, 40)))
        patch.setattr(sys, "stdout", stdout)
        screen = Screen.on(Out(color=color))
        await shown(screen)
    await asyncio.to_thread(reader.join)
    return screen, bytes(sent)


def _collect(descriptor: int, sent: bytearray) -> None:
    """Read until the other end is closed, which a pty tells by an error."""
    with os.fdopen(descriptor, "rb", buffering=0) as terminal, suppress(OSError):
        while piece := terminal.read(1 << 16):
            sent.extend(piece)


async def test_a_terminal_gets_colour_and_every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, sent = await on_a_terminal(monkeypatch)
    assert isinstance(screen.printer, PaintedLines)
    assert b"\x1b[" in sent
    for line in expected():
        for word in line.split():
            assert word.encode() in sent


async def test_what_is_being_said_is_painted_over(monkeypatch: pytest.MonkeyPatch) -> None:
    _, sent = await on_a_terminal(monkeypatch)
    assert b"speaking: nobody | 0:18" in sent
    assert b"\x1b[2K" in sent


@pytest.mark.parametrize("how", [{"color": False}, {"term": "dumb"}, {"columns": 60}])
async def test_nothing_is_painted_where_it_is_not_wanted_or_would_not_fit(
    monkeypatch: pytest.MonkeyPatch, how: dict[str, Any]
) -> None:
    screen, sent = await on_a_terminal(monkeypatch, **how)
    assert isinstance(screen.printer, PlainLines)
    assert b"\x1b" not in sent
    assert sent.decode().splitlines() == expected()


@attrs.define(eq=False)
class Broken:
    """A terminal nobody looks at any more."""

    shows: int = 0

    def show(self, events: Sequence[CallEvent]) -> None:
        self.shows += 1
        raise BrokenPipeError(errno.EPIPE, "gone")

    def tick(self, at_ms: int) -> None:
        raise AssertionError("nothing is printed after the reader has gone")

    def close(self) -> None:
        self.shows += 10


async def test_a_reader_who_leaves_is_told_to_the_command_and_not_to_the_call() -> None:
    printer = Broken()
    screen = Screen(printer)
    with pytest.raises(BrokenPipeError):
        await shown(screen)
    assert printer.shows == 11
