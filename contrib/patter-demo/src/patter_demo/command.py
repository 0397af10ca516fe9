"""``patter demo``: a whole call on this machine, watched, kept and judged."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from patter.cli.exits import NO, OK
from patter.cli.out import Out
from patter.cli.working import on_terminal
from patter.errors import InputError
from patter.plugins.commands import Command

if TYPE_CHECKING:
    from patter_demo.evidence import Evidence

FOLDER = "patter-demo"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--out",
        dest="folder",
        type=Path,
        default=Path(FOLDER),
        metavar="DIR",
        help=f"where its files go; default: ./{FOLDER}",
    )
    parser.add_argument("--open", action="store_true", help="open the call's page afterwards")


def run(args: argparse.Namespace) -> int:
    """Make the call; OK only if everything about it was right."""
    return demonstrate(args.folder, args.out, show_page=args.open)


def demonstrate(folder: Path, out: Out, *, show_page: bool = False) -> int:
    """Make the call, print it as it goes, write its files into *folder*."""
    _prepare(folder)
    status = conclude(asyncio.run(_watched(folder, out)), folder, out)
    if show_page:
        import webbrowser

        from patter_demo.report import PAGE

        webbrowser.open((folder / PAGE).resolve().as_uri())
    return status


def conclude(evidence: Evidence, folder: Path, out: Out) -> int:
    """Judge the call that is over, print how it went, and complete *folder*."""
    from patter_demo.report import show_figures, show_files, write_files
    from patter_demo.verdict import verdicts

    results = verdicts(evidence)
    show_figures(out, evidence, results)
    write_files(evidence, folder)
    show_files(out, folder)
    return OK if all(each.ok for each in results) else NO


async def _watched(folder: Path, out: Out) -> Evidence:
    with on_terminal(out, "starting the restaurant"):
        from patter_demo.call import make_call
        from patter_demo.terminal import Screen

    screen = Screen.on(out)
    try:
        return await make_call(folder, screen)
    finally:
        await screen.finish()


def _prepare(folder: Path) -> None:
    """Make room for a call in *folder*; find out before it that there is none."""
    from patter.observe.record_files import UNFINISHED
    from patter_demo.report import FILES

    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Of a call that was broken off, too: a record never takes the place of another.
        for name in (*FILES, UNFINISHED):
            (folder / name).touch(mode=0o600)
            (folder / name).unlink()
    except OSError as refused:
        raise InputError(
            f"{folder} cannot be written: {refused.strerror}", fix="name another with --out DIR"
        ) from refused


COMMAND = Command(
    name="demo",
    help="a phone call on this machine: no keys, no network",
    configure=configure,
    run=run,
    example="patter demo --open",
)
