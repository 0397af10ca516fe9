"""Commands that plugins add to ``patter``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import attrs


@attrs.frozen
class Command:
    """A command: *configure* adds its arguments, *run* does it and returns the exit status."""

    name: str
    help: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    example: str = ""


@attrs.define
class Commands:
    """The commands known so far; a name is taken once."""

    _commands: dict[str, Command] = attrs.field(factory=dict)

    def add(self, command: Command) -> None:
        """Offer *command*; the first to take a name keeps it."""
        self._commands.setdefault(command.name, command)

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())
