"""The tutorial from its first file to its last call, as one reader types it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from patter_softphone import Softphone

from .first_ten_minutes import NAMED
from .house import ROOT
from .processes import clean, complaints, free_port, patter, row, running

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
LIMIT_S = 60.0

pytestmark = pytest.mark.patter_timeout(150)


def files() -> dict[str, str]:
    """What a reader saves, by name."""
    return dict(NAMED.findall(PAGE))


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """The folder of a reader who has saved everything."""
    for name, text in files().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


async def typed(desk: Path, *words: str, status: int = 0) -> str:
    """What a command that ends by itself prints."""
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=desk,
        env=clean(desk, PATTER_LOG_DIR=str(desk / "log")),
        stdout=asyncio.subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    async with asyncio.timeout(LIMIT_S):
        printed = (await process.communicate())[0].decode()
    assert process.returncode == status, printed
    return printed


def test_every_file_of_the_page_is_saved() -> None:
    assert list(files()) == ["dentist.py", "test_dentist.py", "sunday.txt", "front.py"]


async def test_the_tutorial_runs_from_its_first_file_to_its_last_call(desk: Path) -> None:
    tested = await typed(desk, sys.executable, "-m", "pytest", "-q", "test_dentist.py")
    assert "3 passed" in tested
    script = await typed(desk, *patter("test", "dentist:agent", "--script", "sunday.txt"))
    assert "3 ok" in script
    assert "nothing" in await typed(desk, *patter("explain", "dentist:agent"))
    await called(desk)
    assert "completed" in await typed(desk, *patter("calls", "list"))
    shown = await typed(desk, *patter("calls", "show", "last"))
    assert 'book_appointment(day="tuesday")' in shown
    await typed(desk, *patter("calls", "export", "last", "--format", "html", "--out", "last.html"))
    assert "tuesday at ten" in (desk / "last.html").read_text(encoding="utf-8")
    await simulated(desk)


async def called(desk: Path) -> None:
    """Step 2: the page's agent books, takes a key, and says goodbye."""
    words = ("dentist:agent", "--no-open", "--json", "--port", str(free_port()))
    log = str(desk / "log")
    async with running(desk, patter("phone", *words), PATTER_LOG_DIR=log) as process:
        async with Softphone(url=await process.told("url")).call() as call:
            await row(call, "agent", "Doctor Ellis")
            await call.write("book an appointment on tuesday")
            await row(call, "agent", "tuesday at ten")
            await call.press("1")
            await row(call, "agent", "Today: eight to five.")
            await call.write("goodbye")
            await call.ended()
        process.send(signal.SIGINT)
        assert await process.ended() == 0
    assert complaints(process) == []


async def simulated(desk: Path) -> None:
    """Step 6, without keys: the last file takes a call of which every vendor is a double."""
    words = ("front:agent", "--simulate", "--no-open", "--json", "--port", str(free_port()))
    async with running(desk, patter("phone", *words)) as process:
        async with Softphone(url=await process.told("url")).call() as call:
            await row(call, "agent", "Doctor Ellis")
            await call.write("what are the opening hours on sunday")
            await row(call, "agent", "The tool said: eight to five")
            await call.hang_up()
        process.send(signal.SIGINT)
        assert await process.ended() == 0
