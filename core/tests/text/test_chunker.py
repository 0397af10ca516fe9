"""Sentences come out whole, early, and the same however the tokens were cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.text.chunker import SentenceChunker

WORDS = (
    "Hello there|. |.|...|! |?|?!| |  |\n|\n\n|Dr|Mr. |Inc. |U.S. |3.5|1. |$5,000|, |,|—|– |(|)"
    '|"|”|**|。|你好|؟ |।|e.g. |p.m. |No. 5|No. |Smith|the table is ready|; |…|…\n'
    "|https://a.b/c. |I am quite sure about that|é|🙂|a"
)
PIECES = st.sampled_from(WORDS.split("|"))
texts = st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join)
chunkers = st.builds(
    SentenceChunker,
    min_sentence_len=st.integers(0, 40),
    min_words_for_short_flush=st.integers(0, 3),
    aggressive_first_flush=st.booleans(),
    aggressive_first_min_len=st.integers(1, 40),
    language=st.sampled_from(
        ["en", "de", "fr", "es", "it-IT", "pt-BR", "nl", "pl", "ru", "ar", "hi", "zh", "ja"]
    ),
)


def sentences(text: str, chunker: SentenceChunker | None = None) -> list[str]:
    chunker = chunker or SentenceChunker()
    return [*chunker.push(text), *chunker.flush()]


@given(chunkers, texts)
def test_no_text_is_lost_but_the_space_between(chunker: SentenceChunker, text: str) -> None:
    assert "".join("".join(sentences(text, chunker)).split()) == "".join(text.split())


@given(chunkers, texts, st.lists(st.integers(0, 200), max_size=12))
def test_any_cut_into_tokens_gives_the_same_sentences(
    chunker: SentenceChunker, text: str, cuts: list[int]
) -> None:
    whole = sentences(text, chunker)
    edges = [0, *sorted(cuts), len(text)]
    tokens = [text[a:b] for a, b in pairwise(edges)]
    cut = [sentence for token in tokens for sentence in chunker.push(token)] + chunker.flush()
    assert cut == whole
    letters = [sentence for char in text for sentence in chunker.push(char)] + chunker.flush()
    assert letters == whole


@given(chunkers, texts)
def test_no_sentence_is_empty_or_has_space_around(chunker: SentenceChunker, text: str) -> None:
    for sentence in sentences(text, chunker):
        assert sentence == sentence.strip() != ""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Sure. We are open until nine tonight.", ["Sure.", "We are open until nine tonight."]),
        ("Dr. Smith is in today. Shall I ask?", ["Dr. Smith is in today.", "Shall I ask?"]),
        ("It costs 3.50 in all. Is that fine?", ["It costs 3.50 in all.", "Is that fine?"]),
        ("We close at 5 p.m. on Sundays. Yes!", ["We close at 5 p.m. on Sundays.", "Yes!"]),
        ("We will close at 5 p.m. The bar stays.", ["We will close at 5 p.m.", "The bar stays."]),
        ("I work at Acme Inc. in Rome these days.", ["I work at Acme Inc. in Rome these days."]),
        ("The U.S. Army is not a place. No.", ["The U.S. Army is not a place.", "No."]),
        ("Ask at room No. 5 please.", ["Ask at room No. 5 please."]),
        ("No. I am afraid we are closed.", ["No.", "I am afraid we are closed."]),
        ("Hmm... let me have a look at that.", ["Hmm... let me have a look at that."]),
        ("Well, that is odd... Let me look.", ["Well, that is odd...", "Let me look."]),
        ('He said "we are closed." Then he left.', ['He said "we are closed."', "Then he left."]),
        ("See example.com for it all. Bye!", ["See example.com for it all.", "Bye!"]),
        ("1. Soup with good bread\n2. Fish", ["1. Soup with good bread", "2. Fish"]),
        ("It was the year 2024. Yes.", ["It was the year 2024.", "Yes."]),
        ("Soup\nFish\nand bread for all", ["Soup\nFish\nand bread for all"]),
        ("你好。我们今天晚上九点关门。", ["你好。", "我们今天晚上九点关门。"]),
        ("नमस्ते। हम नौ बजे तक खुले हैं। ठीक है?", ["नमस्ते।", "हम नौ बजे तक खुले हैं।", "ठीक है?"]),
        ("Really?! I would never have thought so.", ["Really?! I would never have thought so."]),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, wanted: list[str]) -> None:
    assert sentences(text) == wanted


def test_a_sentence_is_out_with_the_token_after_it() -> None:
    chunker = SentenceChunker()
    assert [chunker.push(token) for token in ("We are open", " until nine", ".", " Do")] == [
        [],
        [],
        [],
        ["We are open until nine."],
    ]


def test_a_chunker_is_made_as_it_is_documented() -> None:
    documented = SentenceChunker(20, 1, False, 40, "en")
    names = "min_sentence_len min_words_for_short_flush aggressive_first_flush"
    for name in f"{names} aggressive_first_min_len language".split():
        assert getattr(SentenceChunker(), name) == getattr(documented, name)


LONG = "I have looked into the book for tonight, and we have a table for two."


def test_a_first_clause_goes_early_only_when_that_is_set() -> None:
    assert sentences(LONG) == [LONG]
    eager = SentenceChunker(aggressive_first_flush=True, aggressive_first_min_len=30)
    first = "I have looked into the book for tonight,"
    assert sentences(LONG, eager) == [first, "and we have a table for two."]


def test_only_the_first_clause_of_a_reply_goes_early() -> None:
    eager = SentenceChunker(aggressive_first_flush=True, aggressive_first_min_len=30)
    assert sentences(f"{LONG} {LONG}", eager)[2:] == [LONG]
    assert len(sentences(LONG, eager)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "The whole evening with wine comes to 1,234 altogether",
        "The whole evening with wine comes to €90, all included",
        "The whole evening (with the wine of the house, and bread)",
        'The people at the other table called it "a fine evening, really"',
    ],
)
def test_no_clause_ends_inside_a_number_a_price_a_bracket_or_a_quote(text: str) -> None:
    eager = SentenceChunker(aggressive_first_flush=True, aggressive_first_min_len=20)
    assert sentences(text, eager) == [text]


def test_italian_is_never_cut_at_a_comma() -> None:
    eager = SentenceChunker(aggressive_first_flush=True, language="it")
    assert sentences(LONG, eager) == [LONG]


def test_a_reset_chunker_has_forgotten_everything() -> None:
    chunker = SentenceChunker()
    chunker.push("Half a sen")
    chunker.reset()
    assert chunker.flush() == []
