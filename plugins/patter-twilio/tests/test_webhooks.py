"""Webhooks that are forged, stale, repeated, too large, of another account, or out of order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

import attrs
import orjson
import pytest
from yarl import URL

from patter.providers.carrier import CallOutcome
from patter_testing import WebhooksSuite
from patter_testing.doubles.harness import HOST, OURS, THEIRS
from patter_testing.switchboard import Report, TransferReport
from patter_twilio._signature import Signature
from patter_twilio._webhooks import Webhooks
from patter_twilio.double import TwilioDouble

from .harness import TRAITS, Harness, harness

SID, CHILD = "CA" + "1" * 32, "CA" + "2" * 32


@attrs.define
class Reply:
    status: int
    text: str

    @property
    def error(self) -> dict[str, str]:
        return dict(orjson.loads(self.text)["error"])


async def post(
    at: Harness,
    path: str,
    form: Mapping[str, str] | None = None,
    *,
    signature: Signature | None = None,
    **headers: str,
) -> Reply:
    """Post *form* to *path* as Twilio does, or as badly as asked for."""
    fields = {"AccountSid": at.vendor.account, "CallSid": SID, **(form or {})}
    signature = signature or Signature(token=at.vendor.settings.auth_token)
    signed = signature.sign(
        f"https://{HOST}{path}", {name: [value] for name, value in fields.items()}
    )
    async with at.vendor.runtime.http.post(
        at.url + path,
        data=urlencode(fields),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Host": "b.example.com",
            **signed,
            **headers,
        },
    ) as answer:
        return Reply(answer.status, await answer.text())


VOICE = "/webhooks/twilio/voice"


class TestWebhooks(WebhooksSuite):
    double = TwilioDouble
    traits = TRAITS
    stranger = partial(TwilioDouble, account_sid="AC" + "b" * 32, auth_token="b")


async def test_a_token_of_somebody_else_is_refused() -> None:
    async with harness() as at:
        reply = await post(at, VOICE, signature=Signature(token="another"))
        assert reply.status == 403
        assert reply.error["message"] == "signature mismatch on /webhooks/twilio/voice"
        assert "now phone.example.com, request came through b.example.com" in reply.error["fix"]


async def test_the_host_header_decides_nothing() -> None:
    async with harness() as at:
        reply = await post(at, VOICE, {"From": THEIRS, "To": OURS}, Host="evil.example.com")
        assert reply.status == 200
        assert f"wss://{HOST}/media/twilio/" in reply.text


async def test_another_account_is_refused_even_when_it_signs_with_our_token() -> None:
    async with harness() as at:
        reply = await post(at, VOICE, {"AccountSid": "AC" + "9" * 32})
        assert reply.status == 403
        assert not at.switchboard.rung


async def test_without_a_public_host_nobody_is_believed() -> None:
    async with harness() as at:
        at.switchboard.public_host = ""
        reply = await post(at, VOICE)
        assert reply.status == 503
        assert "tunnel=True" in reply.error["fix"]


@pytest.mark.parametrize("form", [{"CallSid": "CA1"}, {"CallSid": "../../x"}])
async def test_a_call_without_a_proper_name_is_refused(form: dict[str, str]) -> None:
    async with harness() as at:
        assert (await post(at, VOICE, form)).status == 400
        assert not at.switchboard.rung


async def test_a_status_is_reported_as_often_as_it_comes_and_means_the_same() -> None:
    async with harness() as at:
        for _ in range(3):
            assert (await post(at, "/webhooks/twilio/status", {"CallStatus": "busy"})).status == 204
        assert at.switchboard.reports == [Report(at.named(SID), "busy", CallOutcome.BUSY)] * 3


@attrs.define(slots=False)
class Later:
    """A clock that stands where it is put."""

    at_ms: float = 0.0

    def ms(self) -> float:
        return self.at_ms


@attrs.define
class Routes:
    webhooks: Webhooks

    def routes(self) -> Any:
        return self.webhooks.routes()


async def test_each_stream_is_asked_again_at_an_address_of_its_own() -> None:
    async with harness() as at:
        texts = [(await post(at, VOICE, {"From": THEIRS, "To": OURS})).text for _ in range(2)]
        actions = {text.partition('action="')[2].partition('"')[0] for text in texts}
        assert len(actions) == 2
        assert all(each.startswith(f"https://{HOST}/webhooks/twilio/again?") for each in actions)


@pytest.mark.parametrize("path", ["again", "transferred", "held"])
async def test_a_call_that_is_over_is_reported_and_hung_up(path: str) -> None:
    async with harness() as at:
        reply = await post(at, f"/webhooks/twilio/{path}", {"CallStatus": "completed"})
        assert "<Hangup" in reply.text
        assert at.switchboard.reports == [Report(at.named(SID), "completed", None)]


@pytest.mark.parametrize("path", ["again", "transferred", "held", "join"])
async def test_a_call_nobody_knows_is_hung_up(path: str) -> None:
    async with harness() as at:
        form = {"CallStatus": "in-progress", "DialCallStatus": "busy"}
        reply = await post(at, f"/webhooks/twilio/{path}?call={SID}", form)
        assert reply.status == 200
        assert "<Hangup" in reply.text
        assert not at.switchboard.transfers


async def test_the_caller_of_a_human_nobody_rang_is_hung_up_if_there() -> None:
    async with harness() as at:
        form = {"CallSid": CHILD, "CallStatus": "no-answer"}
        assert (await post(at, f"/webhooks/twilio/human?call={SID}", form)).status == 204
        assert not at.switchboard.transfers
        ((method, path),) = at.vendor.runtime.requests
        assert (method, path.rpartition("/")[2]) == ("POST", f"{SID}.json")


@pytest.mark.parametrize("status", ["initiated", "ringing"])
async def test_a_human_who_still_rings_is_no_news(status: str) -> None:
    async with harness() as at:
        at.switchboard.knows(at.named(SID), at.switchboard.issue("twilio"))
        for path in ("human", "taken"):
            form = {"CallSid": CHILD, "CallStatus": status}
            assert (await post(at, f"/webhooks/twilio/{path}?call={SID}", form)).status == 204
        assert not at.vendor.runtime.requests
        assert not at.switchboard.transfers


async def test_a_taken_transfer_is_told_by_its_end_too() -> None:
    async with harness() as at:
        form = {"CallStatus": "in-progress", "DialCallStatus": "completed"}
        reply = await post(at, "/webhooks/twilio/transferred", form)
        assert "<Hangup" in reply.text
        assert at.switchboard.transfers == [TransferReport(at.named(SID), True, "completed")]


async def test_only_a_conference_that_began_is_a_transfer() -> None:
    async with harness() as at:
        path = f"/webhooks/twilio/conference?call={SID}"
        for event in ("participant-join", "conference-end", ""):
            assert (await post(at, path, {"StatusCallbackEvent": event})).status == 204
        assert not at.switchboard.transfers


async def test_a_recording_that_failed_is_not_told() -> None:
    async with harness() as at:
        path = "/webhooks/twilio/recording"
        for status in ("failed", "absent", "in-progress"):
            assert (await post(at, path, {"RecordingStatus": status})).status == 204
        assert not at.switchboard.recordings


async def test_sip_headers_and_query_arrive_as_data() -> None:
    async with harness() as at:
        form = {"From": THEIRS, "To": OURS, "SipHeader_X-Who": "{name}\n\u2028"}
        await post(at, f"{VOICE}?campaign=fall", form)
        (incoming,) = at.switchboard.rung
        assert incoming.variables == {"campaign": "fall", "X-Who": "{name}"}


def test_a_secret_is_in_no_setting_that_is_shown() -> None:
    double: Any = TwilioDouble(auth_token="hunter2")
    assert "hunter2" not in repr(double)


async def raw_post(at: Harness, path: str) -> int:
    """Post the form of `VOICE`, signed, to *path* as it is: no client sends what is tried here."""
    fields = {"AccountSid": at.vendor.account, "CallSid": SID}
    signature = Signature(token=at.vendor.settings.auth_token)
    signed = signature.sign(
        f"https://{HOST}{VOICE}", {name: [value] for name, value in fields.items()}
    )
    body = urlencode(fields)
    headers = {
        "Host": HOST,
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **signed,
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    url = URL(at.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write("\r\n".join([*lines, "", body]).encode())
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


@pytest.mark.parametrize("behind", ["?", "#", "?#", "#again", ";"])
async def test_a_signed_webhook_is_not_taken_at_another_spelling_of_its_address(
    behind: str,
) -> None:
    async with harness() as at:
        assert await raw_post(at, VOICE) == 200
        assert await raw_post(at, VOICE + behind) in (403, 404)
        assert await raw_post(at, VOICE) == 200, "a carrier's retry"
        assert len(at.switchboard.rung) == 2
