"""``transfers``: where can a model that was talked into it transfer a caller?"""

from __future__ import annotations

from patter.call.allow import ANYWHERE
from patter.cli.checks.bounded import Check
from patter.cli.checks.finding import Finding, doubtful, good
from patter.cli.checks.subject import Subject

NAME = "transfers"


def checks(subject: Subject) -> list[Check]:
    """One check, of an agent whose carrier can transfer."""
    carrier = subject.phone.carrier if subject.phone is not None else None
    agent = subject.agent
    if agent is None or carrier is None or not carrier.can.transfers:
        return []

    async def ask() -> list[Finding]:
        return [finding_of(agent.transfer_allowed)]

    return [Check(NAME, ask)]


def finding_of(allowed: object) -> Finding:
    """The finding for what an agent has as *allowed*.

    >>> finding_of(None).text, finding_of(["+4930*"]).text
    ('only to whom the application names', 'only where transfer_allowed says')
    """
    if allowed == ANYWHERE:
        return doubtful(
            NAME,
            "a caller can talk the model into any number: transfer_allowed is '*'",
            'write transfer_allowed=["+4930*"], or leave it out',
        )
    whom = "to whom the application names" if allowed is None else "where transfer_allowed says"
    return good(NAME, f"only {whom}")
