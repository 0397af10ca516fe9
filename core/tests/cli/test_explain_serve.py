"""``patter explain`` tells what a call will do; ``patter serve`` lets calls in and drains."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import importlib_metadata
import pytest
from importlib_metadata import EntryPoints

from patter.cli import main
from patter.cli.board import Board, figures
from patter.cli.out import WIDTH, Out
from patter.cli.serve import where
from patter.errors import ProvisionError
from patter.observe.call_metrics import CallMetrics, CostBreakdown
from patter.observe.redact import Redaction, Redactor
from patter.phone.public_endpoint import Address

HEAD = """
import attrs
from patter import Patter, Price, tool
from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.providers.carrier import CarrierCapabilities
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS, FakeVAD

LOCAL = CarrierCapabilities(marks=True)

@attrs.frozen(kw_only=True)
class CloudLLM(FakeLLM):
    model: str = "large"
    hosts: tuple = ("api.cloud.example",)

@attrs.frozen(kw_only=True)
class CloudSTT(FakeSTT):
    hosts: tuple = ("ears.cloud.example",)

@tool(effect="read")
def opening_hours(day: str) -> str:
    "When we are open."
    return day
"""
BISTRO = (
    HEAD
    + """
pricing = {
    "cloud": {"unit": "minute", "price": 0.01, "models": {"large": {"input": 1.0, "output": 2.0}}},
    "fake": {"unit": "1k_chars", "price": 0.02},
}
phone = Patter(carrier=FakeCarrier(can=LOCAL), pricing=pricing, persist=PERSIST)
agent = phone.agent(
    "Be brief.", stt=CloudSTT(accepts=(PCM16_16K,)), llm=CloudLLM(), tts=FakeTTS(),
    vad=FakeVAD(), tools=[opening_hours],
)
"""
)


@pytest.fixture
def bistro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with bistro.py; no plugin is installed, no record is kept."""
    monkeypatch.setattr(importlib_metadata, "entry_points", lambda: EntryPoints())
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("PATTER_LOG_DIR", "PATTER_LOG_REDACT_PHONE", "PATTER_LOG_RETENTION_DAYS"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "bistro.py"
    path.write_text(BISTRO.replace("PERSIST", "False"))
    yield path
    sys.modules.pop("bistro", None)


def run_cli(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> tuple[str, str]:
    assert main(list(words)) == status
    out, err = capsys.readouterr()
    return out, err


# --- explain


def test_it_tells_audio_turns_tools_and_hosts(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = run_cli(capsys, "explain", "bistro:agent")
    lines = dict(
        re.split(r" {2,}", line, maxsplit=1) for line in out.splitlines() if line[0] != " "
    )
    assert (
        lines["turns"] == "barge-in at 300 ms voice (fake); playback position from marks, +-20 ms"
    )
    assert lines["tools"] == "opening_hours read: may be cancelled, retried, speculated"
    said = " ".join(out.split())
    assert (
        "audio ears.cloud.example; text api.cloud.example; unknown: FakeTTS, fake (no host named)"
        in said
    )
    assert lines["stored"] == "nothing"
    assert "decode mulaw/8k to pcm16/8k" in out
    assert "0 steps" in out
    assert err == ""
    assert max(map(len, out.splitlines())) <= WIDTH


def test_money_counts_what_has_a_price_and_names_the_rest(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = run_cli(capsys, "explain", "bistro:agent", "--json")
    money = json.loads(out)["money"]
    assert money["usd_per_minute"] is None
    assert money["costs"] == {"stt": 0.01, "llm": 0.0033, "tts": 0.009}
    assert money["unknown"] == ["fake minutes"]


def test_it_tells_what_is_kept_and_for_how_long(
    bistro: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bistro.write_text(BISTRO.replace("PERSIST", repr(str(bistro.parent / "log"))))
    monkeypatch.setenv("PATTER_LOG_REDACT_PHONE", "mask")
    monkeypatch.setenv("PATTER_LOG_RETENTION_DAYS", "7")
    out, _ = run_cli(capsys, "explain", "bistro:agent")
    text = "words, timing, cost: 7 days, 0600; audio only with --recording, here; numbers mask"
    assert text in " ".join(out.split())
    monkeypatch.setenv("PATTER_LOG_RETENTION_DAYS", "0")
    assert "cost: for ever, 0600" in run_cli(capsys, "explain", "bistro:agent")[0]


def test_as_json_every_step_is_a_value(bistro: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = json.loads(run_cli(capsys, "explain", "bistro:agent", "--json")[0])
    edges = [(edge["source"], edge["sink"], len(edge["steps"])) for edge in value["audio"]]
    assert edges == [("fake", "cloud", 2), ("fake", "fake", 0), ("fake", "fake", 0)]
    assert value["tools"][0]["effect"] == "read"
    assert value["turns"]["cursor_error_ms"] == 20


def test_a_line_without_marks_is_estimated_and_a_deaf_agent_says_so(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = BISTRO.replace("PERSIST", "False").replace("marks=True", "latency_ms=150")
    bistro.write_text(code.replace("vad=FakeVAD()", "vad='none', barge_in_threshold_ms=0"))
    out, _ = run_cli(capsys, "explain", "bistro:agent")
    text = " ".join(out.split())
    assert "no barge-in by voice (no voice detector: the recogniser's words only)" in text
    assert "playback position estimated, +-150 ms" in text


@pytest.mark.parametrize(
    ("code", "target", "text"),
    [
        (BISTRO, "bistro:phone", "bistro:phone is a Patter, not an agent"),
        (BISTRO + "backup = Patter(persist=False)", "bistro:agent", "has two Patter objects"),
        (BISTRO.replace("carrier=FakeCarrier(can=LOCAL), ", ""), "bistro:agent", "no carrier"),
    ],
)
def test_what_cannot_be_explained_is_to_be_fixed_first(
    bistro: Path, capsys: pytest.CaptureFixture[str], code: str, target: str, text: str
) -> None:
    bistro.write_text(code.replace("PERSIST", "False"))
    out, err = run_cli(capsys, "explain", target, status=3)
    assert (out, text in err, "fix: " in err) == ("", True, True)


def test_every_missing_part_is_reported_at_once(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "from patter import Patter\nphone = Patter(carrier='zap')\n"
    bistro.write_text(code + "agent = phone.agent('', stt='zip', llm='zop', tts='zup')")
    _, err = run_cli(capsys, "explain", "bistro:agent", status=3)
    kinds = {"stt": "zip", "tts": "zup", "llm": "zop", "carrier": "zap"}
    lines = [
        line
        for kind, name in kinds.items()
        for line in (
            f"  no {kind} provider named {name!r} is known",
            f"  fix: see: patter plugins {kind}",
        )
    ]
    assert err.splitlines() == ["error[CONFIG]: 4 problems", *lines]


# --- serve


def test_check_says_what_would_be_served_and_serves_nothing(
    bistro: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = run_cli(capsys, "serve", "bistro:agent", "--check")
    assert "0 failed" in out or " ok " in out
    assert "bistro:agent  fake" in err
    assert "llm  cloud/large  1 tool: opening_hours (read)" in err


def test_two_ways_in_are_one_too_many(bistro: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("serve", "bistro:agent", "--webhook-url", "a.example.com", "--tunnel", "fox")
    assert "not allowed with" in run_cli(capsys, *words, status=2)[1]


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("--webhook-url", "a.example.com/x", "webhook_url has a path"),
        ("--tunnel", "fox", "no tunnel provider named 'fox' is known"),
        ("--port", "70000", "port=70000 is not a valid port"),
    ],
)
def test_a_wrong_option_is_to_be_fixed_first(
    bistro: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, text: str
) -> None:
    assert text in run_cli(capsys, "serve", "bistro:agent", option, value, status=3)[1]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_the_status_is_zero(bistro: Path, how: signal.Signals) -> None:
    words = [sys.executable, "-m", "patter.cli", "serve", "bistro:agent", "--port", "0", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        ready = json.loads(run.stdout.readline())
        assert ready["event"] == "ready"
        assert ready["url"].startswith("http://127.0.0.1:")
        run.send_signal(how)
        status = run.wait(timeout=40)
        (farewell,) = map(json.loads, run.stdout.read().splitlines())
        assert (status, farewell["event"], farewell["calls"]) == (0, "draining", [])


def test_it_says_where_calls_come_in_and_whether_the_number_leads_there() -> None:
    local = Address(local_url="http://127.0.0.1:8000")
    assert where(local) == ["  local  http://127.0.0.1:8000  /health /ready"]
    tunnel = attrs.evolve(local, host="fox.example.com", number="+15550001234", checked=True)
    assert where(tunnel)[0] == (
        "  public  https://fox.example.com  webhook set, reached from outside"
    )
    problem = ProvisionError("HTTP 500", fix="set it by hand")
    by_hand = attrs.evolve(tunnel, problem=problem, checked=False)
    assert where(by_hand)[0] == "  public  https://fox.example.com  webhook not set"


STARTED = {"call_id": "0123456789ab7f3a", "direction": "inbound", "caller": "+15550001188"}


def ended(**metrics: Any) -> dict[str, Any]:
    run_cli: dict[str, Any] = {
        "call_id": "0123456789ab7f3a",
        "outcome": "completed",
        "duration": 51.2,
    }
    call = CallMetrics(call_id=run_cli["call_id"], **metrics) if metrics else None
    return {**run_cli, "metrics": call}


def test_a_call_has_a_line_when_it_comes_and_one_when_it_goes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    board = Board(Out(), redactor=Redactor(Redaction.MASK))
    asyncio.run(board.began(STARTED))
    cost = CostBreakdown(total=0.021)
    asyncio.run(board.ended(ended(turn_count=6, gap_p50_ms=780, gap_p95_ms=1120, cost=cost)))
    first, second = (line.split(" ", 1)[1] for line in capsys.readouterr().out.splitlines())
    assert first.startswith("01234567 in  ")
    assert "5550001188" not in first
    assert second == "01234567 end completed 51 s  6 turns  latency p50 780 p95 1120  $0.021"


def test_whatever_a_carrier_calls_a_caller_moves_no_cursor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asyncio.run(Board(Out()).began({**STARTED, "caller": "+1555\x1b[2J\nforged\x9b31m"}))
    [line] = capsys.readouterr().out.splitlines()
    assert line.isprintable() and line.endswith("+1555\\x1b[2J\\nforged\\x9b31m")


def test_an_unknown_price_is_never_nothing() -> None:
    assert figures("failed", 0.0, {}) == "failed 0 s  0 turns  cost unknown"
