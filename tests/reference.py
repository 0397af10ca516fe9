"""Write docs/reference.md from the docstrings and signatures of the packages (``nox -s known``).

What belongs on the page is found, not listed: the names of `patter`, the errors, what the
modules for writers of plugins define, the testing kit, and the command line. Run it with
``python -m tests.reference``; ``--check`` only says whether the page is what it should be.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import sys
from argparse import SUPPRESS, Action
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

import patter
from patter.cli.parser import BUILT_IN, Parser
from patter.plugins.commands import Command, Commands
from patter.plugins.registry import PluginRegistry

from .api_markdown import entry, prose, table
from .house import ROOT

PAGE = ROOT / "docs" / "reference.md"
FOR_PLUGINS = ("providers", "carriers")
"""Packages whose modules writers of plugins import."""
SHARED_FLAGS = "Every command"
INTRODUCTION = """# Reference

Every public name, written by `nox -s known` from the code. Signatures show types and defaults;
a parameter in *asterisks* is one of the signature. [Writing an agent](agent.md),
[hooks](hooks.md) and [writing a plugin](writing-a-plugin.md) say when to use what.
"""


@attrs.frozen
class Section:
    """A heading of the page: what *names* are imported *home*, and what the module says of them."""

    title: str
    home: str
    text: str
    names: tuple[tuple[str, Any], ...]

    def anchor(self, name: str) -> str:
        """Where *name* stands on the page; it moves with nothing but its name."""
        return f"{self.home}.{name}"


def main(arguments: list[str]) -> int:
    """Write the page, or with ``--check`` return 1 when it is not what it should be."""
    wanted = generated()
    if "--check" in arguments:
        now = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        print("reference.md is", "up to date" if now == wanted else "stale: run nox -s known")
        return int(now != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def generated() -> str:
    """The whole page as it should be."""
    sections = list(all_sections())
    anchors = {
        name: section.anchor(name)
        for section in sections
        for name, thing in section.names
        if inspect.isclass(thing) and issubclass(thing, Exception)
    }
    bodies = [_section(section, anchors) for section in sections]
    return "\n".join([INTRODUCTION, _contents(sections), *bodies, command_line()])


def all_sections() -> Iterator[Section]:
    """What the page has, in its order; a thing stands where it is first found."""
    errors = import_module("patter.errors")
    names = {name: getattr(patter, name) for name in patter.__all__}
    later = [errors, *(module for package in FOR_PLUGINS for module in modules_of(package))]
    elsewhere = {id(thing) for module in later for _, thing in defined_in(module)}
    elsewhere |= {id(thing) for _, thing in hooks()}
    for title, home, chosen in by_home(names, elsewhere):
        yield Section(title, "patter", _first_line(home), chosen)
    yield Section("Errors", "patter.errors", _doc(errors), tuple(defined_in(errors)))
    for package in FOR_PLUGINS:
        for module in modules_of(package):
            if found := tuple(defined_in(module)):
                yield Section(module.__name__, module.__name__, _doc(module), found)
    specs = import_module("patter.plugins.hookspecs")
    yield Section("Hooks", specs.__name__, _doc(specs), tuple(hooks()))
    kit = import_module("patter.testing")
    public = tuple((name, getattr(kit, name)) for name in kit.__all__)
    yield Section("Testing", kit.__name__, _doc(kit), public)


def by_home(
    names: dict[str, Any], elsewhere: set[int]
) -> Iterator[tuple[str, ModuleType, tuple[tuple[str, Any], ...]]]:
    """The *names* of `patter` by the part of core that defines them, with a title."""
    homes = homes_of_names()
    rooms: dict[str, list[tuple[str, Any]]] = {}
    for name, thing in names.items():
        if id(thing) not in elsewhere:
            rooms.setdefault(".".join(homes[name].split(".")[:2]), []).append((name, thing))
    for room in sorted(rooms):
        yield f"From `patter`: {room.rpartition('.')[2]}", import_module(room), tuple(rooms[room])


def homes_of_names() -> dict[str, str]:
    """The module of each public name, from the imports that type checkers read."""
    tree = ast.parse(Path(str(patter.__file__)).read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name: str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("patter.")
        for alias in node.names
    }


def modules_of(package: str) -> list[ModuleType]:
    """The public modules of ``patter.PACKAGE``; none when there is no such package."""
    name = f"patter.{package}"
    if find_spec(name) is None:
        return []
    found = pkgutil.walk_packages(import_module(name).__path__, f"{name}.")
    public = (each.name for each in found if "._" not in each.name)
    return [import_module(each) for each in sorted(public)]


def defined_in(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """The public classes and functions that *module* itself defines, in its order."""
    for name, thing in vars(module).items():
        mine = getattr(thing, "__module__", "") == module.__name__
        if (
            mine
            and not name.startswith("_")
            and (inspect.isclass(thing) or inspect.isfunction(thing))
        ):
            yield name, thing


def hooks() -> Iterator[tuple[str, Any]]:
    """Every hook."""
    yield from import_module("patter.plugins.hookspecs").hooks().items()


# --- the command line


def commands() -> list[Command]:
    """Every command, those of installed extensions included."""
    added = Commands()
    registry = PluginRegistry.from_environment({})
    registry.load_extensions()
    registry.cli(added)
    built_in = [import_module(f"patter.cli.{name}").COMMAND for name in BUILT_IN]
    return sorted([*built_in, *added], key=lambda each: str(each.name))


def actions(command: Command | None) -> list[Action]:
    """The arguments of *command*, without those that all share; of None those that all share."""
    parser = Parser("patter", "", "")
    shared = list(parser._actions)
    if command is None:
        return shared
    command.configure(parser)
    return [each for each in parser._actions if each not in shared]


def command_line() -> str:
    """A table of arguments a command."""
    parts = ['<a id="command-line"></a>\n\n## The command line\n']
    for name, text, command in [
        (SHARED_FLAGS, "takes these.", None),
        *((f"`patter {each.name}`", f"{each.help}.", each) for each in commands()),
    ]:
        rows = [_row(each) for each in actions(command) if each.help != SUPPRESS]
        body = table(("argument", "does", "default"), rows) + "\n" if rows else ""
        parts.append(f"### {name}\n\n{text[:1].upper()}{text[1:]}\n\n{body}")
    return "\n".join(parts)


def _row(action: Action) -> tuple[str, str, str]:
    name = ", ".join(action.option_strings) or str(action.metavar or action.dest)
    takes = action.nargs != 0 and action.option_strings
    value = f" {action.metavar or action.dest.upper()}" if takes else ""
    shown = action.default in (None, False, "", SUPPRESS) or action.default == []
    return f"`{name}{value}`", str(action.help or ""), "" if shown else f"`{action.default}`"


# --- the page


def _contents(sections: Sequence[Section]) -> str:
    lines = []
    for section in sections:
        links = ", ".join(f"[`{name}`](#{section.anchor(name)})" for name, _ in section.names)
        lines.append(f"- **{section.title}**: {links}")
    return "\n".join([*lines, "- [**The command line**](#command-line)", ""])


def _section(section: Section, anchors: dict[str, str]) -> str:
    head = f"## {section.title}\n\n{prose(section.text, anchors)}\n"
    entries = (entry(name, thing, section.anchor(name), anchors) for name, thing in section.names)
    return "\n".join([head, *entries])


def _doc(module: ModuleType) -> str:
    return f"Import from `{module.__name__}`. {module.__doc__ or ''}"


def _first_line(module: ModuleType) -> str:
    return (module.__doc__ or "").strip().split("\n\n")[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
