"""A whole phone on the double: as on every carrier, and on a number that points at it."""

from __future__ import annotations

from patter_testing import PhoneSuite
from patter_testing.doubles.harness import HOST, OURS
from patter_testing.doubles.phone import phone
from patter_twilio.double import TwilioAccountDouble, TwilioDouble

from .harness import TRAITS


class TestPhone(PhoneSuite):
    double = TwilioDouble
    traits = TRAITS


async def test_serving_points_the_number_at_the_phone() -> None:
    async with phone(TwilioDouble(numbers=(OURS,))) as it:
        vendor: TwilioAccountDouble = it.vendor  # type: ignore[assignment]
        (number,) = vendor.numbers.values()
        assert number.voice_url == f"https://{HOST}/webhooks/twilio/voice"
