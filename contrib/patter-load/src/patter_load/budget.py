"""``patter budget``: fails when an answer of an agent takes longer than it may.

Virtual time, in which vendors take as long as they are assumed to: the same on every machine. What
is measured is the agent's own: its endpointing, its tools, its hooks, what it says first.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from patter.cli.amounts import milliseconds
from patter.cli.exits import NO, OK
from patter.cli.out import Out
from patter.cli.target import Target, add_arguments, load, replaced
from patter.cli.text_file import text_of
from patter.cli.working import on_terminal
from patter.errors import InputError, PatterConfigError
from patter.plugins.commands import Command
from patter_load.stages import ASSUMED, Budget, TurnResult, judged, per_stage


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_arguments(parser)
    parser.add_argument(
        "--max-latency",
        "--max-gap",
        required=True,
        metavar="MS",
        help="the most that an answer may take: 1500ms",
    )
    parser.add_argument(
        "--max-stage", action="append", default=[], metavar="STAGE=MS", help="tool=300ms"
    )
    parser.add_argument(
        "--assume",
        action="append",
        default=[],
        metavar="STAGE=MS",
        help="what vendors take; default: stt=200ms,llm=400ms,tts=150ms",
    )
    parser.add_argument("--script", default="", metavar="FILE", help="what the caller does")
    parser.add_argument(
        "--simulate", action="store_true", help="in real time, with simulated vendors"
    )


def run(args: argparse.Namespace) -> int:
    """Measure; 1 when a turn is over the budget, or an expectation of the script failed."""
    budget = Budget(gap_ms=milliseconds(args.max_latency), stages=per_stage(args.max_stage))
    assumed = {**ASSUMED, **_assumed(args)}
    kit: Any = import_module("patter_testing.simulation")
    with on_terminal(args.out, f"loading {args.target}"), kit.without_keys():
        from patter.client import Patter

        target = load(args.target, Patter, {**_line(), **replaced(args)}, args.phone)
    report = _lived(target, args, assumed)
    turns = judged(report.events, budget, {} if args.simulate else assumed)
    return _answer(args.out, report, turns, budget)


def _line() -> dict[str, object]:
    """A carrier that needs no account."""
    from patter.testing import FakeCarrier

    return {"carrier": FakeCarrier(), "tunnel": None}


def _assumed(args: argparse.Namespace) -> dict[str, float]:
    """What ``--assume`` says. Raises InputError."""
    budgets = per_stage(args.assume)
    if wrong := sorted(set(budgets) - set(ASSUMED)):
        raise InputError(f"{', '.join(wrong)} is not a vendor's", fix=f"{', '.join(ASSUMED)}")
    if args.simulate and budgets:
        raise InputError(
            "simulated vendors take their own time", fix="leave out --assume or --simulate"
        )
    return budgets


def _lived(target: Target[Any], args: argparse.Namespace, assumed: Mapping[str, float]) -> Any:
    """The report of the script's call. Raises PatterError."""
    # Not at the top: a command that is not run needs no testing kit.
    from patter_load.stand_in import ears_and_voice, model, usual

    kit: Any = import_module("patter_testing.scripted_call")
    agent, registry = target.thing, target.phone.registry
    script = kit.read_script(text_of(args.script) if args.script else usual(agent))
    if args.simulate:
        with on_terminal(args.out, "holding the call, in real time"):
            return kit.run_script(script, agent, registry, simulate=True, real_model=False)
    if agent.engine is not None:
        raise PatterConfigError("an engine takes its own time", fix="add --simulate")
    if not args.llm:
        registry = registry.overriding({"llm": model(assumed["llm"])})
    taken = ", ".join(f"{stage} {ms:g}" for stage, ms in assumed.items())
    args.out.progress(f"assumes {taken} ms of vendors")
    with on_terminal(args.out, "holding the call"):
        return kit.run_script(
            script, agent, registry, real_model=bool(args.llm), **ears_and_voice(assumed)
        )


def _answer(out: Out, report: Any, turns: list[TurnResult], budget: Budget) -> int:
    """Print every turn, what the script expected in vain, and the verdict."""
    failed = [each for each in report.results if not each.ok]
    over = [each for each in turns if each.over]
    for each in turns:
        fields = {"turn": each.turn, "gap_ms": each.gap_ms, "stages": dict(each.parts)}
        text = out.paint(str(each), "red") if each.over else str(each)
        out.event(text, {"event": "turn", **fields, "over": list(each.over)})
    for each in failed:
        out.event(str(each), {"event": "step", "line": each.line, "ok": False, "text": each.text})
    ok = bool(turns) and not over and not failed
    value = {"event": "report", "ok": ok, "turns": len(turns), "over": len(over)}
    out.event(_verdict(turns, over, budget), value)
    return OK if ok else NO


def _verdict(turns: list[TurnResult], over: list[TurnResult], budget: Budget) -> str:
    if not turns:
        return "no turn was answered"
    slowest = max(each.gap_ms for each in turns)
    if not over:
        return f"{len(turns)} turns within {budget.gap_ms:g} ms; the slowest took {slowest}"
    stages = ", ".join(dict.fromkeys(stage for each in over for stage in each.over))
    return f"{len(over)} of {len(turns)} turns over budget; slowest {slowest} ms; look at {stages}"


BUDGET = Command(
    name="budget",
    help="fail when an answer of an agent takes longer than it may",
    configure=configure,
    run=run,
    example="patter budget bistro:agent --max-latency 1500ms",
)
