"""A reply that stalls is left, and one that is complete is not waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from patter.errors import ErrorCode, PatterConnectionError, PatterError
from patter.providers.llm import DoneChunk, LLMChunk, TextChunk
from patter.vendors import reply_stream
from patter.vendors.chat_wire import ChatReply
from patter.vendors.errors import VendorErrors
from patter.vendors.reply_stream import decoded

ERRORS = VendorErrors("Parrot", "PARROT_API_KEY", "status.parrot.example")
HELLO = {"choices": [{"delta": {"content": "Hello."}}]}
STOP = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
BROKEN = PatterConnectionError("broken", fix="try again")


async def events(*given: object) -> AsyncIterator[object]:
    """*given*: an error is raised, an Ellipsis is never followed by anything."""
    for each in given:
        if each is ...:
            await asyncio.get_running_loop().create_future()
        if isinstance(each, Exception):
            raise each
        yield each


async def chunks(*given: object, silence_s: float = 5) -> list[LLMChunk]:
    reply = decoded(events(*given), ChatReply(ERRORS), silence_s)
    return [chunk async for chunk in reply]


async def test_a_reply_ends_with_its_reason() -> None:
    assert await chunks(HELLO, STOP) == [TextChunk("Hello."), DoneChunk("stop")]


@pytest.mark.parametrize("given", [(...,), (HELLO, ...)], ids=["at all", "more"])
async def test_a_vendor_that_says_nothing_is_a_timeout(given: tuple[object, ...]) -> None:
    with pytest.raises(PatterError) as caught:
        await chunks(*given, silence_s=0.02)
    assert caught.value.code is ErrorCode.TIMEOUT


@pytest.mark.parametrize("then", [..., BROKEN], ids=["stalls", "breaks"])
async def test_what_goes_wrong_after_the_end_is_of_no_matter(
    then: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reply_stream, "END_S", 0.02)
    assert (await chunks(HELLO, STOP, then))[-1] == DoneChunk("stop")


async def test_a_connection_that_breaks_before_the_end_raises() -> None:
    with pytest.raises(PatterConnectionError):
        await chunks(HELLO, BROKEN)


async def test_half_a_reply_is_no_reply() -> None:
    with pytest.raises(PatterConnectionError):
        await chunks(HELLO)
