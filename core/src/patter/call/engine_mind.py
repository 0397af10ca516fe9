"""An engine that hears and thinks, and leaves speaking to the agent's own voice.

It answers in text, so that everything between a model and a voice applies: sentences, guardrails,
transforms, hooks. What was heard of an answer is told to the vendor in words.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import attrs

from patter.call.control import CallControl
from patter.call.engine_requests import EngineRequests
from patter.call.engine_speaker import check_done, note_usage
from patter.call.engine_voice import EngineResponse
from patter.call.mind import MindTurn
from patter.call.plan import CallPlan
from patter.llm.loop import LoopItem
from patter.observe.call_events import CallEvents
from patter.providers.engine_events import (
    ResponseCause,
    ResponseDone,
    ResponseText,
    ResponseToolCall,
)
from patter.providers.llm import ToolRequest
from patter.tools.executor import ToolOutcome


@attrs.define(eq=False)
class SpokenResponse:
    """A response in text, and what of it has come."""

    response: EngineResponse
    text: str = ""


@attrs.define(eq=False)
class EngineMind:
    """The engine behind *requests* as the mind of a call that has a voice of its own."""

    requests: EngineRequests
    plan: CallPlan
    events: CallEvents
    _answer: list[SpokenResponse] = attrs.field(factory=list, init=False)

    async def think(
        self,
        turn: MindTurn,
        control: CallControl,  # noqa: ARG002
    ) -> AsyncGenerator[LoopItem, None]:
        """Have the turn answered, for as many responses as there are tools to run."""
        await turn.committed()
        self._answer = []
        response: EngineResponse | None = await self.requests.answer(turn.text)
        while response is not None:
            spoken, requests = SpokenResponse(response), list[ToolRequest]()
            self._answer.append(spoken)
            async with aclosing(self._texts(spoken, requests)) as texts:
                async for text in texts:
                    yield text
            response = await self._after(response, requests, turn) if requests else None

    def unheard(self, heard: str) -> list[tuple[EngineResponse, str]]:
        """The responses of the last answer that *heard* does not cover, and what of each was."""
        parts = heard_of([each.text for each in self._answer], heard)
        pairs = zip(self._answer, parts, strict=True)
        return [(each.response, part) for each, part in pairs if part != each.text]

    async def _texts(
        self, spoken: SpokenResponse, requests: list[ToolRequest]
    ) -> AsyncGenerator[str, None]:
        voice = self.requests.voice
        async with aclosing(voice.parts(spoken.response, lambda: voice.model_ms)) as parts:
            async for part in parts:
                match part:
                    case ResponseText(text=text):
                        spoken.text += text
                        yield text
                    case ResponseToolCall(request=request):
                        requests.append(request)
                    case ResponseDone():
                        note_usage(self.events, self.plan, part.usage)
                        check_done(part, voice.name)
                        return

    async def _after(
        self, response: EngineResponse, requests: list[ToolRequest], turn: MindTurn
    ) -> EngineResponse:
        for request in requests:
            outcome = ToolOutcome(await turn.run_tool(request), True, {})
            await self.requests.deliver(request.id, outcome, response.session)
        return await self.requests.voice.next(ResponseCause.TOOL)


def heard_of(texts: Sequence[str], heard: str) -> list[str]:
    """How much of each of *texts*, spoken one after the other, is in what was *heard* of them.

    Both may be spelt differently, since filters change what is spoken: letters are counted.

    >>> heard_of(["One moment.", "It is booked."], "One moment. It")
    ['One moment.', 'It']
    >>> heard_of(["One moment.", "It is booked."], "One")
    ['One', '']
    """
    left = sum(map(str.isalnum, heard))
    parts = []
    for text in texts:
        letters = sum(map(str.isalnum, text))
        parts.append(text if letters <= left else _beginning(text, left))
        left = max(0, left - letters)
    return parts


def _beginning(text: str, letters: int) -> str:
    """The whole words of *text* that have at most so many *letters*."""
    words: list[str] = []
    for word in text.split():
        letters -= sum(map(str.isalnum, word))
        if letters < 0:
            break
        words.append(word)
    return " ".join(words)
