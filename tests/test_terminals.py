"""The same facts at 60 and 200 columns, in a pipe, without colour, as JSON."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from .processes import LIMIT_S, clean, patter
from .test_exit_codes import FARM

PAINT = re.compile(r"\x1b\[[0-9;]*m")
COMMANDS = [
    ("explain", "farm:agent"),
    ("plugins", "stt"),
    ("doctor", "farm:agent", "--only", "records,environment"),
    ("serve", "--help"),
]
pytestmark = [
    pytest.mark.patter_timeout(120),
    pytest.mark.skipif(not hasattr(os, "openpty"), reason="this machine has no terminals"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with farm.py."""
    found = tmp_path_factory.mktemp("modules")
    (found / "farm.py").write_text(FARM, encoding="utf-8")
    return found


def piped(folder: Path, *words: str) -> str:
    return subprocess.run(
        patter(*words), cwd=folder, env=clean(folder), capture_output=True, timeout=LIMIT_S
    ).stdout.decode()


def shown(folder: Path, columns: int, *words: str, **more: str) -> str:
    """What ``patter WORDS`` writes to a terminal of so many *columns*."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = clean(folder, TERM="xterm-256color", **more)
    with subprocess.Popen(
        patter(*words), cwd=folder, env=environment, stdout=theirs, stderr=subprocess.DEVNULL
    ) as process:
        os.close(theirs)
        text = b""
        try:
            while part := os.read(ours, 65_536):
                text += part
        except OSError:  # Linux says so when the other end is closed
            pass
        process.wait(LIMIT_S)
    os.close(ours)
    return text.decode().replace("\r\n", "\n")


def facts(text: str) -> list[str]:
    """The words, wherever lines are broken; times that were measured are none."""
    return re.sub(r"\d+\.\d s", "", PAINT.sub("", text)).split()


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_narrow_a_wide_terminal_and_a_pipe_have_the_same_facts(
    folder: Path, words: tuple[str, ...]
) -> None:
    narrow, wide = shown(folder, 60, *words), shown(folder, 200, *words)
    pipe = piped(folder, *words)
    assert "\x1b" not in pipe
    if words[-1] == "--help":  # its usage is laid out by argparse
        pipe, narrow, wide = (text[text.index("positional") :] for text in (pipe, narrow, wide))
    assert facts(narrow) == facts(wide) == facts(pipe)
    assert max(len(PAINT.sub("", line)) for line in narrow.splitlines()) <= 60


def test_no_color_has_no_escape_and_the_same_facts(folder: Path) -> None:
    words = ("doctor", "farm:agent", "--only", "records")
    plain, colored = shown(folder, 100, *words, NO_COLOR="1"), shown(folder, 100, *words)
    assert "\x1b" not in plain and "\x1b[32m" in colored
    assert facts(plain) == facts(colored)


def test_json_on_a_terminal_is_json(folder: Path) -> None:
    text = shown(folder, 60, "explain", "farm:agent", "--json")
    assert json.loads(text)["v"] == 1 and "\x1b" not in text
