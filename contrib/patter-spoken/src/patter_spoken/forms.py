"""All forms of one language: what of a text is spoken otherwise than it is written."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import attrs

from patter.errors import PatterConfigError
from patter.text.respelling import SpokenSpan
from patter_spoken.amounts import Form, amounts
from patter_spoken.language import Language
from patter_spoken.moments import moments
from patter_spoken.signs import signs
from patter_spoken.words import LANGUAGES


@attrs.frozen(eq=False)
class SpokenForms:
    """Says numbers, money, dates, times, phone numbers, addresses and codes of *language*.

    What is not certain to be one of these is left to the voice. Text without a digit and without
    an address is never changed.

    >>> [span.spoken for span in spoken_forms("en")("It is $3.50 at 9:05.")]
    ['three dollars and fifty cents', 'nine oh five']
    """

    language: Language
    _forms: tuple[Form, ...] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        language = self.language
        # A date looks like a number to dial, and both like numbers.
        forms = (*moments(language), *signs(language), *amounts(language))
        object.__setattr__(self, "_forms", forms)

    def __call__(self, text: str) -> Iterator[SpokenSpan]:
        """The spans of *text* that are said otherwise, from its beginning to its end."""
        spans: list[SpokenSpan] = []
        taken = bytearray(len(text))
        for pattern, say in self._forms:
            for match in pattern.finditer(text):
                begin, end = match.span()
                if any(taken[begin:end]) or _has_other_digits(match[0]):
                    continue
                if (spoken := say(match)) is None:
                    continue
                taken[begin:end] = b"\1" * (end - begin)
                spans.append(SpokenSpan(begin, end, spoken))
        yield from sorted(spans, key=lambda span: span.start)


def _has_other_digits(text: str) -> bool:
    """Digits of other scripts are left to the voice."""
    return any(char.isdigit() and not char.isascii() for char in text)


def spoken_forms(language: str) -> SpokenForms:
    """The forms of *language*, a tag such as ``de`` or ``pt-BR``.

    Raises PatterConfigError for one that is not known.
    """
    tag = language.replace("_", "-").split("-")[0].lower()
    if tag not in LANGUAGES:
        raise PatterConfigError(
            f"spoken forms are not known for the language {language!r}",
            fix=f"spoken_forms=False, or one of {', '.join(sorted(LANGUAGES))}",
        )
    return _made(tag)


@cache
def _made(tag: str) -> SpokenForms:
    return SpokenForms(LANGUAGES[tag])
