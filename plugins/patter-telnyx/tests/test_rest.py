"""The API on good and bad days: what is asked again, what is not, and what errors say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from patter.carriers.vendor_api import ApiRefusal
from patter.errors import (
    AuthenticationError,
    PatterConnectionError,
    PatterError,
    PatterTimeoutError,
    ProvisionError,
    RateLimitError,
)
from patter_telnyx import Telnyx
from patter_telnyx._refusal import is_over, refusal
from patter_telnyx._rest import TelnyxApi, command_id_of, connected
from patter_testing import site
from patter_testing.doubles.harness import OURS, THEIRS

from .harness import harness
from .test_webhooks import Quick

CALL = "v3:one/../two?x=1"
OK = '{"data": {"result": "ok"}}'


@attrs.define
class Answers:
    """An API that gives these answers, one after the other, then the last for ever."""

    given: list[tuple[int, str]]
    asked: list[tuple[str, str, bytes]] = attrs.field(factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.raw_path, await request.read()))
        status, text = self.given.pop(0) if len(self.given) > 1 else self.given[0]
        return web.Response(status=status, text=text, content_type="application/json")


@asynccontextmanager
async def api(*given: tuple[int, str]) -> AsyncIterator[tuple[TelnyxApi, Answers]]:
    answers = Answers(list(given))
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answers.answer)
    async with site(app) as url:
        settings = Telnyx(api_key="hunter2", connection_id="7", api_base=f"{url}/v2")
        async with connected(settings) as opened:
            opened.clock = Quick()
            yield opened, answers


def error(code: str, detail: str = "No") -> str:
    told = {"code": code, "title": "Because", "detail": detail}
    return orjson.dumps({"errors": [told]}).decode()


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_an_order_is_given_three_times_under_one_name(status: int) -> None:
    async with api((status, "<html>"), (status, ""), (200, OK)) as (telnyx, answers):
        await telnyx.command(CALL, "speak", {"payload": "hi"})
        names = {orjson.loads(body)["command_id"] for _, _, body in answers.asked}
        assert (len(answers.asked), len(names)) == (3, 1)
    async with api((status, error("10011"))) as (telnyx, answers):
        with pytest.raises(PatterConnectionError):
            await telnyx.hangup(CALL)
        assert len(answers.asked) == 3


async def test_a_call_id_stays_one_part_of_the_path() -> None:
    async with api((200, OK)) as (telnyx, answers):
        await telnyx.command(CALL, "hangup")
        ((method, path, _),) = answers.asked
        assert (method, path) == ("POST", "/v2/calls/v3%3Aone%2F..%2Ftwo%3Fx%3D1/actions/hangup")


async def test_orders_that_are_one_have_one_name_and_others_their_own() -> None:
    async with api((200, OK)) as (telnyx, answers):
        for call in ("a", "a", "b"):
            await telnyx.command(call, "answer", once="answer")
        await telnyx.command("a", "speak")
        await telnyx.command("a", "speak")
        names = [orjson.loads(body)["command_id"] for _, _, body in answers.asked]
        assert names[0] == names[1] == command_id_of("a", "answer", "answer")
        assert len(set(names)) == 4


async def test_a_dial_keeps_its_name_when_it_is_given_again() -> None:
    placed = '{"data": {"call_control_id": "v3:new"}}'
    async with api((503, ""), (200, placed)) as (telnyx, answers):
        assert await telnyx.dial("call-1", to=THEIRS) == "v3:new"
        assert [orjson.loads(body)["command_id"] for _, _, body in answers.asked] == ["call-1"] * 2


@pytest.mark.parametrize("status", [500, 503])
async def test_a_dial_stays_in_doubt_when_only_its_repetition_is_refused(status: int) -> None:
    busy = (429, error("10011"))
    async with api((status, ""), busy) as (telnyx, answers):
        with pytest.raises(PatterConnectionError) as raised:
            await telnyx.dial("call-1", to=THEIRS)
        assert not isinstance(raised.value, RateLimitError)
        assert len(answers.asked) == 3
    async with api(busy) as (telnyx, _):
        with pytest.raises(RateLimitError):
            await telnyx.dial("call-1", to=THEIRS)


async def test_a_dial_that_names_no_call_stays_in_doubt() -> None:
    async with api((200, OK)) as (telnyx, _):
        with pytest.raises(PatterConnectionError, match="without naming the call"):
            await telnyx.dial("call-1", to=THEIRS)


async def test_a_refusal_is_not_asked_again() -> None:
    async with api((422, error("90015"))) as (telnyx, answers):
        with pytest.raises(ApiRefusal) as raised:
            await telnyx.command(CALL, "answer")
        assert (raised.value.vendor_code, is_over(raised.value)) == ("90015", False)
        assert len(answers.asked) == 1


@pytest.mark.parametrize("answer", [(422, error("90018")), (404, error("10005")), (404, "")])
async def test_a_call_that_is_over_is_hung_up_without_a_word(answer: tuple[int, str]) -> None:
    async with api(answer) as (telnyx, _):
        await telnyx.hangup(CALL)
        with pytest.raises(ApiRefusal):
            await telnyx.command(CALL, "speak")


async def test_an_api_that_says_nothing_is_given_up() -> None:
    async with harness() as at:
        call, attached = await at.inbound()
        at.worsen(slow=1.0, slow_ms=300)
        with pytest.raises(PatterTimeoutError) as raised:
            await at.line.api.hangup(call.call_id, within_s=0.05)
        assert raised.value.fix
        attached.done()


async def test_an_api_that_is_not_there_is_a_connection_error() -> None:
    settings = Telnyx(api_key="hunter2", connection_id="7", api_base="http://127.0.0.1:1")
    async with connected(settings) as telnyx:
        telnyx.clock = Quick()
        with pytest.raises(PatterConnectionError) as raised:
            await telnyx.hangup(CALL)
    assert raised.value.fix


@pytest.mark.parametrize("text", ["<html>", "{", "[1]", ""])
async def test_an_answer_of_no_use_is_an_error_with_a_fix(text: str) -> None:
    async with api((200, text)) as (telnyx, _):
        for ask in (telnyx.hangup(CALL), telnyx.number(OURS), telnyx.dial("c", to=THEIRS)):
            with pytest.raises(PatterError) as raised:
                await ask
            assert raised.value.fix


async def test_a_number_of_no_use_is_not_found() -> None:
    for data in ("null", "[]", "[7]", '[{"phone_number": "+1"}]', '{"a": 1}'):
        async with api((200, f'{{"data": {data}}}')) as (telnyx, _):
            assert await telnyx.number(OURS) is None


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "10009", AuthenticationError),
        (403, "10010", AuthenticationError),
        (403, "D51", ProvisionError),
        (429, "10011", RateLimitError),
        (500, "10007", PatterConnectionError),
        (422, "10015", ProvisionError),
        (404, "10005", ProvisionError),
    ],
)
def test_each_refusal_is_its_own_error(status: int, code: str, kind: type[PatterError]) -> None:
    told = refusal(status, orjson.loads(error(code)))
    assert isinstance(told, kind)
    assert told.fix


json_values = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["errors", "code", "title", "detail", "meta", "url"]), inner
        )
    ),
    max_leaves=10,
)


@given(st.integers(300, 599), json_values)
def test_any_answer_makes_an_error_with_a_fix(status: int, body: object) -> None:
    told = refusal(status, body)
    assert told.message
    assert told.fix


async def test_no_key_is_in_an_error() -> None:
    async with api((401, error("10009", "hunter2 is wrong"))) as (telnyx, _):
        with pytest.raises(AuthenticationError) as raised:
            await telnyx.hangup(CALL)
        assert "Bearer" not in str(raised.value)
