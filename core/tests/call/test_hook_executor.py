"""Hooks outside of a call: what each may return, and what comes of one that fails or hangs."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from typing import Any

import pytest

from patter import HookContext, PipelineHookExecutor, PipelineHooks
from patter.call import hook_executor
from patter.errors import PatterTypeError
from patter.providers.llm import Message

CTX = HookContext("c1", "+4930", "+4940", ({"role": "user", "text": "hello"},))
SHOWN = (Message("user", "hello"),)


def executor(**hooks: Any) -> PipelineHookExecutor:
    return PipelineHookExecutor(PipelineHooks(**hooks))


async def test_every_stage_passes_on_what_its_hook_returns() -> None:
    seen: list[Any] = []

    def louder(value: Any, *rest: Any) -> Any:
        seen.append(rest)
        return value.upper()

    async def shorter(messages: Any, ctx: HookContext) -> list[Message]:
        return [Message("user", ctx.history[0]["text"] + "!")]

    run = executor(
        before_send_to_stt=louder,
        after_transcribe=louder,
        before_llm=shorter,
        after_llm={"on_chunk": str.title, "on_sentence": louder, "on_response": louder},
        before_synthesize=louder,
        after_synthesize=louder,
    )
    assert await run.run_before_send_to_stt(b"ab", CTX) == b"AB"
    assert await run.run_after_transcribe("hi", CTX) == "HI"
    assert await run.run_before_llm(SHOWN, CTX) == (Message("user", "hello!"),)
    assert await run.run_after_llm_chunk("a b", CTX) == "A B"
    assert await run.run_after_llm_sentence("yes.", CTX) == "YES."
    assert await run.run_after_llm_response("yes.", CTX) == "YES."
    assert await run.run_before_synthesize("yes.", CTX) == "YES."
    assert await run.run_after_synthesize(b"ab", "yes.", CTX) == b"AB"
    assert seen == [(CTX,)] * 5 + [("yes.", CTX)]


async def test_none_drops_what_can_be_dropped_and_keeps_the_rest() -> None:
    def nothing(*_: Any) -> None: ...

    run = executor(
        before_send_to_stt=nothing,
        after_transcribe=nothing,
        before_llm=nothing,
        after_llm={"on_chunk": nothing, "on_sentence": nothing, "on_response": nothing},
        before_synthesize=nothing,
        after_synthesize=nothing,
    )
    assert await run.run_before_send_to_stt(b"ab", CTX) is None
    assert await run.run_after_transcribe("hi", CTX) is None
    assert await run.run_before_llm(SHOWN, CTX) == SHOWN
    assert await run.run_after_llm_chunk("a", CTX) == "a"
    assert await run.run_after_llm_sentence("yes.", CTX) == "yes."
    assert await run.run_after_llm_response("yes.", CTX) == "yes."
    assert await run.run_before_synthesize("yes.", CTX) is None
    assert await run.run_after_synthesize(b"ab", "yes.", CTX) is None


async def test_without_hooks_everything_stays() -> None:
    run = PipelineHookExecutor(None)
    assert await run.run_before_llm(SHOWN, CTX) == SHOWN
    assert await run.run_after_synthesize(b"ab", "yes.", CTX) == b"ab"
    assert not run.waits_for_response


@pytest.mark.parametrize(
    "raises", [ValueError("no"), SystemExit(1), asyncio.CancelledError(), KeyboardInterrupt()]
)
@pytest.mark.parametrize("is_async", [True, False])
async def test_one_that_raises_changes_nothing_and_is_logged_once(
    raises: BaseException, is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> Any:
        raise raises

    async def fail_later(*_: Any) -> Any:
        fail()

    run = executor(after_transcribe=fail_later if is_async else fail)
    assert [await run.run_after_transcribe("hi", CTX) for _ in range(3)] == ["hi"] * 3
    assert [record.getMessage() for record in caplog.records] == [
        "call c1: hook after_transcribe failed and changes nothing"
    ]


@pytest.mark.parametrize("result", ["text", 7, object()])
async def test_what_is_no_audio_and_no_messages_changes_nothing(result: object) -> None:
    run = executor(before_llm=lambda *_: [result], after_synthesize=lambda *_: result)
    assert await run.run_before_llm(SHOWN, CTX) == SHOWN
    assert await run.run_after_synthesize(b"ab", "yes.", CTX) == b"ab"


@pytest.mark.virtual_time
async def test_one_that_hangs_is_waited_for_once(caplog: pytest.LogCaptureFixture) -> None:
    calls = 0

    async def hang(*_: Any) -> Any:
        nonlocal calls
        calls += 1
        await asyncio.get_running_loop().create_future()

    off: list[str] = []
    run = PipelineHookExecutor(PipelineHooks(before_synthesize=hang), off.append)
    began = asyncio.get_running_loop().time()
    assert [await run.run_before_synthesize("yes.", CTX) for _ in range(9)] == ["yes."] * 9
    assert asyncio.get_running_loop().time() - began <= hook_executor.TEXT_S + 0.01
    assert calls == 1 and off == ["before_synthesize"]
    assert len(caplog.records) == 1 and caplog.records[0].levelno == logging.ERROR


async def test_one_that_blocks_its_thread_blocks_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hook_executor, "TEXT_S", 0.05)
    let_go = threading.Event()
    run = executor(
        after_transcribe=lambda *_: let_go.wait(20), before_synthesize=lambda s, _: s.upper()
    )
    try:
        async with asyncio.timeout(5):
            assert await run.run_after_transcribe("hi", CTX) == "hi"
            assert await run.run_before_synthesize("yes.", CTX) == "YES."
    finally:
        let_go.set()


def test_a_function_after_the_model_is_deprecated_and_means_the_response() -> None:
    def louder(text: str, ctx: HookContext) -> str:
        return text.upper()

    with pytest.warns(DeprecationWarning, match="waits for the whole response") as warned:
        hooks = PipelineHooks(after_llm=louder)
    assert warned[0].filename == __file__
    assert hooks.tiers.on_response is louder
    assert PipelineHookExecutor(hooks).waits_for_response


def test_an_object_has_the_tiers_that_it_has() -> None:
    class Tidy:
        def on_sentence(self, sentence: str, ctx: HookContext) -> str:
            return sentence.strip()

    tidy = Tidy()
    tiers = PipelineHooks(after_llm=tidy).tiers
    assert (tiers.on_chunk, tiers.on_sentence, tiers.on_response) == (None, tidy.on_sentence, None)


@pytest.mark.parametrize(
    "after_llm", [7, {}, {"on_token": print}, {"on_chunk": 7}, {"on_sentence": None}, object()]
)
def test_what_is_no_tier_is_refused(after_llm: object) -> None:
    with pytest.raises(PatterTypeError, match="after_llm"):
        PipelineHooks(after_llm=after_llm)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="before_llm is 'shout'"):
        PipelineHooks(before_llm="shout")  # type: ignore[arg-type]


async def test_a_hook_may_exit_in_its_thread() -> None:
    run = executor(after_transcribe=lambda *_: sys.exit(3))
    assert await run.run_after_transcribe("hi", CTX) == "hi"
