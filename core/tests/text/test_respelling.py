"""What is spoken stands for what is written: whatever was heard of one is told in the other."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from patter.text.lexicon import Lexicon
from patter.text.respelling import Respelled, SpokenSpan, respelled

WORDS = st.sampled_from(["Nguyen", "nguyen", "New York", "Rosa's", "12", "to", "ß", "é"])
TEXTS = st.lists(WORDS, max_size=12).map(" ".join)
LEXICON = Lexicon({"Nguyen": "win", "New York": "noo york", "12": "a dozen of them", "ß": "ess"})


def test_whole_words_are_found_in_any_case_and_the_longest_first() -> None:
    lexicon = Lexicon({"York": "yawk", "New York": "noo yawk", "C++": "see plus plus"})
    text = respelled("NEW  YORK and York, not Yorker: C++.", [lexicon])
    assert text.spoken == "noo yawk and yawk, not Yorker: see plus plus."


def test_a_lexicon_without_words_changes_nothing() -> None:
    assert respelled("Yes, two.", [Lexicon({}), Lexicon({" ": "x"})]).spoken == "Yes, two."


def test_the_first_to_want_a_word_has_it() -> None:
    first, second = Lexicon({"12": "twelve"}), Lexicon({"12 o'clock": "noon"})
    assert respelled("At 12 o'clock.", [first, second]).spoken == "At twelve o'clock."


def test_one_that_fails_changes_nothing() -> None:
    def fail(text: str) -> list[SpokenSpan]:
        raise ValueError("no")

    def odd(text: str) -> list[SpokenSpan]:
        return [
            SpokenSpan(2, 1, "x"),
            SpokenSpan(0, 99, "y"),
            SpokenSpan(3, 5, "z"),
            SpokenSpan(4, 6, "w"),
        ]

    assert respelled("abcdefg", [fail, odd]).spoken == "abczfg"


@given(TEXTS, st.data())
def test_of_what_was_heard_a_beginning_is_told_and_never_more(
    written: str, data: st.DataObject
) -> None:
    text = respelled(written, [LEXICON])
    heard = data.draw(st.integers(0, len(text.spoken)))
    told = written[: text.written_chars(heard)]
    sounds = respelled(told, [LEXICON]).spoken
    assert text.spoken.startswith(sounds) and len(sounds) <= heard
    assert text.written_chars(len(text.spoken)) == len(written)


@given(TEXTS, st.lists(st.integers(0, 120), max_size=6))
def test_parts_are_the_whole_wherever_it_is_cut(written: str, places: list[int]) -> None:
    text = respelled(written, [LEXICON])
    size = len(text.spoken)
    edges = [0, *sorted(min(place, size) for place in places), size]
    parts = [text.part(a, b) for a, b in pairwise(edges)]
    assert "".join(part.spoken for part in parts) == text.spoken
    assert "".join(part.written for part in parts) == written
    for part in parts:
        assert part.written_chars(len(part.spoken)) == len(part.written)


@given(TEXTS, st.lists(st.integers(0, 30), max_size=6))
def test_what_is_left_may_be_cut_again(written: str, sizes: list[int]) -> None:
    rest, told = respelled(written, [LEXICON]), ""
    for size in sizes:
        told += rest.part(0, min(size, len(rest.spoken))).written
        rest = rest.part(min(size, len(rest.spoken)), len(rest.spoken))
    assert told + rest.written == written


@given(TEXTS, TEXTS)
def test_two_texts_are_one(one: str, other: str) -> None:
    joined = respelled(one, [LEXICON]).followed_by(respelled(other, [LEXICON]))
    assert joined == respelled(f"{one} {other}", [LEXICON]) or "New York" in joined.written


def test_a_text_may_sound_as_it_is_written() -> None:
    text = Respelled("Yes, two.", "Yes, two.")
    assert [text.written_chars(at) for at in (0, 4, 9, 99)] == [0, 4, 9, 9]
