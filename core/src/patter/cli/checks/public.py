"""``reach``: does the public address answer, as carriers would ask it?"""

from __future__ import annotations

from patter.cli.checks.bounded import Check
from patter.cli.checks.finding import Finding, bad, doubtful, good
from patter.cli.checks.probe import LIMIT_S, ProbeAnswer, Trouble
from patter.cli.checks.subject import Subject

NAME = "reach"


def checks(subject: Subject) -> list[Check]:
    """One check, if the phone has a fixed public address."""
    host = subject.address.host
    if not host:
        return []

    async def ask() -> list[Finding]:
        answer = await subject.probe.health(host)
        if isinstance(answer, ProbeAnswer):
            subject.note_time(host, answer.wall, outside=False)
        return findings_of(host, answer, f"patter serve {subject.target}")

    return [Check(NAME, ask, host, times=True)]


def findings_of(host: str, answer: ProbeAnswer | Trouble, serve: str) -> list[Finding]:
    """The findings for *answer*; *serve* is the command that would make them good ones."""
    rows = [_finding_of(host, answer, serve)]
    if isinstance(answer, ProbeAnswer) and answer.one_address:
        text = "all requests come from one address, a proxy: they share the limits of one"
        rows.append(doubtful(NAME, text, f"{serve} --trusted-proxies ADDRESS; its log names it"))
    return rows


def _finding_of(host: str, answer: ProbeAnswer | Trouble, serve: str) -> Finding:
    if isinstance(answer, ProbeAnswer):
        if answer.ours:
            return good(NAME, f"public URL answered from outside in {answer.took_ms:.0f} ms")
        if answer.status >= 500:
            text = f"nothing answers behind {host} now (HTTP {answer.status})"
            return doubtful(NAME, text, serve)
        text = f"something else answers at {host} (HTTP {answer.status})"
        return doubtful(NAME, text, f"{serve}, and lead {host} to it")
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
