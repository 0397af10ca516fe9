"""What an agent says without a model, in its language: translations, and the agent's own words.

English ones are the defaults of `Phrases`; the others stand in ``text/phrases.toml``, and a region
that says it otherwise has its own.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

import attrs

from patter.call.plan import Phrases
from patter.errors import (
    PatterConfigError,
    PatterError,
    PatterTypeError,
    did_you_mean,
    indefinite,
)

log = logging.getLogger("patter.agent")

OwnPhrases: TypeAlias = Phrases | Mapping[str, Any]
"""The agent's own phrases: a `Phrases`, or some of its fields by name."""

ENGLISH = Phrases()
_FIELDS = tuple(attrs.fields_dict(Phrases))
_SAME = {"nb": "no", "nn": "no"}
_ANY = frozenset({"", "en", "multi", "auto"})
"""Tags of English, and of no single language."""


def phrases_in(language: str) -> Phrases:
    """The phrases of *language*, a BCP 47 tag such as ``de`` or ``pt-BR``; of its region, if known.

    English ones for a language that is not there, which is logged once.
    """
    tag = language.replace("_", "-").lower()
    while tag:
        main, _, rest = tag.partition("-")
        name = "-".join(filter(None, (_SAME.get(main, main), rest)))
        if main in _ANY:
            return ENGLISH
        if (phrases := _pages().get(name)) is not None:
            return phrases
        tag = tag.rpartition("-")[0]
    if language:
        _warn(language)
    return ENGLISH


def phrases_with(language: str, own: OwnPhrases | None) -> Phrases:
    """Those of *language*, with the agent's *own* in their place; of goodbyes, reason by reason.

    >>> phrases = phrases_with("de-AT", {"filler": "Sekunde."})
    >>> phrases.filler, phrases.goodbyes[""]
    ('Sekunde.', 'Auf Wiederhören.')
    """
    spoken, values = phrases_in(language), own_phrases(own)
    goodbyes = values.get("goodbyes")
    if isinstance(goodbyes, Mapping):
        values["goodbyes"] = {**spoken.goodbyes, **goodbyes}
    return attrs.evolve(spoken, **values)


def own_phrases(own: object) -> dict[str, Any]:
    """The fields that *own* sets: of a `Phrases` those that are not the English defaults."""
    if isinstance(own, Phrases):
        values = {name: getattr(own, name) for name in _FIELDS}
        values = {name: each for name, each in values.items() if each != getattr(ENGLISH, name)}
        if "goodbyes" in values:
            goodbyes = ENGLISH.goodbyes
            values["goodbyes"] = {k: v for k, v in own.goodbyes.items() if v != goodbyes.get(k)}
        return values
    values = {k: v for k, v in own.items() if k in _FIELDS} if isinstance(own, Mapping) else {}
    if isinstance(reprompts := values.get("reprompts"), str | list):
        values["reprompts"] = (reprompts,) if isinstance(reprompts, str) else tuple(reprompts)
    if isinstance(values.get("goodbyes"), str):
        values["goodbyes"] = dict.fromkeys(ENGLISH.goodbyes, values["goodbyes"])
    return values


def problems_of(own: object, language: object) -> Iterator[PatterError]:
    """What is wrong with an agent's *own* phrases; whether there are others is logged here."""
    if isinstance(language, str):
        phrases_in(language)
    if own is None:
        return
    if not isinstance(own, Phrases | Mapping):
        yield PatterTypeError(
            f"phrases is {indefinite(type(own).__name__)}, neither a Phrases nor a mapping",
            fix='write phrases={"filler": "One moment."}, or Phrases(...)',
        )
        return
    for name in own if isinstance(own, Mapping) else ():
        if name not in _FIELDS:
            fix = did_you_mean(str(name), _FIELDS, f"choose of {', '.join(_FIELDS)}")
            yield PatterConfigError(f"there is no phrase {name!r}", fix=fix)
    for name, value in own_phrases(own).items():
        if not _fits(name, value):
            yield PatterTypeError(
                f"the phrase {name!r} is {value!r}", fix=f"write it like {getattr(ENGLISH, name)!r}"
            )


def _fits(name: str, value: Any) -> bool:
    if name == "reprompts":
        return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
    if name == "goodbyes":
        texts = (*value, *value.values()) if isinstance(value, Mapping) else (None,)
        return all(isinstance(each, str) for each in texts)
    return isinstance(value, str)


@cache
def _pages() -> Mapping[str, Phrases]:
    """All translations, by the tag of their language; read when an agent first speaks another."""
    book = tomllib.loads((files("patter.text") / "phrases.toml").read_text(encoding="utf-8"))
    return {
        tag: Phrases(**{**values, "reprompts": tuple(values["reprompts"])})
        for tag, values in book.items()
    }


@cache
def _warn(language: str) -> None:
    log.warning(
        "there are no phrases in %s: what no model says is said in English; write phrases=...",
        language,
    )
