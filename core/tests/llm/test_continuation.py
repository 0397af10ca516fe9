"""What goes on where another model broke off: nothing said twice, nothing of it lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patter.llm.continuation import Continuation, WholeWords, letters_of
from patter.llm.pace import MOST_MS, SLACK_MS, TextPace
from patter.providers.llm import TextChunk, ToolCallChunk

LETTERS = "abcdeé東京 "
WORDS = st.lists(st.text("abcdefgéß", min_size=1, max_size=7), min_size=1, max_size=12, unique=True)
CHUNKS = st.lists(st.integers(1, 9), min_size=1, max_size=9)


def cut(text: str, sizes: list[int]) -> list[str]:
    """*text* in pieces of *sizes*, again and again."""
    pieces, at = list[str](), 0
    while at < len(text):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(text[at : at + size])
        at += size
    return pieces


def gone_on(said: str, answer: str, sizes: list[int]) -> str:
    continuation = Continuation(said)
    parts = [continuation.push(piece) for piece in cut(answer, sizes)]
    return said + "".join(parts) + continuation.flush()


def plain(text: str) -> list[str]:
    return text.split()


@given(WORDS, st.data(), CHUNKS)
def test_whatever_of_the_beginning_is_repeated_each_word_is_said_once(
    words: list[str], data: st.DataObject, sizes: list[int]
) -> None:
    split = data.draw(st.integers(1, len(words)))
    again = data.draw(st.integers(0, split))
    said, answer = " ".join(words[:split]), " ".join(words[again:])
    for spelt in (answer, answer.capitalize(), f" {answer}"):
        assert [each.casefold() for each in plain(gone_on(said, spelt, sizes))] == [
            each.casefold() for each in words
        ]
        assert plain(gone_on(f"{said} ", spelt, sizes))[-1].casefold() == words[-1].casefold()


@given(WORDS, WORDS, CHUNKS)
def test_an_answer_in_other_words_is_kept_as_it_is(
    said: list[str], answer: list[str], sizes: list[int]
) -> None:
    new = [word for word in answer if word[0] not in {each[0] for each in said}]
    if new:
        text = gone_on(" ".join(said), " ".join(new), sizes)
        assert plain(text) == said + new


@given(st.text(max_size=60), CHUNKS)
def test_words_are_let_through_whole_and_none_is_lost(text: str, sizes: list[int]) -> None:
    words = WholeWords()
    through = ""
    for piece in cut(text, sizes):
        through += words.push(piece)
        assert text.startswith(through)
        assert not (through[-1:].isalnum())
    assert through + words.flush() == text


def test_examples() -> None:
    assert gone_on("We are open from ", "from five to ten.", [3]) == "We are open from five to ten."
    assert gone_on("Hello there. ", "there. How are you?", [1]) == "Hello there. How are you?"
    assert gone_on("We open at five, ", "We open at five, not six.", [4]) == (
        "We open at five, not six."
    )
    assert gone_on("a table for two", "twofold", [2]) == "a table for two twofold"
    assert gone_on("One.", "Two.", [9]) == "One. Two."
    assert gone_on("東京は", "東京は暑い。", [1]) == "東京は暑い。"


@given(st.lists(st.text(LETTERS + ".!?", min_size=1, max_size=30), max_size=30))
def test_a_model_that_writes_faster_than_it_grows_is_given_time(texts: list[str]) -> None:
    pace, now_ms = TextPace(0.0), 0.0
    for text in texts:
        pace.take(TextChunk(text))
        patience_ms = pace.patience_ms(now_ms)
        assert SLACK_MS <= patience_ms <= MOST_MS
        now_ms += len(text) * 19


def test_a_word_now_and_then_is_not_enough_and_a_tool_gets_time() -> None:
    pace = TextPace(0.0)
    for _ in range(15):
        pace.take(TextChunk("word "))
    assert pace.patience_ms(9_000) < 0
    pace.take(ToolCallChunk(0, "id", "book"))
    assert pace.patience_ms(9_000) == MOST_MS
    assert letters_of("Grüße, 5!") == "grüsse5"
