"""Words that mean something only by their place in a conversation, by language.

A listener's "mm-hm" is no interruption, a "hello" over the greeting no request, and a sentence
that ends in "and" is not over. Written as `plain_words` has them: small letters, no punctuation.
An unknown language has no such words, so nothing is guessed in it.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import attrs


@attrs.frozen(kw_only=True)
class ListenerWords:
    """The phrases of one language, words separated by spaces.

    *backchannels* are said by who listens on. *salutations* open a call. *contradictions* take
    back what was said before. *unfinished* end no sentence. *answers* are complete, however
    short. *spelled* are asked for when the caller needs time: numbers, addresses, names; and
    *digits* are what those are made of.
    """

    backchannels: frozenset[str] = frozenset()
    salutations: frozenset[str] = frozenset()
    contradictions: frozenset[str] = frozenset()
    unfinished: frozenset[str] = frozenset()
    answers: frozenset[str] = frozenset()
    spelled: frozenset[str] = frozenset()
    digits: frozenset[str] = frozenset()


_NONE = ListenerWords()


@cache
def listener_words(language: str) -> ListenerWords:
    """The words of *language*, a code such as ``en`` or ``de-CH``, from ``listening/``."""
    code = language.lower().replace("_", "-").partition("-")[0]
    page = files("patter.text") / "listening" / f"{code}.toml"
    if not code.isalpha() or not page.is_file():
        return _NONE
    kinds = tomllib.loads(page.read_text(encoding="utf-8"))
    return ListenerWords(**{kind: frozenset(phrases) for kind, phrases in kinds.items()})


@cache
def _first_words(phrases: frozenset[str]) -> frozenset[str]:
    """How they begin: most texts hold none of these, which is seen at once."""
    return frozenset(phrase.split()[0] for phrase in phrases)


@cache
def _longest(phrases: frozenset[str]) -> int:
    return max((len(phrase.split()) for phrase in phrases), default=0)


def is_made_of(words: list[str], phrases: frozenset[str]) -> bool:
    """Is the whole of *words* a row of *phrases*? No words are none.

    >>> is_made_of(["oh", "i", "see"], frozenset({"oh", "i see"}))
    True
    """
    if not words or words[0] not in _first_words(phrases):
        return False
    longest, reached = _longest(phrases), {0}
    for end in range(1, len(words) + 1):
        starts = range(max(0, end - longest), end)
        if any(start in reached and " ".join(words[start:end]) in phrases for start in starts):
            reached.add(end)
    return len(words) in reached


def holds_any(words: list[str], phrases: frozenset[str]) -> bool:
    """Does any of *phrases* stand in *words*?"""
    if _first_words(phrases).isdisjoint(words):
        return False
    lengths = range(1, _longest(phrases) + 1)
    return any(
        " ".join(words[start : start + length]) in phrases
        for length in lengths
        for start in range(len(words) - length + 1)
    )


def ends_with_any(words: list[str], phrases: frozenset[str]) -> bool:
    """Is the end of *words* one of *phrases*?"""
    return any(
        " ".join(words[-length:]) in phrases
        for length in range(1, min(_longest(phrases), len(words)) + 1)
    )
