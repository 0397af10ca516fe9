"""Plivo's own client can talk to the double: it answers as somebody else expects, too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import plivo  # type: ignore[import-untyped]
import pytest
from plivo.exceptions import (  # type: ignore[import-untyped]
    AuthenticationError,
    ResourceNotFoundError,
    ValidationError,
)
from plivo.rest import client as rest  # type: ignore[import-untyped]

from patter_testing.doubles.call import CallerLocation
from patter_testing.doubles.harness import OURS, until

from .harness import Harness, harness


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Callable[[Harness], Any]:
    """Plivo's client, whose addresses are constants of its module."""

    def client(at: Harness, token: str = "") -> Any:
        base = f"{at.vendor.runtime.url}/v1/Account"
        for name in (
            "PLIVO_API_BASE_URI",
            "API_VOICE_BASE_URI",
            "API_VOICE_BASE_URI_FALLBACK_1",
            "API_VOICE_BASE_URI_FALLBACK_2",
        ):
            monkeypatch.setattr(rest, name, base)
        return plivo.RestClient(at.vendor.account, token or at.vendor.settings.auth_token)

    return client


async def test_a_call_is_placed_seen_moved_pressed_and_ended(sdk: Any) -> None:
    async with harness() as at:
        with sdk(at) as client:
            token = at.switchboard.issue("plivo").token
            placed = await asyncio.to_thread(
                client.calls.create,
                from_=OURS,
                to_="+15550100001",
                answer_url=f"https://phone.example.com/webhooks/plivo/answer?token={token}",
                hangup_url="https://phone.example.com/webhooks/plivo/hangup",
            )
            call = await at.vendor.dialled()
            assert placed.request_uuid == call.call_id
            await call.answers()
            await call.up()
            attached = await at.next_leg()
            uuid = call.call_id
            live = await asyncio.to_thread(client.live_calls.get, uuid)
            assert live.call_uuid == uuid
            pressed = await asyncio.to_thread(client.calls.send_digits, uuid, "12")
            assert (pressed.message, call.digits) == ("digits sent", "12")
            recording = await asyncio.to_thread(client.calls.record, uuid)
            assert recording.recording_id
            await asyncio.to_thread(client.calls.hangup, uuid)
            await call.is_with(CallerLocation.ENDED)
            told = await asyncio.to_thread(client.calls.get, uuid)
            assert told.total_amount == "0.01150"
            attached.done()


async def test_a_call_is_moved_and_one_that_rings_is_cancelled(sdk: Any) -> None:
    async with harness() as at:
        with sdk(at) as client:
            call, attached = await at.inbound()
            moved = await asyncio.to_thread(
                client.calls.transfer,
                call.call_id,
                legs="aleg",
                aleg_url="https://phone.example.com/webhooks/plivo/again",
                aleg_method="POST",
            )
            assert moved.message == "call transferred"
            attached.done()
            await call.up(2)
            (await at.next_leg()).done()
            ringing = await at.outbound()
            await asyncio.to_thread(client.calls.cancel, ringing.call_id)
            assert ringing.status == "cancel"


async def test_applications_and_numbers_are_made_read_and_changed(sdk: Any) -> None:
    async with harness() as at:
        await at.line.configure(OURS)
        with sdk(at) as client:
            (ours,) = (await asyncio.to_thread(client.applications.list, app_name="patter")).objects
            assert ours.answer_url == "https://phone.example.com/webhooks/plivo/voice"
            made = await asyncio.to_thread(
                client.applications.create, "another", answer_url="https://a.example.com/x"
            )
            await asyncio.to_thread(client.numbers.update, "15550001234", app_id=made.app_id)
            number = await asyncio.to_thread(client.numbers.get, "15550001234")
            assert number.application.rstrip("/").endswith(made.app_id)
            assert (await at.line.look_up(OURS)).webhook == "https://a.example.com/x"
            read = await asyncio.to_thread(client.applications.get, made.app_id)
            assert read.app_name == "another"


async def test_refusals_are_those_the_client_knows(sdk: Any) -> None:
    async with harness() as at:
        with sdk(at) as client:
            with pytest.raises(ResourceNotFoundError):
                await asyncio.to_thread(client.calls.get, "no-such-call")
            with pytest.raises(ValidationError):
                await asyncio.to_thread(client.applications.list, limit=20, offset=-1)
        with sdk(at, "wrong") as stranger, pytest.raises(AuthenticationError):
            await asyncio.to_thread(stranger.calls.get, "no-such-call")
        await until(lambda: len(at.vendor.runtime.requests) >= 2)
