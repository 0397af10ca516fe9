"""``patter calls``: what was kept of calls, by an action each in a module of its own."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from patter.cli.parser import Parser
from patter.errors import InputError, PatterConfigError
from patter.observe.log_root import check_private, log_root
from patter.plugins.commands import Command

ACTIONS = {
    "list": ("listing", "which calls there were", "patter calls list --since 1d"),
    "show": ("show", "one call, as its lines", "patter calls show last"),
    "export": ("export", "one call as a file", "patter calls export last --format csv"),
    "replay": ("replay", "a call again, on the code of today", "patter calls replay last"),
    "erase": ("erase", "words, audio and numbers of calls", "patter calls erase 7f3a"),
}
"""By name: the module, what it is about, an example."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions; each has its own arguments, and where the calls are."""
    parser.set_defaults(action=None)
    actions = parser.add_subparsers(metavar="ACTION", dest="action", parser_class=_ActionParser)
    for name, (module, what, example) in ACTIONS.items():
        action = actions.add_parser(name, help=what, description=what, epilog=example)
        action.add_argument("--log-dir", metavar="DIR", help="default: as PATTER_LOG_DIR says")
        import_module(f"patter_calls.{module}").configure(action)


def run(args: argparse.Namespace) -> int:
    """Do what was asked for."""
    if args.action is None:
        raise InputError(f"which of {', '.join(ACTIONS)}?", fix="see: patter calls --help")
    act: Callable[[argparse.Namespace, Path], int]
    act = import_module(f"patter_calls.{ACTIONS[args.action][0]}").run
    return act(args, root_of(args))


def root_of(args: argparse.Namespace) -> Path:
    """Where the calls are. Raises PatterConfigError when there is no such place."""
    root = log_root(args.log_dir)
    if root is None or not root.is_dir():
        raise PatterConfigError(
            f"there are no calls at {root}", fix="patter serve ..., or name another --log-dir DIR"
        )
    check_private(root)
    return root


class _ActionParser(Parser):
    """The parser of one action, as argparse makes it; *epilog* is its example."""

    def __init__(self, *, prog: str, description: str, epilog: str, **_: Any) -> None:
        super().__init__(prog, description, epilog)


COMMAND = Command(
    name="calls",
    help="calls that were kept: list, show, export, replay, erase",
    configure=configure,
    run=run,
    example="patter calls show last",
)
