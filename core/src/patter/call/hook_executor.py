"""Calls the hooks of an application, in a call or outside of one.

Async ones run on the loop, others in threads apart from those of tools. One that raises changes
nothing, and is logged the first time. One that does not come back in time changes nothing, and
is not called again: the caller waits for it once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs

from patter.application import result_of
from patter.call.hooks import HookContext, PipelineHooks
from patter.errors import PatterTypeError
from patter.providers.llm import Message

T = TypeVar("T")
log = logging.getLogger("patter.call.hooks")

TEXT_S = 3.0
"""How long a hook may look at a turn, a request, a sentence or a response."""
CHUNK_S = 0.5
"""How long it may look at a piece of audio or text: the caller hears every delay."""


def _or_none_set(hooks: PipelineHooks | None) -> PipelineHooks:
    return PipelineHooks() if hooks is None else hooks


@attrs.define(eq=False)
class PipelineHookExecutor:
    """Applies *hooks* of one call; None: there are none.

    *on_off* is called with the name of a hook that is not called again.
    """

    hooks: PipelineHooks = attrs.field(factory=PipelineHooks, converter=_or_none_set)
    on_off: Callable[[str], None] | None = None
    _off: set[str] = attrs.field(factory=set, init=False)
    _logged: set[str] = attrs.field(factory=set, init=False)

    @property
    def waits_for_response(self) -> bool:
        """Must a response be whole before anything of it is said?"""
        return self.hooks.tiers.on_response is not None and "on_response" not in self._off

    async def run_before_send_to_stt(
        self, pcm: bytes, ctx: HookContext, *, within_s: float = CHUNK_S
    ) -> bytes | None:
        """What the recogniser hears instead of *pcm*; None: nothing."""
        hook = self.hooks.before_send_to_stt
        return await self._applied("before_send_to_stt", hook, _audio, ctx, within_s, pcm, ctx)

    async def run_after_transcribe(self, text: str, ctx: HookContext) -> str | None:
        """What the caller is taken to have said; None: they get no answer."""
        hook = self.hooks.after_transcribe
        return await self._applied("after_transcribe", hook, _text, ctx, TEXT_S, text, ctx)

    async def run_before_llm(
        self, messages: Sequence[Message], ctx: HookContext
    ) -> tuple[Message, ...]:
        """What the model is shown."""
        hook, shown = self.hooks.before_llm, tuple(messages)
        result = await self._applied("before_llm", hook, _messages, ctx, TEXT_S, shown, ctx)
        return result or shown

    async def run_after_llm_chunk(self, chunk: str, ctx: HookContext) -> str:
        """A piece of a model's text."""
        hook = self.hooks.tiers.on_chunk
        result = await self._applied("on_chunk", hook, _text, ctx, CHUNK_S, chunk)
        return chunk if result is None else result

    async def run_after_llm_sentence(self, sentence: str, ctx: HookContext) -> str:
        """A sentence of it; empty: it is dropped."""
        hook = self.hooks.tiers.on_sentence
        result = await self._applied("on_sentence", hook, _text, ctx, TEXT_S, sentence, ctx)
        return sentence if result is None else result

    async def run_after_llm_response(self, text: str, ctx: HookContext) -> str:
        """All of it, up to its end or a tool call."""
        hook = self.hooks.tiers.on_response
        result = await self._applied("on_response", hook, _text, ctx, TEXT_S, text, ctx)
        return text if result is None else result

    async def run_before_synthesize(self, sentence: str, ctx: HookContext) -> str | None:
        """What is spoken instead of *sentence*; None: nothing."""
        hook = self.hooks.before_synthesize
        return await self._applied("before_synthesize", hook, _text, ctx, TEXT_S, sentence, ctx)

    async def run_after_synthesize(
        self, audio: bytes, text: str, ctx: HookContext, *, within_s: float = CHUNK_S
    ) -> bytes | None:
        """What is played instead of *audio*, PCM16 that speaks *text*; None: nothing."""
        hook = self.hooks.after_synthesize
        return await self._applied(
            "after_synthesize", hook, _audio, ctx, within_s, audio, text, ctx
        )

    def switch_off(self, stage: str, ctx: HookContext) -> None:
        """Do not call the hook of *stage* again: it keeps the caller waiting."""
        if stage in self._off:
            return
        self._off.add(stage)
        log.error("call %s: hook %s took too long; it is off from now on", ctx.call_id, stage)
        if self.on_off is not None:
            self.on_off(stage)

    async def _applied(
        self,
        stage: str,
        hook: Callable[..., Any] | None,
        made: Callable[[Any], T | None],
        ctx: HookContext,
        within_s: float,
        value: T,
        *rest: Any,
    ) -> T | None:
        """What *hook* makes of *value*; *made* checks it."""
        if hook is None or stage in self._off:
            return value
        limit = asyncio.timeout(within_s)
        try:
            async with limit:
                # Apart from the call's own: hooks that hang must not keep its tools waiting.
                return made(await result_of(hook, value, *rest, owner=f"{ctx.call_id}/hooks"))
        except Exception:
            if limit.expired():
                self.switch_off(stage, ctx)
            elif stage not in self._logged:
                self._logged.add(stage)
                log.exception("call %s: hook %s failed and changes nothing", ctx.call_id, stage)
        return value


def _text(result: Any) -> str | None:
    return None if result is None else str(result)


def _audio(result: Any) -> bytes | None:
    if result is None or isinstance(result, bytes):
        return result
    if isinstance(result, bytearray | memoryview):
        return bytes(result)
    raise _wrong(result, "bytes")


def _messages(result: Any) -> tuple[Message, ...] | None:
    if result is None:
        return None
    messages = tuple(result)
    if not all(isinstance(each, Message) for each in messages):
        raise _wrong(result, "messages")
    return messages


def _wrong(result: object, wanted: str) -> PatterTypeError:
    return PatterTypeError(
        f"it returned {result!r:.80}, not {wanted}", fix=f"return {wanted}, or None"
    )
