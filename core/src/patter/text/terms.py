"""Finding terms in text whatever their case, the space between their words and the marks in it.

Pure. A term is found within words, too. One of words alone is also found where a sentence ends
between them: text that is judged in pieces has its ends anywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property

import attrs

_MARKS = re.compile(r"[*_~`]+")
_SPACE = re.compile(r"\s+")
_BETWEEN = re.compile(r"[\W_]+")


def _not_empty(terms: Iterable[str]) -> tuple[str, ...]:
    return tuple(filter(None, terms))


@attrs.frozen(slots=False)
class Terms:
    """The *terms* to look for; empty ones are in no text.

    >>> Terms(["free money"]).first_in("It is **FREE**\\n money.")
    'free money'
    """

    terms: tuple[str, ...] = attrs.field(converter=_not_empty)

    def first_in(self, text: str) -> str | None:
        """The first of the terms that *text* has; None: it has none."""
        forms = _forms(text)
        return next((term for term, want in self._wanted if _has(forms, want)), None)

    @property
    def longest(self) -> int:
        """Characters of the longest."""
        return max(map(len, self.terms), default=0)

    @cached_property
    def _wanted(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return tuple((term, tuple(_wanted_forms(term))) for term in self.terms)


def _wanted_forms(term: str) -> Iterable[str]:
    """How *term* looks in each form of a text; the last ones only if nothing of it is lost."""
    plain, bare, words = _forms(term)
    yield plain
    if bare and not _MARKS.search(term):
        yield bare
        if all(char.isalnum() or char.isspace() for char in bare):
            yield words.strip()


def _forms(text: str) -> tuple[str, str, str]:
    """*text* in lower case; without marks and with single spaces; and its words alone."""
    plain = text.casefold()
    seen = "".join(char for char in text if unicodedata.category(char) != "Cf")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
    bare = _SPACE.sub(" ", _MARKS.sub("", folded)).strip()
    return plain, bare, _BETWEEN.sub(" ", bare)


def _has(forms: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return any(want and want in form for want, form in zip(wanted, forms, strict=False))
