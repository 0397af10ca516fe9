"""``records``: can call records be written, and can nobody else read them? Writes nothing."""

from __future__ import annotations

import os
from pathlib import Path

from patter.cli.checks.bounded import Check, in_thread
from patter.cli.checks.finding import Finding, bad, doubtful, good
from patter.cli.checks.subject import Subject
from patter.errors import PatterConfigError
from patter.observe.call_log import CallLog
from patter.observe.log_root import log_root

NAME = "records"


def checks(subject: Subject) -> list[Check]:
    """One check, of the log root and the variables about it."""
    persist = None if subject.phone is None else subject.phone.persist

    async def ask() -> list[Finding]:
        return await in_thread(lambda: findings_of(persist))

    return [Check(NAME, ask)]


def findings_of(persist: bool | str | None) -> list[Finding]:
    """The findings for the directory where *persist* and the environment put records."""
    try:
        log = CallLog.of(persist)
    except PatterConfigError as error:
        return [bad(NAME, error.message, error.fix), *_writable(log_root(persist))]
    if log is None:
        return [good(NAME, "none are kept")]
    given_up = _given_up(log.root)
    kept = f"{log.retention_days} days" if log.retention_days else "for ever"
    return [*(_writable(log.root) or [good(NAME, f"{kept} in {log.root}")]), *given_up]


def _given_up(root: Path) -> list[Finding]:
    """The finding if webhooks about calls were given up: nobody has taken them for days."""
    count = sum(1 for _ in root.glob("outbox/*/dead/*.json"))
    if not count:
        return []
    text = f"{count} webhook{'s'[: count != 1]} about calls were given up"
    return [doubtful(NAME, text, "see that the receiver answers, then: patter outbox --retry")]


def _writable(root: Path | None) -> list[Finding]:
    """The finding if *root* cannot be written to, or made."""
    there = root
    while there is not None and not there.exists() and there != there.parent:
        there = there.parent
    if there is None or (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        return []
    return [
        bad(NAME, f"{there} cannot be written to", "set PATTER_LOG_DIR to a directory of yours")
    ]
