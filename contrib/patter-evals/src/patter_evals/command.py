"""``patter eval run``: a suite of conversations; the exit status is 0 only if all of them pass."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from patter import PluginRegistry
from patter.cli.exits import NO, OK
from patter.cli.importing import imported
from patter.cli.out import Out
from patter.cli.target import add_parts, replaced, split
from patter.cli.working import on_terminal, working
from patter.errors import InputError, PatterConfigError
from patter.plugins.commands import Command
from patter.plugins.overrides import overriding
from patter.testing import LLMJudge
from patter_evals.results import CaseResult
from patter_evals.runner import EvalRunner
from patter_evals.suite import load_suite


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("action", choices=["run"], help="run a suite")
    parser.add_argument("suite", metavar="SUITE", help="a YAML or JSON file")
    parser.add_argument(
        "--agent", required=True, metavar="TARGET", help="an agent, or what makes it: module:name"
    )
    parser.add_argument("--judge", metavar="SPEC", help="the model that judges")
    parser.add_argument(
        "--judge-model",
        default="gpt-4o-mini",
        metavar="NAME",
        help="without --judge: a model of OpenAI; default: gpt-4o-mini",
    )
    parser.add_argument(
        "--pass-threshold",
        type=float,
        default=0.7,
        metavar="N",
        help="the score that passes, 0 to 1; default: 0.7",
    )
    parser.add_argument("--output", metavar="FILE", help="write the results there, as JSON")
    parser.add_argument("--tag", action="append", default=[], help="only cases with this tag")
    add_parts(parser)


def run(args: argparse.Namespace) -> int:
    """Run the suite; 1 when a case failed. Raises InputError, PatterConfigError."""
    if not 0 <= args.pass_threshold <= 1:
        raise InputError(f"--pass-threshold {args.pass_threshold:g}", fix="give 0 to 1")
    suite = load_suite(args.suite).tagged(args.tag)
    if not suite.cases:
        raise InputError(f"no case has the tag {', '.join(args.tag)}", fix="leave --tag out")
    # The judge is none of the parts that flags replace.
    plain = PluginRegistry.from_environment()
    judge = LLMJudge(
        model=args.judge_model, pass_threshold=args.pass_threshold, llm=args.judge, registry=plain
    )
    runner = EvalRunner(judge, plain.overriding(replaced(args)))
    with on_terminal(args.out, f"loading {args.agent}"), overriding(replaced(args)):
        factory = _named(args.agent, args.out)
    with working(args.out, f"running {len(suite.cases)} cases of {suite.name}"):
        result = asyncio.run(runner.run(suite, factory, on_case=lambda case: _show(case, args.out)))
    if args.output:
        _written(args.output, result.to_dict())
    figures = {"suite": suite.name, "passed": result.passed, "score": result.score}
    args.out.event(str(result), {"event": "result", **figures})
    return OK if result.passed else NO


def _show(case: CaseResult, out: Out) -> None:
    text = str(case)
    painted = out.paint(text[:4], "green" if case.passed else "red") + text[4:]
    out.event(painted, {"event": "case", **case.to_dict()})


def _named(target: str, out: Out) -> Any:
    """What *target*, ``module:name``, stands for. Raises InputError, PatterConfigError."""
    path, name = split(target)
    module = imported(path, out.progress)
    if not hasattr(module, name):
        raise PatterConfigError(f"{path} has no {name!r}", fix=f"define {name} in {path}")
    return getattr(module, name)


def _written(path: str, value: dict[str, Any]) -> None:
    try:
        Path(path).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
    except OSError as exc:
        raise InputError(f"{path} cannot be written: {exc}", fix="--output FILE") from exc


COMMAND = Command(
    name="eval",
    help="hold conversations with an agent and judge them",
    configure=configure,
    run=run,
    example="patter eval run bistro.yaml --agent bistro:agent",
)
