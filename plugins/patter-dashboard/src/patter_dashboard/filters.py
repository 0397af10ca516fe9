"""Which calls are asked for: the query of an address, checked, and as a condition of SQL. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from patter.errors import InputError
from patter.observe.documents import moment

_AGE = re.compile(r"(\d{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_WORDS = re.compile(r'"([^"]*)"|(\S+)')
_LETTERS = re.compile(r"[^\W_]+")
_SEPARATORS = re.compile(r"[\s().+-]")
OUTCOMES = (
    "completed",
    "failed",
    "voicemail",
    "busy",
    "no_answer",
    "canceled",
    "unknown",
    "live",
    "erased",
)
LONGEST = 200
"""Characters of a value."""


@attrs.frozen
class Condition:
    """What a call has to be: SQL about ``calls c``, its values, and what was searched in words."""

    sql: str = "1"
    values: Mapping[str, Any] = attrs.field(factory=dict)
    match: str = ""


@attrs.frozen
class Filters:
    """The filters of one request: *values* by name, checked; *now* in seconds since 1970."""

    values: Mapping[str, Any]

    @property
    def since(self) -> int | None:
        """The first moment asked for, in milliseconds since 1970."""
        return self.values.get("from")

    @property
    def until(self) -> int | None:
        """The moment before which calls are asked for, in milliseconds since 1970."""
        return self.values.get("to")

    def with_default(self, name: str, value: Any) -> Filters:
        """The same, with *value* where nothing is said of *name*."""
        return Filters({name: value, **self.values})

    def condition(self) -> Condition:
        """All of them as one condition."""
        parts = ["c.deleted = 0"]
        values: dict[str, Any] = {}
        for name, value in self.values.items():
            sql, bound = _SQL[name](value)
            parts.append(sql)
            values.update(bound)
        return Condition(" AND ".join(parts), values, values.get("match", ""))


def read_filters(
    query: Mapping[str, str], now: float, *, but: frozenset[str] = frozenset()
) -> Filters:
    """The filters in *query*, whose names in *but* are no filters. Raises InputError."""
    values: dict[str, Any] = {}
    for name, text in query.items():
        # The token was looked at before: it is no filter, and may be here.
        if name in but or name == "token" or not text:
            continue
        if name not in _READERS:
            raise InputError(f"{name!r} is not a filter", fix=f"use {', '.join(_READERS)}")
        if len(text) > LONGEST:
            raise InputError(f"{name} is too long", fix=f"use {LONGEST} characters at most")
        values[name] = _READERS[name](name, text.strip(), now)
    return Filters(values)


def searched(words: str) -> str:
    """*words* as FTS5 wants them: every one, the last as a beginning, a phrase in quotes.

    Raises InputError when there is no word.

    >>> searched('book "a table" tw')
    '"book" "a table" "tw" *'
    """
    terms = [_LETTERS.findall(quoted or plain) for quoted, plain in _WORDS.findall(words)]
    terms = [each for each in terms if each]
    if not terms:
        raise InputError(f"{words!r} has no word", fix="write what somebody said")
    whole = " ".join(f'"{" ".join(each)}"' for each in terms)
    return whole if words.rstrip().endswith('"') else f"{whole} *"


# --- what a value may be


def _moment(name: str, text: str, now: float) -> int:
    if age := _AGE.fullmatch(text):
        return round((now - timedelta(**{_UNITS[age[2]]: int(age[1])}).total_seconds()) * 1_000)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"{name}={text!r} is not a valid time",
            fix="write 24h, 7d, 2026-09-21 or 2026-09-21T14:13:20Z",
        ) from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    if name == "to" and _DAY.fullmatch(text):
        when += timedelta(days=1)
    return round(when.timestamp() * 1_000)


def _list(_: str, text: str, __: float) -> tuple[str, ...]:
    return tuple(filter(None, (each.strip() for each in text.split(","))))[:20]


def _choice(*choices: str) -> Callable[[str, str, float], str]:
    def read(name: str, text: str, _: float) -> str:
        if text not in choices:
            raise InputError(f"{name}={text!r} is not possible", fix=f"use {', '.join(choices)}")
        return text

    return read


def _outcomes(name: str, text: str, now: float) -> tuple[str, ...]:
    outcomes = _list(name, text, now)
    for each in outcomes:
        _choice(*OUTCOMES)(name, each, now)
    return outcomes


def _number(name: str, text: str, _: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    # A NaN is not at least zero either.
    if not 0 <= value < 1e12:
        raise InputError(
            f"{name}={text!r} is not a valid amount", fix="write a number, such as 1500"
        )
    return value


def _digits(name: str, text: str, _: float) -> str:
    digits = _SEPARATORS.sub("", text)
    if not (digits.isascii() and digits.isdigit()) or len(digits) < 3:
        raise InputError(
            f"{name}={text!r} is not a valid part of a number", fix="write 3 digits or more"
        )
    return digits


def _plain(_: str, text: str, __: float) -> str:
    return text


def _search(_: str, text: str, __: float) -> str:
    return searched(text)


_READERS: Mapping[str, Callable[[str, str, float], Any]] = {
    "from": _moment,
    "to": _moment,
    "outcome": _outcomes,
    "agent": _list,
    "direction": _choice("inbound", "outbound"),
    "number": _digits,
    "gap": _number,
    "tool": _plain,
    "said": _search,
    "cost_over": _number,
    "cost_under": _number,
    "price": _choice("known", "unknown"),
    "provider": _plain,
    "error": _plain,
    "interrupted": _choice("true", "false"),
    "recorded": _choice("true", "false"),
}


# --- as SQL; every value is bound, none is written into the text

_Made = tuple[str, dict[str, Any]]


def _one(sql: str, name: str) -> Callable[[Any], _Made]:
    return lambda value: (sql, {name: value})


def _among(column: str, name: str) -> Callable[[Any], _Made]:
    def make(values: tuple[str, ...]) -> _Made:
        bound = {f"{name}{at}": value for at, value in enumerate(values)}
        return f"{column} IN ({', '.join(f':{key}' for key in bound)})", bound

    return make


def _flag(column: str) -> Callable[[Any], _Made]:
    return lambda value: (f"{column} {'>' if value == 'true' else '='} 0", {})


def _price(value: str) -> _Made:
    condition = "c.cost_usd IS NOT NULL" if value == "known" else "c.cost_usd IS NULL"
    return f"{condition} AND c.status = 'completed' AND c.erased = 0", {}


def _provider(name: str) -> _Made:
    # Between: "deepgram/" to the character after "/", so that an index serves.
    exists = (
        "EXISTS (SELECT 1 FROM providers p WHERE p.call = c.key AND (p.name = :provider "
        "OR (p.name >= :provider || '/' AND p.name < :provider || '0')))"
    )
    return exists, {"provider": name}


_SQL: Mapping[str, Callable[[Any], _Made]] = {
    "from": _one("c.started >= :since", "since"),
    "to": _one("c.started < :until", "until"),
    "outcome": _among("c.outcome", "outcome"),
    "agent": _among("c.agent", "agent"),
    "direction": _one("c.direction = :direction", "direction"),
    "number": _one("(instr(c.caller, :number) OR instr(c.callee, :number))", "number"),
    "gap": _one("c.gap_max_ms > :gap", "gap"),
    "tool": _one("c.key IN (SELECT call FROM tools WHERE name = :tool)", "tool"),
    "said": _one("c.key IN (SELECT rowid FROM words WHERE words MATCH :match)", "match"),
    "cost_over": _one("c.cost_usd > :cost_over", "cost_over"),
    "cost_under": _one("c.cost_usd < :cost_under", "cost_under"),
    "price": _price,
    "provider": _provider,
    "error": _one("c.key IN (SELECT call FROM failures WHERE code = :error)", "error"),
    "interrupted": _flag("c.interruptions"),
    "recorded": _flag("c.recorded"),
}


# --- pages


def cursor_of(started: int, key: int) -> str:
    """Where the next page begins: after the call *key* that began at *started*."""
    return base64.urlsafe_b64encode(f"{started}.{key}".encode()).decode().rstrip("=")


def after(cursor: str) -> tuple[int, int] | None:
    """What `cursor_of` was given; None for an empty one. Raises InputError."""
    if not cursor:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        started, key = base64.urlsafe_b64decode(padded.encode("ascii")).decode().split(".")
        return int(started), int(key)
    except ValueError:
        raise InputError("the cursor is not one of ours", fix="begin at the first page") from None


def iso(ms: float) -> str:
    """*ms* since 1970 as the API writes moments."""
    return moment(ms / 1_000)
