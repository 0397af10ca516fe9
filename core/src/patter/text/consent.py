"""Is what a caller answers a plain yes or a plain no? Pure; the words are in ``consent.toml``.

A turn that says anything else as well is neither: a model, or nobody, decides. Where both are
said, it is a no.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TypeAlias

import attrs

Phrase: TypeAlias = tuple[str, ...]
_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_UNSPACED = frozenset({"ja", "zh"})
_SAME = {"nb": "no", "nn": "no"}
_OTHERS = frozenset({"", "multi", "auto"})


@attrs.frozen
class _Answers:
    """The phrases of one language: *yes*, *no*, and what may stand *beside* them."""

    yes: frozenset[Phrase]
    no: frozenset[Phrase]
    beside: frozenset[Phrase]
    longest: int


def agrees(text: str, language: str) -> bool | None:
    """Does *text*, in *language*, say yes or no and nothing else? None: neither.

    >>> agrees("Yes, of course.", "en"), agrees("No, thanks.", "en"), agrees("Yes, a table.", "en")
    (True, False, None)
    """
    code = language.lower().replace("_", "-").partition("-")[0]
    code = _SAME.get(code, "en" if code in _OTHERS else code)
    answers = _book().get(code)
    if answers is None:
        return None
    kinds = set[str]()
    tokens = _tokens(text, code)
    while tokens:
        kind, length = _first(tokens, answers)
        if not length:
            # A no may give its reasons; who says anything else has not plainly agreed.
            return False if "no" in kinds and "yes" not in kinds else None
        kinds.add(kind)
        tokens = tokens[length:]
    return False if "no" in kinds else True if "yes" in kinds else None


def _first(tokens: Phrase, answers: _Answers) -> tuple[str, int]:
    """What *tokens* begin with, the longest phrase there is, and how long that is."""
    for length in range(min(answers.longest, len(tokens)), 0, -1):
        head = tokens[:length]
        if head in answers.no:
            return "no", length
        if head in answers.yes:
            return "yes", length
        if head in answers.beside:
            return "beside", length
    return "", 0


def _tokens(text: str, code: str) -> Phrase:
    words = _WORD.findall(text.casefold().replace("’", "'"))
    return tuple("".join(words)) if code in _UNSPACED else tuple(words)


@cache
def _book() -> Mapping[str, _Answers]:
    book = tomllib.loads((files("patter.text") / "consent.toml").read_text(encoding="utf-8"))
    return {code: _answers(code, kinds) for code, kinds in book.items()}


def _answers(code: str, kinds: Mapping[str, list[str]]) -> _Answers:
    yes, no, beside = (
        frozenset(_tokens(each, code) for each in kinds[kind]) for kind in ("yes", "no", "beside")
    )
    return _Answers(yes, no, beside, max(map(len, yes | no | beside)))
