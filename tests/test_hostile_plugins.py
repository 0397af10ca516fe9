"""An extension that exits, hangs or prints: every command says the same, and goes on without it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from .processes import Running, patter, running

HOOKED = "from patter import hookimpl\nPATTER_API = 1\n"
PRINTS = f"""{HOOKED}
import os, subprocess
print("printed")
os.write(1, b"written\\n")
subprocess.run(["echo", "echoed"])

@hookimpl
def patter_prices():
    print("asked")
    return []
"""
ROUTES = f"""{HOOKED}
@hookimpl
def patter_routes(server):
    return ["no route"]
"""
HANGS = "import threading\nthreading.Event().wait(60)"
FARM = """
from patter import Patter
from patter_testing import FakeLLM, FakeSTT, FakeTTS

phone = Patter(carrier="softphone", persist=False)
agent = phone.agent("Be brief.", stt=FakeSTT(), llm=FakeLLM(), tts=FakeTTS(), vad=False)
"""
SERVE = ("serve", "farm:agent", "--port", "0", "--json", "--quiet")
QUICK = {"PATTER_PLUGINS_LIMIT_S": "1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with an agent."""
    (tmp_path / "farm.py").write_text(FARM, encoding="utf-8")
    return tmp_path


def install(folder: Path, code: str) -> Mapping[str, str]:
    """Install the extension ``acme`` that is *code*; returns the variables to see it with."""
    site = folder / "site"
    info = site / "acme-1.dist-info"
    info.mkdir(parents=True)
    (site / "acme.py").write_text(code, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[patter.extension]\nacme = acme\n", encoding="utf-8")
    return {**QUICK, "PYTHONPATH": os.pathsep.join([str(site), *sys.path])}


async def finished(folder: Path, *words: str, **more: str) -> tuple[int, Running]:
    """The exit status of ``patter WORDS``, and what it printed."""
    async with running(folder, patter(*words), **more) as process:
        return await process.ended(), process


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys\nsys.exit(0)", "it tried to exit with 0 (site/acme.py:2)"),
        ("raise KeyboardInterrupt", "it raised KeyboardInterrupt (site/acme.py:1)"),
        (HANGS, "it took longer than 1 s"),
        ("1 / 0", "ZeroDivisionError: division by zero (site/acme.py:1)"),
    ],
    ids=["exits", "interrupts", "hangs", "fails"],
)
async def test_serve_and_plugins_and_doctor_say_the_same(
    folder: Path, code: str, reason: str
) -> None:
    more = install(folder, code)
    sentence = f"acme 1 cannot be imported: {reason}"

    status, process = await finished(folder, "plugins", "extension", "--check", "--json", **more)
    rows = {row["name"]: row for row in json.loads("".join(process.out))["plugins"]}
    assert (status, rows["acme"]["state"], rows["acme"]["reason"]) == (1, "broken", sentence)

    words = ("doctor", "farm:agent", "--only", "plugins", "--json")
    status, process = await finished(folder, *words, **more)
    (check,) = json.loads("".join(process.out))["checks"]
    assert (status, check["level"], check["text"]) == (1, "FAIL", sentence)

    async with running(folder, patter(*SERVE), **more) as process:
        assert await process.told("url")
        process.send(signal.SIGTERM)
        assert await process.ended() == 0
    complaint = "\n".join(process.err)
    assert complaint.count(sentence) == 1
    assert check["fix"] == rows["acme"]["fix"]
    assert f"fix: {check['fix']}" in complaint

    status, process = await finished(folder, *SERVE, **more, PATTER_STRICT_PLUGINS="1")
    error = json.loads(process.err[-1])["error"]
    assert (status, error["message"], error["fix"]) == (3, sentence, check["fix"])


@pytest.mark.parametrize(
    "words",
    [
        ("plugins", "extension", "--check"),
        ("doctor", "farm:agent", "--only", "plugins"),
        ("explain", "farm:agent"),
    ],
)
async def test_what_an_extension_prints_is_not_in_the_answer(
    folder: Path, words: tuple[str, ...]
) -> None:
    more = install(folder, PRINTS)
    status, process = await finished(folder, *words, "--json", **more)
    assert (status, json.loads("".join(process.out))["v"]) == (0, 1)


async def test_what_an_extension_prints_while_it_serves_goes_to_stderr(folder: Path) -> None:
    more = install(folder, PRINTS)
    async with running(folder, patter(*SERVE), **more) as process:
        assert await process.told("url")
        process.send(signal.SIGTERM)
        assert await process.ended() == 0
    assert all(json.loads(line)["v"] for line in process.out)
    assert {"printed", "written", "echoed", "asked"} <= set(process.err)


async def test_wrong_routes_are_the_plugins_fault(folder: Path) -> None:
    more = install(folder, ROUTES)
    status, process = await finished(folder, *SERVE, **more, PATTER_STRICT_PLUGINS="1")
    error = json.loads(process.err[-1])["error"]
    assert (status, error["code"]) == (3, "CONFIG")
    assert error["message"].startswith("acme 1 failed to add routes: TypeError: 'no route'")
    assert error["fix"] == "PATTER_DISABLE_PLUGINS=acme"


async def test_help_is_an_answer(folder: Path) -> None:
    more = install(folder, PRINTS)
    for words in (("--help",), ("--version",), ("serve", "--help")):
        status, process = await finished(folder, *words, **more)
        assert (status, bool(process.out)) == (0, True)
        assert not {"printed", "written", "echoed"} & set(process.out)


async def test_an_agent_that_exits_when_it_is_imported_is_an_error(folder: Path) -> None:
    (folder / "farm.py").write_text("import sys\nsys.exit(0)\n", encoding="utf-8")
    status, process = await finished(folder, *SERVE, **install(folder, PRINTS))
    error = json.loads(process.err[-1])["error"]
    assert (status, error["message"]) == (
        3,
        "farm cannot be imported: SystemExit: 0 (farm.py:2)",
    )


async def test_ctrl_c_ends_a_command_whose_extension_hangs(folder: Path) -> None:
    more = {**install(folder, f"print('begun')\n{HANGS}"), "PATTER_PLUGINS_LIMIT_S": "60"}
    async with running(folder, patter("plugins", "--check"), **more) as process:
        async with asyncio.timeout(20):
            while "begun" not in process.err:
                await asyncio.sleep(0.01)
        process.send(signal.SIGINT)
        assert await process.ended() == 130
