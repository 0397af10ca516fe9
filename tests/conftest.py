"""What a run of these tests prints besides its outcome: the figures that have a budget."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

FIGURE = "figure"
# The benchmarks are scripts that find each other beside them; their tests import them too.
sys.path.append(str(Path(__file__).parent / "bench"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print every figure that a test recorded, whether it kept its budget or not."""
    reports = [each for key in ("passed", "failed") for each in terminalreporter.getreports(key)]
    figures = {
        value
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == FIGURE
    }
    if figures:
        terminalreporter.section("figures of the house")
        for line in sorted(figures):
            terminalreporter.write_line(line)
