"""What a check tells: how it is, in a few words, and what to do about it. Values only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

import attrs


class Level(StrEnum):
    """How it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@attrs.frozen
class Finding:
    """*name* is the check that tells it; *fix* is empty when there is nothing to fix."""

    level: Level
    name: str
    text: str
    fix: str = ""


def good(name: str, text: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, name, text)


def doubtful(name: str, text: str, fix: str) -> Finding:
    """It may be meant so."""
    return Finding(Level.WARN, name, text, fix)


def bad(name: str, text: str, fix: str) -> Finding:
    """A call will fail for it."""
    return Finding(Level.FAIL, name, text, fix)


def gathered(findings: Iterable[Finding], order: Iterable[str]) -> list[Finding]:
    """*findings* in *order* of their names; what is well of one name is one line, or none.

    >>> [str(f.text) for f in gathered([good("keys", "a"), good("keys", "b")], ["keys"])]
    ['a, b']
    """
    told = list(dict.fromkeys(findings))
    return [line for name in order for line in _lines([f for f in told if f.name == name])]


def summed_up(findings: Iterable[Finding]) -> str:
    """How many of each: ``1 failed, 1 warning, 5 ok``.

    >>> summed_up([good("keys", ""), doubtful("reach", "", ""), doubtful("clock", "", "")])
    '2 warnings, 1 ok'
    """
    counts = Counter(finding.level for finding in findings)
    warnings = "warning" if counts[Level.WARN] == 1 else "warnings"
    words = {Level.FAIL: "failed", Level.WARN: warnings, Level.OK: "ok"}
    said = [f"{counts[level]} {word}" for level, word in words.items() if counts[level]]
    return ", ".join(said) or "nothing to check"


def _lines(findings: list[Finding]) -> list[Finding]:
    """What is not well, each; else all that is well as one."""
    if wrong := [each for each in findings if each.level is not Level.OK]:
        return wrong
    if not findings:
        return []
    return [good(findings[0].name, ", ".join(each.text for each in findings))]
