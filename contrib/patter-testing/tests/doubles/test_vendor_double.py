"""What all doubles of vendors share: who is let in, and how a provider is pointed at one."""

from __future__ import annotations

import attrs
import pytest
from aiohttp import ClientSession, web

from patter.audio.formats import MULAW_8K
from patter.providers.stt import STTEvent, Transcript
from patter_testing.doubles.scripted_listener import ScriptedListener
from patter_testing.doubles.vendor_double import KEY, Lines, VendorDouble
from patter_testing.fakes.tts import spoken


@attrs.define(eq=False, kw_only=True)
class Plain(VendorDouble):
    def routes(self) -> list[web.RouteDef]:
        return [web.get("/hello", self.hello)]

    async def hello(self, request: web.Request) -> web.Response:
        return web.Response(text="hello")


@attrs.frozen(kw_only=True)
class Provider:
    model: str
    base_url: str = "https://api.example.com"
    api_key: str = attrs.field(default="theirs", repr=False)


def heard(ear: ScriptedListener) -> str:
    events: list[STTEvent] = ear.feed(spoken("words", MULAW_8K)) + ear.finalize()
    assert isinstance(events[-1], Transcript)
    return events[-1].text


@pytest.mark.parametrize(
    ("shown", "status"),
    [(f"Bearer {KEY}", 200), (f"bearer {KEY}", 200), ("Bearer wrong", 401), (KEY, 401), ("", 401)],
)
async def test_only_its_key_opens_and_all_is_noted(shown: str, status: int) -> None:
    async with Plain().running() as double, ClientSession(double.url) as client:
        headers = {"Authorization": shown}
        async with client.get("/hello?a=1", headers=headers) as answer:
            assert answer.status == status
        (request,) = double.requests
    assert (request.method, request.path, request.query["a"]) == ("GET", "/hello", "1")
    assert request.headers["Authorization"] == headers["Authorization"]


async def test_a_provider_is_pointed_at_it_and_stays_as_it_was() -> None:
    provider = Provider(model="polly")
    async with Plain(key="k").running() as double:
        pointed = double.pointed(provider)
    assert pointed == Provider(model="polly", base_url=double.url, api_key="k")
    assert provider.base_url == "https://api.example.com"


async def test_who_has_no_ears_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Plain does not listen"):
        await Plain().hear("hello")


def test_sessions_share_the_lines_and_what_is_put_behind_them() -> None:
    double = Plain(lines=["one"])
    one, other = double.listener(MULAW_8K), double.listener(MULAW_8K)
    double.lines.put("two")
    assert [heard(one), heard(other), heard(one)] == ["one", "two", "300 ms"]
    double.lines.put("late")
    assert heard(one) == "late"


def test_what_is_said_of_other_voice_can_be_chosen() -> None:
    double = Plain(otherwise=lambda voice_ms: "somebody spoke")
    assert heard(double.listener(MULAW_8K)) == "somebody spoke"


def test_doubles_may_share_lines() -> None:
    lines = Lines(["one", "two"])
    ears = [Plain(lines=lines).listener(MULAW_8K) for _ in range(2)]
    assert [heard(ear) for ear in ears] == ["one", "two"]
