"""The benchmarks run: real calls through real sockets, and nothing of them is left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent / "bench" / "run.py"
PATIENCE_S = 120

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="CPU time and memory are read from /proc"
)


def test_a_quick_benchmark_makes_its_calls_and_leaves_nothing() -> None:
    done = subprocess.run(
        [sys.executable, RUN, "--quick"], capture_output=True, text=True, timeout=PATIENCE_S
    )

    assert done.returncode == 0, done.stdout + done.stderr
    for kind in ("patter", "twilio", "bare"):
        assert f"{kind} 4 calls: tasks left 0 of 0 ok" in done.stdout
        assert f"{kind} 4 calls: descriptors left 0 of 0 ok" in done.stdout
    assert "heard cursor at" in done.stdout
    assert "over budget" not in done.stdout.lower()


def test_the_quick_benchmark_of_providers_makes_its_calls_and_leaves_nothing() -> None:
    providers = RUN.with_name("bench_providers.py")
    done = subprocess.run(
        [sys.executable, providers, "--quick"], capture_output=True, text=True, timeout=PATIENCE_S
    )

    assert done.returncode == 0, done.stdout + done.stderr
    for kind in ("phone", "bare"):
        assert f"{kind} 4 calls: tasks left 0 of 0 ok" in done.stdout
        assert f"{kind} 4 calls: descriptors left 0 of 0 ok" in done.stdout
    assert "calls without a greeting 0 of 0 ok" in done.stdout
