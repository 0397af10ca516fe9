"""What is asked of an engine in one call: answers, words to say, results it waits for.

A vendor that hears the caller's audio knows nothing of keys, of written words, or of a tool that
came to its end after its answer was cut: it is told before it answers next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Mapping

import attrs

from patter.call.engine_voice import EngineResponse, EngineVoice
from patter.call.link import as_patter_error
from patter.errors import PatterError
from patter.providers.engine import DELIVER_S, EngineCapabilities, EngineSession
from patter.providers.engine_events import ResponseCause
from patter.text.keys import ANY_KEYS
from patter.tools.executor import ToolOutcome

TYPED = 16
"""Texts that wait for an answer; nobody types faster."""


@attrs.define(eq=False)
class EngineRequests:
    """Asks *voice*, whose vendor *can* so much.

    *dropped*: an answer that the vendor began by itself was not wanted then; it gives no other.
    *asking*: an answer is being requested.
    """

    voice: EngineVoice
    can: EngineCapabilities
    dropped: bool = attrs.field(default=False, init=False)
    asking: bool = attrs.field(default=False, init=False)
    _typed: deque[str] = attrs.field(factory=lambda: deque(maxlen=TYPED), init=False)
    _owed: dict[str, ToolOutcome] = attrs.field(factory=dict, init=False)

    def change(self, can: EngineCapabilities) -> None:
        """Another vendor is asked from now on, which *can* so much; it waits for no results."""
        self.can, self.dropped = can, False
        self._owed.clear()

    def expect(self, epoch: int) -> None:
        """Utterance *epoch* will ask for an `answer`."""
        self.voice.expecting = epoch

    def forget(self, epoch: int) -> None:
        """Utterance *epoch* will not ask any more."""
        if self.voice.expecting == epoch:
            self.voice.expecting = 0

    def typed(self, text: str) -> None:
        """The caller wrote *text*, which no vendor hears."""
        self._typed.append(text)

    def owe(self, request_id: str, outcome: ToolOutcome) -> None:
        """The vendor waits for *outcome*, and nobody else will deliver it."""
        self._owed[request_id] = outcome

    async def answer(self, text: str, *, again: bool = False) -> EngineResponse:
        """The answer to the caller's turn *text*; *again* when the first one came to nothing."""
        response = await self._answer(text, again)
        self.voice.expecting = 0
        return response

    async def _answer(self, text: str, again: bool) -> EngineResponse:
        session = await self.voice.session()
        answers = await self._pay(session)
        keys = ANY_KEYS.findall(text)
        for digits in keys:
            await self._tell(session.send_keys(digits), "the caller's keys")
        while self._typed:
            await self._tell(session.send_text(self._typed.popleft()), "what the caller wrote")
        if answers:
            return await self.voice.next(ResponseCause.TOOL)
        dropped, self.dropped = self.dropped, False
        must_request = self.can.responds_on_request or keys or again or dropped
        if must_request and not self.voice.has_answered:
            self.asking = True
            try:
                return await self.voice.respond()
            finally:
                self.asking = False
        return await self.voice.next(ResponseCause.CALLER)

    async def deliver(
        self, request_id: str, outcome: ToolOutcome, session: EngineSession, *, respond: bool = True
    ) -> None:
        """Give *session* the result it waits for."""
        async with asyncio.timeout(DELIVER_S):
            await session.tool_result(
                request_id, outcome.text, failed=not outcome.ok, respond=respond
            )

    async def _pay(self, session: EngineSession) -> bool:
        """Deliver what is owed; True when the vendor answers that by itself."""
        owed: Mapping[str, ToolOutcome] = self._owed
        self._owed = {}
        loud = not self.can.quiet_tool_results
        for request_id, outcome in owed.items():
            await self.deliver(request_id, outcome, session, respond=loud)
        return loud and bool(owed)

    async def _tell(self, message: Awaitable[None], what: str) -> None:
        """A vendor that does not take it answers without; the record says so."""
        try:
            async with asyncio.timeout(DELIVER_S):
                await message
        except (PatterError, TimeoutError) as refused:
            where = f"engine {self.voice.name}: {what}"
            self.voice.events.error(as_patter_error(refused, self.voice.name), where)
