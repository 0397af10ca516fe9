"""Which words were heard: always a prefix of the text, never more than the milliseconds allow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patter.call.playout.heard_text import Piece, heard_words, unheard_words

from .effort import tries

texts = st.text("ab ,1", max_size=40)


def test_timed_words_count_when_they_end() -> None:
    pieces = [Piece(0, "one two three", [(300, "one"), (600, "two"), (900, "three")])]
    assert heard_words(pieces, 599, 1_000, whole=True) == "one"
    assert heard_words(pieces, 600, 1_000, whole=True) == "one two"
    assert heard_words(pieces, 1_000, 1_000, whole=True) == "one two three"


def test_untimed_words_are_shared_out_over_their_audio() -> None:
    pieces = [Piece(0, "one two"), Piece(700, "three four")]
    assert heard_words(pieces, 300, 1_700, whole=True) == "one"
    assert heard_words(pieces, 299, 1_700, whole=True) == ""
    assert heard_words(pieces, 700, 1_700, whole=True) == "one two"
    assert heard_words(pieces, 1_300, 1_700, whole=True) == "one two three"


def test_a_piece_still_being_made_is_not_heard_whole() -> None:
    assert heard_words([Piece(0, "one two three")], 400, 400, whole=False) == "one"


def test_a_word_cut_in_half_was_not_heard() -> None:
    assert heard_words([Piece(0, "extraordinary")], 900, 1_000, whole=True) == ""


def test_a_vendor_may_spell_words_its_own_way() -> None:
    words = [(100.0, "we"), (200.0, "ARE"), (300.0, "open"), (400.0, "twenty"), (500.0, "days")]
    piece = Piece(0, "We are open, 20 days.", words)
    assert heard_words([piece], 300, 900, whole=True) == "We are open,"
    assert heard_words([piece], 450, 900, whole=True) == "We are open,"
    assert heard_words([piece], 500, 900, whole=True) == "We are open, 20 days."


def test_a_vendors_word_does_not_leap_to_the_end_of_the_sentence() -> None:
    piece = Piece(0, "a b c d e f yes", [(100.0, "yes")])
    assert heard_words([piece], 200, 900, whole=True) == ""


def test_a_piece_without_audio_counts_once_what_follows_is_heard() -> None:
    pieces = [Piece(0, "..."), Piece(0, "one two")]
    assert heard_words(pieces, 0, 1_000, whole=True) == ""
    assert heard_words(pieces, 500, 1_000, whole=True) == "... one"


def test_what_was_not_heard_is_the_rest() -> None:
    pieces = [Piece(0, "one two"), Piece(700, ""), Piece(800, "three four")]
    assert unheard_words(pieces, "one") == "two three four"
    assert unheard_words(pieces, "one two three four") == ""
    assert unheard_words([], "") == ""


@tries(quick=100, nightly=20_000)
@given(texts, st.floats(0, 5_000), st.floats(0, 5_000), st.booleans())
def test_what_was_heard_is_a_prefix_and_grows(
    text: str, made_ms: float, heard_ms: float, whole: bool
) -> None:
    heard_ms = min(heard_ms, made_ms)
    heard = heard_words([Piece(0, text)], heard_ms, made_ms, whole)
    assert text.startswith(heard)
    assert len(heard_words([Piece(0, text)], heard_ms / 2, made_ms, whole)) <= len(heard)


@tries(quick=100, nightly=20_000)
@given(
    st.lists(st.tuples(texts.filter(str.strip), st.integers(0, 900)), min_size=1, max_size=5),
    st.floats(0, 5_000),
    st.data(),
)
def test_over_several_pieces_it_is_a_prefix_of_all_of_them(
    spoken: list[tuple[str, int]], heard_ms: float, data: st.DataObject
) -> None:
    pieces, start_ms = [], 0
    for text, length_ms in spoken:
        times = st.floats(0, float(length_ms))
        words = [(data.draw(times), word) for word in text.split()] if length_ms % 2 else []
        pieces.append(Piece(start_ms, text, sorted(words)))
        start_ms += length_ms
    heard = heard_words(pieces, min(heard_ms, start_ms), start_ms, whole=True)
    everything = " ".join(text for text, _ in spoken)
    assert everything.startswith(heard)
    assert everything.split() == f"{heard} {unheard_words(pieces, heard)}".split()
