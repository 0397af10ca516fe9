"""``patter eval run``: its exit status, its output and its mistakes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from patter.cli.exits import shielded
from patter.cli.out import Out
from patter.plugins.commands import Commands
from patter_evals.command import COMMAND
from patter_evals.plugin import patter_cli

AGENT = """
from patter import Agent
from patter_testing import FakeLLM, FakeSTT, FakeTTS

def agent():
    return Agent(system_prompt="x", stt=FakeSTT(), llm=FakeLLM(replies=("From five.",)),
                 tts=FakeTTS())

raises = property(lambda self: 1 / 0)
"""
SUITE = """
cases:
  - name: hours
    tags: smoke
    turns: [{user: are you open, expected_contains: from FIVE}]
  - name: table
    turns: [{user: a table, expected_contains: booked}]
"""
KIND = """
cases:
  - {name: kind, turns: [hi], expected_behavior: It is kind.}
"""
JUDGE = """
default = '{{"score": 0.7, "reasoning": "Kind enough."}}'
rules = []
"""


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "judged_shop.py").write_text(AGENT)
    (tmp_path / "shop.yaml").write_text(SUITE)
    (tmp_path / "kind.yaml").write_text(KIND)
    (tmp_path / "judge.toml").write_text(JUDGE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("judged_shop", None)


def patter(*words: str, agent: str = "judged_shop:agent", out: Out | None = None) -> int:
    """``patter eval run WORDS``."""
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    args = parser.parse_args(["run", *words, "--agent", agent])
    args.out = out or Out()
    return shielded(args.out, lambda: COMMAND.run(args))


def test_the_plugin_offers_the_command() -> None:
    commands = Commands()
    patter_cli(commands)
    assert [each.name for each in commands] == ["eval"]


def test_it_says_yes_only_if_all_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert patter("shop.yaml") == 1
    assert capsys.readouterr().out.splitlines() == [
        "ok    hours  1.00",
        "FAIL  table  0.00",
        '      turn 1 lacks "booked"; the answer was "From five."',
        "1 failed, 1 ok   shop, mean score 0.50",
    ]
    assert patter("shop.yaml", "--tag", "smoke") == 0


def test_the_results_are_written(shop: Path) -> None:
    assert patter("shop.yaml", "--output", "out.json") == 1
    written = json.loads((shop / "out.json").read_text())
    assert written["suite"] == "shop"
    assert [case["passed"] for case in written["cases"]] == [True, False]
    assert written["cases"][0]["transcript"][-1] == {"role": "agent", "text": "From five."}


def test_a_judge_and_its_threshold_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    judge = ("--judge", "rules?file=judge.toml")
    assert patter("kind.yaml", *judge) == 0
    assert patter("kind.yaml", *judge, "--pass-threshold", "0.8") == 1
    assert "judged 0.70: Kind enough." in capsys.readouterr().out


def test_flags_replace_parts_of_the_agent_and_not_the_judge() -> None:
    words = ("kind.yaml", "--judge", "rules?file=judge.toml", "--llm", "rules?default=Booked")
    assert patter(*words) == 0
    assert patter("shop.yaml", "--llm", "rules?default=Booked, from five") == 0


def test_with_json_each_case_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert patter("shop.yaml", out=Out(json=True)) == 1
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["event"] for each in events] == ["case", "case", "result"]
    assert events[-1]["passed"] is False


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("none.yaml",), 2, "cannot be read"),
        (("shop.yaml", "--tag", "slow"), 2, "no case has the tag slow"),
        (("shop.yaml", "--pass-threshold", "2"), 2, "--pass-threshold 2"),
        (("shop.yaml", "--output", "no/such/folder.json"), 2, "cannot be written"),
    ],
)
def test_a_mistake_has_a_fix(
    words: tuple[str, ...], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert patter(*words) == status
    printed = capsys.readouterr().err
    assert said in printed
    assert "fix: " in printed


@pytest.mark.parametrize(
    ("target", "status"), [("judged_shop", 2), ("judged_shop:none", 3), ("no_shop:agent", 3)]
)
def test_an_agent_that_cannot_be_imported_is_told(target: str, status: int) -> None:
    assert patter("shop.yaml", agent=target) == status
