"""``patter test``: an agent in the terminal, and a script of a call in virtual time."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from patter.cli import main

AGENT = """
from patter import Patter, tool
from patter.providers.carrier import CarrierCapabilities
from patter.providers.llm import ToolRequest
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS, Reply

@tool(effect="read")
def opening_hours(day: str) -> str:
    "When we are open."
    return "five to eleven"

def mind(request):
    last = request.messages[-1]
    if last.role == "tool":
        return f"From {last.text}."
    if "open" in last.text:
        return Reply(tools=(ToolRequest("1", "opening_hours", '{"day": "sunday"}'),))
    return "Anything else?"

phone = Patter(carrier=FakeCarrier(can=CarrierCapabilities(marks=True)), persist=False)
agent = phone.agent("Be brief.", stt=FakeSTT(), llm=FakeLLM(answer=mind), tts=FakeTTS(),
                    tools=[opening_hours], first_message="Rosa's, good evening.")
other = "no agent"
"""
SUNDAY = """caller: are you open sunday
expect tool opening_hours(day="sunday")
caller: thank you
expect said "goodbye"
"""


@pytest.fixture(autouse=True)
def bistro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "typed_bistro.py").write_text(AGENT)
    (tmp_path / "sunday.txt").write_text(SUNDAY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("typed_bistro", None)


def test_what_is_typed_is_answered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("are you open sunday\n/quit\n"))
    assert main(["test", "typed_bistro:agent"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "agent    Rosa's, good evening."
    assert 'tool     opening_hours(day="sunday") read -> "five to eleven"' in lines[3]
    assert lines[4] == "agent    From five to eleven."


def test_with_json_each_line_is_an_event(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("hi\n"))
    assert main(["test", "typed_bistro:agent", "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[0]["direction"] == "test"
    assert events[-1]["reason"] == "caller"


def test_a_script_says_which_expectation_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "typed_bistro:agent", "--script", "sunday.txt"]) == 1
    printed = capsys.readouterr()
    *results, figures = printed.out.splitlines()
    assert results == [
        'ok    line 2  tool opening_hours(day="sunday")',
        'FAIL  line 4  expected said "goodbye"; was said "Anything else?"',
    ]
    assert figures.startswith("1 failed, 1 ok   ")
    assert " s of call in " in figures
    assert "caller   thank you" in printed.err


def test_a_script_that_holds_is_a_yes(bistro: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bistro / "short.txt").write_text("caller: hello\nexpect said anything\n")
    assert main(["test", "typed_bistro:agent", "--script", "short.txt", "--json"]) == 0
    step, report = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert step == {"v": 1, "event": "step", "line": 2, "ok": True, "text": "said anything"}
    assert report["ok"] is True


def test_the_model_can_be_replaced(bistro: Path) -> None:
    pytest.importorskip("patter_demo", reason="the model made of rules is not installed")
    (bistro / "rules.toml").write_text('default = "By the rules."\n')
    (bistro / "short.txt").write_text("caller: hello\nexpect said by the rules\n")
    words = ["test", "typed_bistro:agent", "--script", "short.txt"]
    assert main([*words, "--llm", "rules?file=rules.toml"]) == 0
    sys.modules.pop("typed_bistro")
    assert main(words) == 1


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["typed_bistro:agent", "--script", "none.txt"], 2, "none.txt cannot be read"),
        (["typed_bistro:agent", "--script", "typed_bistro.py"], 2, "line 2: "),
        (["typed_bistro:agent", "--judge", "x"], 2, "nobody needs --judge"),
        (["typed_bistro:other"], 3, "a str, not an agent"),
    ],
)
def test_a_mistake_is_told_with_its_fix(
    words: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["test", *words]) == status
    printed = capsys.readouterr().err
    assert said in printed
    assert "fix: " in printed
