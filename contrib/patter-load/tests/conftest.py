"""The commands as a user types them, and the sound of callers without a voice of words."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter.cli import main
from patter_load.speech import slug

TOKEN = "a token of a test"
HI, TABLE = "hi there", "do you have a table"
SCRIPT = f"caller: {HI}\ninterrupt: {TABLE}\nhangup\n"
SHORT = f"caller: {HI}\nhangup\n"
LENGTHS_MS = {HI: 400, TABLE: 600}


@attrs.frozen
class Shell:
    """Where commands are run: in *folder*, which has `SCRIPT` and recordings of its words."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str) -> tuple[int, str, str]:
        """Run ``patter WORDS``: status, stdout, stderr."""
        status = main(list(words))
        return status, *self.capsys.readouterr()

    def load(self, target: str, *words: str) -> tuple[int, dict[str, Any], str]:
        """Run ``patter load TARGET WORDS --json`` with the script: status, last answer, stderr."""
        common = ("--script", "script.txt", "--recordings", ".", "--json")
        status, out, err = self.run("load", target, *common, *words)
        return status, json.loads(out.splitlines()[-1]) if out else {}, err


def recorded(folder: Path) -> None:
    """Write the script, and a tone for each of its lines."""
    (folder / "script.txt").write_text(SCRIPT, encoding="utf-8")
    (folder / "short.txt").write_text(SHORT, encoding="utf-8")
    for words, ms in LENGTHS_MS.items():
        with wave.open(str(folder / f"{slug(words)}.wav"), "wb") as wav:
            wav.setparams((1, 2, 8_000, 0, "NONE", ""))
            samples = (round(9_000 * math.sin(at * 0.35)) for at in range(8 * ms))
            wav.writeframes(b"".join(each.to_bytes(2, "little", signed=True) for each in samples))


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
    recorded(tmp_path)
    return Shell(tmp_path, capsys)


@contextmanager
def _framework(fault: str = "") -> Iterator[str]:
    """Another framework's agent; the address of its webhook."""
    words = [sys.executable, str(Path(__file__).with_name("other_framework.py")), TOKEN, fault]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/voice"
        finally:
            process.stdin.close()
            process.wait(timeout=10)


@pytest.fixture
def framework() -> Callable[[str], Any]:
    """Makes such agents, by their fault."""
    return _framework
