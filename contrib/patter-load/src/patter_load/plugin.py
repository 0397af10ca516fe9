"""Tell Patter what this package offers: the commands ``load`` and ``budget``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter import hookimpl

if TYPE_CHECKING:
    from patter.plugins.commands import Commands

PATTER_API = 1


@hookimpl
def patter_cli(commands: Commands) -> None:
    from patter_load.budget import BUDGET
    from patter_load.command import LOAD

    commands.add(LOAD)
    commands.add(BUDGET)
