"""``patter calls replay``: a call again, in virtual time, on the code of today; what differs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from patter.cli.exits import NO, OK
from patter.cli.out import Out
from patter.cli.target import add_arguments, flags_of, load
from patter.cli.working import on_terminal, working
from patter.errors import InputError
from patter.observe.call_log import write_record
from patter.observe.events import CallEvent
from patter.observe.lines import seconds
from patter.plugins.installing import needs
from patter_calls.stored import call_named, readable


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the action's arguments."""
    parser.add_argument("id", metavar="ID", help="a call, by the beginning of its id, or last")
    add_arguments(parser, optional=True, offline="the model says what it said then")
    parser.add_argument("--out", dest="folder", type=Path, metavar="DIR", help="keep the new call")


def run(args: argparse.Namespace, root: Path) -> int:
    """Replay the call; NO when words or deeds differ."""
    call = readable(call_named(root, args.id))
    if not args.target and (args.offline or flags_of(args)):
        raise InputError(
            "there is no agent to change", fix="name one: patter calls replay ID TARGET"
        )
    with on_terminal(args.out, f"loading {args.target or 'the call'}"):
        kit, events = _kit(), call.events()
        subject = _subject(args, kit, events) if args.target else None
    with working(args.out, f"replaying {call.call_id[:8]}, {len(events)} events"):
        result = kit.replayed(events, subject)
    _print(args.out, result)
    if args.folder:
        args.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = args.folder / f"{call.call_id}.jsonl"
        path.touch(mode=0o600)
        write_record(path, result.events)
        args.out.progress(f"wrote {path}")
    return NO if result.differs else OK


def _subject(args: argparse.Namespace, kit: Any, events: Sequence[CallEvent]) -> Any:
    """The agent of TARGET, made with what a replay puts in the place of line, ears and voice."""
    from patter.client import Patter

    parts = {**kit.stand_ins(events), **flags_of(args)}
    if "engine" in parts:
        _refuse_parts(args)
    elif args.offline:
        parts["llm"] = kit.recorded_llm(events)
    target = load(args.target, Patter, parts, args.phone)
    if not callable(getattr(target.thing, "plan", None)):
        raise InputError(f"{args.target} is not an agent", fix="name one: bistro:agent")
    return kit.Subject(target.thing, target.phone.registry)


def _refuse_parts(args: argparse.Namespace) -> None:
    """Raise InputError for a flag that means nothing to an engine, which says what it said."""
    if flags := flags_of(args):
        raise InputError(
            f"this call was led by an engine, which no {', '.join(flags)} replaces",
            fix=f"leave out --{' and --'.join(flags)}",
        )


def _print(out: Out, result: Any) -> None:
    head = f"{seconds(result.lasted_ms)} in {result.took_s:.1f} s"
    lines = [head, *map(str, result.differences)]
    if not result.differences:
        lines.append(f"same: {result.turns} turns")
    value = {
        "differs": result.differs,
        "turns": result.turns,
        "differences": [each.value() for each in result.differences],
    }
    out.answer("\n".join(lines), value)


def _kit() -> Any:
    """What replays. Raises NotInstalled: the calls can be read without the testing kit."""
    with needs("patter_testing", install="patter-testing"):
        return import_module("patter_testing.recorded.replay")
