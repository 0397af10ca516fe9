"""Nothing of a webhook is read before it is verified; only a new one is free of charge."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from urllib.parse import urlencode

import attrs
import pytest
from aiohttp import ClientSession, web
from aiohttp.typedefs import Handler

from patter.carriers.request_charge import RequestCharge, charging, refund
from patter.carriers.signatures import missing_header, signature_mismatch
from patter.carriers.verified_webhook import Fields, FormSignature, FormWebhooks, SignedForm
from patter.carriers.webhooks import BODY_BYTES
from patter.errors import WebhookVerificationError
from patter.server.replies import error_response
from patter_testing import site
from patter_testing.switchboard import FakeSwitchboard

HOST = "phone.example.com"
PATH = "/webhooks/parrot/voice?call=c1"


@attrs.frozen
class ParrotSignature:
    """Signs the address and the form, as most carriers do."""

    key: bytes = b"hunter2"

    def sign(self, url: str, fields: Fields) -> str:
        text = url + "".join(f"{name}{fields[name]}" for name in sorted(fields))
        return hmac.new(self.key, text.encode(), sha256).hexdigest()

    def verify(self, url: str, fields: Fields, headers: Mapping[str, str]) -> str:
        if not (signature := headers.get("X-Signature", "")):
            raise missing_header("Parrot", "X-Signature")
        if not hmac.compare_digest(self.sign(url, fields).encode(), signature.encode()):
            raise signature_mismatch(url, headers.get("Host", ""), secret="api_key")
        return signature


_: type[FormSignature] = ParrotSignature


@attrs.define
class Charge:
    """Counts refunds."""

    refunds: int = 0
    address: object = "192.0.2.1"

    def refund(self) -> None:
        self.refunds += 1


_charge: type[RequestCharge] = Charge


@attrs.define
class Parrot:
    """A server with one webhook, and a Parrot that posts to it."""

    http: ClientSession
    base: str
    charge: Charge
    forms: list[SignedForm]

    async def post(
        self, form: Mapping[str, str] | bytes, path: str = PATH, **headers: str
    ) -> tuple[int, str]:
        body = form if isinstance(form, bytes) else urlencode(form).encode()
        if not isinstance(form, bytes) and not headers:
            fields = {name: [value] for name, value in form.items()}
            headers = {"X-Signature": ParrotSignature().sign(f"https://{HOST}{PATH}", fields)}
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        async with self.http.post(self.base + path, data=body, headers=kind | headers) as answer:
            return answer.status, await answer.text()


@asynccontextmanager
async def parrot(public_host: str = HOST, document: str | None = "<Hi/>") -> AsyncIterator[Parrot]:
    charge, forms = Charge(), list[SignedForm]()

    async def voice(form: SignedForm) -> str | None:
        forms.append(form)
        return document

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            with charging(charge):
                return await handler(request)
        except WebhookVerificationError as error:
            return error_response(error)

    webhooks = FormWebhooks(
        switchboard=FakeSwitchboard(public_host),
        signature=ParrotSignature(),
        read=lambda form: form,
    )
    app = web.Application(middlewares=[count], client_max_size=10_000_000)
    app.add_routes([webhooks.route("/webhooks/parrot/voice", voice)])
    async with site(app) as base, ClientSession() as http:
        yield Parrot(http, base, charge, forms)


async def test_a_signed_form_reaches_its_handler_with_its_query_and_costs_nothing() -> None:
    async with parrot() as at:
        assert await at.post({"To": "+1555", "X-Table": "7"}) == (200, "<Hi/>")
        (form,) = at.forms
        assert (form.get("To"), form.get("From"), form.param("call")) == ("+1555", "", "c1")
        assert form.prefixed("x-") == [("Table", "7")]
        assert at.charge.refunds == 1


async def test_a_handler_without_an_answer_is_answered_with_nothing() -> None:
    async with parrot(document=None) as at:
        assert await at.post({"To": "+1555"}) == (204, "")


@pytest.mark.parametrize("signature", ["", "0" * 64, "Ä"])
async def test_a_form_nobody_signed_reaches_no_handler_and_is_charged(signature: str) -> None:
    async with parrot() as at:
        status, _ = await at.post({"To": "+1555"}, **{"X-Signature": signature})
        assert (status, at.forms, at.charge.refunds) == (403, [], 0)


async def test_a_form_signed_for_another_address_is_refused() -> None:
    async with parrot("other.example.com") as at:
        status, text = await at.post({"To": "+1555"})
        assert (status, at.forms) == (403, [])
        assert "now other.example.com" in text
    async with parrot() as at:
        signature = ParrotSignature().sign(f"https://{HOST}{PATH}", {})
        status, _ = await at.post({}, PATH + "&call=c2", **{"X-Signature": signature})
        assert (status, at.forms) == (403, [])


async def test_a_repeated_form_is_handled_again_and_charged() -> None:
    async with parrot() as at:
        for _ in range(3):
            assert (await at.post({"To": "+1555"}))[0] == 200
        assert (len(at.forms), at.charge.refunds) == (3, 1)


async def test_a_body_that_is_too_long_is_refused_before_its_signature_is_computed() -> None:
    async with parrot() as at:
        status, _ = await at.post(b"a=" + b"x" * BODY_BYTES, **{"X-Signature": "x"})
        assert (status, at.forms, at.charge.refunds) == (413, [], 0)


def test_only_the_request_being_served_is_refunded() -> None:
    outer, inner = Charge(), Charge()
    refund()
    with charging(outer):
        with charging(inner):
            refund()
        refund()
    refund()
    assert (outer.refunds, inner.refunds) == (1, 1)


def test_a_mismatch_names_both_hosts_and_no_query() -> None:
    error = signature_mismatch(
        f"https://{HOST}/webhooks/parrot/voice?call=c1", "b.example.com", secret="api_key"
    )
    assert error.message == "signature mismatch on /webhooks/parrot/voice"
    assert f"now {HOST}, request came through b.example.com" in error.fix
    assert "api_key" in error.fix
