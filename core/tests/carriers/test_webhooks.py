"""Carriers' webhooks: the size first, the URL we told, forms as they are, nothing twice."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession, web
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from patter.carriers.webhooks import (
    MAX_VARIABLES,
    Replays,
    check_age,
    form_fields,
    public_url,
    raw_body,
    variables,
)
from patter.errors import InputError, PatterConfigError, WebhookVerificationError
from patter_testing import site

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)


async def post(path: str = "/hook?b=2&a=%41", **request: object) -> tuple[int, str]:
    """What a handler that reads a body of at most 10 bytes and names its URL answers."""

    async def hook(request: web.Request) -> web.Response:
        body = await raw_body(request, limit=10)
        return web.Response(text=f"{public_url('a.example.com', request)} {len(body)}")

    app = web.Application()
    app.add_routes([web.post("/hook", hook)])
    async with site(app) as base, ClientSession() as http:
        url = URL(f"{base}{path}", encoded=True)
        async with http.post(url, **request) as answer:  # type: ignore[arg-type]
            return answer.status, await answer.text()


async def test_the_url_is_the_one_we_gave_with_its_query_as_it_came() -> None:
    status, text = await post(data=b"12345", headers={"Host": "evil.example.com"})
    assert (status, text) == (200, "https://a.example.com/hook?b=2&a=%41 5")


async def test_a_body_that_is_announced_too_long_is_refused() -> None:
    assert (await post(data=b"x" * 11))[0] == 413


async def test_a_body_that_turns_out_too_long_is_refused() -> None:
    async def drip() -> object:
        yield b"x" * 6
        yield b"x" * 6

    assert (await post(data=drip()))[0] == 413


def test_without_a_public_host_nobody_can_be_verified() -> None:
    with pytest.raises(PatterConfigError) as raised:
        public_url("", None)  # type: ignore[arg-type]
    assert "webhook_url" in raised.value.fix


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=20))
def test_a_form_is_read_as_it_was_written(pairs: list[tuple[str, str]]) -> None:
    wanted: dict[str, list[str]] = {}
    for name, value in pairs:
        wanted.setdefault(name, []).append(value)
    assert form_fields(urlencode(pairs).encode()) == wanted


@given(st.binary(max_size=60))
def test_any_bytes_are_a_form_or_a_clear_error(body: bytes) -> None:
    try:
        form_fields(body)
    except InputError as error:
        assert error.fix


def test_a_form_of_a_thousand_fields_is_refused() -> None:
    with pytest.raises(InputError):
        form_fields(b"&".join(b"a=1" for _ in range(1_000)))


@pytest.mark.virtual_time
async def test_a_retry_is_taken_and_a_replay_is_not() -> None:
    replays = Replays(again_s=60)
    assert replays.check("signature", "nonce")
    await asyncio.sleep(59)
    assert not replays.check("signature", "nonce")
    await asyncio.sleep(2)
    with pytest.raises(WebhookVerificationError):
        replays.check("signature", "nonce")
    assert replays.check("signature", "other nonce")


async def test_where_parts_end_makes_a_difference() -> None:
    replays = Replays()
    assert replays.check("ab", "c")
    assert replays.check("a", "bc")


async def test_what_is_remembered_is_bounded() -> None:
    replays = Replays(remembered=3)
    for name in "abcd":
        assert replays.check(name)
    assert replays.check("a")
    assert not replays.check("d")


@given(st.floats(-1e6, 1e6))
def test_only_recent_requests_are_taken(age: float) -> None:
    try:
        check_age(1_000_000 - age, 1_000_000)
        taken = True
    except WebhookVerificationError:
        taken = False
    assert taken == (-30 <= (1_000_000 - (1_000_000 - age)) <= 300)


@given(st.lists(st.tuples(st.text(), st.text()), max_size=80))
def test_variables_are_few_short_and_on_one_line(pairs: list[tuple[str, str]]) -> None:
    result = variables(pairs)
    assert len(result) <= MAX_VARIABLES
    for text in (*result, *result.values()):
        assert len(text) <= 500
        assert all(char.isprintable() for char in text)
    assert all(result)


def test_the_last_value_of_a_name_stands_even_when_there_are_many() -> None:
    pairs = [(f"n{number}", "x") for number in range(60)]
    result = variables([*pairs, ("n3", "{new}\n\u2028")])
    assert (len(result), result["n3"], result["n49"]) == (50, "{new}", "x")
