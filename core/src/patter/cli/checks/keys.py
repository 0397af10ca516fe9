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
    """One a provider that can be tried out, and one that names those that cannot."""
    found: list[Check] = []
    unasked: list[str] = []
    for who, provider in subject.providers:
        if (checkup := health_check_of(provider)) is not None:
            ask = partial(tried, subject, who.split()[0], checkup)
            found.append(Check(NAME, ask, who, times=True))
        elif ProviderTraits.of(provider).hosts:
            unasked.append(who.split()[0])
    return [*found, Check(NAME, partial(_present, unasked))] if unasked else found


async def tried(subject: Subject, who: str, checkup: HealthCheck) -> list[Finding]:
    """Ask the vendor. Raises what the provider does."""
    try:
        checked = await checkup.check()
    except RateLimitError as error:
        return [doubtful(NAME, subject.worded(error.message), subject.worded(error.fix))]
    if checked is None:
        return [good(NAME, f"{who} accepted")]
    subject.heard(who, checked.wall)
    more = f" ({subject.worded(checked.text)})" if checked.text else ""
    return [good(NAME, f"{who} accepted{more}")]


async def _present(names: list[str]) -> list[Finding]:
    """They have what they need, or could not have been made; their vendors cannot be asked."""
    return [good(NAME, f"{name} present") for name in dict.fromkeys(names)]
