"""What may be asked of a call before it is placed, and what is refused with advice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import PatterError
from patter.errors import InputError, PatterConfigError, PatterTypeError
from patter.phone.outbound import one_of
from patter.providers.carrier import CarrierCapabilities
from patter_testing import FakeCarrier

from .callees import wish


@pytest.mark.parametrize(
    ("can", "asked", "said"),
    [
        (CarrierCapabilities(), {}, "fake cannot place calls"),
        (CarrierCapabilities(outbound=True), {"machine_detection": True}, "fake cannot tell who"),
        (CarrierCapabilities(outbound=True), {"voicemail_message": "Hi."}, "fake cannot tell who"),
        (CarrierCapabilities(outbound=True), {"on_machine": print}, "fake cannot tell who"),
    ],
)
def test_what_the_carrier_cannot_is_refused(
    can: CarrierCapabilities, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(PatterConfigError, match=said) as caught:
        wish(carrier=FakeCarrier(can=can), **asked)
    assert caught.value.fix


NUMBER = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)


@given(NUMBER, NUMBER, st.none() | st.integers(5, 600))
def test_any_two_numbers_can_be_called(to: str, ours: str, ring: int | None) -> None:
    asked = wish(to, from_number=ours, ring_timeout=ring)
    assert (asked.to, asked.from_number, asked.ring_timeout_s) == (to, ours, ring or 25)


@given(st.text())
def test_what_is_no_number_is_input(text: str) -> None:
    asked = f"+{text}"
    if asked[1:].isascii() and asked[1:].isdigit() and 7 <= len(text) <= 15 and text[0] != "0":
        assert wish(asked).to == asked
    else:
        with pytest.raises(InputError):
            wish(asked)


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"to": "555-0188"}, InputError, "'555-0188' is not an E.164 number"),
        ({"to": "+1٥550107788"}, InputError, "'+1٥550107788' is not an E.164 number"),
        ({"to": 15550107788}, PatterTypeError, "to is an int, not text"),
        ({"from_number": "me"}, InputError, "'me' is not an E.164 number"),
        ({"agent": "agent"}, PatterTypeError, "call was given a str, not an agent"),
        ({"first_message": None}, PatterTypeError, "first_message is a NoneType, not text"),
        ({"voicemail_message": 1}, PatterTypeError, "voicemail_message is an int, not text"),
        ({"machine_detection": "yes"}, PatterTypeError, "machine_detection='yes' is neither"),
        ({"on_machine": "print"}, PatterTypeError, "on_machine is 'print', which cannot be"),
        ({"ring_timeout": 4}, InputError, "ring_timeout=4 is out of range"),
        ({"ring_timeout": 601}, InputError, "ring_timeout=601 is out of range"),
        ({"ring_timeout": float("nan")}, InputError, "ring_timeout=nan is out of range"),
        ({"ring_timeout": "25"}, PatterTypeError, "ring_timeout='25' is no number"),
        ({"ring_timeout": True}, PatterTypeError, "ring_timeout=True is no number"),
        ({"variables": ["a"]}, PatterTypeError, "variables is no mapping"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(
    asked: dict[str, Any], error: type[PatterError], said: str
) -> None:
    with pytest.raises(error) as caught:
        wish(**asked)
    assert caught.value.message.startswith(said)
    assert caught.value.fix


def test_the_callback_has_two_names_and_is_one() -> None:
    assert one_of(None, print) is print
    assert one_of(print, None) is print
    with pytest.raises(PatterConfigError, match="are the same"):
        one_of(print, print)
