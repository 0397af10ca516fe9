"""Twilio, Deepgram, OpenAI and ElevenLabs beside a bare aiohttp bridge that speaks their protocols.

The vendors are in another process, and have no latency of their own; the model sends a token every
few milliseconds. Budgets are ratios to the bridge in the same run where machines differ.
``--quick`` makes a few calls to see that all of it works. ``--cast`` chooses another row of
`callbench.casts`: ``small`` has providers of no vendor. ``--loop uvloop`` is how ``patter serve``
runs where that is installed; the bridge stays on asyncio. Needs Linux: CPU time and memory are read
from /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import attrs

sys.path.insert(0, str(Path(__file__).parent))

from callbench import beginnings, capacity, load, rows
from callbench.beginnings import FirstCall
from callbench.capacity import Stairs
from callbench.casts import CASTS, Cast
from callbench.figures import Figures
from callbench.load import Load
from callbench.report import STAGES, Report, about, beside, machine, smooth, sound

from patter_load import proc

PHONE, RECORDED, WATCHED, BARE = "phone", "recorded", "watched", "bare"
PARTS = ("start", "turns", "fifty", "watched", "rows", "late", "capacity")
TURNS, PROCESSES, STARTS = 10, 3, 5
WAIT_MS, MESSAGE_MS, COPIES = 10.0, 1.0, 20.0
GREETING_MS, READY_S, REST_MB, CALL_MB = 60.0, 0.35, 55.0, 0.2
WATCHED_SHARE = 1.03
WHOSE = {BARE: "the bridge", RECORDED: "the phone alone"}


@attrs.frozen
class Bench:
    """One session: where figures go, who plays, and for how long each run is watched."""

    report: Report
    cast: Cast
    seconds: float
    loop: str = "asyncio"

    def load(self, calls: int) -> Load:
        """So many calls of this session's cast."""
        return Load(calls, self.seconds, cast=self.cast, loop=self.loop)

    def alternate(self, calls: int, kinds: list[str]) -> dict[str, list[Figures]]:
        """Runs of *kinds*, one after another, by kind."""
        runs: dict[str, list[Figures]] = {kind: [] for kind in kinds}
        for kind in kinds:
            run = asyncio.run(load.run(kind, self.load(calls)))
            runs[kind].append(run)
            for line in about(run):
                self.report.note(line)
        return runs

    def compare(
        self,
        name: str,
        runs: dict[str, list[Figures]],
        figure: Callable[[Figures], float],
        most: float,
        kinds: tuple[str, str] = (PHONE, BARE),
    ) -> None:
        """One figure of ours by the bridge's, or of the first of *kinds* by the second's."""
        ours, theirs = ([figure(run) for run in runs[kind]] for kind in kinds)
        beside(self.report, name, ours, theirs, most, WHOSE[kinds[1]])


def turns(bench: Bench) -> None:
    """Ten calls: what a turn costs, stage by stage."""
    bench.report.title("10 calls on one core, the bridge between; medians of three runs each")
    runs = bench.alternate(10, [BARE, PHONE] * 3)
    bench.compare("overhead p50 ms", runs, lambda run: run.overhead_p50, 1.3)
    bench.compare("overhead p95 ms", runs, lambda run: run.overhead_p95, 2.0)
    for place, stage in enumerate(STAGES):
        ours, theirs = (
            statistics.median(run.stages[place][0] for run in runs[kind]) for kind in (PHONE, BARE)
        )
        bench.report.note(f"{stage} p50: {ours:.2f} ms, the bridge {theirs:.2f}")
    bench.compare("evidence to clear p50 ms", runs, lambda run: run.barge_in_p50, 1.5)
    sound(bench.report, runs[PHONE])
    smooth(bench.report, runs[PHONE])


def load_of_fifty(bench: Bench) -> None:
    """Fifty calls: the slowest turns, what a minute costs, what a call holds."""
    bench.report.title("50 calls on one core; medians of three runs each")
    runs = bench.alternate(50, [BARE, PHONE] * 3)
    p99 = statistics.median(run.overhead_p99 for run in runs[PHONE])
    bench.report.figure("overhead p99", p99, "ms", 15)
    bench.compare("CPU s per call-minute", runs, lambda run: run.cpu_per_call_minute_s, 1.15)
    held = statistics.median(run.idle_kb_per_call for run in runs[PHONE]) / 1_000
    bench.report.figure("memory a call", held, "MB", CALL_MB)
    sound(bench.report, runs[PHONE])
    smooth(bench.report, runs[PHONE])


def watched(bench: Bench) -> None:
    """Fifty calls: what dashboard, traces and metrics cost that nobody looks at."""
    bench.report.title("50 calls on one core, with the dashboard, traces and metrics, and without")
    runs = bench.alternate(50, [RECORDED, WATCHED] * 3)
    both = (WATCHED, RECORDED)
    bench.compare(
        "CPU s per call-minute", runs, lambda run: run.cpu_per_call_minute_s, WATCHED_SHARE, both
    )
    bench.compare("overhead p50 ms", runs, lambda run: run.overhead_p50, WATCHED_SHARE, both)
    sound(bench.report, runs[WATCHED])


