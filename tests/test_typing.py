"""What a type checker finds in an application before it takes a call."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CALLBACK = """
from patter import Patter
from patter.agent import Agent
from patter.phone.payloads import CallEndPayload

def ended(payload: CallEndPayload) -> None:
    print(payload["{key}"])

async def serve(phone: Patter, agent: Agent) -> None:
    await phone.serve(agent, on_call_end={callback})
"""
LISTENER = """
from patter.observe.call_events import CallEvents
from patter.observe.events import {imports}

def listen(event: {wanted}) -> None:
    print(event.{field})

def subscribe(events: CallEvents) -> None:
    events.subscribe(listen, {types})
"""


def mypy_errors(snippet: str, folder: Path) -> list[str]:
    """What ``mypy --strict`` says of *snippet*, an error a line."""
    path = folder / "snippet.py"
    path.write_text(snippet, encoding="utf-8")
    words = ("--strict", "--no-error-summary", "--cache-dir", str(folder), str(path))
    run = subprocess.run(
        [sys.executable, "-m", "mypy", *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode in (0, 1), run.stderr
    return [line for line in run.stdout.splitlines() if ": error: " in line]


def test_a_wrong_key_of_a_callbacks_payload_is_found(tmp_path: Path) -> None:
    assert not mypy_errors(CALLBACK.format(key="duration", callback="ended"), tmp_path)
    (error,) = mypy_errors(CALLBACK.format(key="durationn", callback="ended"), tmp_path)
    assert 'TypedDict "CallEndPayload" has no key "durationn"' in error
    wrong = CALLBACK.format(key="duration", callback="print if phone else ended, on_metrics=ended")
    assert any('"on_metrics"' in error for error in mypy_errors(wrong, tmp_path))


def test_a_listener_is_checked_against_the_events_it_subscribes_to(tmp_path: Path) -> None:
    good = {"imports": "Row, Turn", "wanted": "Row | Turn", "field": "turn", "types": "Row, Turn"}
    assert not mypy_errors(LISTENER.format(**good), tmp_path)
    assert mypy_errors(LISTENER.format(**good | {"field": "turm"}), tmp_path)
    assert mypy_errors(LISTENER.format(**good | {"wanted": "Row"}), tmp_path)
