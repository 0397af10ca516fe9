"""A number of ours is pointed at us once, and what is in the way is said."""

from __future__ import annotations

import attrs
import pytest

from patter.errors import PatterConfigError, ProvisionError
from patter.providers.carrier import NumberSettings
from patter_testing.doubles.faults import Faults
from patter_testing.doubles.harness import HOST, OURS, InstantClock
from patter_twilio.double import Number

from .harness import Harness, harness

VOICE = f"https://{HOST}/webhooks/twilio/voice"


def number(at: Harness) -> Number:
    return next(iter(at.vendor.numbers.values()))


async def test_a_number_is_pointed_at_us_with_its_status_and_only_once() -> None:
    async with harness() as at:
        for _ in range(3):
            await at.line.configure(OURS)
        assert number(at).voice_url == VOICE
        assert number(at).status_callback == f"https://{HOST}/webhooks/twilio/status"
        assert number(at).written == 1
        assert await at.line.look_up(OURS) == NumberSettings(number=OURS, webhook=VOICE)


async def test_looking_up_changes_nothing() -> None:
    async with harness() as at:
        number(at).voice_url = "https://old.example.com/x"
        number(at).voice = False
        told = await at.line.look_up(OURS)
        assert told == NumberSettings(number=OURS, voice=False, webhook="https://old.example.com/x")
        assert number(at).written == 0


async def test_a_number_of_somebody_else_is_refused() -> None:
    async with harness() as at:
        for ask in (at.line.configure, at.line.look_up):
            with pytest.raises(ProvisionError) as raised:
                await ask("+15550009999")
            assert raised.value.message == "+15550009999 is not on this Twilio account"
            assert raised.value.fix == "buy it there, or pass a number you own"


async def test_a_number_that_only_contains_ours_is_not_ours() -> None:
    async with harness() as at:
        number(at).phone_number = OURS + "5"
        with pytest.raises(ProvisionError):
            await at.line.configure(OURS)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("voice_application_sid", "AP1", "application AP1"),
        ("trunk_sid", "TK1", "trunk TK1"),
    ],
)
async def test_what_overrides_the_webhook_is_named(field: str, value: str, said: str) -> None:
    async with harness() as at:
        setattr(number(at), field, value)
        with pytest.raises(ProvisionError) as raised:
            await at.line.configure(OURS)
        assert said in raised.value.message
        assert VOICE in raised.value.fix
        assert number(at).written == 0
        assert (await at.line.look_up(OURS)).webhook == said


async def test_a_webhook_that_cannot_be_set_is_to_be_set_by_hand() -> None:
    async with harness() as at:
        at.line.api.clock = InstantClock()
        at.vendor.runtime.injector.faults = attrs.evolve(Faults(), broken=1.0)
        with pytest.raises(ProvisionError) as raised:
            await at.line.configure(OURS)
        assert "could not set the webhook" in raised.value.message
        assert raised.value.fix == f"set it by hand to {VOICE}"


async def test_a_bad_moment_does_not_matter() -> None:
    async with harness(Faults(limited=0.3, broken=0.2, seed=3)) as at:
        await at.line.configure(OURS)
        assert number(at).voice_url == VOICE


async def test_without_a_public_host_nothing_is_pointed_anywhere() -> None:
    async with harness() as at:
        at.switchboard.public_host = ""
        with pytest.raises(PatterConfigError) as raised:
            await at.line.configure(OURS)
        assert "tunnel=True" in raised.value.fix
        assert number(at).written == 0
