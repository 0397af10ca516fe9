"""The only reader of the process environment, and the only writer."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from patter.errors import MissingCredential
from patter.safe_text import remember_secret

PREFIX = "PATTER_"
VARIABLES = frozenset(
    {
        "PATTER_AFTER_CALL_LLM",
        "PATTER_AFTER_CALL_OUTCOMES",
        "PATTER_AFTER_CALL_WEBHOOKS",
        "PATTER_BIND_HOST",
        "PATTER_DASHBOARD_NOTIFY",
        "PATTER_DASHBOARD_TOKEN",
        "PATTER_DISABLE_PLUGINS",
        "PATTER_EGRESS_ALLOW",
        "PATTER_EVENT_LOOP",
        "PATTER_IMPORT_LIMIT_S",
        "PATTER_LOG_DIR",
        "PATTER_LOG_FORMAT",
        "PATTER_LOG_REDACT_PHONE",
        "PATTER_LOG_RETENTION_DAYS",
        "PATTER_METRICS_TOKEN",
        "PATTER_ONLY_PLUGINS",
        "PATTER_OTEL_ENABLED",
        "PATTER_OTEL_WORDS",
        "PATTER_PLUGINS_LIMIT_S",
        "PATTER_SMART_TURN_MODEL",
        "PATTER_STRICT_PLUGINS",
        "PATTER_TRACE_HOOKS",
        "PATTER_TRANSFER_ALLOW",
        "PATTER_TRUSTED_PROXIES",
        "PATTER_WEBHOOK_SECRET",
    }
)
"""Every variable of ours that is read; another one with the prefix is a mistake."""


# Fields that are no secret, such as a project, may be an ordinary word.
_SECRET = re.compile(r"key|token|secret|password|sid|auth_id", re.IGNORECASE)
_STAND_IN: ContextVar[str] = ContextVar("patter_stand_in", default="")


@contextmanager
def standing_in(key: str) -> Iterator[None]:
    """In this context *key* is the credential of whoever has none: vendors are simulated."""
    token = _STAND_IN.set(key)
    try:
        yield
    finally:
        _STAND_IN.reset(token)


def stands_in(key: str) -> bool:
    """Is *key* the stand-in that is in force? It has no vendor's form, and is sent to none."""
    return bool(key) and key == _STAND_IN.get()


def environment() -> Mapping[str, str]:
    """The variables of this process, live."""
    return os.environ


def read(name: str, default: str = "") -> str:
    """Read one variable; unset and empty are the same."""
    return os.environ.get(name) or default


def preset(name: str, value: str) -> None:
    """Set *name* to *value* for the libraries of this process, unless it is set already."""
    os.environ.setdefault(name, value)


def credential(owner: str, field: str, explicit: str | None, *names: str) -> str:
    """Return *explicit*, else the first of the variables *names* that is set.

    It is remembered if *field* is called a key, a token or the like: no error and no log line
    shows it from then on. Raises MissingCredential naming both ways to provide it. Values never
    appear in it. Within `standing_in` there is always one.
    """
    for value in (explicit, *map(read, names)):
        if value:
            if _SECRET.search(field):
                remember_secret(value)
            return value
    if stand_in := _STAND_IN.get():
        return stand_in
    raise MissingCredential(
        f"{owner} has no {field}",
        fix=f"export {names[0]}, or {owner}({field}=...)",
    )
