"""What a language must tell for its numbers, amounts, dates and signs to be said."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

HARD_SPACES = "\u00a0\u202f"
SIGNS = ("at", "dot", "dash", "underscore", "plus", "minus", "point", "percent")
CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "R$": "BRL"}
CODES = ("USD", "EUR", "GBP", "CHF", "BRL", "JPY")


@attrs.frozen(kw_only=True)
class Language:
    """One language.

    *lang* is what num2words calls it. *decimal* stands before decimals, each of *groups* between
    thousands. *signs* are the words for `SIGNS`, *months* those of the months. *money* has the name
    of one and of more of a currency, *one* the number before a name, *cents* how both are joined.
    *hour* and *sharp* are a time with minutes and without. *date* has ``{day}``, ``{month}`` and
    ``{year}``; *first*: how its first day is called. *ordinals* are the ends of a written ordinal
    number, *codes* words before a number that is a code.
    """

    lang: str
    decimal: str
    groups: str
    signs: Mapping[str, str]
    months: tuple[str, ...] = attrs.field(validator=attrs.validators.min_len(12))
    money: Mapping[str, tuple[str, str]]
    one: str
    cents: str
    hour: str
    sharp: str
    date: str
    first: str = ""
    ordinals: str = ""
    codes: str
    time_unit: str = ""
    time_marks: str = ":"
    month_first: bool = False
