"""The module of a target is imported within a time, and what keeps it from that is named."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from patter.cli import importing, main
from patter.errors import InputError, PatterConfigError

SERVES = """
import asyncio
from patter import Patter
from patter.providers.carrier import CarrierCapabilities
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS
phone = Patter(carrier=FakeCarrier(can=CarrierCapabilities()), persist=False)
agent = phone.agent("", stt=FakeSTT(), llm=FakeLLM(), tts=FakeTTS())
asyncio.run(phone.serve(agent, port=0))
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of a module called shop, in the current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / "shop.py"
    sys.modules.pop("shop", None)


def refusal(notes: list[str]) -> PatterConfigError:
    with pytest.raises(PatterConfigError) as caught:
        importing.imported("shop", notes.append)
    return caught.value


@pytest.mark.parametrize("code", ["import time\ntime.sleep(60)", "n = 0\nwhile True: n += 1"])
def test_a_module_that_does_not_end_is_given_up_and_its_line_is_named(
    shop: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setenv(importing.VARIABLE, "0.4")
    monkeypatch.setattr(importing, "NOTE_S", 0.1)
    shop.write_text(code)
    notes: list[str] = []
    error = refusal(notes)
    assert error.message == "shop is not imported after 0.4 s: it is at shop.py:2"
    assert 'if __name__ == "__main__":' in error.fix and importing.VARIABLE in error.fix
    assert notes == ["importing shop takes long: 0.1 s, at shop.py:2"]
    assert not [each for each in threading.enumerate() if "importing" in each.name]


@pytest.mark.parametrize("code", ["import time\ntime.sleep(60)", "n = 0\nwhile True: n += 1"])
def test_it_is_given_up_in_the_background_too(
    shop: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setenv(importing.VARIABLE, "0.4")
    shop.write_text(code)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert "at shop.py:2" in refusal([]).message
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupt_of_somebody_else_stays_one(shop: Path) -> None:
    shop.write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        importing.imported("shop", print)


def test_a_module_that_serves_is_told_to_wait_for_the_command(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.write_text(SERVES)
    assert main(["serve", "shop:agent", "--port", "0", "--json"]) == 3
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["message"].startswith("shop serves while it is imported")
    assert 'if __name__ == "__main__":' in error["fix"]


def test_a_mistake_of_grammar_is_at_its_line_and_not_in_the_importer(shop: Path) -> None:
    shop.write_text("a = 1\nb = = 2\n")
    assert refusal([]).message.endswith("(shop.py:2)")


@pytest.mark.parametrize("text", ["soon", "0", "-1", "1e9", "nan"])
def test_a_limit_that_is_no_time_is_refused(
    shop: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(importing.VARIABLE, text)
    with pytest.raises(InputError, match="is not a time up to 3600 s"):
        importing.limit_s()
