"""The finding of a check: a level, a few words, and what to do about it. Values only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

import attrs


class Level(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@attrs.frozen
class Finding:
    """*name* is the check that reports it; *fix* is empty when nothing needs fixing."""

    level: Level
    name: str
    text: str
    fix: str = ""


def good(name: str, text: str) -> Finding:
    """A finding that all is well."""
    return Finding(Level.OK, name, text)


def doubtful(name: str, text: str, fix: str) -> Finding:
    """A finding that may be intended."""
    return Finding(Level.WARN, name, text, fix)


def bad(name: str, text: str, fix: str) -> Finding:
    """A finding that will make calls fail."""
    return Finding(Level.FAIL, name, text, fix)


def gathered(findings: Iterable[Finding], order: Iterable[str]) -> list[Finding]:
    """*findings* in *order* of their names; what is well of one name is one line, or none.

    >>> [str(f.text) for f in gathered([good("keys", "a"), good("keys", "b")], ["keys"])]
    ['a, b']
    """
    distinct = list(dict.fromkeys(findings))
    return [line for name in order for line in _lines([f for f in distinct if f.name == name])]


def summed_up(findings: Iterable[Finding]) -> str:
    """How many of each: ``1 failed, 1 warning, 5 ok``.

    >>> summed_up([good("keys", ""), doubtful("reach", "", ""), doubtful("clock", "", "")])
    '2 warnings, 1 ok'
    """
    counts = Counter(finding.level for finding in findings)
    warnings = "warning" if counts[Level.WARN] == 1 else "warnings"
    words = {Level.FAIL: "failed", Level.WARN: warnings, Level.OK: "ok"}
    counted = [f"{counts[level]} {word}" for level, word in words.items() if counts[level]]
    return ", ".join(counted) or "nothing to check"


def _lines(findings: list[Finding]) -> list[Finding]:
    """Each finding that is not good; else all good ones in one line."""
    if wrong := [each for each in findings if each.level is not Level.OK]:
        return wrong
    if not findings:
        return []
    return [good(findings[0].name, ", ".join(each.text for each in findings))]