def most_calls(bench: Bench, stairs: Stairs) -> None:
    """How many calls a core carries."""
    bench.report.title(f"calls on one core with an overhead p95 below {stairs.p95_ms:g} ms, no gap")
    found = {}
    for kind in (BARE, PHONE):
        steps = asyncio.run(capacity.climb(kind, bench.load(0), stairs))
        found[kind] = capacity.carried(steps, stairs)
        for run in steps:
            bench.report.note(next(about(run)))
        if steps[-1].driver_bound:
            bench.report.note(f"{kind}: the load driver gave up first")
    name = f"capacity, {found[PHONE]} calls by the bridge's {found[BARE]}:"
    share = found[PHONE] / found[BARE] if found[BARE] else 0.0
    bench.report.figure(name, share, "x", 0.85, least=True)


def each_provider(bench: Bench) -> None:
    """A row for each: what it costs a message."""
    bench.report.title("a message of each provider, at its vendor's double in another process")
    bench.report.note(rows.HEAD)
    for place in rows.PROVIDERS:
        row = asyncio.run(rows.row(*place))
        bench.report.note(str(row))
        if row.ms > MESSAGE_MS or (row.copies or 0.0) > COPIES:
            bench.report.figure(f"{row.spec} ms a message", row.ms, "ms", MESSAGE_MS)
            bench.report.figure(f"{row.spec} copies", row.copies or 0.0, "x", COPIES)


def waiting(bench: Bench) -> None:
    """Vendors that take their time: what of a caller's wait is ours?"""
    bench.report.title("10 calls, vendors with the delays of their public figures")
    late = attrs.evolve(bench, cast=CASTS["late"])
    runs = late.alternate(10, [PHONE] * 3)[PHONE]
    ours = statistics.median(run.overhead_p50 for run in runs)
    bench.report.figure("a caller's wait beyond the vendors' own p50", ours, "ms", WAIT_MS)
    sound(bench.report, runs)


def beginning(bench: Bench, starts: int, turns: int, processes: int) -> None:
    """A process at its start, and its first call."""
    bench.report.title(f"a process at its start, medians of {starts}, and its first call")
    here, theirs = [], []
    for _ in range(starts):
        theirs.append(asyncio.run(beginnings.start(BARE, bench.load(0))))
        here.append(asyncio.run(beginnings.start(PHONE, bench.load(0))))
    ready, bare = (statistics.median(each.ready_s for each in runs) for runs in (here, theirs))
    bench.report.figure("ready after", ready, "s", READY_S)
    bench.report.note(f"the bridge after {bare:.2f} s")
    rest = statistics.median(each.rest_mb for each in here)
    bare_rest = statistics.median(each.rest_mb for each in theirs)
    bench.report.figure("memory at rest", rest, "MB", REST_MB)
    bench.report.note(f"the bridge's is {bare_rest:.1f} MB")
    calls = asyncio.run(beginnings.first_calls(PHONE, bench.load(1), turns, processes))
    greeted = statistics.median(call.greeting_ms or float("inf") for call in calls)
    bench.report.figure("first audio of the greeting after", greeted, "ms", GREETING_MS)
    for call in calls:
        bench.report.note("turns " + " ".join(f"{each:.1f}" for each in call.turns_ms) + " ms")
    name = f"turn 1 by turn {turns}:"
    bench.report.figure(name, beginnings.slower_first(calls), "x", 1.5)


def main() -> int:
    """Print each figure beside its budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few calls, figures not judged")
    parser.add_argument("--cast", choices=sorted(CASTS), default="vendors", help="whose providers")
    parser.add_argument("--only", choices=PARTS, help="one part")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each run")
    parser.add_argument("--step", type=int, default=20, help="calls more at a time")
    parser.add_argument(
        "--loop", choices=("asyncio", "uvloop"), default="asyncio", help="what the phone runs on"
    )
    args = parser.parse_args()
    report = Report()
    report.note(machine())
    proc.pin(proc.core(1))
    bench = Bench(report, CASTS[args.cast], args.seconds, args.loop)
    if args.quick:
        return quick(bench)
    if args.only in (None, "start"):
        beginning(bench, STARTS, TURNS, PROCESSES)
    if args.only in (None, "turns"):
        turns(bench)
    if args.only in (None, "fifty"):
        load_of_fifty(bench)
    if args.only in (None, "watched"):
        watched(bench)
    if args.only in (None, "rows"):
        each_provider(bench)
    if args.only in (None, "late"):
        waiting(bench)
    if args.only in (None, "capacity"):
        most_calls(bench, Stairs(step=args.step))
    report.title(f"over budget: {', '.join(report.over)}" if report.over else "all within budget")
    return int(bool(report.over))


def quick(bench: Bench) -> int:
    """Does all of it work? Side by side, because speed does not matter here."""
    brief, report = attrs.evolve(bench, seconds=8.0), bench.report

    async def at_once() -> tuple[list[Figures], list[FirstCall]]:
        runs = asyncio.gather(*(load.run(kind, brief.load(4)) for kind in (BARE, PHONE)))
        calls = beginnings.first_calls(PHONE, brief.load(1), turns=1, processes=1)
        return await asyncio.gather(runs, calls)

    runs, calls = asyncio.run(at_once())
    for run in runs:
        for line in about(run):
            report.note(line)
        report.must(f"{run.kind}: calls without turns", int(run.turns == 0))
        report.must(f"{run.kind}: no barge-in", int(run.barge_ins == 0))
    report.must("calls without a greeting", sum(call.greeting_ms is None for call in calls))
    sound(report, runs)
    return int(bool(report.over))


if __name__ == "__main__":
    sys.exit(main())
