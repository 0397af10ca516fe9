"""What is printed: plain in a pipe, JSON when asked, repainted on a terminal."""

from __future__ import annotations

import errno
import json
import os
import pty
import sys
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from patter.cli.out import Out
from patter.observe.events import CallEvent
from patter.observe.view import LiveView
from patter_demo.terminal import JsonLines, PaintedLines, PlainLines, Screen

sys.path.insert(0, str(Path(__file__).parent))
from a_call import the_call


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
    assert [CallEvent.from_json(line) for line in lines] == the_call()
    assert all(json.loads(line)["v"] == 1 for line in lines)


async def on_a_terminal(monkeypatch: pytest.MonkeyPatch, out: Out) -> tuple[Screen, bytes]:
    """Everything a terminal of 100 columns is sent."""
    ours, theirs = pty.openpty()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((100, 40)))
    with os.fdopen(theirs, "w") as stdout, os.fdopen(ours, "rb", buffering=0) as reader:
        monkeypatch.setattr(sys, "stdout", stdout)
        screen = Screen.on(out)
        for event in the_call():
            screen(event)
        screen.tick(18_400)
        await screen.finish()
        stdout.flush()
        monkeypatch.undo()
        return screen, reader.read(1 << 20)


async def test_a_terminal_gets_colour_and_every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, sent = await on_a_terminal(monkeypatch, Out())
    assert isinstance(screen.printer, PaintedLines)
    assert b"\x1b[" in sent
    for line in expected():
        for word in line.split():
            assert word.encode() in sent


@pytest.mark.parametrize("variable", ["color", "term"])
async def test_without_colour_or_a_clever_terminal_nothing_is_painted(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    if variable == "term":
        monkeypatch.setenv("TERM", "dumb")
    screen, sent = await on_a_terminal(monkeypatch, Out(color=variable != "color"))
    assert b"\x1b" not in sent or variable == "term"
    assert isinstance(screen.printer, PlainLines) or variable == "term"


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
