"""``plugins``: does every installed plugin load, and which of them does the target need?"""

from __future__ import annotations

from patter.cli.checks.bounded import LIMIT_S, Check, in_thread
from patter.cli.checks.finding import Finding, bad, doubtful, good
from patter.cli.checks.subject import Subject
from patter.cli.plugins import PluginRow, checked
from patter.plugins.catalogue import DEFAULT, EXTENSION
from patter.plugins.registry import PluginRegistry

NAME = "plugins"


def checks(subject: Subject) -> list[Check]:
    """One check: each plugin is imported."""

    # A registry of the thread's own: the target's may load plugins meanwhile.
    registry = PluginRegistry(subject.registry.catalogue)

    async def ask() -> list[Finding]:
        rows = await in_thread(lambda: checked(registry))
        return findings_of(rows, needed(subject))

    # Each import has its own limit, and a report names whoever exceeds it.
    imports_s = registry.catalogue.switches.limit_s * len(registry.catalogue.advertised)
    return [Check(NAME, ask, limit_s=LIMIT_S + imports_s)]


def needed(subject: Subject) -> set[tuple[str, str]] | None:
    """(kind, name) of what the target uses; None when that is not known."""
    if subject.phone is None or subject.parts is None:
        return None
    used = {(kind, name) for kind, (name, _) in subject.parts.names.items()}
    if subject.phone.carrier is not None:
        used.add(("carrier", subject.phone.carrier.name))
    used.add(("tunnel", _tunnel(subject.phone.tunnel)))
    return used


def _tunnel(tunnel: object) -> str:
    """The name of a phone's *tunnel*; empty when it is an object, or there is none."""
    if tunnel is True:
        return DEFAULT
    return tunnel.partition("?")[0].partition("/")[0] if isinstance(tunnel, str) else ""


def findings_of(rows: list[PluginRow], used: set[tuple[str, str]] | None) -> list[Finding]:
    """A finding for each plugin that does not load, else one with the names of those in use.

    A broken plugin that the target does not use is doubtful only: no call of it is affected.
    """
    wrong = [row for row in rows if row.state in ("broken", "conflict")]
    if wrong:
        return [
            (bad if _matters(row, used) else doubtful)(NAME, row.reason, row.fix) for row in wrong
        ]
    names = [row.name for row in rows if row.state == "ok" and _matters(row, used)]
    works = [name for name in names if name != DEFAULT]
    return [good(NAME, " ".join(dict.fromkeys(works)) or "none needed")]


def _matters(row: PluginRow, used: set[tuple[str, str]] | None) -> bool:
    return used is None or row.kind == EXTENSION or (row.kind, row.name) in used
