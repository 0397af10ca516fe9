"""Numbers and sentences that nobody may keep, found again wherever they turn up. Pure.

A number is known by its digits, however they are grouped; a sentence by its words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from patter.safe_text import MASK

NUMBER_LEAST = 4
"""Digits of a number that is looked for; shorter ones stand in every other sentence."""
PART_LEAST = 6
"""Digits of a part of a number that gives it away."""
WORDS_LEAST = 4
"""Words of a sentence that is looked for; shorter ones are said again and again."""
MOST = 500
"""Numbers, and sentences, that one call remembers, the oldest forgotten first."""
_RUN = re.compile(r"\d(?:[\s.,/_–-]{0,2}\d)*")


@attrs.define(eq=False)
class Secrets:
    """What is not to be shown of one call."""

    _numbers: dict[str, None] = attrs.field(factory=dict, repr=False)
    _sentences: dict[str, re.Pattern[str]] = attrs.field(factory=dict, repr=False)

    def __bool__(self) -> bool:
        return bool(self._numbers or self._sentences)

    def remember(self, value: Any) -> None:
        """From now on hide the numbers and sentences of *value*: text, or JSON."""
        if isinstance(value, Mapping):
            for each in value.values():
                self.remember(each)
        elif isinstance(value, list | tuple):
            for each in value:
                self.remember(each)
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            self._remember_text(str(value))

    def _remember_text(self, text: str) -> None:
        for number in numbers_in(text):
            _put(self._numbers, number, None)
        words = text.split()
        if len(words) >= WORDS_LEAST:
            pattern = r"\s+".join(re.escape(word.strip(".,;:!?")) for word in words)
            _put(self._sentences, " ".join(words), re.compile(pattern, re.IGNORECASE))

    def hide(self, value: Any) -> Any:
        """*value* without them; the same object if it has none."""
        if isinstance(value, str):
            return self._hide_text(value)
        if isinstance(value, Mapping):
            return _changed(value, {name: self.hide(each) for name, each in value.items()})
        if isinstance(value, list | tuple):
            return _changed(value, type(value)(map(self.hide, value)))
        if isinstance(value, int | float) and not isinstance(value, bool):
            return MASK if self._hide_text(text := str(value)) != text else value
        return value

    def _hide_text(self, text: str) -> str:
        for pattern in self._sentences.values():
            text = pattern.sub(MASK, text)
        return self.hide_numbers(text)

    def hide_numbers(self, text: str) -> str:
        """*text* without the numbers alone: who reads it has to understand the rest."""
        return _RUN.sub(self._shown, text) if self._numbers else text

    def _shown(self, run: re.Match[str]) -> str:
        digits = _digits(run[0])
        secret = any(
            number in digits or (len(digits) >= PART_LEAST and digits in number)
            for number in self._numbers
        )
        return MASK if secret else run[0]


def numbers_in(text: str) -> list[str]:
    """The digits of each number in *text* that is long enough to be looked for."""
    numbers = map(_digits, _RUN.findall(text))
    return [digits for digits in numbers if len(digits) >= NUMBER_LEAST]


def hide_all(value: Any) -> Any:
    """*value*, JSON, with every text and number in it hidden; the names of fields stay."""
    if isinstance(value, Mapping):
        return {name: hide_all(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [hide_all(each) for each in value]
    return value if value is None or isinstance(value, bool) or value == "" else MASK


def hide_words(text: str) -> str:
    """*text* with an ``x`` for each word, so that as many are counted."""
    return " ".join("x" for _ in text.split())


def _digits(run: str) -> str:
    return "".join(filter(str.isdecimal, run))


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    values[name] = value
    if len(values) > MOST:
        del values[next(iter(values))]


def _changed(before: Any, after: Any) -> Any:
    return before if before == after else after
