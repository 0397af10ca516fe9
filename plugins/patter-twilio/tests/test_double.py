"""The double, asked by Twilio's own client and checked by Twilio's own validator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from patter.carriers.webhooks import form_fields
from patter.providers.carrier import TransferRequest
from patter_testing.doubles.call import CallerLocation
from patter_testing.doubles.harness import HOST, HUMAN, OURS, THEIRS, until
from patter_testing.suites.transfers import COLD, WARM
from patter_twilio.double import TwilioAccountDouble, TwilioDouble

from .harness import harness


class Here(AsyncHttpClient):  # type: ignore[misc]
    """Twilio's client, spoken to the double with nothing of ours between."""

    def __init__(self, vendor: TwilioAccountDouble) -> None:
        super().__init__(None, True)
        self.vendor = vendor

    async def request(self, method: str, uri: str, **told: Any) -> Response:
        from urllib.parse import urlencode

        from aiohttp import encode_basic_auth

        headers = {**told["headers"], "Authorization": encode_basic_auth(*told["auth"])}
        async with self.vendor.runtime.http.request(
            method,
            self.vendor.runtime.url + uri.removeprefix("https://api.twilio.com"),
            params=told["params"],
            data=urlencode(told["data"] or {}, doseq=True),
            headers=headers,
        ) as answer:
            return Response(answer.status, await answer.text())


@asynccontextmanager
async def client(token: str = "") -> AsyncIterator[tuple[Any, TwilioAccountDouble]]:
    async with TwilioDouble(numbers=(OURS,)).open() as vendor:
        theirs = Client(
            vendor.account,
            token or vendor.settings.auth_token,
            http_client=Here(vendor),
            environment={"x": "x"},
        )
        yield theirs, vendor


async def test_twilios_client_places_reads_and_ends_a_call() -> None:
    async with client() as (twilio, vendor):
        placed = await twilio.calls.create_async(
            to=THEIRS, from_=OURS, twiml="<Response><Pause length='60'/></Response>"
        )
        assert (placed.status, placed.direction) == ("ringing", "outbound-api")
        call = await vendor.dialled()
        await call.answers()
        fetched = await twilio.calls(placed.sid).fetch_async()
        assert (fetched.status, fetched.to, fetched._from) == ("in-progress", THEIRS, OURS)
        assert fetched.price is None
        ended = await twilio.calls(placed.sid).update_async(status="completed")
        assert (ended.status, ended.price, ended.price_unit) == ("completed", "-0.01300", "USD")
        assert [each.sid for each in await twilio.calls.list_async()] == [placed.sid]
        assert call.where is CallerLocation.ENDED


async def test_twilios_client_records_a_call_and_sets_a_number() -> None:
    async with client() as (twilio, vendor):
        placed = await twilio.calls.create_async(
            to=THEIRS, from_=OURS, twiml="<Response><Pause length='60'/></Response>"
        )
        await (await vendor.dialled()).answers()
        recording = await twilio.calls(placed.sid).recordings.create_async()
        assert recording.call_sid == placed.sid
        (number,) = await twilio.incoming_phone_numbers.list_async(phone_number=OURS)
        assert number.capabilities["voice"] is True
        changed = await twilio.incoming_phone_numbers(number.sid).update_async(
            voice_url="https://x.example.com/v"
        )
        assert changed.voice_url == "https://x.example.com/v"
        fetched = await twilio.incoming_phone_numbers(number.sid).fetch_async()
        assert fetched.voice_url == "https://x.example.com/v"


async def refused(ask: Any) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as raised:
        await ask
    return raised.value.status, raised.value.code


