"""Where a listener expects a breath, by language, however the text comes."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.text.chunker import SentenceChunker
from patter.text.languages import rules_of

LINES = [
    tuple(line.split("\t"))
    for line in Path(__file__).with_name("sentences.tsv").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
LANGUAGES = sorted({language for language, _ in LINES})
# Marks that end a sentence without a space or a capital, and lines, are left out.
PIECES = st.sampled_from(
    [
        "Dr. ",
        "St. ",
        "etc. ",
        "p.m. ",
        "a. m. ",
        "3. ",
        "12. ",
        "No. ",
        "Jan. ",
        "Mon. ",
        "U.S. ",
        "z. B. ",
        "... ",
        "… ",
        "! ",
        "? ",
        "; ",
        ". ",
        ".",
        '"',
        "» ",
        "« ",
        ") ",
        "(",
        "1. ",
        "2. ",
        "hello ",
        "Hello ",
        "we are ",
        "Juli ",
        "The ",
        "Ich ",
        "I ",
        "é ",
        "Él ",
        "¿Qué ",
        "5 ",
        "3.5 ",
        "x.y ",
        "e.g. ",
        "\n",
        "usw. ",
        "M. ",
        "Ud. ",
        "– ",
        "Pizza ",
        "Would you ",
        "möchten ",
        "EST ",
    ]
)
texts = st.lists(PIECES | st.text(max_size=4), max_size=25).map("".join)


def sentences(language: str, tokens: list[str]) -> list[str]:
    chunker = SentenceChunker(language=language)
    return [sentence for token in tokens for sentence in chunker.push(token)] + chunker.flush()


def cut(text: str, places: list[int]) -> list[str]:
    edges = [0, *sorted(place for place in places if place < len(text)), len(text)]
    return [text[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize(("language", "line"), LINES)
def test_a_breath_is_where_a_listener_expects_it_and_nowhere_else(language: str, line: str) -> None:
    wanted = [piece.strip() for piece in line.split("|")]
    text = line.replace("|", "")
    assert sentences(language, [text]) == wanted
    assert sentences(language, list(text)) == wanted


@given(st.sampled_from(LINES), st.lists(st.integers(0, 120), max_size=10))
def test_a_text_is_cut_the_same_however_it_comes(line: tuple[str, str], places: list[int]) -> None:
    language, text = line[0], line[1].replace("|", "")
    pieces = sentences(language, cut(text, places))
    assert pieces == sentences(language, [text])
    assert " ".join(pieces) == text or language in ("ja", "zh", "am", "hy")


@given(st.sampled_from(LANGUAGES), texts, st.lists(st.integers(0, 200), max_size=12))
def test_any_text_in_any_language_comes_out_whole_and_the_same(
    language: str, text: str, places: list[int]
) -> None:
    pieces = sentences(language, cut(text, places))
    assert pieces == sentences(language, [text]) == sentences(language, list(text))
    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(
    st.sampled_from(LANGUAGES),
    st.lists(PIECES.filter(lambda piece: piece != "\n"), max_size=25).map("".join),
)
def test_no_cut_is_before_a_word_in_lower_case(language: str, text: str) -> None:
    for piece in sentences(language, [text])[1:]:
        first = next((char for char in piece if char.isalnum()), "A")
        assert not first.islower()


@pytest.mark.parametrize("after", ["D", "¿", "5"])
def test_a_plain_end_is_cut_with_the_first_character_of_the_next_sentence(after: str) -> None:
    chunker = SentenceChunker()
    assert chunker.push("We are open until nine.") == []
    assert chunker.push(" ") == []
    decided = chunker.push(after) or chunker.push("Q")
    assert decided == ["We are open until nine."]


def test_a_doubtful_end_waits_for_one_word_and_no_longer() -> None:
    chunker = SentenceChunker()
    assert chunker.push("We are open until 5 p.m. Can") == []
    assert chunker.push(" ") == ["We are open until 5 p.m."]
    assert SentenceChunker().push("We meet at 5 p.m. EST ") == []


def test_symbols_that_never_become_a_word_are_not_waited_for_for_ever() -> None:
    chunker = SentenceChunker()
    assert chunker.push("We are open until nine. " + "~" * 60) == ["We are open until nine."]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Let me look. ", ["Let me look."]),
        ("Let me look.", ["Let me look."]),
        ("Sure! One moment please.", ["Sure!", "One moment please."]),
        ("We close at 5 p.m. ", ["We close at 5 p.m."]),
        ("Are you there? ", ["Are you there?"]),
        ("好的。", ["好的。"]),
        ("We have a stand at Yahoo!", []),
        ("Write to ada@example.", []),
        ("Visit our web site example.", []),
        ("Let me look", []),
        ("I have you down with Dr. ", []),
        ("You have three options: 1. ", []),
        ("It costs 3.", []),
        ("I see; and, ", []),
        ("", []),
    ],
)
def test_a_pause_gives_what_can_stand_alone(text: str, wanted: list[str]) -> None:
    chunker = SentenceChunker()
    spoken = chunker.push(text)
    assert spoken + chunker.pause() == (wanted or spoken)
    rest = chunker.push("and then some") + chunker.flush()
    assert rest == (["and then some"] if wanted else [f"{text}and then some".strip()])


def tokens_of(text: str) -> list[str]:
    """As models cut it: the space belongs to the word, a mark is a token, ``...`` is one."""
    return re.findall(r"\s*[^\W\d_]+|\s*\d{1,3}|\s?(?:\.{3}|\?!|[^\w\s])|\s+|_", text)


def at_once(language: str, tokens: list[str]) -> list[str]:
    """The sentences when each is said as soon as it is settled that it is one."""
    chunker = SentenceChunker(language=language)
    said = [each for token in tokens for each in (*chunker.push(token), *chunker.settled())]
    return said + chunker.flush()


_LOWER_AFTER = re.compile(r"[?!] [a-z]")


@pytest.mark.parametrize(("language", "line"), LINES)
def test_what_is_settled_before_the_next_token_is_cut_at_no_other_place(
    language: str, line: str
) -> None:
    text = line.replace("|", "")
    tokens = tokens_of(text)
    assert "".join(tokens) == text
    if not _LOWER_AFTER.search(text) or "Yahoo" in text:
        assert at_once(language, tokens) == [piece.strip() for piece in line.split("|")]


def test_most_sentences_are_settled_before_the_next_token() -> None:
    chunker, said, sentences = SentenceChunker(), 0, 0
    for line in (line for language, line in LINES if language == "en"):
        for token in tokens_of(line.replace("|", "")):
            before = chunker.push(token)
            settled = chunker.settled()
            said, sentences = said + len(settled), sentences + len(settled) + len(before)
        sentences += len(chunker.flush())
    assert said > 0.6 * sentences


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "We are open until nine."),
        ("en", "Sure."),
        ("en", "Shall I book a table for two?"),
        ("en", "How nice!"),
        ("en", "That's on us."),
        ("de", "Wir haben bis neun geöffnet."),
        ("ja", "今日は九時までです。"),
        ("hi", "हम नौ बजे तक खुले हैं।"),
        ("ur", "ہم نو بجے تک کھلے ہیں۔"),
    ],
)
def test_a_plain_end_waits_for_nothing(language: str, text: str) -> None:
    chunker = SentenceChunker(language=language)
    assert chunker.push(text) == []
    assert chunker.settled() == [text]
    assert chunker.settled() == chunker.flush() == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I have you down with Dr."),
        ("en", "We close at 5 p.m."),
        ("en", "It costs 3."),
        ("en", "You are with J."),
        ("en", "We moved back to the U.S."),
        ("en", "It is on Fifth Ave."),
        ("en", "The temp."),
        ("en", "Take two tbsp."),
        ("en", "Visit our web site example."),
        ("en", "Write to ada@example."),
        ("en", "See https://example.com/a?"),
        ("en", 'He asked "are you open?'),
        ("en", "We are (when it is warm.)"),
        ("en", "We are (when it is warm."),
        ("en", "Let me see..."),
        ("en", "I have a stand at Yahoo!"),
        ("en", "We have soup;"),
        ("en", "We are open"),
        ("de", "Das ist in der Hauptstr."),
        ("de", "König Ludwig XIV."),
        ("de", "Am 3."),
        ("", ""),
    ],
)
def test_what_may_go_on_is_not_settled(language: str, text: str) -> None:
    chunker = SentenceChunker(language=language)
    assert chunker.push(text) == [] == chunker.settled()
    assert chunker.flush() == ([text] if text else [])


@pytest.mark.parametrize("marks", ['"', "!", ") ", "」", '."'])
def test_marks_that_come_after_their_sentence_are_not_said(marks: str) -> None:
    chunker = SentenceChunker()
    assert chunker.push("We are open until nine.") + chunker.settled()
    assert chunker.push(marks[:1]) + chunker.push(marks[1:]) == []
    assert chunker.push(" (We close then).") + chunker.flush() == ["(We close then)."]


def test_a_long_text_without_an_end_is_read_at_once() -> None:
    chunker = SentenceChunker()
    for _ in range(200):
        chunker.push("Dr. Smith and e.g. Mr. Jones, or p. 5, etc. and so on " * 10)
    assert len(chunker.flush()) == 1


@pytest.mark.parametrize(
    ("tag", "same_as"),
    [("de-AT", "de"), ("pt_BR", "pt"), ("EN", "en"), ("", "en"), ("multi", "en")],
)
def test_a_language_goes_by_its_tag(tag: str, same_as: str) -> None:
    assert rules_of(tag) is not None and rules_of(tag) == rules_of(same_as)


def test_titles_travel_between_languages() -> None:
    text = "Hier sind Mme. Curie, Sig. Rossi, Dhr. Bos, Sra. Lopez."
    for language in ("en", "de", "fi", "xx"):
        assert sentences(language, [text]) == [text]
