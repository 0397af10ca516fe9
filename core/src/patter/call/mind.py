"""What answers a caller's turn: a model, or a function of the application.

A mind is shared by all calls of an agent and keeps nothing of any. It is asked once a turn, may
be closed at any moment, and says what it says in pieces as they come.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing
from typing import Any, Protocol, TypeAlias

import attrs

from patter.application import containment, result_of
from patter.call.control import CallControl
from patter.errors import PatterConfigError
from patter.llm.fallback import FallbackLLMProvider
from patter.llm.loop import LoopItem, ModelWaits, ToolRunner, reply
from patter.llm.race import ModelReport
from patter.providers.context import CallContext
from patter.providers.llm import LLM, Message, ToolSpec

_END: Any = object()
MessageHandler: TypeAlias = Callable[..., Any]
"""``handler(message)`` or ``handler(message, call)``, sync or async: the application answers.

It returns the text, or yields it in pieces. *message* has ``text``, ``call_id``, ``caller``,
``callee`` and ``history``; *call* is the `CallControl`.
"""


def _unreported(_: ModelReport) -> None:
    """Nobody wants to know."""


@attrs.frozen(kw_only=True, eq=False)
class MindTurn:
    """A turn of the caller that wants an answer; *text* is what they said.

    *messages* awaits the conversation as a model reads it, ending with this turn. *transcript*
    is the same as rows of ``role`` and ``text``. *run_tool* answers a tool call of the model.
    *committed* awaits the moment from which the answer will be spoken: until then the turn is a
    draft that the caller may still change, and only ``read`` tools run. *waits* bound a model.
    *report* is told which of several models failed, and which answers.
    """

    text: str
    call: CallContext
    messages: Callable[[], Awaitable[tuple[Message, ...]]]
    transcript: Callable[[], list[dict[str, str]]]
    tools: tuple[ToolSpec, ...]
    run_tool: ToolRunner
    committed: Callable[[], Awaitable[object]]
    waits: ModelWaits = attrs.field(factory=ModelWaits)
    report: Callable[[ModelReport], None] = _unreported


class Mind(Protocol):
    """Answers turns."""

    def think(self, turn: MindTurn, control: CallControl) -> AsyncGenerator[LoopItem, None]:
        """Yield the answer's text in pieces, usage, and tool rounds as they end.

        Closing the generator stops whatever it asked. Raises PatterError when there will be no
        (more of the) answer.
        """
        ...


@attrs.frozen
class ModelMind:
    """A language model, which may call tools."""

    llm: LLM

    async def think(
        self,
        turn: MindTurn,
        control: CallControl,  # noqa: ARG002
    ) -> AsyncGenerator[LoopItem, None]:
        """Ask the model, for as many rounds as it calls tools."""
        llm, messages = self.llm, await turn.messages()
        if isinstance(llm, FallbackLLMProvider):
            llm = llm.in_call(turn.report)
        async with aclosing(
            reply(llm, messages, turn.tools, turn.call, turn.run_tool, waits=turn.waits)
        ) as items:
            async for item in items:
                yield item


@attrs.frozen
class FunctionMind:
    """A function of the application. It may do anything, so it is not asked about a draft."""

    handler: MessageHandler

    async def think(self, turn: MindTurn, control: CallControl) -> AsyncGenerator[LoopItem, None]:
        """Call the function once the turn is committed, a blocking one in a thread."""
        await turn.committed()
        answer = await self._called(_message(turn), control)
        if isinstance(answer, AsyncGenerator):
            async with aclosing(answer) as pieces:
                while (piece := await _next(pieces)) is not _END:
                    yield _text(piece)
        elif isinstance(answer, Generator):
            owner = turn.call.call_id
            while (piece := await result_of(next, answer, _END, owner=owner)) is not _END:
                yield _text(piece)
        elif answer:
            yield str(answer)

    async def _called(self, message: dict[str, Any], control: CallControl) -> Any:
        handler = self.handler
        wants_control = len(inspect.signature(handler).parameters) > 1
        arguments = (message, control) if wants_control else (message,)
        return await result_of(handler, *arguments, owner=message["call_id"])


async def _next(pieces: AsyncGenerator[Any, None]) -> Any:
    """The handler's next piece; `_END` when there is none."""
    with containment():
        return await anext(pieces, _END)


def _text(piece: object) -> str:
    return "" if piece is None else str(piece)


def mind_of(llm: LLM | None, handler: MessageHandler | None) -> Mind:
    """What answers for an agent: its function if there is one, else its model.

    Raises PatterConfigError when it has neither.
    """
    if handler is not None:
        return FunctionMind(handler)
    if llm is not None:
        return ModelMind(llm)
    raise PatterConfigError(
        "agent has no llm, and serve no on_message", fix="llm='PROVIDER/MODEL', or on_message=..."
    )


def _message(turn: MindTurn) -> dict[str, Any]:
    return {
        "text": turn.text,
        "call_id": turn.call.call_id,
        "caller": turn.call.caller,
        "callee": turn.call.callee,
        "history": turn.transcript(),
    }