async def test_refusals_carry_twilios_codes() -> None:
    async with client() as (twilio, _):
        say = "<Response><Say>hi</Say></Response>"
        create = twilio.calls.create_async
        assert await refused(create(to="555", from_=OURS, twiml=say)) == (400, 21211)
        assert await refused(create(to=THEIRS, from_=HUMAN, twiml=say)) == (400, 21210)
        assert await refused(create(to=THEIRS, from_=OURS)) == (400, 21205)
        assert await refused(
            create(to=THEIRS, from_=OURS, twiml=say, status_callback_event=["answered,completed"])
        ) == (400, 21626)
        missing = twilio.calls("CA" + "f" * 32)
        assert await refused(missing.fetch_async()) == (404, 20404)
        placed = await create(to=THEIRS, from_=OURS, twiml=say)
        assert await refused(twilio.calls(placed.sid).update_async(twiml=say)) == (400, 21220)
    async with client(token="wrong") as (twilio, _):
        assert await refused(twilio.calls("CA" + "f" * 32).fetch_async()) == (401, 20003)


async def test_every_webhook_is_signed_as_twilio_signs() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        await call.hangs_up()
        answers = at.vendor.runtime.sender.answers
        await until(lambda: len(answers) == 2)
        validator = RequestValidator(at.vendor.settings.auth_token)
        sent = [webhook for webhook, _ in answers]
        for webhook in sent:
            form = {name: values[0] for name, values in form_fields(webhook.body).items()}
            signature = at.vendor.runtime.sender.sign(webhook)["X-Twilio-Signature"]
            assert validator.validate(webhook.url, form, signature)
            assert webhook.url.startswith(f"https://{HOST}/webhooks/twilio/")
            assert form["AccountSid"] == at.vendor.account
        attached.done()


TWIML = [
    ("<Response><Say>Hello</Say><Play>tone.mp3</Play></Response>", ["Hello", "tone.mp3"]),
    ("<Response><Pause length='0'/><Hangup/><Say>never</Say></Response>", []),
    ("<Response/>", []),
]


@pytest.mark.parametrize(("twiml", "spoken"), TWIML)
async def test_verbs_are_carried_out_in_order(twiml: str, spoken: list[str]) -> None:
    async with client() as (twilio, vendor):
        await twilio.calls.create_async(to=THEIRS, from_=OURS, twiml=twiml)
        call = await vendor.dialled()
        await call.answers()
        await call.is_with(CallerLocation.ENDED)
        assert (call.status, call.spoken) == ("completed", spoken)


@pytest.mark.parametrize(
    "twiml",
    [
        "no xml",
        "<Answer/>",
        "<Response><Levitate/></Response>",
        "<Response><Connect><Stream url='https://x'/></Connect></Response>",
        "<Response><Connect><Stream url='wss://x' track='both_tracks'/></Connect></Response>",
        "<Response><Dial></Dial></Response>",
    ],
)
async def test_twiml_that_twilio_would_not_take_fails_the_call(twiml: str) -> None:
    async with client() as (twilio, vendor):
        await twilio.calls.create_async(to=THEIRS, from_=OURS, twiml=twiml)
        call = await vendor.dialled()
        await call.answers()
        await call.is_with(CallerLocation.ENDED)
        assert call.status == "failed"


async def test_a_server_that_does_not_answer_fails_the_call() -> None:
    async with harness() as at:
        at.vendor.reaches("http://127.0.0.1:1")
        call = at.vendor.rings()
        await call.is_with(CallerLocation.ENDED)
        assert call.status == "failed"


@pytest.mark.parametrize(("request_", "parent"), [(WARM, False), (COLD, True)])
async def test_only_a_leg_that_a_dial_rang_has_a_parent(
    request_: TransferRequest, parent: bool
) -> None:
    async with harness() as at:
        call, human = await at.handed_off(request_)
        await human.answers()
        await call.is_with(CallerLocation.HUMAN)
        sent = at.vendor.runtime.sender.answers
        mine = f"CallSid={human.call_id}".encode()
        await until(lambda: any(mine in webhook.body for webhook, _ in sent))
        forms = [form_fields(webhook.body) for webhook, _ in sent if mine in webhook.body]
        parents = {form["ParentCallSid"][0] for form in forms if "ParentCallSid" in form}
        assert parents == ({call.call_id} if parent else set())
        await call.hangs_up()
