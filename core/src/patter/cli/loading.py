"""The target that a command was given, loaded; said on a terminal where that takes long."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from patter.cli.target import Target, load, replaced
from patter.cli.working import on_terminal

if TYPE_CHECKING:
    from patter.client import Patter


def loaded(args: argparse.Namespace) -> Target[Patter]:
    """The TARGET of *args*, with the parts that its flags replace. Raises as `target.load`."""
    with on_terminal(args.out, f"loading {args.target}"):
        from patter.client import Patter

        return load(args.target, Patter, replaced(args), args.phone)
