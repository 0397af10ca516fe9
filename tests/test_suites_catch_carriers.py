"""The suites for carriers on doubles convict: a carrier with one mistake fails the test for it.

Twilio's plugin stands for all: a copy of it with one line changed is held to the suites.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .house import CORE, ROOT

PLUGIN = ROOT / "plugins" / "patter-twilio"
KIT = "patter/carriers/verified_webhook"
"""Of core: what verifies the webhooks of all carriers."""

HANGUP = "await self.transfers.end(call_sid(carrier_call_id))"

CALLS = [
    ("line.py", HANGUP, "...", "hanging_up_ends_the_call"),
    ("_webhooks.py", '"again": self.again', '"again": self.join', "lost_socket_comes_back"),
    ("_webhooks.py", "outcome(form.status)", "None", "call_nobody_takes_has_an_outcome"),
    ("_webhooks.py", "beep=beep", "beep=False", "who_answered_is_told"),
    ("_webhooks.py", 'get("RecordingUrl")', 'get("RecordingSid")', "recording_is_told"),
    ("_wire.py", '"event":"clear', '"event":"flush', "clear_stops_what_is_played"),
    ("line.py", "min(request.ring_timeout_s, RING_MAX_S)", "RING_MAX_S", "rung_longer_than_asked"),
    ("line.py", "detection if request.machine_detection else {}", "detection", "unless_told_to"),
    ("line.py", "abs(float(call.price))", "float(call.price)", "price_is_what_the_vendor_says"),
]
TRANSFERS = [
    ("_transfers.py", "await self.end(caller.carrier_call_id)", "...", "call_that_ends_meanwhile"),
    ("_transfers.py", "timeout=request.ring_timeout_s", "timeout=60", "rung_no_longer_than_asked"),
    ("_transfers.py", "brief(request.summary, join", 'brief("", join', "told_what_it_is_about"),
    ("_transfers.py", '"join", call', '"join", said=request.summary, call', "in_no_address"),
    ("_transfers.py", "if human_sid:", "if not human_sid:", "stops_the_ringing"),
    ("_webhooks.py", '"human": self.human', '"human": self.status', "with_the_agent_again"),
    ("_webhooks.py", "await self.transfers.connect(form.caller, event)", "...", "human_who_takes"),
]
WEBHOOKS = [
    (f"{KIT}.py", "if replays.check(check(body)):", "if check(body):", "request_of_long_ago"),
    (
        f"{KIT}.py",
        "public_url(public_host, request)",
        'f"https://{request.host}{request.path_qs}"',
        "host_header_decides_nothing",
    ),
    (
        "_signature.py",
        "if not validator.validate(url, _multi(fields), signature, algorithm):",
        "if validator is None:",
        "tampered_with_is_not_believed",
    ),
]
PHONE = [
    ("_webhooks.py", "taken=True, status=form.status", "taken=False, status=''", "agent_is_done"),
    ("_webhooks.py", "who, beep = answerer(raw)", "who, beep = None, False", "left_a_message"),
]
SUITES = {
    "test_calls.py": CALLS,
    "test_transfers.py": TRANSFERS,
    "test_webhooks.py": WEBHOOKS,
    "test_phone.py": PHONE,
}
MISTAKES = [(suite, *each) for suite, mistakes in SUITES.items() for each in mistakes]


@pytest.mark.slow
@pytest.mark.parametrize(("suite", "file", "right", "wrong", "test"), MISTAKES)
def test_this_mistake_is_noticed(
    suite: str, file: str, right: str, wrong: str, test: str, tmp_path: Path
) -> None:
    shutil.copytree(PLUGIN / "src", tmp_path / "src")
    if file.startswith(KIT):
        shutil.copytree(CORE / "src" / "patter", tmp_path / "src" / "patter")
    source = tmp_path / "src" / (file if file.startswith(KIT) else f"patter_twilio/{file}")
    assert source.read_text().count(right) == 1
    source.write_text(source.read_text().replace(right, wrong))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-x", "-rf", "-k", test]
    run = subprocess.run(
        [*command, str(PLUGIN / "tests" / suite)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    failed = [line for line in run.stdout.splitlines() if line.startswith("FAILED")]
    assert len(failed) == 1, run.stdout[-3_000:] + run.stderr[-1_000:]
    assert test in failed[0]
