"""From the model's text to what is spoken: sentences, guardrails, hooks, transforms.

A sentence that a guardrail refuses, or whose check fails, is not spoken.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any

import attrs

from patter.call.plan import CallPlan
from patter.observe.call_events import CallEvents
from patter.observe.events import Note
from patter.providers.context import CallContext
from patter.providers.guardrail import GuardrailProvider, GuardrailVerdict
from patter.text.chunker import SentenceChunker

log = logging.getLogger("patter.call")
REFUSED = "I'm sorry, I can't respond to that."


@attrs.frozen(eq=False)
class Sentences:
    """The way of one reply's text; `Sentences.push` and `flush` return what may be spoken."""

    plan: CallPlan
    call: CallContext
    events: CallEvents
    _chunker: SentenceChunker = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        chunker = SentenceChunker(
            aggressive_first_flush=self.plan.aggressive_first_flush, language=self.plan.language
        )
        object.__setattr__(self, "_chunker", chunker)

    async def push(self, text: str) -> list[str]:
        """Take the next piece of text; the sentences it completes, ready to be spoken."""
        return await self._ready(self._chunker.push(text))

    async def flush(self) -> list[str]:
        """The text is at its end, or at a tool call."""
        return await self._ready(self._chunker.flush())

    async def _ready(self, sentences: list[str]) -> list[str]:
        if not sentences:
            return sentences
        return [ready for each in sentences if (ready := await self._prepare(each))]

    async def _prepare(self, sentence: str) -> str:
        for guardrail in self.plan.guardrails:
            verdict = await self._judge(guardrail, sentence)
            if not verdict.allowed:
                self.events.emit(Note(what="guardrail", text=guardrail.name))
                sentence = verdict.replacement
        for transform in self.plan.text_transforms:
            sentence = await applied(transform, sentence, sentence)
        hook = self.plan.hooks.before_synthesize
        if hook and sentence:
            sentence = await applied(hook, sentence, sentence, self.call) or ""
        return sentence.strip()

    async def _judge(self, guardrail: GuardrailProvider, sentence: str) -> GuardrailVerdict:
        try:
            return await guardrail.check(sentence, "agent", self.call)
        except Exception:
            log.exception("call %s: guardrail %s failed", self.call.call_id, guardrail.name)
            return GuardrailVerdict(False, REFUSED, "the check failed")


async def applied(function: Callable[..., Any], unchanged: Any, *args: Any) -> Any:
    """The user's *function* of *args*, sync or async; *unchanged* if it raises."""
    try:
        result = function(*args)
        return await result if inspect.isawaitable(result) else result
    except Exception:
        log.exception("a function of the application failed; what it was given goes on as it is")
        return unchanged
