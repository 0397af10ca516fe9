"""``patter test``: talk to an agent in the terminal, or let a script do it in virtual time."""

from __future__ import annotations

import argparse
import asyncio
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from patter.cli.exits import NO, OK
from patter.cli.loading import loaded
from patter.cli.out import Out
from patter.cli.stdout import answers
from patter.cli.target import Target, add_arguments
from patter.cli.text_file import text_of
from patter.cli.working import on_terminal
from patter.errors import InputError
from patter.observe.view import view
from patter.plugins.commands import Command
from patter.plugins.installing import needs

if TYPE_CHECKING:
    from patter.client import Patter


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_arguments(parser)
    parser.add_argument(
        "--script", metavar="FILE", help="what the caller does, and what is expected; see docs"
    )
    parser.add_argument(
        "--judge", metavar="SPEC", help='the model that is asked for: expect judged "..."'
    )


def run(args: argparse.Namespace) -> int:
    """Test the agent; 1 when an expectation of the script failed."""
    from patter.phone import arguments as checked

    if args.judge and not args.script:
        raise InputError("nobody needs --judge", fix="add --script, or leave it out")
    target = loaded(args)
    checked.agent("test", target.thing)
    if args.script:
        return _scripted(target, args)
    asyncio.run(_typed(target, args.out))
    return OK


async def _typed(target: Target[Patter], out: Out) -> None:
    from patter.phone.terminal import Terminal
    from patter.phone.text_session import TestSession
    from patter.phone.text_session_lines import JsonLines, TestLines

    session = TestSession(
        agent=target.thing,
        registry=target.phone.registry,
        prices=target.phone.prices,
        terminal=Terminal(sys.stdin, answers()),
        lines=JsonLines() if out.json else TestLines(),
    )
    await session.run()


def _scripted(target: Target[Patter], args: argparse.Namespace) -> int:
    with on_terminal(args.out, f"running {args.script}"):
        with needs("patter_testing", install="patter-testing"):
            kit = import_module("patter_testing.scripted_call")
        script = kit.read_script(text_of(args.script))
        report = kit.run_script(script, target.thing, target.phone.registry, judge=args.judge)
    _print(report, args.out)
    return OK if report.ok else NO


def _print(report: Any, out: Out) -> None:
    if out.verbose or not report.ok:
        out.progress("\n".join(view(report.events)))
    for each in report.results:
        fields = {"event": "step", "line": each.line, "ok": each.ok, "text": each.text}
        out.event(_painted(str(each), out, ok=each.ok), fields)
    counts = {"ok": report.ok, "call_ms": report.call_ms, "steps": len(report.results)}
    out.event(str(report), {"event": "report", **counts})
    if report.unexercised:
        out.progress(str(report.unexercised))


def _painted(text: str, out: Out, *, ok: bool) -> str:
    word, rest = text[:4], text[4:]
    return out.paint(word, "green" if ok else "red") + rest


COMMAND = Command(
    name="test",
    help="talk to an agent in text, or run a script of a call",
    configure=configure,
    run=run,
    example="patter test bistro:agent --script sunday.txt",
)
