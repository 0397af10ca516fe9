"""``tunnel``: does this machine have what the tunnel needs?"""

from __future__ import annotations

from functools import partial

from patter.cli.checks.bounded import LIMIT_S, Check, run_check
from patter.cli.checks.finding import Finding, Level, doubtful, good
from patter.cli.checks.subject import OURS, Subject
from patter.errors import PatterError, SpecError
from patter.parts import installed, name_of
from patter.plugins.catalogue import DEFAULT
from patter.plugins.kinds import TUNNEL_KIND
from patter.plugins.registry import PluginRegistry
from patter.providers.health import HealthCheck, health_check_of

NAME = "tunnel"
SOONER_S = 0.9 * LIMIT_S
"""Less than the bound of the outer check, so that a tunnel nobody uses yet is doubtful only."""


def checks(subject: Subject) -> list[Check]:
    """A check of the target's tunnel; without a target, one of each installed tunnel."""
    if subject.target:
        return _of_target(subject)
    registry = subject.registry
    return [
        Check(NAME, partial(_installed, subject, registry, name), f"{name} tunnel", times=True)
        for name in installed(registry, TUNNEL_KIND)
        if name != DEFAULT  # the same by another name
    ]


def _of_target(subject: Subject) -> list[Check]:
    tunnel = subject.address.tunnel
    if (checkup := health_check_of(tunnel)) is None:
        return []
    assert subject.phone is not None
    choice = subject.phone.tunnel
    name = name_of(TUNNEL_KIND, choice if isinstance(choice, str) else None, tunnel)[0]
    return [Check(NAME, partial(tried, subject, name, checkup), f"{name} tunnel", times=True)]


async def tried(subject: Subject, name: str, checkup: HealthCheck) -> list[Finding]:
    """Make the tunnel's health check. Raises what the tunnel does."""
    checked = await checkup.check()
    if checked is not None:
        subject.note_time(name, checked.wall)
        if checked.text:
            return [good(NAME, subject.worded(checked.text))]
    return [good(NAME, f"{name} ready")]


async def _installed(subject: Subject, registry: PluginRegistry, name: str) -> list[Finding]:
    """The same for an installed tunnel that no target uses: a problem is doubtful only."""
    try:
        checkup = health_check_of(registry.resolve(TUNNEL_KIND, name))
    except SpecError:
        return []  # it cannot be made from its name alone
    except PatterError as error:
        word = str if isinstance(error, OURS) else subject.worded
        return [doubtful(NAME, word(error.message), word(error.fix))]
    if checkup is None:
        return []
    ask = partial(tried, subject, name, checkup)
    findings = await run_check(Check(NAME, ask, f"{name} tunnel", limit_s=SOONER_S), subject.worded)
    return [
        each if each.level is Level.OK else doubtful(NAME, each.text, each.fix) for each in findings
    ]
