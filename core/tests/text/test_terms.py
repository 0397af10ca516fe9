"""Terms are found whatever their case, their space and the marks in them, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.text.terms import Terms


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("lawsuit", "A LAWSUIT."),
        ("straße", "In der STRASSE 5."),
        ("ﬁle", "The FILE is here."),
        ("Ａcme", "acme"),
        ("free money", "It is free  \n money."),
        ("free money", "It is **free** money."),
        ("free money", "It is _free_. Money comes later."),
        ("free money", "It is free —\nmoney, I say."),
        ("free money", "fr\u200bee mo\u00adney"),
        ("cafe\u0301", "At the café."),
        ("C++", "Written in **c++** today."),
        ("snake_case", "A SNAKE_CASE name."),
        ("*", "a * b"),
        (" ", "a b"),
    ],
)
def test_a_term_is_found(term: str, text: str) -> None:
    assert Terms([term]).first_in(text) == term


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("C++", "We see C here."),
        ("free money", "The money is not free."),
        ("no.5", "no 5"),
        ("", "anything"),
        ("*", "nothing"),
    ],
)
def test_another_text_has_it_not(term: str, text: str) -> None:
    assert Terms([term]).first_in(text) is None


@given(st.lists(st.from_regex(r"[a-zäöß]{1,6}", fullmatch=True), min_size=1, max_size=4), st.data())
def test_words_are_found_however_they_are_set(words: list[str], data: st.DataObject) -> None:
    between = st.sampled_from([" ", "\n", "  ", ". ", ", ", " **", "** ", "\u200b \n"])
    text = words[0] + "".join(data.draw(between) + word for word in words[1:])
    cased = "".join(char.upper() if data.draw(st.booleans()) else char for char in text)
    assert Terms([" ".join(words)]).first_in(f"So {cased}!") is not None


def test_the_first_of_several_is_told() -> None:
    terms = Terms(["", "b", "a"])
    assert (terms.first_in("a b"), terms.longest) == ("b", 1)
