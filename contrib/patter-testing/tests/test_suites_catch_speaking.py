"""Each rule on voices and models convicts somebody who breaks it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from patter.errors import PatterConnectionError
from patter.providers.llm import DoneChunk, LLMRequest, TextChunk, ToolCallChunk
from patter.providers.tts import Speech, SpokenWord
from patter_testing import FakeLLM, FakeTTS, LLMSuite, Reply, TTSSuite
from patter_testing.suites.llm import BOOK

from .test_suites_catch_vendors import tried_on_wire
from .trial import CALL, STAY_S, convicted, untried

LOST = PatterConnectionError("401", fix="try again")
Say = Callable[[Any, AsyncIterator[str]], AsyncIterator[Speech]]


class RogueTTS(FakeTTS):
    """A voice whose `say` is *saying* and whose `open` ends in *farewell*."""

    saying: Any = None
    farewell: Any = None

    @asynccontextmanager
    async def open(self, call: Any, audio: Any) -> AsyncIterator[Any]:
        try:
            async with FakeTTS.open(self, call, audio) as honest:
                yield Voice(honest, type(self).saying) if self.saying else honest
        finally:
            if self.farewell:
                await type(self).farewell()


class Voice:
    def __init__(self, honest: Any, saying: Any) -> None:
        self.honest, self.saying = honest, saying

    def say(self, text: AsyncIterator[str]) -> Any:
        return self.saying(self.honest, text)


def voice(saying: Any = None, farewell: Any = None, **settings: Any) -> RogueTTS:
    rogue: type[RogueTTS] = type("Rogue", (RogueTTS,), {"saying": saying, "farewell": farewell})
    return rogue(**settings)


async def half_samples(honest: Any, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
    async for piece in honest.say(text):
        yield Speech(piece.audio + b"\1" if honest.audio.sample_bytes == 2 else b"")


async def waits_for_all(honest: Any, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
    async def all_of_it() -> AsyncIterator[str]:
        for each in [each async for each in text]:
            yield each

    async for piece in honest.say(all_of_it()):
        yield piece


async def mixes_up_words(honest: Any, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
    async for piece in honest.say(text):
        yield Speech(piece.audio, words=(SpokenWord("b", 90), SpokenWord("a", 10)))


async def hums(honest: Any, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
    yield Speech(b"\1" * 160)
    async for piece in honest.say(text):
        yield piece


async def clings(honest: Any, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
    try:
        async for piece in honest.say(text):
            yield piece
    finally:
        await asyncio.sleep(STAY_S)


async def forgets_who_speaks(honest: Any, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
    """The end of one reply is the end of whichever is spoken then."""
    honest.cancelled = 0
    try:
        async for piece in honest.say(text):
            if honest.cancelled:
                return
            yield piece
    finally:
        honest.cancelled = 1


async def leaves_a_task() -> None:
    asyncio.get_running_loop().create_task(asyncio.sleep(60))


async def dawdles() -> None:
    await asyncio.sleep(STAY_S)


async def fails_bare(honest: Any, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
    yield Speech(b"\1" * 160)
    raise ConnectionError("reset")


class Shared(FakeTTS):
    """Two replies at once are spoken by one voice, each longer by the other's."""

    open_now: list[int] = []

    @asynccontextmanager
    async def open(self, call: Any, audio: Any) -> AsyncIterator[Any]:
        self.open_now.append(1)
        await asyncio.sleep(0.01)
        many = len(self.open_now)
        async with FakeTTS(ms_per_letter=60 * many).open(call, audio) as session:
            yield session
        self.open_now.pop()


TTS_CULPRITS = [
    ("test_every_declared_format_is_delivered", {"provider": voice(half_samples)}),
    ("test_every_declared_format_is_delivered", {"provider": FakeTTS(stalls_at_ms=50)}),
    ("test_the_first_sentence_does_not_wait_for_the_second", {"provider": voice(waits_for_all)}),
    ("test_words_are_told_in_order", {"provider": voice(mixes_up_words)}),
    ("test_nothing_to_say_is_said_at_once", {"provider": voice(hums)}),
    ("test_a_closed_reply_is_over_within_a_second", {"provider": voice(clings)}),
    ("test_a_reply_that_is_closed_late_disturbs_no_other", {"provider": voice(forgets_who_speaks)}),
    ("test_cancelling_closes_within_a_second", {"provider": voice(farewell=dawdles)}),
    ("test_a_closed_session_leaves_nothing", {"provider": voice(farewell=leaves_a_task)}),
    ("test_two_calls_do_not_mix", {"provider": Shared()}),
    ("test_a_refusal_says_what_to_do", {"refused": FakeTTS()}),
    ("test_a_refusal_says_what_to_do", {"refused": FakeTTS(refuses=LOST)}),
    ("test_a_vendor_that_hangs_up_ends_the_reply", {"cut_off": FakeTTS(closes_at_ms=200)}),
    ("test_a_vendor_that_hangs_up_ends_the_reply", {"cut_off": voice(fails_bare)}),
    ("test_garbage_hangs_nobody", {"garbage": FakeTTS(stalls_at_ms=0)}),
    ("test_garbage_hangs_nobody", {"garbage": voice(fails_bare)}),
    ("test_a_vendor_that_says_nothing_can_be_left", {"mute": voice(clings, stalls_at_ms=0)}),
]


