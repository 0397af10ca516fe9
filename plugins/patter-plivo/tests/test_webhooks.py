"""Webhooks are believed once, when Plivo signed them for us, and never else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import urlencode

import attrs
import pytest
from aiohttp import ClientSession

from patter.carriers.webhooks import BODY_BYTES, Replays
from patter.clock import LoopClock
from patter.errors import WebhookVerificationError
from patter.observe.summary import CallSummary
from patter.providers.carrier import Answerer, CarrierCall
from patter.server.app import Server
from patter_plivo import Plivo
from patter_plivo._signature import NONCE, SIGNATURE, Signature
from patter_plivo.double import PlivoDouble
from patter_testing import WebhooksSuite
from patter_testing.switchboard import Detection, FakeSwitchboard, Report, serving

from .harness import TRAITS

HOST = "phone.example.com"
ACCOUNT, TOKEN = "MA" + "X" * 18, "hunter2"
UUID = "00000000-9c1d-4b7e-8a11-000000000001"
FORM = {"CallUUID": UUID, "From": "15550100001", "To": "15550001234", "CallStatus": "ringing"}
CALL = CarrierCall("plivo", UUID, ACCOUNT)


class TestWebhooks(WebhooksSuite):
    double = PlivoDouble
    traits = TRAITS
    stranger = partial(PlivoDouble, auth_id="MA" + "Y" * 18, auth_token="another token")


@attrs.define
class Poster:
    """Posts what Plivo would, or somebody who is not Plivo."""

    http: ClientSession
    base: str
    switchboard: FakeSwitchboard
    nonces: int = 0

    async def post(
        self,
        path: str,
        form: Mapping[str, str] | None = None,
        *,
        token: str = TOKEN,
        url: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        form = FORM if form is None else form
        self.nonces += 1
        signed = Signature(token=token).sign(
            url or f"https://{HOST}{path}",
            {name: [value] for name, value in form.items()},
            f"{self.nonces:020}",
        )
        async with self.http.post(
            self.base + path,
            data=urlencode(form).encode() if body is None else body,
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                **(signed if headers is None else headers),
            },
        ) as answer:
            return answer.status, await answer.text()


class Idle:
    """Nobody talks in these tests."""

    async def run(self) -> CallSummary:
        raise AssertionError("no media comes")


@asynccontextmanager
async def served() -> AsyncIterator[Poster]:
    """A line whose switchboard notes everything."""
    switchboard = FakeSwitchboard(HOST)
    settings = Plivo(auth_id=ACCOUNT, auth_token=TOKEN, api_base="http://127.0.0.1:9")

    async with serving(settings, switchboard) as base, ClientSession() as http:
        yield Poster(http, base, switchboard)


@asynccontextmanager
async def behind_the_server() -> AsyncIterator[Poster]:
    """A line behind the real server, which turns errors into answers."""
    settings = Plivo(auth_id=ACCOUNT, auth_token=TOKEN, api_base="http://127.0.0.1:9")
    server = Server(port=0, public_host=HOST, stall_ms=0, freeze_gc=False)
    async with (
        server.open(lambda call: Idle(), carriers=[settings]) as serving_,  # type: ignore[arg-type, return-value]
        ClientSession() as http,
    ):
        yield Poster(http, serving_.url, FakeSwitchboard(HOST))


async def test_what_plivo_signed_is_answered_in_xml() -> None:
    async with served() as plivo:
        status, xml = await plivo.post("/webhooks/plivo/voice")
        assert status == 200
        assert xml.startswith('<?xml version="1.0" encoding="UTF-8"?><Response><Stream ')
        assert f"https://{HOST}/webhooks/plivo/again" in xml


@pytest.mark.parametrize(
    "forgery",
    [
        {"token": "somebody else's"},
        {"url": "https://evil.example/webhooks/plivo/voice"},
        {"headers": {}},
        {"headers": {SIGNATURE: "x", NONCE: "1"}},
        {"body": urlencode({**FORM, "From": "15550109999"}).encode()},
    ],
)
async def test_what_plivo_did_not_sign_is_forbidden(forgery: dict[str, object]) -> None:
    async with behind_the_server() as stranger:
        status, said = await stranger.post("/webhooks/plivo/voice", **forgery)  # type: ignore[arg-type]
        assert status == 403
        assert "WEBHOOK_VERIFICATION" in said
        assert TOKEN not in said


async def test_a_body_that_is_too_large_is_not_read_and_one_that_is_no_form_is_told() -> None:
    async with behind_the_server() as plivo:
        status, _ = await plivo.post("/webhooks/plivo/voice", body=b"x" * (BODY_BYTES + 1))
        assert status == 413
        status, said = await plivo.post("/webhooks/plivo/voice", body=b"\xff&&=")
        assert (status, "not a form" in said) == (400, True)


async def test_without_a_public_host_nobody_is_believed() -> None:
    settings = Plivo(auth_id=ACCOUNT, auth_token=TOKEN)
    server = Server(port=0, stall_ms=0, freeze_gc=False)
    async with (
        server.open(lambda call: Idle(), carriers=[settings]) as serving_,  # type: ignore[arg-type, return-value]
        ClientSession() as http,
    ):
        plivo = Poster(http, serving_.url, FakeSwitchboard())
        status, said = await plivo.post("/webhooks/plivo/voice")
    assert status == 503
    assert "webhook_url=" in said


@pytest.mark.virtual_time
async def test_an_old_request_is_not_taken_again() -> None:
    clock = LoopClock()
    replays = Replays(clock=clock)
    keys = Signature(token=TOKEN)
    headers = keys.sign(f"https://{HOST}/webhooks/plivo/ring", {}, "12345")
    assert replays.check(keys.verify(f"https://{HOST}/webhooks/plivo/ring", {}, headers))
    await clock.sleep(61_000)
    padded = {**headers, SIGNATURE: f"{headers[SIGNATURE]},anything"}
    again = keys.verify(f"https://{HOST}/webhooks/plivo/ring", {}, padded)
    with pytest.raises(WebhookVerificationError, match="sent again"):
        replays.check(again)


async def test_a_webhook_that_comes_twice_changes_nothing_twice() -> None:
    async with served() as plivo:
        first = await plivo.post("/webhooks/plivo/voice")
        second = await plivo.post("/webhooks/plivo/voice")
        assert first[0] == second[0] == 200
        assert {each.carrier_call_id for each in plivo.switchboard.rung} == {UUID}


async def test_the_end_of_a_call_may_come_to_any_address() -> None:
    over = {**FORM, "CallStatus": "completed", "Event": "Hangup", "TotalCost": "0.01700"}
    async with served() as plivo:
        for path in ("voice", "answer", "again", "hangup"):
            assert (await plivo.post(f"/webhooks/plivo/{path}", over))[0] == 200
        assert plivo.switchboard.reports == [Report(CALL, "completed", None)] * 4
        assert not plivo.switchboard.rung


async def test_a_call_nobody_knows_does_not_come_back() -> None:
    async with served() as plivo:
        for path in ("again", f"dialled?call={UUID}"):
            status, xml = await plivo.post(f"/webhooks/plivo/{path}")
            assert (status, "<Hangup" in xml) == (200, True), path


async def test_who_is_said_to_be_no_machine_may_be_anybody() -> None:
    async with served() as plivo:
        form = {**FORM, "CallStatus": "in-progress", "Machine": "false"}
        assert await plivo.post("/webhooks/plivo/machine", form) == (200, "")
        assert plivo.switchboard.detections == [
            Detection(CALL, Answerer.UNKNOWN, False, "Machine=false")
        ]


async def test_an_address_that_lost_its_query_is_not_guessed_at() -> None:
    async with behind_the_server() as plivo:
        for path in ("answer", "transfer", "hold", "briefing", "recording", "dialled"):
            status, said = await plivo.post(f"/webhooks/plivo/{path}")
            assert (status, "INPUT_VALIDATION" in said) == (400, True), path


async def test_the_host_header_proves_nothing() -> None:
    async with behind_the_server() as stranger:
        form, url = FORM, "https://evil.example/webhooks/plivo/voice"
        signed = Signature(token=TOKEN).sign(
            url, {name: [value] for name, value in form.items()}, "1"
        )
        headers = {**signed, "Host": "evil.example", "X-Forwarded-Host": "evil.example"}
        status, _ = await stranger.post("/webhooks/plivo/voice", headers=headers)
        assert status == 403


async def test_a_caller_who_is_gone_does_not_come_back_from_a_transfer() -> None:
    async with served() as plivo:
        await plivo.post("/webhooks/plivo/voice")
        form = {**FORM, "CallStatus": "completed", "DialStatus": "cancel"}
        status, xml = await plivo.post(f"/webhooks/plivo/dialled?call={UUID}", form)
        assert (status, "<Hangup" in xml) == (200, True)
        assert plivo.switchboard.reports == [Report(CALL, "completed", None)]
        assert not plivo.switchboard.transfers
