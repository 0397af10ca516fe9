"""Dates and times of day."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date

from patter_spoken.amounts import Form
from patter_spoken.language import Language
from patter_spoken.numerals import cardinal, feminine, ordinal, year

_EDGE = r"(?<![\w.,:/+\-@])"
_END = r"(?![\w:/+\-]|[.,]\d)"


def moments(language: Language) -> Iterator[Form]:
    """The forms of *language*, the most special first."""
    yield re.compile(rf"{_EDGE}(\d{{4}})-(\d\d)-(\d\d){_END}"), _date(language, (1, 2, 3))
    order = (3, 1, 2) if language.month_first else (3, 2, 1)
    yield (
        re.compile(rf"{_EDGE}(\d{{1,2}})([./-])(\d{{1,2}})\2(\d{{4}}){_END}"),
        _date(language, tuple(at + (at > 1) for at in order)),
    )
    months = "|".join(language.months)
    if language.lang == "de":
        yield re.compile(rf"{_EDGE}(\d{{1,2}})\.\s(?={months})"), _german_day
    if language.lang == "en":
        yield re.compile(rf"(?<=\b)({months}) (\d{{1,2}}){_END}(?!:)"), _english_day
    marks = re.escape(language.time_marks)
    unit = f"({language.time_unit})?" if language.time_unit else "()"
    yield (
        re.compile(rf"{_EDGE}([01]?\d|2[0-3])[{marks}]([0-5]\d){unit}{_END}", re.IGNORECASE),
        _time(language),
    )


def _date(language: Language, order: tuple[int, ...]) -> Callable[[re.Match[str]], str | None]:
    def say(match: re.Match[str]) -> str | None:
        numbers = [int(match[group]) for group in order]
        try:
            day = date(*numbers)
        except ValueError:
            try:
                day = date(numbers[0], numbers[2], numbers[1])
            except ValueError:
                return None
        return language.date.format(
            day=_day(language, day.day, match),
            month=language.months[day.month - 1],
            year=year(language, day.year),
        )

    return say


def _day(language: Language, day: int, match: re.Match[str]) -> str:
    if language.lang == "de":
        return _declined(ordinal(language, day), match)
    if language.lang == "en":
        return ordinal(language, day)
    return language.first if day == 1 and language.first else cardinal(language.lang, day)


def _declined(which: str, match: re.Match[str]) -> str:
    """A German ordinal number by the word before it."""
    before = match.string[max(0, match.start() - 12) : match.start()].split()
    word = before[-1].lower() if before else ""
    if word in ("am", "vom", "zum", "den", "dem", "bis", "ab", "seit", "beim", "im"):
        return f"{which}n"
    return which if word in ("der", "die", "das") else f"{which}r"


def _german_day(match: re.Match[str]) -> str | None:
    from patter_spoken.words import LANGUAGES

    day = int(match[1])
    return f"{_declined(ordinal(LANGUAGES['de'], day), match)} " if 1 <= day <= 31 else None


def _english_day(match: re.Match[str]) -> str | None:
    from patter_spoken.words import LANGUAGES

    day = int(match[2])
    return f"{match[1]} {ordinal(LANGUAGES['en'], day)}" if 1 <= day <= 31 else None


def _time(language: Language) -> Callable[[re.Match[str]], str | None]:
    def say(match: re.Match[str]) -> str | None:
        hour, minute = int(match[1]), int(match[2])
        if language.lang == "en":
            words = _english_time(hour, minute, (match[3] or "").strip())
            ends = match.string[match.end() : match.end() + 1] == "."
            return words.removesuffix(".") if ends else words
        template = language.hour if minute else language.sharp
        if language.lang == "fr" and hour < 2:
            template = template.replace("heures", "heure")
        return template.format(hour=_hour(language, hour), minute=cardinal(language.lang, minute))

    return say


def _hour(language: Language, hour: int) -> str:
    word = cardinal(language.lang, hour)
    if language.lang == "de":
        return "ein" if hour == 1 else word
    return word if language.lang == "nl" else feminine(word)


def _english_time(hour: int, minute: int, half: str) -> str:
    """On the dial, where that can be: the afternoon is told by its letters."""
    if not half and (hour == 0 or hour > 12):
        half = "p.m." if hour else "a.m."
    on_dial = cardinal("en", (hour - 1) % 12 + 1)
    letters = f" {half[0].lower()}.m." if half else ""
    if minute:
        oh = "oh " if minute < 10 else ""
        return f"{on_dial} {oh}{cardinal('en', minute)}{letters}"
    return f"{on_dial}{letters}" if half else f"{on_dial} o'clock"
