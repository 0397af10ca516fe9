"""What is a plain yes, a plain no, or neither, in every language that phrases are in."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.text.consent import agrees

BOOK = tomllib.loads((files("patter.text") / "consent.toml").read_text(encoding="utf-8"))
PHRASES = tomllib.loads((files("patter.text") / "phrases.toml").read_text(encoding="utf-8"))


def test_there_are_words_for_every_language_of_phrases() -> None:
    assert set(BOOK) == {"en", *(tag.partition("-")[0] for tag in PHRASES)}


@pytest.mark.parametrize("language", BOOK)
def test_each_phrase_means_what_it_stands_for(language: str) -> None:
    kinds = BOOK[language]
    assert {agrees(f"{each.capitalize()}.", language) for each in kinds["yes"]} == {True}
    assert {agrees(f"{each}!", language) for each in kinds["no"]} == {False}
    assert {agrees(each, language) for each in kinds["beside"]} == {None}


@pytest.mark.parametrize("language", BOOK)
def test_a_yes_with_a_no_in_it_is_no_consent(language: str) -> None:
    yes, no = BOOK[language]["yes"][0], BOOK[language]["no"][0]
    assert agrees(f"{yes}, {no}.", language) is False
    assert agrees(f"{yes} {BOOK[language]['beside'][0]}", language) is True


@pytest.mark.parametrize(
    "text",
    [
        "Yes, a table for two.",
        "What did you say?",
        "Who is this?",
        "",
        "yesterday",
        "I said no, sure",
    ],
)
def test_what_is_not_plainly_yes_is_not_taken_for_one(text: str) -> None:
    assert agrees(text, "en") is not True


@given(st.text(max_size=60), st.sampled_from(sorted(BOOK)))
def test_any_text_is_judged(text: str, language: str) -> None:
    assert agrees(text, language) in (True, False, None)


def test_a_language_without_words_has_no_plain_answer() -> None:
    assert agrees("yes", "xx") is None
    assert agrees("Ja, gerne.", "de-AT") is True and agrees("Ja.", "nb") is True
