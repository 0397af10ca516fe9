"""From the model's text to what is spoken: filters, sentences, guardrails, transforms, hooks.

Filters see the text before it is cut, so that no mark or thought is spoken in parts; everything
after them sees whole sentences. A sentence that a guardrail refuses, or whose check fails, is not
spoken.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from patter.application import containment
from patter.call.plan import CallPlan
from patter.observe.call_events import CallEvents
from patter.observe.events import Note
from patter.providers.context import CallContext
from patter.providers.guardrail import GuardrailProvider, GuardrailVerdict
from patter.text.chunker import SentenceChunker
from patter.text.guardrail import REPLACEMENT
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
    any: bool = attrs.field(default=False, init=False)
    _thoughts: ThoughtStream = attrs.field(factory=ThoughtStream, init=False)
    _filters: StreamChain = attrs.field(init=False)
    _transforms: tuple[Callable[..., Any], ...] = attrs.field(init=False)
    _chunker: SentenceChunker = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        makers, transforms = split(self.plan.text_transforms)
        object.__setattr__(self, "_filters", StreamChain((StrongStream(), *_made(makers))))
        self._transforms = transforms
        chunker = SentenceChunker(
            aggressive_first_flush=self.plan.aggressive_first_flush, language=self.plan.language
        )
        self._chunker = chunker

    async def push(self, text: str) -> list[str]:
        """Take the next piece of text; the sentences it completes, ready to be spoken."""
        given = self._filters.push(self._thoughts.push(text))
        sentences = self._chunker.push(given)
        # Where a filter took the end away, or keeps it, the sentence may go on behind it.
        if text.rstrip()[-1:] == given.rstrip()[-1:]:
            sentences += self._chunker.settled()
        return await self._ready(sentences)

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
        rest = self._filters.push(rest) + self._filters.flush()
        return await self._ready(self._chunker.push(rest) + self._chunker.flush())

    async def _ready(self, sentences: list[str]) -> list[str]:
        if not sentences:
            return sentences
        self.any = True
        return [ready for each in sentences if (ready := await self._prepare(each))]

    async def _prepare(self, sentence: str) -> str:
        for guardrail in self.plan.guardrails:
            verdict = await judge(guardrail, sentence, self.call)
            if not verdict.allowed:
                self.events.emit(Note(what="guardrail", text=guardrail.name))
                sentence = self.plan.phrases.instead(verdict.replacement)
        for transform in self._transforms:
            sentence = await applied(transform, sentence, sentence)
        hook = self.plan.hooks.before_synthesize
        if hook and sentence:
            sentence = await applied(hook, sentence, sentence, self.call) or ""
        return sentence.strip()


async def judge(guardrail: GuardrailProvider, sentence: str, call: CallContext) -> GuardrailVerdict:
    """What *guardrail* says of the agent's *sentence*; a check that fails refuses it."""
    try:
        with containment():
            return await guardrail.check(sentence, "agent", call)
    except Exception:
        log.exception("call %s: guardrail %s failed", call.call_id, guardrail.name)
        return GuardrailVerdict(False, REPLACEMENT, "the check failed")


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
