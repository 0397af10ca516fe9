"""A number of ours is pointed at us once, and what is in the way is said."""

from __future__ import annotations

import attrs
import pytest

from patter.errors import AuthenticationError, ProvisionError
from patter.providers.carrier import NumberSettings
from patter_telnyx.double import Number
from patter_testing.doubles.harness import HOST, OURS
from patter_testing.switchboard import FakeSwitchboard

from .harness import Harness, harness
from .test_webhooks import Quick

VOICE = f"https://{HOST}/webhooks/telnyx/voice"


def number(at: Harness) -> Number:
    return next(iter(at.vendor.numbers.values()))


async def test_a_number_and_its_application_are_pointed_at_us_and_only_once() -> None:
    async with harness() as at:
        for _ in range(3):
            await at.line.configure(OURS)
        application = at.vendor.application
        assert number(at).connection_id == at.vendor.account
        assert application.webhook_event_url == VOICE
        assert (application.webhook_api_version, application.application_name) == ("2", "phone")
        assert (number(at).written, application.written) == (1, 1)
        assert await at.line.look_up(OURS) == NumberSettings(number=OURS, webhook=VOICE)


async def test_looking_up_changes_nothing() -> None:
    async with harness() as at:
        fresh = await at.line.look_up(OURS)
        assert fresh == NumberSettings(number=OURS, voice=True, webhook="")
        number(at).connection_id = "some sip trunk"
        told = await at.line.look_up(OURS)
        assert told == NumberSettings(number=OURS, voice=True, webhook="")
        assert (number(at).written, at.vendor.application.written) == (0, 0)


@pytest.mark.parametrize(
    ("status", "voice"),
    [
        ("active", True),
        ("port-out-pending", True),
        ("ported-out", False),
        ("emergency-only", False),
    ],
)
async def test_a_number_takes_calls_unless_its_status_says_otherwise(
    status: str, voice: bool
) -> None:
    async with harness() as at:
        number(at).status = status
        assert (await at.line.look_up(OURS)).voice is voice


async def test_a_number_of_somebody_else_is_refused() -> None:
    async with harness() as at:
        for ask in (at.line.configure, at.line.look_up):
            with pytest.raises(ProvisionError) as raised:
                await ask("+15550009999")
            assert raised.value.message == "+15550009999 is not on this Telnyx account"
            assert raised.value.fix == "buy it there, or pass a number you own"


async def test_an_application_that_is_not_there_is_told() -> None:
    async with harness() as at:
        at.vendor.application.id = "other"
        wrong = attrs.evolve(at.line.settings, connection_id="404")
        async with wrong.open(FakeSwitchboard(HOST)) as line:
            with pytest.raises(ProvisionError, match="no Voice API application 404") as raised:
                await line.configure(OURS)
        assert "TELNYX_CONNECTION_ID" in raised.value.fix
        assert number(at).written == 0


async def test_a_bad_day_says_what_to_set_by_hand() -> None:
    async with harness() as at:
        at.line.api.clock = Quick()
        at.worsen(broken=1.0)
        with pytest.raises(ProvisionError, match="could not set the webhook") as raised:
            await at.line.configure(OURS)
        assert f"set it by hand to {VOICE}" in raised.value.fix


async def test_a_wrong_key_is_told_and_never_shown() -> None:
    async with harness() as at:
        wrong = attrs.evolve(at.vendor.carrier(), api_key="hunter2")
        async with wrong.open(FakeSwitchboard(HOST)) as line:
            with pytest.raises(AuthenticationError) as raised:
                await line.configure(OURS)
        assert "hunter2" not in str(raised.value)
        assert "TELNYX_API_KEY" in raised.value.fix
