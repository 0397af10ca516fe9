"""``patter outbox``: what waits, what was given up, and sending that again."""

from __future__ import annotations

import argparse
from pathlib import Path

from patter.cli.exits import OK
from patter.observe.log_root import log_root
from patter.plugins.commands import Command
from patter_after_call.letters import DEAD, letters_in


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--retry", action="store_true", help="send what was given up again, from its beginning"
    )


def run(args: argparse.Namespace) -> int:
    """Count the letters of each destination; with --retry, bring the dead ones back."""
    root = log_root(None)
    folders = sorted((root / "outbox").glob("*/")) if root is not None else []
    for folder in folders:
        if not folder.is_dir():
            continue
        if args.retry:
            _bring_back(folder)
        waiting, dead = letters_in(folder), letters_in(folder / DEAD)
        value = {"destination": folder.name, "waiting": len(waiting), "given_up": len(dead)}
        text = f"{folder.name}  {len(waiting)} waiting  {len(dead)} given up"
        args.out.answer(text, value)
    if not folders:
        args.out.answer("nothing waits", {"destination": "", "waiting": 0, "given_up": 0})
    return OK


def _bring_back(folder: Path) -> None:
    for letter in letters_in(folder / DEAD):
        # Young again: it is tried for as long as a new one.
        path = folder / f"{_now_ms():013d}-0000-{letter.key}.json"
        letter.path.rename(path)


def _now_ms() -> int:
    from patter.clock import LoopClock

    return round(LoopClock().wall() * 1_000)


COMMAND = Command(
    name="outbox",
    help="show webhooks that wait, and send again what was given up",
    configure=configure,
    run=run,
    example="patter outbox --retry",
)
