"""Which words end in which piece of audio."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.providers.tts import SpokenWord
from patter_espeak._words import LONGEST, cut, portions, word_ends

TEXT = "A table at 5:30, please."
STARTS = [(0, 0), (2, 60), (8, 400), (11, 600), (13, 900), (17, 1_300)]
texts = st.text(alphabet=st.sampled_from("ab é.,!? \n"), max_size=1_500)


def test_a_word_ends_where_the_next_one_begins_and_the_last_with_the_audio() -> None:
    assert word_ends(TEXT, STARTS, 2_000) == (
        SpokenWord("A", 60),
        SpokenWord("table", 400),
        SpokenWord("at", 600),
        SpokenWord("5:30,", 1_300),
        SpokenWord("please.", 2_000),
    )


@given(texts, st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9_999))))
def test_the_words_are_the_text_and_their_ends_never_go_back(
    text: str, starts: list[tuple[int, int]]
) -> None:
    words = word_ends(text, starts, 9_999)
    assert [word.text for word in words] == text.split()
    ends = [word.end_ms for word in words]
    assert ends == sorted(ends)


@given(st.integers(1, 5_000), st.integers(20, 200))
def test_pieces_add_up_and_name_every_word_once(samples: int, chunk_ms: int) -> None:
    audio = bytes(samples * 2)
    words = word_ends(TEXT, STARTS, int(PCM16_16K.ms_in(len(audio))))
    pieces = list(cut(audio, words, TEXT, 500, PCM16_16K, chunk_ms))
    assert b"".join(piece.audio for piece in pieces) == audio
    assert [piece.text for piece in pieces] == [TEXT, *[""] * (len(pieces) - 1)]
    told = [word for piece in pieces for word in piece.words]
    assert told == [SpokenWord(word.text, word.end_ms + 500) for word in words]


def test_a_word_is_told_with_the_piece_in_which_it_ends() -> None:
    pieces = list(
        cut(bytes(8 * 300), [SpokenWord("a", 150), SpokenWord("b", 300)], "a b", 0, MULAW_8K, 100)
    )
    assert [[word.text for word in piece.words] for piece in pieces] == [[], ["a"], ["b"]]


@given(texts)
def test_a_long_text_is_parted_without_losing_anything(text: str) -> None:
    parts = list(portions(text))
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(0 < len(part) <= LONGEST for part in parts)
