"""The double does what Plivo would, and nothing for XML that Plivo would not take."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
from aiohttp import web
from plivo.utils import validate_v3_signature  # type: ignore[import-untyped]

from patter.carriers.webhooks import form_fields
from patter_plivo.double import PlivoAccountDouble, PlivoDouble
from patter_testing import site
from patter_testing.doubles.call import CallerLocation
from patter_testing.doubles.harness import HOST, OURS, until

from .harness import harness


@attrs.define
class Script:
    """A server that answers every webhook with the XML under its path."""

    pages: dict[str, str]
    asked: list[tuple[str, dict[str, str]]] = attrs.field(factory=list)

    async def serve(self, request: web.Request) -> web.Response:
        fields = form_fields(await request.read())
        self.asked.append((request.path, {name: told[0] for name, told in fields.items()}))
        if request.path not in self.pages:
            return web.Response(status=404)
        return web.Response(text=f"<Response>{self.pages[request.path]}</Response>")


@asynccontextmanager
async def scripted(**pages: str) -> AsyncIterator[tuple[PlivoAccountDouble, Script]]:
    script = Script({f"/{name}": xml for name, xml in pages.items()})
    app = web.Application()
    app.router.add_post("/{anything:.*}", script.serve)
    script.pages["/webhooks/plivo/voice"] = script.pages.pop("/voice")
    async with site(app) as url, PlivoDouble(numbers=(OURS,)).open() as vendor:
        vendor.reaches(url)
        yield vendor, script


async def test_every_webhook_is_signed_as_plivo_signs() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        await call.hangs_up()
        await until(lambda: bool(at.switchboard.reports))
        sender = at.vendor.runtime.sender
        await until(lambda: len(sender.answers) == 4)
        for webhook, _ in sender.answers:
            form = {name: values[0] for name, values in form_fields(webhook.body).items()}
            sign = sender.sign(webhook)
            nonce, given = sign["X-Plivo-Signature-V3-Nonce"], sign["X-Plivo-Signature-V3"]
            token = at.vendor.settings.auth_token
            assert validate_v3_signature("POST", webhook.url, nonce, token, given, form)
            assert webhook.url.startswith(f"https://{HOST}/webhooks/plivo/")
        attached.done()


async def test_elements_are_carried_out_in_order() -> None:
    async with scripted(
        voice="<Speak>one</Speak><Wait length='0'/><Redirect>https://phone.example.com/more</Redirect>",
        more="<Speak>two</Speak>",
    ) as (vendor, script):
        call = vendor.rings()
        await call.is_with(CallerLocation.ENDED)
        assert (call.status, call.spoken) == ("completed", ["one", "two"])
        await until(lambda: len(script.asked) == 3)
        assert [path for path, _ in script.asked][:2] == ["/webhooks/plivo/voice", "/more"]


@pytest.mark.parametrize(
    "xml",
    [
        "<Levitate/>",
        "<Dial/>",
        "<Stream>wss://x</Stream>",
        '<Stream bidirectional="true" keepCallAlive="true"'
        ' contentType="audio/x-mulaw;rate=8000">https://x</Stream>',
        '<Stream bidirectional="true" keepCallAlive="true" audioTrack="both"'
        ' contentType="audio/x-mulaw;rate=8000">wss://x</Stream>',
        "<Speak>",
        "<Redirect>https://phone.example.com/nowhere</Redirect>",
    ],
)
async def test_xml_that_plivo_would_not_take_fails_the_call(xml: str) -> None:
    async with scripted(voice=xml) as (vendor, _):
        call = vendor.rings()
        await call.is_with(CallerLocation.ENDED)
        assert call.status == "failed"


async def test_a_call_that_goes_round_and_round_ends() -> None:
    again = "<Redirect>https://phone.example.com/webhooks/plivo/voice</Redirect>"
    async with scripted(voice=again) as (vendor, script):
        call = vendor.rings()
        await call.is_with(CallerLocation.ENDED)
        assert call.status == "failed"
        assert len(script.asked) > 100


async def test_a_dial_tells_who_answers_and_how_it_ended() -> None:
    dial = (
        '<Dial action="https://phone.example.com/done" callbackUrl="https://phone.example.com/news">'
        "<Number>+15550100200</Number></Dial>"
    )
    async with scripted(voice=dial, done="<Hangup/>", news="") as (vendor, script):
        call = vendor.rings()
        human = await call.human()
        await human.answers()
        await call.is_with(CallerLocation.HUMAN)
        await human.hangs_up()
        await call.is_with(CallerLocation.ENDED)
        await until(lambda: len([1 for path, _ in script.asked if path == "/news"]) == 3)
        news = [told["DialAction"] for path, told in script.asked if path == "/news"]
        assert news == ["answer", "connected", "hangup"]
        (done,) = (told for path, told in script.asked if path == "/done")
        assert (done["DialStatus"], done["DialBLegUUID"]) == ("completed", human.call_id)


async def test_a_server_that_does_not_answer_fails_the_call() -> None:
    async with harness() as at:
        at.vendor.reaches("http://127.0.0.1:1")
        call = at.vendor.rings()
        await call.is_with(CallerLocation.ENDED)
        assert call.status == "failed"
