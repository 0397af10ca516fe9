"""Numbers as they are shown: the last four digits alone, wherever they stand. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from patter.observe.redact import Redaction, Redactor

MASK = Redactor(Redaction.MASK)
_HIDDEN = ("***", "hmac:")
_DIGITS = 5
"""A name with more digits than this is a number: one called "turn" must not cost texts a word."""


def hidden(number: str) -> str:
    """*number* with its last four digits alone; one that is hidden already stays as it is.

    >>> hidden("+15550107788"), hidden("***7788"), hidden("")
    ('***7788', '***7788', '')
    """
    return number if number.startswith(_HIDDEN) else MASK.number(number)


def parties(*names: str) -> tuple[str, ...]:
    """Those of *names* that are numbers, with and without their plus."""
    numbers = [name for name in names if sum(map(str.isdigit, name)) > _DIGITS]
    return tuple({*numbers, *(name.removeprefix("+") for name in numbers)})


def masked(text: str, names: Iterable[str] = ()) -> str:
    """*text* in which every number, and each of *names*, has its last digits alone."""
    return MASK.text(text, names)
