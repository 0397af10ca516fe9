"""What mypy tells an application: a misspelt or mistyped parameter is an error, others are not."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from .house import ROOT

pytest.importorskip("mypy", reason="mypy is a tool of the session 'together'")

HEAD = """
from typing import Any, assert_type

from patter import Agent, Patter, ProviderSpec, PluginRegistry, tool
from patter.plugins.kinds import CARRIER_KIND, STT_KIND
from patter.providers.carrier import Carrier
from patter.providers.stt import STT
from patter_testing import FakeCarrier, FakeGuardrail, FakeLLM, FakeSTT, FakeTTS, FakeVAD


@tool
def hours() -> str:
    return ""


phone = Patter(carrier="softphone", tunnel=True)
ears = [FakeSTT(), FakeSTT()]
"""


RIGHT = (
    'phone.agent("Hi.", stt="a", llm="b", tts="c")',
    'phone.agent("Hi.", stt=["a", FakeSTT(), ProviderSpec("c")], llm=[FakeLLM()])',
    'phone.agent("Hi.", stt=ears, tts=FakeTTS(), vad=FakeVAD(), tools=[hours])',
    'phone.agent("Hi.", guardrails=["g", FakeGuardrail()], idle_ms=(5_000,), vad=False)',
    'phone.agent("Hi.", transfer_allowed=["+4930*"], name="a")',
    'Patter(FakeCarrier(), "+15550188000", webhook_url="a.example.com", persist=False)',
    'Agent(system_prompt="Hi.", stt=ears, tools=[hours], transfer_allowed=lambda to: True)',
    'assert_type(PluginRegistry().resolve(STT_KIND, "a"), STT)',
    "assert_type(PluginRegistry().resolve(CARRIER_KIND, FakeCarrier()), Carrier)",
)
WRONG = (
    'phone.agent("Hi.", langage="de")',
    'phone.agent("Hi.", stt=3)',
    'phone.agent("Hi.", stt=FakeTTS())',
    'phone.agent("Hi.", llm=["a", 3])',
    'phone.agent("Hi.", tools=["hours"])',
    'phone.agent("Hi.", barge_in_mode="sometimes")',
    'phone.agent("Hi.", silence_ms="700")',
    'Patter(carier="softphone")',
    "Patter(tunnel=3)",
    "Patter(carrier=FakeSTT())",
    'Agent(system_prompt="Hi.", stt=3)',
    'Agent(system_prompt="Hi.", langage="de")',
    'Agent(system_prompt="Hi.", tools=3)',
    'PluginRegistry().resolve("stt", "a")',
    "PluginRegistry().resolve(STT_KIND, FakeTTS())",
)


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Which of all these lines mypy refuses, in one run of it."""
    lines = (*RIGHT, *WRONG)
    path = tmp_path_factory.mktemp("typed") / "application.py"
    path.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert run.returncode == 1, run.stdout + run.stderr
    first = HEAD.count("\n") + 1
    numbers = re.findall(r"application\.py:(\d+): error: ", run.stdout)
    return {lines[int(number) - first] for number in numbers}


@pytest.mark.parametrize("line", RIGHT)
def test_what_is_right_is_no_error(line: str, refused: set[str]) -> None:
    assert line not in refused


@pytest.mark.parametrize("line", WRONG)
def test_what_is_wrong_is_an_error_on_its_line(line: str, refused: set[str]) -> None:
    assert line in refused
