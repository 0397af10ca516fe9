"""Dashboard and alerts name only metrics that there are, and promtool takes the rules."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from patter.observe.events import BargeIn, Ended, ErrorEvent, Link, Resumed, ToolRun, Turn, Wire
from patter_prometheus import ALERTS, DASHBOARD
from patter_prometheus.metrics import Metrics
from patter_prometheus.open_calls import OpenCalls

from .served import served

PROMTOOL = shutil.which("promtool")
with_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
_NAMED = re.compile(r"\b(?:patter|process)_[a-z_]+")
OTHERS = {"patter_prometheus"}


def exposed() -> set[str]:
    """The name of every sample there is once each kind of event has happened."""
    metrics = Metrics()
    calls = OpenCalls(metrics)
    listeners = metrics.of_call("inbound")
    for event in (
        Turn(turn=1, gap_ms=500, stages={"end": 500}),
        BargeIn(epoch=1, cut_ms=1),
        Resumed(epoch=1, held_ms=1),
        ErrorEvent(code="TIMEOUT", message=""),
        Link(provider="p", kind="stt", what="lost"),
        ToolRun(name="t", what="finished", ok=True),
        Wire(what="dry"),
        Ended(call="c", outcome="completed", cost_usd=0.1, costs={"llm": 0.1}),
    ):
        listeners[type(event)](event)
    text = generate_latest(calls.registry).decode()
    return set(re.findall(r"^([a-z_]+)[ {]", text, re.MULTILINE))


def rules() -> list[dict[str, Any]]:
    yaml: Any = import_module("yaml")
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [each for each in json.loads(DASHBOARD.read_text())["panels"] if each["type"] != "row"]


def test_every_metric_of_the_alerts_and_the_dashboard_exists() -> None:
    named = {
        *(name for rule in rules() for name in _NAMED.findall(rule["expr"])),
        *_NAMED.findall(DASHBOARD.read_text()),
    }
    assert named and named - OTHERS <= exposed()


def test_every_metric_of_ours_is_on_the_dashboard() -> None:
    shown = set(_NAMED.findall(DASHBOARD.read_text()))
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}
    ours = {name for name in exposed() if not name.endswith("_created")}
    ours = {re.sub(r"_(bucket|sum|count)$", "", name) for name in ours}
    assert {name for name in ours if name.startswith("patter_")} <= shown


def test_every_alert_says_what_to_look_at() -> None:
    for rule in rules():
        notes = rule["annotations"]
        assert notes["summary"] and notes["runbook"], rule["alert"]
        named = ("patter calls", "patter doctor", "log")
        assert any(word in notes["runbook"] for word in named), rule["alert"]
        assert rule["labels"]["severity"] in ("page", "warn", "info")


def test_every_panel_says_what_it_shows_in_which_unit() -> None:
    for panel in panels():
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert all(target["expr"] for target in panel["targets"])
    ids = [panel["id"] for panel in panels()]
    assert len({*ids}) == len(ids)


@pytest.mark.parametrize("name, path", [("alerts", ALERTS), ("dashboard", DASHBOARD)])
def test_the_files_can_be_printed(name: str, path: Path) -> None:
    command = [sys.executable, "-m", "patter_prometheus", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == path.read_text()
    assert subprocess.run(command[:-1], capture_output=True).returncode == 2


def promtool(*words: str, cwd: Path, stdin: str = "") -> None:
    assert PROMTOOL is not None
    done = subprocess.run(
        [PROMTOOL, *words], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=25
    )
    assert done.returncode == 0, done.stdout + done.stderr


@with_promtool
def test_promtool_takes_the_rules_and_they_fire_when_they_should(tmp_path: Path) -> None:
    shutil.copy(ALERTS, tmp_path / "alerts.yml")
    shutil.copy(Path(__file__).parent / "alerts_test.yml", tmp_path)
    promtool("check", "rules", "alerts.yml", cwd=tmp_path)
    promtool("test", "rules", "alerts_test.yml", cwd=tmp_path)


@with_promtool
async def test_promtool_finds_nothing_wrong_with_the_metrics(tmp_path: Path) -> None:
    async with served() as street:
        await street.talks("when are you open")
        _, text = await street.get()
    promtool("check", "metrics", cwd=tmp_path, stdin=text)


@with_promtool
def test_the_alerts_test_knows_every_alert() -> None:
    text = (Path(__file__).parent / "alerts_test.yml").read_text()
    assert {rule["alert"] for rule in rules()} == set(re.findall(r'alertname="(\w+)"', text))
