"""One application, however often a server starts; and what to set by hand when it cannot be."""

from __future__ import annotations

import pytest

from patter.errors import ErrorCode, PatterError, ProvisionError
from patter.providers.carrier import NumberSettings
from patter_plivo._setup import PAGE
from patter_plivo.double import Application
from patter_testing.doubles.faults import Faults
from patter_testing.doubles.harness import HOST, OURS

from .harness import Harness, harness

VOICE, HANGUP = f"https://{HOST}/webhooks/plivo/voice", f"https://{HOST}/webhooks/plivo/hangup"


def writes(at: Harness) -> list[str]:
    return [path for method, path in at.vendor.runtime.requests if method == "POST"]


async def test_a_number_is_pointed_here_through_an_application() -> None:
    async with harness() as at:
        await at.line.configure(OURS)
        (made,) = at.vendor.applications.values()
        assert (made.app_name, made.answer_url, made.hangup_url) == ("patter", VOICE, HANGUP)
        assert at.vendor.numbers["15550001234"].app_id == made.app_id
        assert await at.line.look_up(OURS) == NumberSettings(number=OURS, webhook=VOICE)


async def test_a_second_start_changes_nothing() -> None:
    async with harness() as at:
        await at.line.configure(OURS)
        before = writes(at)
        await at.line.configure(OURS)
        assert writes(at) == before
        assert len(at.vendor.applications) == 1


async def test_another_host_changes_the_application_and_makes_none() -> None:
    async with harness() as at:
        await at.line.configure(OURS)
        at.switchboard.public_host = "other.example.com"
        await at.line.configure(OURS)
        (only,) = at.vendor.applications.values()
        assert only.answer_url == "https://other.example.com/webhooks/plivo/voice"
        assert only.written == 2
        assert at.vendor.numbers["15550001234"].written == 1


async def test_an_application_is_found_behind_many_others() -> None:
    async with harness(app_name="shop") as at:
        for count in range(2 * PAGE):
            name = f"other-{count}"
            at.vendor.applications[name] = Application(app_id=name, app_name=name)
        at.vendor.applications["7"] = Application(app_id="7", app_name="shop")
        await at.line.configure(OURS)
        assert len(at.vendor.applications) == 2 * PAGE + 1
        assert at.vendor.applications["7"].answer_url == VOICE


async def test_two_deployments_keep_their_applications_apart() -> None:
    async with harness(app_name="staging") as at:
        at.vendor.applications["7"] = Application(app_id="7", app_name="patter", answer_url="x")
        await at.line.configure(OURS)
        assert at.vendor.applications["7"].answer_url == "x"
        assert {each.app_name for each in at.vendor.applications.values()} == {"patter", "staging"}


async def test_a_number_of_somebody_else_is_named() -> None:
    async with harness() as at:
        for deed in (at.line.configure("+15550009999"), at.line.look_up("+15550009999")):
            with pytest.raises(ProvisionError) as raised:
                await deed
            assert raised.value.message == "+15550009999 is not on this Plivo account"
            assert raised.value.fix == "buy it there, or pass a number you own"
        assert not at.vendor.applications


async def test_looking_up_changes_nothing() -> None:
    async with harness() as at:
        assert await at.line.look_up(OURS) == NumberSettings(number=OURS, webhook="")
        at.vendor.numbers["15550001234"].app_id = "gone"
        assert (await at.line.look_up(OURS)).webhook == ""
        assert not writes(at)


async def test_a_failure_says_what_to_set_by_hand() -> None:
    async with harness(Faults(broken=1)) as at:
        with pytest.raises(ProvisionError) as raised:
            await at.line.configure(OURS)
        assert raised.value.code is ErrorCode.PROVISION
        assert "could not set the webhook" in raised.value.message
        assert f"set it by hand to {VOICE}" in raised.value.fix
        assert HANGUP in raised.value.fix


async def test_a_wrong_token_is_said_to_be_one() -> None:
    async with harness(auth_token="wrong") as at:
        with pytest.raises(PatterError) as raised:
            await at.line.configure(OURS)
        assert raised.value.code is ErrorCode.AUTH
        assert "PLIVO_AUTH_TOKEN" in raised.value.message
