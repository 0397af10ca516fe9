"""What may be said: phrases, JSGF text, files, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import PatterConfigError
from patter_pocketsphinx import Grammar, PocketsphinxSTT

JSGF = """#JSGF V1.0;
grammar menu;
// a comment with words
public <choice> = (i want | give me) [a] <dish> {order} /0.5/ please*;
<dish> = soup | bread; /* bread is
free */
"""
spoken = st.lists(
    st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1, max_size=4, unique=True
).map(" ".join)


@given(st.lists(spoken, min_size=1, max_size=5))
def test_every_word_of_a_phrase_is_a_word_of_the_grammar(phrases: list[str]) -> None:
    assert Grammar.of(phrases).words == {word for text in phrases for word in text.split()} - {
        "public",
        "grammar",
        "import",
    }


def test_punctuation_and_capitals_are_not_heard() -> None:
    assert Grammar.of(["Yes, please!"]) == Grammar.of("yes please")


def test_jsgf_keeps_only_what_is_spoken() -> None:
    assert Grammar.of(JSGF).words == {
        *("i", "want", "give", "me"),
        *("a", "please", "soup", "bread"),
    }


def test_a_file_is_as_good_as_its_text(tmp_path: Path) -> None:
    path = tmp_path / "menu.gram"
    path.write_text(JSGF)
    assert Grammar.of(path) == Grammar.of(str(path)) == Grammar.of(JSGF)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(PatterConfigError, match=r"nowhere\.gram"):
        Grammar.of("nowhere.gram")


@pytest.mark.parametrize("phrases", [[], "", "  |  ", ["?!"]])
def test_a_grammar_without_a_phrase_is_refused(phrases: str | list[str]) -> None:
    with pytest.raises(PatterConfigError, match="no phrase"):
        Grammar.of(phrases)


def test_a_number_in_digits_is_refused() -> None:
    with pytest.raises(PatterConfigError, match="'2'") as caught:
        Grammar.of(["a table for 2"])
    assert "write numbers as words" in caught.value.fix


def test_words_without_a_pronunciation_are_named_when_the_agent_is_built() -> None:
    with pytest.raises(PatterConfigError, match="frobnitz, zorp"):
        PocketsphinxSTT(grammar=["zorp the frobnitz"])


def test_a_missing_model_is_named() -> None:
    with pytest.raises(PatterConfigError, match="/nowhere/mdef"):
        PocketsphinxSTT(acoustic_model="/nowhere")
