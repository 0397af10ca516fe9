"""What the guardrails let the agent say: sentence by sentence, and across their borders.

A guardrail that looks back is also shown the end of what it has let pass in this reply, in front
of the sentence: so what is only wrong together is stopped before its second part. A check that
fails or takes too long refuses, unless the guardrail fails open.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import attrs

from patter.application import containment
from patter.errors import PatterTypeError
from patter.observe.call_events import CallEvents
from patter.observe.events import Note
from patter.providers.context import CallContext
from patter.providers.guardrail import GuardrailProvider, GuardrailTraits, GuardrailVerdict

log = logging.getLogger("patter.call")

CHECK_S = 2.0
"""How long a check may take: the caller waits for it."""


@attrs.define(eq=False)
class SentenceGuard:
    """The *guardrails* of one utterance.

    `spoken` and `refusal` take its sentences in order, `refusal_of_part` the text as it comes.
    *instead* makes of a guardrail's replacement what is said in this call's language.
    """

    guardrails: tuple[GuardrailProvider, ...]
    call: CallContext
    events: CallEvents
    instead: Callable[[str], str] = lambda replacement: replacement
    _traits: tuple[GuardrailTraits, ...] = attrs.field(init=False)
    _before: str = attrs.field(default="", init=False)
    _part: str = attrs.field(default="", init=False)
    _replacement: str | None = attrs.field(default=None, init=False)
    _late: set[int] = attrs.field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        self._traits = tuple(map(GuardrailTraits.of, self.guardrails))

    async def spoken(self, sentence: str) -> str:
        """*sentence*, or what is said instead; one refusal after another is said once."""
        verdict = await self.refusal(sentence)
        if verdict is None:
            self._replacement = None
            return sentence
        again, self._replacement = self._replacement == verdict.replacement, verdict.replacement
        return "" if again else verdict.replacement

    async def refusal(self, sentence: str) -> GuardrailVerdict | None:
        """Why *sentence* is not said after what passed before it; None: it passes, too."""
        for index in range(len(self.guardrails)):
            verdict = await self._judge(index, sentence)
            if not verdict.allowed:
                return self._refused(index, verdict)
        self._before = self._end_of(f"{self._before} {sentence}".lstrip())
        return None

    def refusal_of_part(self, text: str) -> GuardrailVerdict | None:
        """Why *text*, the next of a sentence, is not said, where that needs no waiting."""
        self._part = self._end_of(self._part) + text
        for index, guardrail in enumerate(self.guardrails):
            blocks = getattr(guardrail, "blocks", None)
            if blocks is not None and blocks(self._part):
                replacement = self._traits[index].replacement
                return self._refused(index, GuardrailVerdict(False, replacement, "blocked term"))
        return None

    def _refused(self, index: int, verdict: GuardrailVerdict) -> GuardrailVerdict:
        self.events.emit(Note(what="guardrail", text=self.guardrails[index].name))
        self._before = self._part = ""
        return attrs.evolve(verdict, replacement=self.instead(verdict.replacement))

    def _end_of(self, text: str) -> str:
        """What of *text* anybody looks back at: a long reply is not kept whole."""
        most = max((traits.look_back for traits in self._traits), default=0)
        return text[-most:] if most else ""

    async def _judge(self, index: int, sentence: str) -> GuardrailVerdict:
        look_back = self._traits[index].look_back
        verdict = await self._checked(index, sentence)
        if not verdict.allowed or not look_back or not self._before:
            return verdict
        return await self._checked(index, f"{self._before[-look_back:]} {sentence}")

    async def _checked(self, index: int, text: str) -> GuardrailVerdict:
        """What a guardrail says of *text*; one that came late is not waited for again."""
        traits = self._traits[index]
        failure = GuardrailVerdict(traits.fail_open, traits.replacement, "the check failed")
        if index in self._late:
            return failure
        limit = asyncio.timeout(CHECK_S)
        try:
            with containment():
                async with limit:
                    return _verdict(await self.guardrails[index].check(text, "agent", self.call))
        except Exception:
            if limit.expired():
                self._late.add(index)
            name = self.guardrails[index].name
            log.exception("call %s: guardrail %s failed", self.call.call_id, name)
            return failure


def _verdict(result: object) -> GuardrailVerdict:
    if not isinstance(result, GuardrailVerdict):
        raise PatterTypeError(
            f"the check returned {result!r:.80}, not a GuardrailVerdict",
            fix="return GuardrailVerdict(), or GuardrailVerdict(False, replacement, reason)",
        )
    return result
