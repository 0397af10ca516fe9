"""Requests to a vendor's API: refusals, silence, redirects and garbage are errors of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from patter.errors import ErrorCode, PatterError
from patter.vendors.errors import VendorErrors
from patter.vendors.http_api import HttpApi
from patter_testing.loopback_site import site

ERRORS = VendorErrors("Acme", "ACME_API_KEY", "status.acme.example")
SECRET = "k-secret"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def refused(status: int, body: object, headers: Any) -> PatterError:
    return ERRORS.refused(status, str(body), headers=headers)


def api(url: str) -> HttpApi:
    return HttpApi(
        base_url=url,
        errors=ERRORS,
        refused=refused,
        headers={"Authorization": f"Bearer {SECRET}"},
    )


@pytest.fixture
def seen() -> list[web.Request]:
    return []


def serve(handler: Handler, seen: list[web.Request]) -> Any:
    async def answer(request: web.Request) -> web.StreamResponse:
        if not request.content_type.startswith("multipart/"):
            await request.read()
        seen.append(request)
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    return site(app)


def events(*pieces: bytes, stalls: bool = False) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        if stalls:
            await asyncio.sleep(30)
        return response

    return handler


async def drained(stream: AsyncIterator[object]) -> list[object]:
    return [each async for each in stream]


async def test_events_are_read_as_json_and_the_last_word_is_none(seen: list[web.Request]) -> None:
    handler = events(b'data: {"a"', b": 1}\n\n", b"data: [DONE]\n\n")
    async with serve(handler, seen) as url:
        assert await drained(api(url).events("/chat", {"stream": True}, 5)) == [{"a": 1}]
    assert seen[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert seen[0].content_type == "application/json"


async def test_bytes_go_as_they_are_with_their_own_headers(seen: list[web.Request]) -> None:
    async with serve(events(), seen) as url:
        await drained(api(url).events("/", b"\x80", 5, headers={"Content-Type": "application/x"}))
    assert (await seen[0].read(), seen[0].content_type) == (b"\x80", "application/x")


async def test_a_stream_that_falls_silent_is_late(seen: list[web.Request]) -> None:
    async with serve(events(b"data: 1\n\n", stalls=True), seen) as url:
        stream = api(url).events("/", {}, 0.05)
        assert await anext(stream) == 1
        with pytest.raises(PatterError) as caught:
            await anext(stream)
    assert caught.value.code is ErrorCode.TIMEOUT


async def test_a_stream_of_comments_alone_is_late(seen: list[web.Request]) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: 1\n\n")
        async with asyncio.timeout(10):
            while True:
                await response.write(b": still here\n\n")
                await asyncio.sleep(0.05)

    async with serve(handler, seen) as url:
        stream = api(url).events("/", {}, 0.5)
        assert await anext(stream) == 1
        with pytest.raises(PatterError) as caught:
            await asyncio.wait_for(anext(stream), 5)
    assert caught.value.code is ErrorCode.TIMEOUT


@pytest.mark.parametrize("wire", [b"data: {\n\n", b"data: \xff\n\n"])
async def test_an_event_that_is_no_json_is_garbled(wire: bytes, seen: list[web.Request]) -> None:
    async with serve(events(wire), seen) as url:
        with pytest.raises(PatterError) as caught:
            await drained(api(url).events("/", {}, 5))
    assert caught.value.code is ErrorCode.PROVIDER_ERROR


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, ErrorCode.AUTH), (429, ErrorCode.RATE_LIMIT), (503, ErrorCode.CONNECTION)],
)
async def test_a_refusal_is_worded_with_its_body_and_its_headers(
    status: int, code: ErrorCode, seen: list[web.Request]
) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.json_response({"why": "so"}, status=status, headers={"Retry-After": "2"})

    async with serve(handler, seen) as url:
        with pytest.raises(PatterError) as caught:
            await api(url).json("POST", "/", {}, within_s=5)
    assert caught.value.code is code
    assert "so" in str(caught.value)
    if code is ErrorCode.RATE_LIMIT:
        assert getattr(caught.value, "retry_after_ms", 0) == 2_000


async def test_a_redirect_is_not_followed(seen: list[web.Request]) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with serve(handler, seen) as url:
        with pytest.raises(PatterError) as caught:
            await drained(api(url).events("/", {}, 5))
    assert caught.value.code is ErrorCode.PROVIDER_ERROR
    assert len(seen) == 1, "the key was sent on"


async def test_an_answer_of_another_kind_is_not_believed(seen: list[web.Request]) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text="data: 1\n\n", content_type="text/html")

    async with serve(handler, seen) as url:
        with pytest.raises(PatterError) as caught:
            await drained(api(url).events("/", {}, 5))
    assert caught.value.code is ErrorCode.PROVIDER_ERROR


async def test_an_answer_that_never_comes_is_late(seen: list[web.Request]) -> None:
    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with serve(handler, seen) as url:
        with pytest.raises(PatterError) as caught:
            await api(url).json("GET", "/", within_s=0.05)
    assert caught.value.code is ErrorCode.TIMEOUT


async def test_nobody_there_is_out_of_reach() -> None:
    with pytest.raises(PatterError) as caught:
        await api("http://127.0.0.1:9").json("GET", "/", within_s=5)
    assert caught.value.code is ErrorCode.CONNECTION
    assert SECRET not in f"{caught.value}{api('http://127.0.0.1:9')!r}"


async def test_a_file_goes_in_a_form(seen: list[web.Request]) -> None:
    got: dict[str, object] = {}

    async def handler(request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        got.update(model=form["model"], name=file.filename, data=file.file.read())
        return web.json_response({"text": "hi"})

    async with serve(handler, seen) as url:
        asked = api(url)
        form = await asked.form([("model", "m")], ("a.wav", b"RIFF", "audio/wav"))
        assert await asked.json("POST", "/", form, within_s=5) == {"text": "hi"}
    assert got == {"model": "m", "name": "a.wav", "data": b"RIFF"}
