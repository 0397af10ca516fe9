"""How single words are pronounced: written so that a voice says them right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import attrs

from patter.text.respelling import SpokenSpan


@attrs.frozen(init=False)
class Lexicon:
    """Words and phrases with what to say instead, whole words in any case, the longest first.

    >>> [span.spoken for span in Lexicon({"Nguyen": "win"})("Mrs NGUYEN, not Nguyens")]
    ['win']
    """

    _spoken: Mapping[str, str]
    _pattern: re.Pattern[str]

    def __init__(self, pronunciations: Mapping[str, str]) -> None:
        words = sorted(filter(str.strip, pronunciations), key=len, reverse=True)
        either = "|".join(r"\s+".join(map(re.escape, word.split())) for word in words)
        # Without words it must match nowhere, and an empty pattern would everywhere.
        pattern = rf"(?<!\w)(?:{either})(?!\w)" if words else r"(?!)"
        spoken = {_folded(word): pronunciations[word] for word in words}
        self.__attrs_init__(spoken, re.compile(pattern, re.IGNORECASE))

    def __call__(self, text: str) -> Iterator[SpokenSpan]:
        """What of *text* is said otherwise."""
        for match in self._pattern.finditer(text):
            # Two letters may be alike to the pattern and not in lower case.
            if (spoken := self._spoken.get(_folded(match[0]))) is not None:
                yield SpokenSpan(match.start(), match.end(), spoken)


def _folded(word: str) -> str:
    return " ".join(word.casefold().split())
