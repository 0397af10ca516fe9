"""Voices, noises and echo on the telephone: what detectors and turn taking make of them.

Prints tables in Markdown, then each figure beside its budget; exits 1 when one is over it. The
clips are made by a script; with PATTER_VOICES naming a folder of recordings, of those too.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from callbench.report import Report
from voices.budgets import BUDGETS
from voices.clip import Clips
from voices.clips import shipped
from voices.recordings import LABELS, recordings
from voices.table import Table
from voices.tables import TABLES
from voices.talks import Settings

from patter.env import read

FOLDER = "PATTER_VOICES"
QUICK = ("words", "mm-hm", "stop")
_clips: list[Clips] = []


def every(changes: Sequence[str]) -> tuple[Settings, ...]:
    """The settings of the columns; the first are those that are judged, with *changes*."""
    return (
        Settings("as it comes", agent=dict(map(_change, changes))),
        Settings("cancel", agent={"barge_in_mode": "cancel"}),
        Settings("webrtcvad", vad="webrtcvad"),
    )


def _change(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    return name, int(value) if value.isdigit() else value


def prepare(folder: str, few: int) -> None:
    """Make the clips of this process. Not shared: what espeak says depends on what it said."""
    _clips[:] = [shipped(few=few)]
    if folder:
        real = recordings(Path(folder))
        _clips.append(real.few(few) if few else real)


def make(job: tuple[str, int, tuple[Settings, ...]]) -> Table:
    """One table from one source."""
    name, source, settings = job
    return TABLES[name](_clips[source], settings)


def tables(args: argparse.Namespace, folder: str) -> Iterator[Table]:
    """Every table that was chosen, in order, made in *args.jobs* processes."""
    settings = every(args.set)[: 1 if args.quick else None]
    names = args.table or (QUICK if args.quick else TABLES)
    jobs = [(name, source, settings) for name in names for source in range(1 + bool(folder))]
    arguments = (folder, args.few or (2 if args.quick else 0))
    if args.jobs == 1:
        prepare(*arguments)
        yield from (table for table in map(make, jobs) if table.rows)
        return
    # Forked processes would share what the speech library and the network have loaded.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(args.jobs, context, prepare, arguments) as processes:
        yield from (table for table in processes.map(make, jobs) if table.rows)


def judged(report: Report, made: Sequence[Table], whole: bool) -> int:
    """Each figure beside its budget; of a *whole* run none may be missing."""
    report.title("Figures and their budgets")
    for budget in BUDGETS:
        values = [(t.source, t.figures[budget.figure]) for t in made if budget.figure in t.figures]
        for source, value in values:
            name = f"{budget.figure} ({source})"
            report.figure(name, value, budget.unit, budget.limit, least=budget.least)
        if whole and not values:
            report.must(f"not measured: {budget.figure}", 1)
    report.title(f"over budget: {', '.join(report.over)}" if report.over else "all within budget")
    return int(bool(report.over))


def main() -> int:
    """Print the tables, and judge them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few clips of a few tables")
    parser.add_argument("--few", type=int, default=0, help="so many clips of a kind")
    parser.add_argument("--table", action="append", choices=TABLES, help="only this one; repeats")
    parser.add_argument("--set", action="append", default=[], help="agent field: name=value")
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1), help="processes")
    args = parser.parse_args()
    folder, report = read(FOLDER), Report()
    if folder and not (Path(folder) / LABELS).is_file():
        parser.error(f"{FOLDER} names {folder!r}, which has no {LABELS}; unset it to do without")
    report.note(f"recordings of {FOLDER}" if folder else f"no recordings: {FOLDER} is not set")
    made = []
    for table in tables(args, folder):
        report.title("\n".join(table.lines()))
        made.append(table)
    return judged(report, made, whole=not (args.quick or args.table or args.few))


if __name__ == "__main__":
    sys.exit(main())
