"""``environment``: is every PATTER_ variable one that is read, and well-formed?"""

from __future__ import annotations

from collections.abc import Iterable

from patter.call.allow import operator_allows
from patter.cli.checks.bounded import Check
from patter.cli.checks.finding import Finding, bad, doubtful, good
from patter.cli.checks.subject import Subject
from patter.env import PREFIX, VARIABLES
from patter.errors import PatterConfigError, did_you_mean

NAME = "environment"


def checks(subject: Subject) -> list[Check]:
    """One check."""

    async def ask() -> list[Finding]:
        return [*_transfers(subject), *findings_of(subject.environ)]

    return [Check(NAME, ask)]


def findings_of(names: Iterable[str]) -> list[Finding]:
    """A finding for each of *names* that nothing reads, with what was probably meant.

    >>> [finding.fix for finding in findings_of(["PATTER_LOGDIR", "PATH"])]
    ["did you mean 'PATTER_LOG_DIR'?"]
    """
    ours = sorted(name for name in names if name.startswith(PREFIX))
    if unknown := [name for name in ours if name not in VARIABLES]:
        return [doubtful(NAME, f"nothing reads {name}", _meant(name)) for name in unknown]
    return [good(NAME, " ".join(ours) if ours else f"no {PREFIX} variable is set")]


def _transfers(subject: Subject) -> list[Finding]:
    """The finding if the operator's list of transfer targets is wrong."""
    # With a list that cannot be read, every transfer is refused.
    try:
        operator_allows()
    except PatterConfigError as error:
        return [bad(NAME, subject.number(error.message), error.fix)]
    return []


def _meant(name: str) -> str:
    return did_you_mean(name, sorted(VARIABLES), f"unset {name}", likeness=0.75)
