"""Work that takes long says what it is and for how long; short work says nothing."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from patter.cli import main
from patter.cli import working as module
from patter.cli.out import Out
from patter.cli.working import on_terminal, working

AGES_S = 0.12


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AFTER_S", 0.05)


def wait(seconds: float = AGES_S) -> None:
    threading.Event().wait(seconds)


def test_long_work_has_a_line_when_it_is_long_and_one_at_its_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with working(Out(), "replaying 7f3a"):
        wait()
    first, last = capsys.readouterr().err.splitlines()
    assert first == "replaying 7f3a ..." and last.startswith("replaying 7f3a: 0.")


def test_short_work_is_not_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    with working(Out(), "replaying 7f3a"):
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("out", [Out(json=True), Out(quiet=True)])
def test_programs_are_told_nothing(out: Out, capsys: pytest.CaptureFixture[str]) -> None:
    with working(out, "replaying 7f3a"):
        wait()
    assert capsys.readouterr() == ("", "")


def test_a_terminal_is_repainted_and_left_clean(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with working(Out(), "replaying 7f3a"):
        wait()
    err = capsys.readouterr().err
    assert "replaying 7f3a: 0 s" in err and err.endswith("\r\x1b[K") and "\n" not in err


def test_what_fails_still_leaves_no_thread(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), working(Out(), "dividing"):
        1 / 0  # noqa: B018
    assert not [each for each in threading.enumerate() if each.name == "patter-working"]


def test_a_start_is_spoken_of_on_a_terminal_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with on_terminal(Out(), "loading bistro:agent"):
        wait()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with on_terminal(Out(), "loading bistro:agent"):
        wait()
    assert "loading bistro:agent: 0 s" in capsys.readouterr().err


SLOW = """
import threading
from patter import Patter

threading.Event().wait(0.12)
phone = Patter(carrier="fake", phone_number="+15550001234")
agent = phone.agent("Be brief.", stt="fake", llm="fake", tts="fake")
"""


@pytest.mark.parametrize("words", [("explain",), ("serve", "--check"), ("test", "--script", "s")])
def test_commands_say_that_they_load_an_agent(
    words: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "slow_shop.py").write_text(SLOW, encoding="utf-8")
    (tmp_path / "s").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    command, *rest = words
    main([command, "slow_shop:agent", *rest])
    sys.modules.pop("slow_shop", None)
    assert "loading slow_shop:agent: " in capsys.readouterr().err
