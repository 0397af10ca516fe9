"""``reach``: does the public address answer, as carriers would ask it?"""

from __future__ import annotations

from patter.cli.checks.bounded import Check
from patter.cli.checks.finding import Finding, bad, doubtful, good
from patter.cli.checks.probe import LIMIT_S, Answer, Trouble
from patter.cli.checks.subject import Subject

NAME = "reach"


def checks(subject: Subject) -> list[Check]:
    """One check, when an address is known before anything is served."""
    host = subject.address.host
    if not host:
        return []

    async def ask() -> list[Finding]:
        answer = await subject.probe.health(host)
        if isinstance(answer, Answer):
            subject.heard(host, answer.wall, outside=False)
        return [told(host, answer, f"patter serve {subject.target}")]

    return [Check(NAME, ask, host, times=True)]


def told(host: str, answer: Answer | Trouble, serve: str) -> Finding:
    """What the answer means; *serve* is the command that would make it a good one."""
    if isinstance(answer, Answer):
        if answer.ours:
            return good(NAME, f"public URL answered from outside in {answer.took_ms:.0f} ms")
        if answer.status >= 500:
            said = f"nothing answers behind {host} now (HTTP {answer.status})"
            return doubtful(NAME, said, serve)
        said = f"something else answers at {host} (HTTP {answer.status})"
        return doubtful(NAME, said, f"{serve}, and lead {host} to it")
    match answer:
        case Trouble.NAME:
            return bad(NAME, f"{host} has no address", "correct the name, or add it to the DNS")
        case Trouble.CERTIFICATE:
            fix = "renew it: carriers call nobody whose certificate they cannot check"
            return bad(NAME, f"the certificate of {host} is not valid", fix)
        case Trouble.SILENT:
            fix = f"let https through to this machine, then {serve}"
            return bad(NAME, f"{host} did not answer within {LIMIT_S:g} s", fix)
        case Trouble.REFUSED:
            return doubtful(NAME, f"nothing answers at {host} now", serve)
