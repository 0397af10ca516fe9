"""``patter plugins``: what is installed, from metadata; with ``--check``, whether it loads."""

from __future__ import annotations

import argparse
from typing import Any

import attrs

from patter.cli.exits import NO, OK
from patter.cli.out import columns
from patter.errors import PatterError
from patter.plugins.catalogue import DEFAULT, EXTENSION, Candidate
from patter.plugins.commands import Command
from patter.plugins.kinds import kind_named, kind_names
from patter.plugins.known import PROVIDERS
from patter.plugins.registry import PluginRegistry


@attrs.frozen
class PluginRow:
    """One plugin as listed; *state* is empty, ok, off, broken, conflict or absent.

    *default*: it is used when no provider of its kind is named.
    """

    kind: str
    name: str
    distribution: str
    version: str
    state: str = ""
    reason: str = ""
    fix: str = ""
    default: bool = False

    def cells(self) -> tuple[str, ...]:
        who = f"{self.distribution} {self.version}".rstrip()
        reason = self.reason.removeprefix(f"{who}: ").removeprefix(f"{who} ")
        mark = DEFAULT if self.default else ""
        return self.kind, self.name, who, self.state, reason or mark


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    kinds = (*kind_names(), EXTENSION)
    parser.add_argument("kind", nargs="?", metavar="KIND", help=", ".join(kinds))
    parser.add_argument("--check", action="store_true", help="import each; 1 if any fails")


def run(args: argparse.Namespace) -> int:
    """List the plugins, and check them with ``--check``; return 1 when one failed."""
    if args.kind not in (None, EXTENSION):
        kind_named(args.kind)
    registry = PluginRegistry.from_environment()
    rows = _listed(registry, args.kind, check=args.check)
    if args.kind:
        rows += _absent(registry, args.kind)
    if not rows:
        args.out.progress("no plugins are installed")
    args.out.answer(_text(rows), {"plugins": [_value(row) for row in rows]})
    return NO if any(row.state in ("broken", "conflict") for row in rows) else OK


def checked(registry: PluginRegistry) -> list[PluginRow]:
    """Every installed plugin, imported unless it is switched off."""
    return [row_of(registry, each, check=True) for each in registry.catalogue.advertised]


def row_of(registry: PluginRegistry, candidate: Candidate, *, check: bool) -> PluginRow:
    """The row of *candidate*, which is imported with *check*."""
    row = PluginRow(candidate.kind, candidate.name, candidate.distribution, candidate.version)
    if fix := registry.catalogue.switches.refusal(candidate):
        return attrs.evolve(row, state="off", fix=fix)
    if not check:
        return row
    try:
        if candidate.kind != EXTENSION:
            registry.catalogue.pick(kind_named(candidate.kind), candidate.name)
    except PatterError as error:
        return attrs.evolve(row, state="conflict", reason=error.message, fix=error.fix)
    try:
        registry.load(candidate)
    except PatterError as error:
        return attrs.evolve(row, state="broken", reason=error.message, fix=error.fix)
    return attrs.evolve(row, state="ok")


def _listed(registry: PluginRegistry, kind: str | None, *, check: bool) -> list[PluginRow]:
    """A row for each plugin of *kind*, or of all; other names of a plugin only mark its row."""
    catalogue = registry.catalogue
    rows = [
        (catalogue.real_name(each), row_of(registry, each, check=check))
        for each in catalogue.advertised
        if kind in (None, each.kind)
    ]
    marked = {
        (row.kind, name, row.distribution)
        for name, row in rows
        if row.name != name and row.state in ("", "ok")
    }
    return [
        attrs.evolve(row, default=(row.kind, row.name, row.distribution) in marked)
        for name, row in rows
        if row.name == name or row.state == "conflict"
    ]


def _absent(registry: PluginRegistry, kind: str) -> list[PluginRow]:
    """First-party plugins of *kind* that could be installed."""
    installed = {(each.kind, each.name) for each in registry.catalogue.advertised}
    return [
        PluginRow(*key, distribution, "", "absent", fix=f"pip install {distribution}")
        for key, distribution in sorted(PROVIDERS.items())
        if key[0] == kind and key[1] != DEFAULT and key not in installed
    ]


def _text(rows: list[PluginRow]) -> str:
    lines: list[str] = []
    laid_out = columns([row.cells()[:4] for row in rows])
    for row, line in zip(rows, laid_out, strict=True):
        reason = row.cells()[4]
        if len(line) + 2 + len(reason) <= 80:
            lines.append(f"{line}  {reason}".rstrip())
        else:
            lines += [line, *columns([["  ", reason]])]
        if row.fix:
            lines += columns([["  ", f"fix: {row.fix}"]])
    return "\n".join(lines)


def _value(row: PluginRow) -> dict[str, Any]:
    return {key: value for key, value in attrs.asdict(row).items() if value}


COMMAND = Command(
    name="plugins",
    help="list what is installed; --check imports it",
    configure=configure,
    run=run,
    example="patter plugins stt --check",
)
