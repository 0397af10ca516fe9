"""``patter budget`` fails on what the agent itself takes too long for, and names it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from patter.errors import InputError
from patter.observe.events import Turn
from patter_load.stages import Budget, judged, per_stage

from .conftest import Shell

AGENT = """
import asyncio
from patter import Patter, tool
from patter.testing import FakeLLM, FakeTTS

@tool(effect="read")
async def opening_hours(day: str) -> str:
    "When we are open."
    await asyncio.sleep(DELAY)
    return "five to eleven"

@tool(effect="once")
def book_table() -> str:
    raise SystemExit("nobody asked for this")

phone = Patter(carrier="twilio", phone_number="+15550001234", tunnel=True)
agent = phone.agent("", stt="deepgram/nova-3", llm=FakeLLM(), tts=FakeTTS(),
                    tools=[opening_hours, book_table], silence_ms=SILENCE)
"""

pytestmark = pytest.mark.patter_timeout(60)


@pytest.fixture
def budget(shell: Shell) -> Any:
    """``patter budget`` of an agent whose tool and endpointing take so long."""

    def run(name: str, delay_s: float, silence_ms: int, *words: str) -> tuple[int, list[Any], str]:
        text = AGENT.replace("DELAY", str(delay_s)).replace("SILENCE", str(silence_ms))
        (shell.folder / f"{name}.py").write_text(text, encoding="utf-8")
        status, out, err = shell.run("budget", f"{name}:agent", *words, "--json")
        return status, [json.loads(line) for line in out.splitlines()], err

    return run


def test_an_agent_within_its_budget_passes_without_key_or_network(budget: Any) -> None:
    status, lines, err = budget("quick", 0.0, 300, "--max-gap", "2s")

    assert status == 0, err
    assert lines[-1] == {"v": 1, "event": "report", "ok": True, "turns": 3, "over": 0}
    assert "assumes stt 200, llm 400, tts 150 ms" in err


def test_a_slow_tool_is_named_and_only_tools_that_read_are_called(budget: Any) -> None:
    status, lines, _ = budget("slow", 1.5, 300, "--max-latency", "2s")

    assert status == 1
    (over,) = [line for line in lines if line.get("over") and line["event"] == "turn"]
    assert over["over"] == ["tool"]
    assert over["stages"]["tool"] == 1_500
    assert over["gap_ms"] == sum(over["stages"].values())


def test_endpointing_is_named_and_not_what_vendors_are_assumed_to_take(budget: Any) -> None:
    words = ("--max-latency", "1s", "--assume", "llm=500ms,stt=50ms", "--assume", "tts=100ms")
    status, lines, _ = budget("patient", 0.0, 450, *words)

    assert status == 1
    assert {stage for line in lines if line["event"] == "turn" for stage in line["over"]} >= {"end"}


def test_a_stage_may_have_a_budget_of_its_own(budget: Any) -> None:
    words = ("--max-latency", "9s", "--max-stage", "tool=200ms")
    status, lines, _ = budget("staged", 0.3, 300, *words)

    assert status == 1
    assert [line["over"] for line in lines if line["event"] == "turn" and line["over"]] == [
        ["tool"]
    ]


def test_what_a_script_expects_in_vain_fails_too(budget: Any, shell: Shell) -> None:
    script = "caller: opening hours please\nexpect tool book_table()\nhangup\n"
    (shell.folder / "wish.txt").write_text(script, encoding="utf-8")

    status, lines, _ = budget("wished", 0.0, 300, "--max-latency", "9s", "--script", "wish.txt")

    assert status == 1
    assert [line["ok"] for line in lines if line["event"] == "step"] == [False]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--max-latency", "900"), "'900' is not a valid time"),
        (("--max-latency", "1s", "--max-stage", "brain=1s"), "'brain=1s' is not a stage"),
        (("--max-latency", "1s", "--assume", "tool=1s"), "tool is not a vendor's"),
        (
            ("--max-latency", "1s", "--assume", "llm=1s", "--simulate"),
            "simulated vendors take their own time",
        ),
        (("--max-latency", "1s", "--script", "nowhere.txt"), "nowhere.txt cannot be read"),
    ],
)
def test_a_wrong_command_line_is_told(budget: Any, words: tuple[str, ...], told: str) -> None:
    status, _, err = budget("wrong", 0.0, 300, *words)

    assert status == 2
    assert told in err


def test_a_turn_over_budget_names_its_longest_stage_less_what_is_assumed() -> None:
    event = Turn(turn=1, gap_ms=1_000, stages={"stt": 300, "end": 250, "llm": 450})
    (plain,) = judged([event], Budget(gap_ms=900))
    (fair,) = judged([event], Budget(gap_ms=900), {"llm": 400.0, "stt": 200.0})
    (fits,) = judged([event], Budget(gap_ms=1_000))
    assert (plain.over, fair.over, fits.over) == (("llm",), ("end",), ())
    assert str(fits) == "turn 1  latency 1000 = stt 300 + end 250 + llm 450  ok"


def test_a_turn_that_nobody_answered_has_no_latency_to_judge() -> None:
    assert judged([Turn(turn=1)], Budget(gap_ms=1)) == []


def test_a_stage_without_a_time_is_refused() -> None:
    with pytest.raises(InputError, match="not a stage"):
        per_stage(["tool"])
