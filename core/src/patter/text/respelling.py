"""Text as it is written and as it is spoken, and which part of one is which part of the other.

A voice is given what is spoken; history, record and captions have what is written. What was heard
is known in characters of the one, and told in characters of the other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import TypeAlias, cast

import attrs

from patter.plugins.installing import needs

log = logging.getLogger("patter.text")


@attrs.frozen
class SpokenSpan:
    """The characters from *start* to *end* of a text are spoken as *spoken*."""

    start: int
    end: int
    spoken: str


Respelling: TypeAlias = Callable[[str], Iterable[SpokenSpan]]
"""What of a text is spoken otherwise than it is written."""


def forms_of(language: str) -> Respelling:
    """How people say numbers and the like in *language*, a tag such as ``de`` or ``pt-BR``.

    Raises NotInstalled without the package patter-spoken, and PatterConfigError for a language
    that it does not know.
    """
    with needs("patter_spoken", install="patter-spoken"):
        forms = import_module("patter_spoken").spoken_forms(language)
    return cast(Respelling, forms)


@attrs.frozen
class _Match:
    """Written characters and the spoken ones that they stand for, from and to."""

    written: tuple[int, int]
    spoken: tuple[int, int]


@attrs.frozen
class Respelled:
    """One text in both forms; *matches* are where they differ, in order.

    >>> text = respelled("Table 12, please.", [lambda text: [SpokenSpan(6, 8, "twelve")]])
    >>> text.spoken, text.written[: text.written_chars(5)], text.written[: text.written_chars(12)]
    ('Table twelve, please.', 'Table', 'Table 12')
    """

    written: str
    spoken: str
    matches: tuple[_Match, ...] = ()

    def written_chars(self, spoken_chars: int) -> int:
        """How many characters of *written* the first *spoken_chars* of *spoken* say to their end.

        What is said in part is not counted.
        """
        behind = 0
        for match in self.matches:
            if spoken_chars < match.spoken[1]:
                return min(match.written[0], behind + spoken_chars)
            behind = match.written[1] - match.spoken[1]
        return min(len(self.written), behind + spoken_chars)

    def part(self, begin: int, end: int) -> Respelled:
        """What is spoken from *begin* to *end*; what began before *begin* is written there."""
        first, last = self._written_at(begin), self._written_at(end)
        inside = (match for match in self.matches if match.spoken[0] < end)
        matches = tuple(
            _Match(
                (max(match.written[0], first) - first, match.written[1] - first),
                (max(match.spoken[0], begin) - begin, min(match.spoken[1], end) - begin),
            )
            for match in inside
            if match.spoken[1] > begin
        )
        return Respelled(self.written[first:last], self.spoken[begin:end], matches)

    def followed_by(self, other: Respelled) -> Respelled:
        """Both, with a space between."""
        written, spoken = len(self.written) + 1, len(self.spoken) + 1
        moved = (
            _Match(
                (match.written[0] + written, match.written[1] + written),
                (match.spoken[0] + spoken, match.spoken[1] + spoken),
            )
            for match in other.matches
        )
        return Respelled(
            f"{self.written} {other.written}",
            f"{self.spoken} {other.spoken}",
            (*self.matches, *moved),
        )

    def _written_at(self, spoken_at: int) -> int:
        """Where in *written* that is; inside of a match, its end."""
        behind = 0
        for match in self.matches:
            if spoken_at <= match.spoken[0]:
                break
            behind = match.written[1] - match.spoken[1]
            if spoken_at < match.spoken[1]:
                return match.written[1]
        return behind + spoken_at


def respelled(text: str, respellings: Iterable[Respelling]) -> Respelled:
    """*text* by all *respellings*; where two want the same characters, the first has them.

    One that raises is logged and changes nothing.
    """
    taken: list[SpokenSpan] = []
    free = bytearray(b"\1" * len(text))
    for respelling in respellings:
        for span in _spans(respelling, text):
            if all(free[span.start : span.end]):
                free[span.start : span.end] = bytes(span.end - span.start)
                taken.append(span)
    spoken, at, matches = "", 0, []
    for span in sorted(taken, key=lambda each: each.start):
        spoken += text[at : span.start]
        matches.append(
            _Match((span.start, span.end), (len(spoken), len(spoken) + len(span.spoken)))
        )
        spoken, at = spoken + span.spoken, span.end
    return Respelled(text, spoken + text[at:], tuple(matches))


def _spans(respelling: Respelling, text: str) -> Iterator[SpokenSpan]:
    try:
        spans = list(respelling(text))
    except Exception:
        log.exception("a respelling failed; the text is spoken as it is written")
        return
    at = 0
    for span in spans:
        if at <= span.start < span.end <= len(text):
            yield span
            at = span.end
