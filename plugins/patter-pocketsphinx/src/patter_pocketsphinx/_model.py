"""Decoders: which files they are made of, and how to make one cheaply.

A decoder belongs to one call. With a grammar it gets only the grammar's words, which takes
about 10 ms instead of 160: the interpreter is held for all of it, so it matters to every
other call. Synchronous; run it off the event loop.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import attrs
from pocketsphinx import Decoder  # type: ignore[import-untyped]

from patter.errors import PatterConfigError
from patter_pocketsphinx.grammar import Grammar

_SEARCH = "caller"
Pronunciations = tuple[tuple[str, str], ...]


@attrs.frozen
class ModelFiles:
    """Where sounds, spellings and, without a grammar, likely sentences are described."""

    acoustic: Path
    dictionary: Path
    language: Path

    @classmethod
    def of(cls, acoustic: str, dictionary: str, language: str) -> ModelFiles:
        """The given paths; an empty one means the American English part of the wheel.

        Raises PatterConfigError naming the first that does not exist.
        """
        wheel = Path(str(files("pocketsphinx"))) / "model" / "en-us"
        entries = cls(
            Path(acoustic or wheel / "en-us"),
            Path(dictionary or wheel / "cmudict-en-us.dict"),
            Path(language or wheel / "en-us.lm.bin"),
        )
        for path in (entries.acoustic / "mdef", entries.dictionary, entries.language):
            if not path.is_file():
                raise PatterConfigError(
                    f"there is no file {str(path)!r} of a pocketsphinx model",
                    fix="correct the path, or leave it out for American English",
                )
        return entries


def decoder(model: ModelFiles, grammar: Grammar | None) -> Decoder:
    """A fresh decoder for 16 kHz PCM16.

    Raises PatterConfigError for a grammar the recogniser does not understand.
    """
    if grammar is None:
        return _decoder(model, dict=str(model.dictionary), lm=str(model.language))
    made = _decoder(model, dict=None, lm=None)
    for word, phones in pronunciations(model.dictionary, grammar.words):
        made.add_word(word, phones, False)
    try:
        made.add_jsgf_string(_SEARCH, grammar.jsgf)
        made.activate_search(_SEARCH)
    except (ValueError, RuntimeError, KeyError) as exc:
        raise PatterConfigError(
            f"pocketsphinx does not understand the grammar: {exc}",
            fix="start it with '#JSGF V1.0;', name it, and give it one public rule",
        ) from exc
    return made


@lru_cache(maxsize=64)
def pronunciations(dictionary: Path, words: frozenset[str]) -> Pronunciations:
    """What *dictionary* says of *words*, variants included, in its order.

    Raises PatterConfigError naming the words it does not have.
    """
    entries = []
    with dictionary.open(encoding="utf-8") as lines:
        for line in lines:
            word, _, phones = line.rstrip().partition(" ")
            if word.partition("(")[0] in words:
                entries.append((word, phones.strip()))
    missing = words - {word for word, _ in entries}
    if missing:
        raise PatterConfigError(
            f"the dictionary has no pronunciation of {', '.join(sorted(missing))}",
            fix="say it in other words, in lower case, or pass dictionary=PATH with them added",
        )
    return tuple(entries)


def _decoder(model: ModelFiles, **more: str | None) -> Decoder:
    try:
        return Decoder(hmm=str(model.acoustic), loglevel="FATAL", **more)
    except (RuntimeError, ValueError) as exc:
        raise PatterConfigError(
            f"pocketsphinx cannot load the model in {str(model.acoustic)!r}: {exc}",
            fix="check that the files belong together, or leave the paths out",
        ) from exc
