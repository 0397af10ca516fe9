"""From the model's text to what is spoken: filters, sentences, guardrails, transforms, hooks.

Filters see the text before it is cut, so that no mark or thought is spoken in parts; everything
after them sees whole sentences. A sentence that a guardrail refuses, or whose check fails, is not
spoken. A hook on whole responses is waited for before anything of one is cut.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from patter.application import containment
from patter.call.hook_executor import PipelineHookExecutor
from patter.call.hooks import HookContext, LLMTiers
from patter.call.plan import CallPlan
from patter.call.sentence_guard import SentenceGuard
from patter.observe.call_events import CallEvents
from patter.observe.events import Note
from patter.providers.context import CallContext
from patter.text.chunker import SentenceChunker
from patter.text.stream import StreamChain, StrongStream, TextStream, ThoughtStream, split

log = logging.getLogger("patter.call")


@attrs.define(eq=False)
class Sentences:
    """The way of one reply's text; `push`, `pause` and `flush` return what may be spoken.

    *any*: was there a sentence, be it one that is not to be spoken?
    """

    plan: CallPlan
    call: CallContext
    events: CallEvents
    hooks: PipelineHookExecutor
    context: HookContext
    any: bool = attrs.field(default=False, init=False)
    _thoughts: ThoughtStream = attrs.field(factory=ThoughtStream, init=False)
    _filters: StreamChain = attrs.field(init=False)
    _transforms: tuple[Callable[..., Any], ...] = attrs.field(init=False)
    _chunker: SentenceChunker = attrs.field(init=False)
    _tiers: LLMTiers = attrs.field(init=False)
    _response: str = attrs.field(default="", init=False)
    _guard: SentenceGuard | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        makers, transforms = split(self.plan.text_transforms)
        object.__setattr__(self, "_filters", StreamChain((StrongStream(), *_made(makers))))
        self._transforms = transforms
        self._tiers = self.plan.hooks.tiers
        chunker = SentenceChunker(
            aggressive_first_flush=self.plan.aggressive_first_flush, language=self.plan.language
        )
        self._chunker = chunker

    async def push(self, text: str) -> list[str]:
        """Take the next piece of text; the sentences it completes, ready to be spoken."""
        shown = self._thoughts.push(text)
        if self._tiers.on_chunk is not None:
            shown = await self._shown(shown)
        if self._tiers.on_response is not None and self.hooks.waits_for_response:
            self._response += shown
            return []
        clean = self._filters.push(shown)
        sentences = self._chunker.push(clean)
        # Where a filter took the end away, or keeps it, the sentence may go on behind it.
        if text.rstrip()[-1:] == clean.rstrip()[-1:]:
            sentences += self._chunker.settled()
        return await self._ready(sentences) if sentences else sentences

    @property
    def may_be_over(self) -> bool:
        """Does the text so far end like a sentence that may go on? See `pause`."""
        return self._chunker.may_be_over

    async def pause(self) -> list[str]:
        """No text has come for a moment: what ends like a sentence need not wait for more."""
        return await self._ready(self._chunker.pause())

    async def flush(self) -> list[str]:
        """The text is at its end, or at a tool call."""
        rest = self._thoughts.flush()
        if self._thoughts.unclosed:
            self.events.emit(Note(what="unclosed_thought", text="the rest of the text is left out"))
        rest = self._response + await self._shown(rest)
        if self._tiers.on_response is not None and rest:
            self._response = ""
            rest = await self.hooks.run_after_llm_response(rest, self.context)
        rest = self._filters.push(rest) + self._filters.flush()
        return await self._ready(self._chunker.push(rest) + self._chunker.flush())

    async def _ready(self, sentences: list[str]) -> list[str]:
        self.any = self.any or bool(sentences)
        return [ready for each in sentences if (ready := await self._prepare(each))]

    async def _prepare(self, sentence: str) -> str:
        if self._tiers.on_sentence is not None:
            sentence = await self.hooks.run_after_llm_sentence(sentence, self.context)
        if self.plan.guardrails and sentence:
            sentence = await self._guarded(sentence)
        for transform in self._transforms:
            sentence = await applied(transform, sentence, sentence)
        if self.plan.hooks.before_synthesize is not None and sentence:
            sentence = await self.hooks.run_before_synthesize(sentence, self.context) or ""
        return sentence.strip()

    async def _guarded(self, sentence: str) -> str:
        if self._guard is None:
            self._guard = SentenceGuard(
                self.plan.guardrails, self.call, self.events, self.plan.phrases.instead
            )
        return await self._guard.spoken(sentence)

    async def _shown(self, text: str) -> str:
        """The next of the model's text, after the hook on its pieces."""
        if self._tiers.on_chunk is None or not text:
            return text
        return await self.hooks.run_after_llm_chunk(text, self.context)


@attrs.define
class _Failsafe:
    """A filter of the application's: when it raises, text goes on as it is from there on."""

    stream: TextStream | None

    def push(self, text: str) -> str:
        try:
            with containment():
                return self.stream.push(text) if self.stream else text
        except Exception:
            return self._failed(text)

    def flush(self) -> str:
        try:
            with containment():
                return self.stream.flush() if self.stream else ""
        except Exception:
            return self._failed("")

    def _failed(self, text: str) -> str:
        log.exception("a text filter of the application failed; text goes on without it")
        self.stream = None
        return text


def _made(makers: tuple[Callable[[], TextStream], ...]) -> Iterator[TextStream]:
    for make in makers:
        try:
            with containment():
                stream = make()
            yield _Failsafe(stream)
        except Exception:
            log.exception("a text filter of the application failed; text goes on without it")


async def applied(function: Callable[..., Any], unchanged: Any, *args: Any) -> Any:
    """The user's *function* of *args*, sync or async; *unchanged* if it raises."""
    try:
        with containment():
            result = function(*args)
            return await result if inspect.isawaitable(result) else result
    except Exception:
        log.exception("a function of the application failed; what it was given goes on as it is")
        return unchanged
