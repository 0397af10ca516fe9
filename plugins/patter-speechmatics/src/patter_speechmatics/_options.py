"""What options of Speechmatics need beyond the kit's fields: words to expect, words to replace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import attrs

from patter.errors import PatterConfigError
from patter.vendors import options
from patter.vendors.options import texts

API = "https://eu2.rt.speechmatics.com"
MOST_WORDS = 1_000
"""So many words a dictionary may have; a large one makes sessions begin later."""

switch = partial(options.switch, optional=True)
"""A field that is true or false; with None, whatever its default, Speechmatics decides."""


@attrs.frozen
class VocabularyWord:
    """A word to expect: *content*, as it is written; *sounds_like*, how else it may be said."""

    content: str
    sounds_like: tuple[str, ...] = attrs.field(default=(), converter=texts)

    def wire(self) -> dict[str, object]:
        """The word, as Speechmatics wants it."""
        body: dict[str, object] = {"content": self.content}
        if self.sounds_like:
            body["sounds_like"] = list(self.sounds_like)
        return body


def vocabulary() -> Any:
    """The field of words to expect; in a spec string ``gnocchi:nyohki|nokey,bucatini``."""
    return attrs.field(default=(), converter=_words)


def replacements() -> Any:
    """The field of words to replace, each as ``from:to``."""
    return attrs.field(default=(), converter=_pairs)


def _words(value: str | Iterable[Any] | None) -> tuple[VocabularyWord, ...]:
    given = texts(value) if isinstance(value, str) else value or ()
    words = tuple(_word(each) for each in given)
    if len(words) > MOST_WORDS:
        raise PatterConfigError(
            f"additional_vocab has {len(words)} words", fix=f"give at most {MOST_WORDS}"
        )
    return words


def _word(value: Any) -> VocabularyWord:
    if isinstance(value, VocabularyWord):
        word = value
    elif isinstance(value, Mapping):
        word = VocabularyWord(str(value.get("content", "")), value.get("sounds_like") or ())
    else:
        content, _, sounds = str(value).partition(":")
        word = VocabularyWord(content.strip(), sounds.split("|"))
    if not word.content:
        raise PatterConfigError(
            f"additional_vocab has a word without content: {value!r:.60}",
            fix="give 'gnocchi', 'gnocchi:nyohki|nokey' or VocabularyWord('gnocchi', ['nyohki'])",
        )
    return word


def _pairs(value: str | Iterable[str] | None) -> tuple[str, ...]:
    pairs = texts(value or ())
    for each in pairs:
        if not each.partition(":")[1] or not each.partition(":")[0]:
            raise PatterConfigError(f"replacements has {each!r:.60}", fix="give 'from:to'")
    return pairs
