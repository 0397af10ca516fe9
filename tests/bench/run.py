"""The speed of Patter: every figure beside its budget; exits 1 when one is over it.

``--quick`` makes a few calls to see that all of it works and nothing is left; its figures are
not judged. Needs Linux: CPU time and memory are read from /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
from pathlib import Path

from callbench import load
from callbench.figures import Figures
from callbench.load import Load
from callbench.report import Report, about, machine, smooth, sound, true

from patter_load import proc

HERE = Path(__file__).parent
IMPORT_BENCH = HERE.parent.parent / "core" / "tests" / "bench" / "bench_import.py"
LOADED = 150


def runs_of(kinds: list[str], what: Load, report: Report) -> list[Figures]:
    """Alternate *kinds* under the same load."""
    found = []
    for kind in kinds:
        run = asyncio.run(load.run(kind, what))
        for line in about(run):
            report.note(line)
        found.append(run)
    return found


def at_once(kinds: list[str], what: Load, report: Report) -> list[Figures]:
    """All *kinds* side by side, for when only their working matters."""

    async def both() -> list[Figures]:
        return await asyncio.gather(*(load.run(kind, what) for kind in kinds))

    found = asyncio.run(both())
    for run in found:
        for line in about(run):
            report.note(line)
    return found


def few_calls(report: Report, seconds: float) -> None:
    """Ten calls on one core: what a turn costs."""
    report.title("10 calls on one core, beside a bare aiohttp bridge; the better of two runs")
    runs = runs_of(["patter", "bare"] * 2, Load(10, seconds), report)
    ours = [run for run in runs if run.kind == "patter"]
    report.figure("overhead p50", min(run.overhead_p50 for run in ours), "ms", 3)
    report.figure("overhead p95", min(run.overhead_p95 for run in ours), "ms", 8)
    report.figure("barge-in evidence to clear p95", min(r.barge_in_p95 for r in ours), "ms", 5)
    ratio(report, runs)
    smooth(report, ours)
    sound(report, ours)


def many_calls(report: Report, seconds: float, calls: int) -> None:
    """As many calls as one core must carry."""
    report.title(f"{calls} calls on one core, beside a bare aiohttp bridge; the better of two runs")
    runs = runs_of(["patter", "bare", "patter"], Load(calls, seconds), report)
    ours = [run for run in runs if run.kind == "patter"]
    report.figure("overhead p95 under load", min(run.overhead_p95 for run in ours), "ms", 100)
    report.figure("barge-in under load p50", min(run.barge_in_p50 for run in ours), "ms", 5)
    idle = statistics.median(run.idle_kb_per_call for run in ours)
    report.figure("memory of an idle call", idle, "KB", 300)
    ratio(report, runs)
    smooth(report, ours)
    sound(report, ours)


def carrier_calls(report: Report, seconds: float, calls: int) -> None:
    """The same through a real carrier's plugin: webhooks, tokens, media, marks, status."""
    report.title(
        f"{calls} calls through the double of Twilio on one core, beside a bare aiohttp bridge "
        "that speaks its media; the better of two runs"
    )
    runs = runs_of(["twilio", "bare", "twilio"], Load(calls, seconds), report)
    ours = [run for run in runs if run.kind == "twilio"]
    report.figure("twilio overhead p50", min(run.overhead_p50 for run in ours), "ms", 50)
    report.figure("twilio overhead p95", min(run.overhead_p95 for run in ours), "ms", 100)
    ratio(report, runs)
    true(report, ours)
    smooth(report, ours)
    sound(report, ours)


def ratio(report: Report, runs: list[Figures]) -> None:
    """CPU a call-minute, the first kind's by the bare bridge's, medians of the same session."""
    spent = {
        kind: statistics.median(r.cpu_per_call_minute_s for r in runs if r.kind == kind)
        for kind in (runs[0].kind, "bare")
    }
    name = f"{runs[0].kind} CPU per call-minute at {runs[0].calls} calls, by the bare bridge's"
    report.figure(name, spent[runs[0].kind] / spent["bare"], "x", 1.5)


def module(report: Report, title: str, *args: str) -> None:
    """Run another benchmark, which judges itself, in a process of its own."""
    report.title(title)
    if subprocess.run([sys.executable, *args], cwd=HERE).returncode:
        report.over.append(title)


def quick(report: Report, kinds: list[str]) -> None:
    """Does all of it work?"""
    runs = at_once(kinds, Load(4, 10.0, warm_turns=1), report)
    for run in runs:
        report.must(f"{run.kind}: calls without turns", int(run.turns == 0))
        report.must(f"{run.kind}: no barge-in", int(run.barge_ins == 0))
    sound(report, runs)
    module(report, "virtual calls", "-m", "callbench.virtual", "20")


def main() -> int:
    """Print each figure beside its budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few calls, figures not judged")
    parser.add_argument("--only", choices=("few", "many", "twilio", "rest"), help="one part")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each run")
    parser.add_argument("--calls", type=int, default=LOADED, help="of the run under load")
    args = parser.parse_args()
    report = Report()
    report.note(machine())
    proc.pin(proc.core(1))
    if args.quick:
        quick(report, ["patter", "twilio", "bare"])
        return judged(report)
    if args.only in (None, "few"):
        few_calls(report, args.seconds)
    if args.only in (None, "many"):
        many_calls(report, args.seconds, args.calls)
    if args.only in (None, "twilio"):
        carrier_calls(report, args.seconds, args.calls)
    if args.only in (None, "rest"):
        module(report, "import and resolve", str(IMPORT_BENCH))
        module(report, "1,000 virtual calls", "-m", "callbench.virtual", "1000")
    return judged(report)


def judged(report: Report) -> int:
    """Say what was over budget."""
    report.title(f"over budget: {', '.join(report.over)}" if report.over else "all within budget")
    return int(bool(report.over))


if __name__ == "__main__":
    sys.exit(main())
