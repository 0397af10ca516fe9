"""Secret keys reach who collects them, and nobody else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patter.call.keypad import MASK, TAIL_MS, TONE_MS, Key, Keypad

PLAIN = st.text("0123456789*", max_size=12)


def pressed(pad: Keypad, digits: str, at_ms: int = 0) -> list[Key]:
    return [pad.press(digit, at_ms) for digit in digits]


def told(keys: list[Key]) -> str:
    return "".join(key.posted for key in keys)


@given(PLAIN)
def test_a_secret_entry_is_masked_on_its_way_and_whole_at_its_end(secret: str) -> None:
    pad = Keypad()
    pad.collect("#", sensitive=True)
    keys = pressed(pad, secret + "#")
    assert told(keys) == MASK * len(secret) + "#" and not any(key.shown for key in keys)
    assert len(secret) < 3 or secret not in repr(pad)
    assert pad.close(told(keys)[:-1], 0, complete=True) == (secret, len(secret))


@given(PLAIN, st.booleans())
def test_an_open_entry_is_told_and_shown_as_it_is(digits: str, sensitive: bool) -> None:
    pad = Keypad()
    keys = pressed(pad, digits)
    assert told(keys) == digits and all(key.shown for key in keys)
    pad.collect("#", sensitive=False)
    keys = pressed(pad, digits)
    assert told(keys) == digits and all(key.shown for key in keys)
    assert pad.close(digits, 0, complete=sensitive) == (digits, 0)


@given(PLAIN, PLAIN)
def test_keys_typed_ahead_stand_before_the_secret_ones(ahead: str, secret: str) -> None:
    pad = Keypad()
    before = told(pressed(pad, ahead))
    pad.collect("", sensitive=True)
    after = told(pressed(pad, secret))
    assert pad.close(before + after, 0, complete=False) == (ahead + secret, len(secret))


def test_what_was_masked_before_the_engine_forgot_it_is_not_mixed_up() -> None:
    pad = Keypad()
    pad.collect("#", sensitive=True)
    pressed(pad, "1234")
    assert pad.close(MASK * 2, 0, complete=False) == ("34", 2)
    pad.collect("#", sensitive=True)
    assert pad.close(MASK, 0, complete=False) == ("", 1)


def test_the_end_key_after_the_last_digit_belongs_to_the_entry() -> None:
    for sensitive in (False, True):
        pad = Keypad()
        pad.collect("#", sensitive=sensitive)
        pad.close(told(pressed(pad, "1234")), 1_000, complete=True)
        pad.collect("#", sensitive=False)
        assert pad.press("#", 1_500) == Key("", shown=not sensitive)
        assert pad.press("#", 1_600) == Key("#", shown=True)


def test_the_end_key_is_its_own_again_after_a_while() -> None:
    pad = Keypad()
    pad.collect("#", sensitive=False)
    pad.close(told(pressed(pad, "1234")), 0, complete=True)
    assert pad.press("#", TAIL_MS + 1) == Key("#", shown=True)


def test_an_entry_that_its_end_key_ended_has_no_rest() -> None:
    pad = Keypad()
    pad.collect("#", sensitive=True)
    pressed(pad, "12#")
    pad.close(MASK * 2, 0, complete=True)
    assert pad.press("5", 10) == Key("5", shown=True)


def test_the_rest_of_a_secret_is_secret() -> None:
    pad = Keypad()
    pad.collect("#", sensitive=True)
    pad.close(told(pressed(pad, "12")), 2_000, complete=False)
    assert pressed(pad, "34", 4_000) == [Key("", shown=False)] * 2
    assert pad.press("5", 4_000 + TAIL_MS) == Key("", shown=False)
    assert pad.press("6", 4_001 + 3 * TAIL_MS) == Key("6", shown=True)


def test_the_rest_of_a_secret_goes_to_who_asks_again() -> None:
    pad = Keypad()
    pad.collect("#", sensitive=True)
    pad.close(told(pressed(pad, "12")), 0, complete=False)
    pad.collect("#", sensitive=True)
    assert told(pressed(pad, "1234#", 10)) == MASK * 4 + "#"
    assert pad.close(MASK * 4, 20, complete=True) == ("1234", 4)


def test_what_was_forgotten_is_gone() -> None:
    pad = Keypad()
    pad.collect("#", sensitive=True)
    pressed(pad, "1234")
    pad.forget()
    assert pad.press("5", 0) == Key("5", shown=True)
    assert pad.close(MASK, 0, complete=False) == ("", 1)


def test_the_line_may_sound_of_a_secret_until_a_moment_after_its_last_key() -> None:
    pad = Keypad()
    assert not pad.hides(0)
    pad.collect("#", sensitive=True)
    pad.press("7", 1_000)
    assert pad.hides(1_000) and pad.hides(9_000)
    pad.press("#", 2_000)
    pad.close("x", 2_000, complete=True)
    assert pad.hides(2_000 + TONE_MS) and not pad.hides(2_001 + TONE_MS)
    pad.collect("#", sensitive=False)
    pad.press("1", 9_000)
    assert not pad.hides(9_000)