@pytest.mark.parametrize(("rule", "given"), TTS_CULPRITS)
def test_a_voice_that_breaks_a_rule_is_convicted(rule: str, given: dict[str, Any]) -> None:
    assert convicted(TTSSuite(), rule, **given)


def test_every_rule_on_voices_was_tried() -> None:
    assert untried(TTSSuite, {rule for rule, _ in TTS_CULPRITS} | tried_on_wire("tts")) == set()


class RogueLLM(FakeLLM):
    telling: Any = None

    def stream(self, request: LLMRequest) -> Any:
        return type(self).telling(FakeLLM.stream(self, request), request)


def model(telling: Any) -> RogueLLM:
    rogue: type[RogueLLM] = type("Rogue", (RogueLLM,), {"telling": telling})
    return rogue()


async def never_done(chunks: Any, request: Any) -> Any:
    async for chunk in chunks:
        if not isinstance(chunk, DoneChunk):
            yield chunk


async def chatters(chunks: Any, request: Any) -> Any:
    yield "raw text"
    async for chunk in chunks:
        yield chunk


async def calls_nobody(chunks: Any, request: Any) -> Any:
    yield ToolCallChunk(0, arguments="{")
    yield DoneChunk()


async def fears_tools(chunks: Any, request: Any) -> Any:
    if any(row.role == "tool" for row in request.messages):
        raise KeyError("tool")
    async for chunk in chunks:
        yield chunk


async def holds_on(chunks: Any, request: Any) -> Any:
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        await asyncio.sleep(STAY_S)


class Single(FakeLLM):
    """Answers one request at a time, the other not at all."""

    busy: list[str] = []

    async def stream(self, request: LLMRequest) -> Any:
        self.busy.append(request.call.call_id)
        await asyncio.sleep(0.01)
        if len(self.busy) == 1:
            yield TextChunk("me")
        yield DoneChunk()


REQUEST = LLMRequest(messages=(), call=CALL)
TOOL_REQUEST = LLMRequest(messages=(), tools=(BOOK,), call=CALL)
LLM_CULPRITS = [
    ("test_a_reply_ends_with_exactly_one_done", {"provider": model(never_done)}),
    ("test_every_chunk_is_of_a_known_kind", {"provider": model(chatters)}),
    ("test_a_tool_call_adds_up", {"provider": model(calls_nobody)}),
    ("test_the_answer_of_a_tool_can_be_sent_back", {"provider": model(fears_tools)}),
    ("test_a_closed_reply_is_over_within_a_second", {"provider": model(holds_on)}),
    ("test_cancelling_closes_within_a_second", {"provider": model(holds_on)}),
    ("test_two_calls_do_not_mix", {"provider": Single()}),
    ("test_a_refusal_says_what_to_do", {"refused": FakeLLM()}),
    ("test_a_refusal_says_what_to_do", {"refused": FakeLLM(replies=(Reply(fails=LOST),))}),
    ("test_a_vendor_that_hangs_up_raises", {"cut_off": model(never_done)}),
    ("test_garbage_hangs_nobody", {"garbage": FakeLLM(replies=(Reply(silent=True),))}),
    ("test_a_vendor_that_says_nothing_can_be_left", {"mute": model(holds_on)}),
]


@pytest.mark.parametrize(("rule", "given"), LLM_CULPRITS)
def test_a_model_that_breaks_a_rule_is_convicted(rule: str, given: dict[str, Any]) -> None:
    if "mute" in given:
        given = {"mute": type("Mute", (type(given["mute"]),), {})(replies=(Reply(silent=True),))}
    assert convicted(LLMSuite(), rule, request_=REQUEST, tool_request=TOOL_REQUEST, **given)


def test_every_rule_on_models_was_tried() -> None:
    assert untried(LLMSuite, {rule for rule, _ in LLM_CULPRITS} | tried_on_wire("llm")) == set()
