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
"""How many words a dictionary may have; a large one makes sessions begin later."""

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


def several(value: str | Iterable[str] | None) -> tuple[str, ...]:
    """Several texts; in one text they have commas between them. Raises PatterConfigError."""
    return texts(_iterable(value))


def vocabulary(
    value: str | Iterable[str | VocabularyWord | Mapping[str, Any]] | None,
) -> tuple[VocabularyWord, ...]:
    """Words to expect; in one text ``gnocchi:nyohki|nokey,bucatini``. Raises PatterConfigError."""
    words = tuple(map(_word, texts(value) if isinstance(value, str) else _iterable(value)))
    if len(words) > MOST_WORDS:
        raise PatterConfigError(
            f"additional_vocab has {len(words)} words", fix=f"give at most {MOST_WORDS}"
        )
    return words


def pairs(value: str | Iterable[str] | None) -> tuple[str, ...]:
    """Words to replace, each as ``from:to``. Raises PatterConfigError."""
    items = several(value)
    for each in items:
        heard, colon, _ = each.partition(":")
        if not (heard and colon):
            raise PatterConfigError(f"replacements has {each!r:.60}", fix="give 'from:to'")
    return items


def _iterable(value: Any) -> Any:
    if value is None:
        return ()
    if not isinstance(value, Iterable):
        raise PatterConfigError(f"{value!r:.60} is not several texts", fix="give a list of them")
    return value


def _word(value: str | VocabularyWord | Mapping[str, Any]) -> VocabularyWord:
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
