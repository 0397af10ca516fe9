"""The rules of each language, and of those that have none of their own."""

from __future__ import annotations

import functools

from patter.text.languages import de, en, es, fr, it, nl, pl, pt
from patter.text.languages.other import ARABIC, HINDI, ORDINALS, RUSSIAN
from patter.text.languages.rules import LanguageRules
from patter.text.languages.shared import SHARED

_OWN = {
    "en": en.RULES,
    "de": de.RULES,
    "es": es.RULES,
    "fr": fr.RULES,
    "it": it.RULES,
    "pt": pt.RULES,
    "nl": nl.RULES,
    "pl": pl.RULES,
    "hi": HINDI,
    "ar": ARABIC,
    "fa": ARABIC,
    "ur": ARABIC,
    "ru": RUSSIAN,
    "uk": RUSSIAN,
    "bg": RUSSIAN,
}
_WITH_ORDINALS = frozenset(
    [
        "cs",
        "sk",
        "da",
        "no",
        "nb",
        "nn",
        "fi",
        "hu",
        "et",
        "lv",
        "lt",
        "hr",
        "sr",
        "bs",
        "sl",
        "tr",
        "is",
        "fo",
        "lb",
        "gsw",
        "ka",
        "eu",
    ]
)


@functools.cache
def rules_of(language: str) -> LanguageRules:
    """The rules of *language*, a tag such as ``de`` or ``pt-BR``.

    English ones for a tag that names no single language; those shared by all for any other.
    """
    name = language.replace("_", "-").partition("-")[0].lower()
    if name in ("", "multi", "auto"):
        name = "en"
    own = _OWN.get(name, ORDINALS if name in _WITH_ORDINALS else LanguageRules())
    return own.over(SHARED)
