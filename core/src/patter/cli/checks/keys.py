"""``keys``: are the settings of each provider there, and does its vendor accept them?"""

from __future__ import annotations

from functools import partial

from patter.cli.checks.bounded import Check
from patter.cli.checks.finding import Finding, doubtful, good
from patter.cli.checks.subject import Subject
from patter.errors import RateLimitError
from patter.providers.health import HealthCheck, health_check_of
from patter.providers.traits import ProviderTraits

NAME = "keys"


def checks(subject: Subject) -> list[Check]:
    """A check for each provider that can be tried, and one that names those that cannot."""
    runnable: list[Check] = []
    unchecked: list[str] = []
    for who, provider in subject.providers:
        if (checkup := health_check_of(provider)) is not None:
            ask = partial(tried, subject, who.split()[0], checkup)
            runnable.append(Check(NAME, ask, who, times=True))
        elif ProviderTraits.of(provider).hosts:
            unchecked.append(who.split()[0])
    return [*runnable, Check(NAME, partial(_present, unchecked))] if unchecked else runnable


async def tried(subject: Subject, who: str, checkup: HealthCheck) -> list[Finding]:
    """Make the provider's health check. Raises what the provider does."""
    try:
        checked = await checkup.check()
    except RateLimitError as error:
        return [doubtful(NAME, subject.worded(error.message), subject.worded(error.fix))]
    if checked is None:
        return [good(NAME, f"{who} accepted")]
    subject.note_time(who, checked.wall)
    more = f" ({subject.worded(checked.text)})" if checked.text else ""
    return [good(NAME, f"{who} accepted{more}")]


async def _present(names: list[str]) -> list[Finding]:
    """The finding for providers without a health check."""
    # Without their keys they could not have been made; whether the keys are valid is not known.
    return [good(NAME, f"{name} present") for name in dict.fromkeys(names)]
