"""The command line's grammar: ``patter COMMAND [TARGET] [--flags]``, the same flags everywhere.

A command that is not built in may come from an extension; only then are extensions imported.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from patter import __version__
from patter.cli import stdout
from patter.cli.out import width_of
from patter.errors import InputError, NotInstalled, did_you_mean
from patter.plugins.commands import Command, Commands
from patter.plugins.known import COMMANDS

if TYPE_CHECKING:
    from patter.plugins.registry import PluginRegistry

BUILT_IN = ("call", "doctor", "explain", "plugins", "serve", "test")
_FLAGS = {
    "--json": "print JSON",
    "--quiet": "no progress, only the answer and errors",
    "--verbose": "say more; tracebacks of errors",
    "--no-color": "no colour, as NO_COLOR=1",
    "--yes": "answer every question with yes",
}


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are Patter's, and whose help fits 80 columns."""

    def __init__(self, prog: str, description: str, example: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=f"example:\n  {example}",
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
                prog, width=width_of() - 1
            ),
            allow_abbrev=False,
        )
        for flag, what in _FLAGS.items():
            self.add_argument(flag, action="store_true", help=what)

    def _print_message(self, message: str, file: object = None) -> None:  # noqa: ARG002
        # Help and version are answers; what argparse would print to is what plugins print to.
        super()._print_message(message, stdout.answers())

    def error(self, message: str) -> NoReturn:
        raise InputError(message, fix=f"see: {self.prog} --help")


def parse(words: list[str]) -> argparse.Namespace:
    """Parse *words*; ``command`` of the result is what to run. Raises InputError."""
    name = next((word for word in words if not word.startswith("-")), None)
    if name is None:
        return _without_command(words)
    command = _command(name)
    parser = Parser(f"patter {name}", command.help, command.example or f"patter {name}")
    command.configure(parser)
    rest = list(words)
    rest.remove(name)
    args = parser.parse_args(rest)
    args.command = command
    return args


def _without_command(words: list[str]) -> argparse.Namespace:
    parser = Parser("patter", "Patter gives your Python agent a phone number.", "patter plugins")
    parser.usage = "patter COMMAND [TARGET] [--flags]"
    parser.add_argument("--version", action="version", version=f"patter {__version__}")
    asks = {"-h", "--help"} & set(words)
    parser.description = f"{parser.description}\n\n{_listing()}" if asks or not words else ""
    parser.parse_args(words or ["--help"])
    raise InputError("which command?", fix="see: patter --help")


def _listing() -> str:
    added = _added(_registry())
    commands = sorted((each.name, each.help) for each in (*map(_built_in, BUILT_IN), *added))
    width = max(len(name) for name, _ in commands)
    return "\n".join(["commands:", *(f"  {name:{width}}  {text}"[:79] for name, text in commands)])


def _command(name: str) -> Command:
    if name in BUILT_IN:
        return _built_in(name)
    registry = _registry()
    added = {each.name: each for each in _added(registry)}
    if name in added:
        return added[name]
    if distribution := COMMANDS.get(name):
        raise _absent(name, distribution, registry)
    fix = did_you_mean(name, [*BUILT_IN, *added], "see: patter --help")
    raise InputError(f"there is no command {name!r}", fix=fix)


def is_built_in(command: Command) -> bool:
    """Is *command* one of ours, and not a plugin's?"""
    return command.name in BUILT_IN


def _built_in(name: str) -> Command:
    command: Command = import_module(f"patter.cli.{name}").COMMAND
    return command


def _registry() -> PluginRegistry:
    from patter.plugins.registry import PluginRegistry

    return PluginRegistry.from_environment()


def _added(registry: PluginRegistry) -> Commands:
    """The commands of installed extensions."""
    commands = Commands()
    registry.load_extensions()
    registry.cli(commands)
    return commands


def _absent(name: str, distribution: str, registry: PluginRegistry) -> NotInstalled:
    """What to do to have the command *name*, which *distribution* offers."""
    if fix := registry.catalogue.switched_off(distribution):
        return NotInstalled(f"command {name!r} is of {distribution}, which is off", fix=fix)
    return NotInstalled(
        f"command {name!r} needs {distribution}, which is not installed",
        fix=f"pip install {distribution}",
    )
