"""What is spelled: e-mail addresses, phone numbers and codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from patter_spoken.amounts import Form
from patter_spoken.language import Language
from patter_spoken.numerals import digits

_EMAIL = re.compile(r"(?<![\w.+\-])[\w.+\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,8}(?![\w@])")
_PHONE = re.compile(
    r"(?<![\w+(.,:/\-])(?:\+|\(\+?)?\d[\d ()/.\-\u00a0\u202f]{4,24}\d(?![\w:]|[.,]\d)"
)
_DIALLED = re.compile(r"\(?\d{3}\)?[ .\-]\d{3}[ .\-]\d{4}|\d{3}-\d{4}|1-\d{3}-\d{3}-\d{4}")
_CODE = re.compile(
    r"(?<![\w\-.@/])(?=[A-Z\-]*\d)(?=[\d\-]*[A-Z])[A-Z\d]+(?:-[A-Z\d]+){0,8}(?![\w\-@])"
)
FEWEST_DIGITS, FEWEST_SIGNS = 7, 5


def signs(language: Language) -> Iterator[Form]:
    """The forms of *language*, the most special first."""
    yield _EMAIL, lambda match: _address(language, match[0])
    yield _PHONE, lambda match: _phone(language, match[0])
    yield _CODE, lambda match: _code(language, match[0])


def _address(language: Language, text: str) -> str:
    """An e-mail address: its words, its signs by name, its digits one by one."""
    names = {"@": "at", ".": "dot", "-": "dash", "_": "underscore", "+": "plus"}
    parts = re.findall(r"[0-9]+|[@.\-_+]|[^0-9@.\-_+]+", text)
    words = (
        language.signs[names[part]]
        if part in names
        else digits(language, part)
        if part.isascii() and part.isdigit()
        else part
        for part in parts
    )
    return " ".join(words)


def _phone(language: Language, text: str) -> str | None:
    """A number to dial, digit by digit; None for what is a number of another sort."""
    count = sum(char.isdigit() for char in text)
    begins = text.lstrip("(")[0] in "+0"
    if count < FEWEST_DIGITS or count > 17 or not (begins or _DIALLED.fullmatch(text)):
        return None
    plus = f"{language.signs['plus']} " if "+" in text else ""
    return plus + digits(language, text)


def _code(language: Language, text: str) -> str | None:
    """Letters and digits one by one; None for a word with a number, such as COVID-19."""
    bare = text.replace("-", "")
    longest = max(map(len, re.findall(r"[A-Z]+", text)))
    if len(bare) < FEWEST_SIGNS or longest > 3:
        return None
    groups = text.split("-")
    return ", ".join(
        " ".join(digits(language, char) if char.isdigit() else char for char in group)
        for group in groups
    )
