"""What a caller may say: a JSGF grammar, from phrases, from its text or from a file.

Values only: nothing here knows the recogniser. Whether the words can be pronounced is for
the dictionary to say (`_model`), whether the rules make sense is for the decoder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import attrs

from patter.errors import PatterConfigError

_HEADER = "#JSGF"
_SUFFIXES = {".gram", ".jsgf"}
_WORD = re.compile(r"[a-z][a-z'.-]*\Z")
_NOT_WORDS = (
    re.compile(r"/\*.*?\*/", re.DOTALL),
    re.compile(r"//[^\n]*"),
    re.compile(r"^#JSGF[^;]*;", re.MULTILINE),
    re.compile(r"\b(?:grammar|import)\b[^;]*;"),
    re.compile(r"<[^>]*>"),
    re.compile(r"\{[^}]*\}"),
    re.compile(r"/[\d.]+/"),
    re.compile(r"\bpublic\b"),
)


@attrs.frozen
class Grammar:
    """JSGF text; *words* are those a dictionary has to know.

    >>> sorted(Grammar.of("yes please | goodbye").words)
    ['goodbye', 'please', 'yes']
    """

    jsgf: str = attrs.field(repr=lambda text: f"<{len(text)} characters>")

    @classmethod
    def of(cls, source: Grammar | Path | str | Iterable[str]) -> Grammar:
        """Read a grammar from a path, JSGF text, ``|``-separated phrases, or several phrases.

        A string is JSGF text if it begins with ``#JSGF``, a path if it ends in ``.gram`` or
        ``.jsgf``, else phrases. Raises PatterConfigError for what cannot be read.
        """
        if isinstance(source, Grammar):
            return source
        if isinstance(source, Path):
            return cls(_text_of(source))
        if not isinstance(source, str):
            return cls(_jsgf_of(source))
        if source.lstrip().startswith(_HEADER):
            return cls(source.lstrip())
        if Path(source).suffix in _SUFFIXES:
            return cls(_text_of(Path(source)))
        return cls(_jsgf_of(source.split("|")))

    @property
    def words(self) -> frozenset[str]:
        """The words that can be said."""
        text = self.jsgf
        for pattern in _NOT_WORDS:
            text = pattern.sub(" ", text)
        return frozenset(re.findall(r"[^\s|()\[\]*+=;\"\\]+", text))


def _text_of(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise PatterConfigError(
            f"the grammar {str(path)!r} cannot be read: {exc}",
            fix="pass the path of a JSGF file, or the phrases themselves",
        ) from exc
    return text.lstrip("\ufeff \n\t")


def _jsgf_of(phrases: Iterable[str]) -> str:
    """One public rule: any of *phrases*, lower case, without punctuation at word ends."""
    choices = [_phrase(each) for each in phrases]
    if not any(choices):
        raise PatterConfigError(
            "the grammar has no phrase", fix="give at least one, for example grammar=['yes please']"
        )
    alternatives = " | ".join(dict.fromkeys(filter(None, choices)))
    return f"#JSGF V1.0;\ngrammar phrases;\npublic <phrase> = {alternatives};\n"


def _phrase(text: str) -> str:
    words = [word.strip("?!.,;:\"-'") for word in text.lower().split()]
    words = [word for word in words if word]
    for word in words:
        if not _WORD.match(word):
            raise PatterConfigError(
                f"{word!r} in the phrase {text.strip()!r} is not a word",
                fix="spell it in English letters; write numbers as words",
            )
    return " ".join(words)
