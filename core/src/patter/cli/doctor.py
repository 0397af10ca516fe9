"""``patter doctor``: checks everything that calls will need, and changes nothing.

Checks run side by side, each bounded in time, none affected by another's failure. Their report
contains no secret: no character of one, nor its length.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from patter.cli.checks.finding import Finding, Level, gathered, summed_up
from patter.cli.exits import NO, OK
from patter.cli.out import Out, columns
from patter.cli.target import add_arguments, flags_of, replaced
from patter.cli.working import on_terminal
from patter.errors import InputError, did_you_mean
from patter.plugins.commands import Command

if TYPE_CHECKING:
    from patter.cli.checks.bounded import Check
    from patter.cli.checks.subject import Subject

NAMES = (
    "target",
    "plugins",
    "keys",
    "number",
    "webhook",
    "settings",
    "transfers",
    "reach",
    "tunnel",
    "clock",
    "records",
    "environment",
)
"""The names of all checks, in the order in which they are reported."""

_COLORS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


@attrs.frozen
class Report:
    """The findings, in order, and how long the checks took."""

    findings: tuple[Finding, ...]
    seconds: float

    @property
    def failed(self) -> bool:
        """Is there a finding that will make calls fail?"""
        return any(each.level is Level.FAIL for each in self.findings)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_arguments(parser, optional=True)
    parser.add_argument("--only", metavar="NAMES", default="", help=", ".join(NAMES))


def run(args: argparse.Namespace) -> int:
    """Check the target, or this machine without one; 1 when a check failed."""
    from patter.cli.checks.subject import of_target, without_target

    only = chosen(args.only)
    if args.target:
        with on_terminal(args.out, f"loading {args.target}"):
            subject = of_target(args.target, replaced(args), args.phone)
    else:
        _refuse_parts(args)
        subject = without_target()
    return concluded(subject, only, args.out)


def concluded(subject: Subject, only: Sequence[str], out: Out) -> int:
    """Check *subject*, print the report; NO when a check failed."""
    with on_terminal(out, "checking"), subject.hidden.in_logs():
        report = asyncio.run(examined(subject, only))
    out.answer(as_text(report, out), as_value(report))
    return NO if report.failed else OK


def chosen(only: str) -> tuple[str, ...]:
    """The checks that *only* names, separated by commas; all when it is empty.

    Raises InputError for one there is not.
    """
    names = tuple(name.strip() for name in only.split(",") if name.strip())
    for name in names:
        if name not in NAMES:
            fix = did_you_mean(name, NAMES, f"use some of {', '.join(NAMES)}")
            raise InputError(f"there is no check {name!r}", fix=fix)
    return names or NAMES


async def examined(subject: Subject, only: Sequence[str] = NAMES) -> Report:
    """Run the checks of *only* side by side and put their findings in order."""
    from patter.aio import task_scope
    from patter.cli.checks import timing
    from patter.cli.checks.bounded import run_check

    began_ms = subject.clock.ms()
    wanted = [check for check in checks_of(subject) if set(check.names) & set(only)]
    async with task_scope() as tasks:
        running = [
            tasks.create_task(run_check(check, subject.worded), name=f"doctor-{check.name}")
            for check in wanted
        ]
    findings = [finding for task in running for finding in task.result()]
    findings = [*_of_problems(subject), *findings, *timing.findings_of(subject.times)]
    seconds = (subject.clock.ms() - began_ms) / 1_000
    return Report(tuple(gathered(findings, (name for name in NAMES if name in only))), seconds)


def checks_of(subject: Subject) -> list[Check]:
    """Every check that applies to *subject*."""
    from patter.cli.checks import installed, keys, line, public, records, transfers, tunnels
    from patter.cli.checks import variables as environment

    modules = (installed, keys, line, transfers, public, tunnels, records, environment)
    return [check for module in modules for check in module.checks(subject)]


def as_text(report: Report, out: Out) -> str:
    """A line a finding, its fix below, and the sum; none over 80 columns."""
    rows = [row for each in report.findings for row in _rows(each)]
    lines = [_painted(line, out) for line in columns(rows)]
    return "\n".join([*lines, f"{summed_up(report.findings)}   {report.seconds:.1f} s"])


def as_value(report: Report) -> dict[str, Any]:
    """The report for ``--json``."""
    levels = [each.level for each in report.findings]
    return {
        "checks": [_value(each) for each in report.findings],
        "failed": levels.count(Level.FAIL),
        "warnings": levels.count(Level.WARN),
        "ok": levels.count(Level.OK),
        "seconds": round(report.seconds, 3),
    }


def _refuse_parts(args: argparse.Namespace) -> None:
    """Refuse flags that replace a part of a target, when there is no target."""
    if args.offline:
        raise InputError(
            "--offline is about a target, and there is none",
            fix="patter doctor bistro:agent --offline",
        )
    if flags := [*flags_of(args), *(["phone"] if args.phone else [])]:
        raise InputError(
            f"--{flags[0]} is about a target, and there is none",
            fix=f"patter doctor bistro:agent --{flags[0]} {getattr(args, flags[0])}",
        )


def _of_problems(subject: Subject) -> Iterable[Finding]:
    """The findings for what kept the target from being made."""
    from patter.cli.checks.subject import OURS

    for problem in subject.problems:
        word = str if isinstance(problem.error, OURS) else subject.worded
        text, fix = word(problem.error.message), word(problem.error.fix)
        yield Finding(Level.FAIL, problem.name, text, fix)


def _rows(finding: Finding) -> list[tuple[str, str, str]]:
    fix = [("", "fix", finding.fix)] if finding.fix else []
    return [(finding.level.value, finding.name, finding.text), *fix]


def _painted(line: str, out: Out) -> str:
    for level, color in _COLORS.items():
        if line.startswith(f"{level.value} "):
            return out.paint(level.value, color) + line.removeprefix(level.value)
    return line


def _value(finding: Finding) -> dict[str, str]:
    value = {"level": finding.level.value, "name": finding.name, "text": finding.text}
    return {**value, "fix": finding.fix} if finding.fix else value


COMMAND = Command(
    name="doctor",
    help="check what calls will need: plugins, keys, number, address, clock",
    configure=configure,
    run=run,
    example="patter doctor bistro:agent --only keys,number",
)
