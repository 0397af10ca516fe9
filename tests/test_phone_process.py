"""The agent of the first page, on a machine without a key: called, typed to, and left."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import wave
from pathlib import Path
from typing import Any

import pytest

from patter.observe.call_log import read_record
from patter.observe.codec import event_fields
from patter.observe.events import Wire
from patter_softphone import Faults, Softphone

from .house import ROOT
from .processes import complaints, first_page, free_port, loud, patter, row, running

FIRST_AUDIO_S = 5.0
MICROPHONE_HZ = 48_000

pytestmark = pytest.mark.patter_timeout(90)


def chrome() -> Any:
    """What drives the browser in the softphone's own tests."""
    path = ROOT / "plugins" / "patter-softphone" / "tests" / "chrome.py"
    spec = importlib.util.spec_from_file_location("softphone_chrome", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHROME = chrome()


@pytest.fixture
def bistro(tmp_path: Path) -> Path:
    """A directory with the bistro.py of the first page."""
    (tmp_path / "bistro.py").write_text(first_page(), encoding="utf-8")
    return tmp_path


def command(port: int, *more: str) -> list[str]:
    words = ("bistro:agent", "--offline", "--no-open", "--json", "--port", str(port))
    return patter("phone", *words, *more)


async def test_without_a_target_rosas_answers_books_and_says_goodbye(tmp_path: Path) -> None:
    words = ("--no-open", "--json", "--port", str(free_port()))
    async with running(tmp_path, patter("phone", *words)) as process:
        url = await process.told("url")
        async with Softphone(url=url).call() as call:
            await row(call, "agent", "Good evening, Rosa's.")
            await call.write("book a table for two")
            assert (await row(call, "agent", "booked"))["text"] == "It is booked: R seventeen."
            await call.write("goodbye")
            await call.ended()
        process.send(signal.SIGINT)
        assert await process.ended() == 0
    assert complaints(process) == []


async def test_the_first_page_answers_within_five_seconds_and_ctrl_c_ends_it(
    bistro: Path,
) -> None:
    loop = asyncio.get_running_loop()
    port = free_port()
    began = loop.time()
    async with running(bistro, command(port), PATTER_LOG_DIR=str(bistro / "log")) as process:
        url = await process.told("url")
        assert url == f"http://127.0.0.1:{port}"
        async with Softphone(url=url).call() as call:
            await call.when(lambda: loud(call.received) > 0)
            assert loop.time() - began < FIRST_AUDIO_S
            await row(call, "agent", "Hello, what can I do for you?")
            await call.write("are you open on sunday")
            answer = await row(call, "agent", "Our hours")
            assert answer["text"] == "Our hours: five to eleven."
            await call.write("they both toward you")
            answer = await row(call, "agent", "Sorry")
            assert answer["text"] == (
                "Sorry, I did not understand that. "
                "You can say: what are your opening hours, or goodbye."
            )
            await call.suffer(Faults(loss_percent=10))
            await call.hang_up()
        process.send(signal.SIGINT)
        status = await process.ended()
    assert (status, complaints(process)) == (0, [])
    (record,) = (bistro / "log").rglob("call.jsonl")
    wire = [event_fields(each) for each in read_record(record) if isinstance(each, Wire)]
    assert [each["loss_percent"] for each in wire if each["what"] == "fault"] == [10]


@pytest.fixture
def silence(tmp_path: Path) -> Path:
    """A second of a microphone in a quiet room."""
    path = tmp_path / "silence.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(MICROPHONE_HZ)
        file.writeframes(bytes(2 * MICROPHONE_HZ))
    return path


@pytest.mark.skipif(
    CHROME.CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium"
)
async def test_its_page_shows_a_typed_turn_its_answer_and_the_gap(
    bistro: Path, silence: Path
) -> None:
    async with running(bistro, command(free_port())) as process:
        url = await process.told("url")
        async with CHROME.browser(url, bistro / "profile", silence) as tab:
            await tab.click("#call")
            await tab.until("document.body.dataset.state === 'live'")
            await tab.until("document.querySelectorAll('#log .agent').length === 1")
            await tab.click("#text")
            for letter in "open":
                await tab.key(letter)
            await tab.key("Enter")
            await tab.until("document.querySelectorAll('#log .row').length >= 3")
            await tab.until("document.body.innerText.includes('latency ')")
            read = await tab.text()
            await tab.picture(bistro / "page.png", whole=True)
            await tab.click("#end")
            await tab.until("document.body.dataset.state === 'ended'")
            said = await tab.js("document.querySelector('#says').textContent")
            assert tab.problems == []
        process.send(signal.SIGTERM)
        assert await process.ended() == 0
    assert "caller (you)\nopen" in read
    assert "agent\nOur hours: five to eleven." in read
    assert "bistro:agent offline" in read
    assert "latency " in read
    assert said.startswith("Ended by you, 0:0")
    assert complaints(process) == []
