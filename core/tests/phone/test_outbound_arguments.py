"""What a call may be before it is placed, and what is refused with advice."""

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

from .callees import outbound


@pytest.mark.parametrize(
    ("can", "fields", "expected"),
    [
        (CarrierCapabilities(), {}, "fake cannot place calls"),
        (CarrierCapabilities(outbound=True), {"machine_detection": True}, "fake cannot tell who"),
        (CarrierCapabilities(outbound=True), {"voicemail_message": "Hi."}, "fake cannot tell who"),
        (CarrierCapabilities(outbound=True), {"on_machine": print}, "fake cannot tell who"),
    ],
)
def test_what_the_carrier_cannot_is_refused(
    can: CarrierCapabilities, fields: dict[str, Any], expected: str
) -> None:
    with pytest.raises(PatterConfigError, match=expected) as caught:
        outbound(carrier=FakeCarrier(can=can), **fields)
    assert caught.value.fix


NUMBER = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)


@given(NUMBER, NUMBER, st.none() | st.integers(5, 600))
def test_any_two_numbers_can_be_called(to: str, ours: str, ring: int | None) -> None:
    fields = outbound(to, from_number=ours, ring_timeout=ring)
    assert (fields.to, fields.from_number, fields.ring_timeout_s) == (to, ours, ring or 25)


@given(st.text())
def test_what_is_no_number_is_input(text: str) -> None:
    fields = f"+{text}"
    if fields[1:].isascii() and fields[1:].isdigit() and 7 <= len(text) <= 15 and text[0] != "0":
        assert outbound(fields).to == fields
    else:
        with pytest.raises(InputError):
            outbound(fields)


@pytest.mark.parametrize(
    ("fields", "error", "expected"),
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
        ({"ring_timeout": "25"}, PatterTypeError, "ring_timeout='25' is not a number"),
        ({"ring_timeout": True}, PatterTypeError, "ring_timeout=True is not a number"),
        ({"variables": ["a"]}, PatterTypeError, "variables is not a mapping"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(
    fields: dict[str, Any], error: type[PatterError], expected: str
) -> None:
    with pytest.raises(error) as caught:
        outbound(**fields)
    assert caught.value.message.startswith(expected)
    assert caught.value.fix


def test_the_callback_has_two_names_and_is_one() -> None:
    assert one_of(None, print) is print
    assert one_of(print, None) is print
    with pytest.raises(PatterConfigError, match="are the same"):
        one_of(print, print)
