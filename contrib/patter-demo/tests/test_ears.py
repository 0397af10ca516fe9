"""The caller's ears: sound and silence, in one piece or as it comes."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from patter_demo.ears import FRAME_BYTES, FRAME_MS, Ears, Sound, is_loud, sounds

LOUD, QUIET = b"\x20" * FRAME_BYTES, b"\xff" * FRAME_BYTES


def test_a_tone_is_sound_and_a_line_at_rest_is_not() -> None:
    assert is_loud(LOUD)
    assert not is_loud(QUIET)
    assert not is_loud(b"")


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 10))
def test_sounds_hold_every_loud_frame_and_no_long_pause(frames: list[bool], pause: int) -> None:
    audio = b"".join(LOUD if loud else QUIET for loud in frames)
    found = sounds(audio, pause * FRAME_MS)
    for index, loud in enumerate(frames):
        at_ms = index * FRAME_MS
        assert not loud or any(each.began_ms <= at_ms < each.ended_ms for each in found)
    for one, two in itertools.pairwise(found):
        assert two.began_ms - one.ended_ms >= pause * FRAME_MS


def test_a_pause_between_words_ends_no_sentence() -> None:
    audio = LOUD * 10 + QUIET * 10 + LOUD * 10 + QUIET * 30 + LOUD
    assert sounds(audio, 400) == [Sound(0, 600), Sound(1_200, 1_220)]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 30)), max_size=8))
def test_ears_count_what_came_however_it_came(pieces: list[tuple[bool, int]]) -> None:
    heard = bytearray()
    ears = Ears(heard)
    for loud, count in pieces:
        heard += (LOUD if loud else QUIET) * count
        ears.listen()
    assert ears.sounded_ms == FRAME_MS * sum(count for loud, count in pieces if loud)
    quiet = 0
    for loud, count in pieces:
        quiet = 0 if loud else quiet + count * FRAME_MS
    assert ears.quiet_ms == quiet


def test_what_was_heard_before_is_no_answer() -> None:
    heard = bytearray(LOUD * 50)
    ears = Ears(heard)
    ears.forget()
    heard += QUIET * 50
    assert not ears.has_heard_out(300, 700)
    heard += LOUD * 20 + QUIET * 30
    assert not ears.has_heard_out(300, 700)
    heard += QUIET * 10
    assert ears.has_heard_out(300, 700)
