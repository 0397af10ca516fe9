"""What answers a caller's turn: a model, or a function of the application.

A mind is shared by all calls of an agent and keeps nothing of any. It is asked once a turn, may
be closed at any moment, and says what it says in pieces as they come.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Protocol

import attrs

from patter.call.answering import MessageHandler, answered
from patter.call.control import CallControl
from patter.call.custom_llm import CustomLLM, asks_function
from patter.errors import PatterConfigError
from patter.llm.fallback import FallbackLLMProvider
from patter.llm.loop import MAX_ROUNDS, LoopItem, ModelWaits, ToolRound, ToolRunner, reply
from patter.llm.race import ModelReport
from patter.providers.context import CallContext
from patter.providers.llm import LLM, Message, ToolRequest, ToolSpec


def _unreported(_: ModelReport) -> None:
    """Nobody wants to know."""


@attrs.frozen(kw_only=True, eq=False)
class MindTurn:
    """A turn of the caller that wants an answer; *text* is what they said.

    *messages* awaits the conversation as a model reads it, ending with this turn. *transcript*
    is the same as rows of ``role`` and ``text``. *tools* are those that the model may call by now;
    one of them may change them, and the beginning of *messages*: *role* is another object then.
    *wording* is the turn as it stands by now: late words may come while a tool runs.
    *run_tool* answers a tool call of the model.
    *committed* awaits the moment from which the answer will be spoken: until then the turn is a
    draft that the caller may still change, and only ``read`` tools run. *waits* bound a model.
    A tool of which *in_order* is true does not run beside others.
    *report* is told which of several models failed, and which answers.
    """

    text: str
    call: CallContext
    messages: Callable[[], Awaitable[tuple[Message, ...]]]
    transcript: Callable[[], list[dict[str, str]]]
    role: Callable[[], object]
    wording: Callable[[], str]
    tools: Callable[[], tuple[ToolSpec, ...]]
    run_tool: ToolRunner
    committed: Callable[[], Awaitable[object]]
    waits: ModelWaits = attrs.field(factory=ModelWaits)
    in_order: Callable[[ToolRequest], bool] = lambda _: True
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
        """Ask the model for as many rounds as it calls tools; anew when tools or words changed."""
        llm, rounds = self.llm, list[ToolRound]()
        if isinstance(llm, FallbackLLMProvider):
            if asks_function(llm):
                await turn.committed()
            llm = llm.in_call(turn.report)
        while True:
            role, wording = turn.role(), turn.wording()
            messages = _with_text(await turn.messages(), rounds)
            left = MAX_ROUNDS - len(rounds)
            items = reply(
                llm,
                messages,
                turn.tools(),
                turn.call,
                turn.run_tool,
                left,
                turn.waits,
                turn.in_order,
            )
            async with aclosing(items):
                async for item in items:
                    yield item
                    if isinstance(item, ToolRound):
                        rounds.append(item)
                        is_other = turn.role() is not role or turn.wording() != wording
                        if is_other and len(rounds) < MAX_ROUNDS:
                            break
                else:
                    return


def _with_text(messages: tuple[Message, ...], rounds: list[ToolRound]) -> tuple[Message, ...]:
    """*messages*, with what was said in *rounds* of this turn: history has their requests alone."""
    texts = {first.tool_calls[0].id: first.text for first, *_ in (each.rows for each in rounds)}
    rows = list(messages)
    turn = max((i for i, row in enumerate(rows) if row.role == "user"), default=0)
    for i, row in enumerate(rows[turn:], turn):
        if row.tool_calls and (text := texts.get(row.tool_calls[0].id)):
            rows[i] = attrs.evolve(row, text=text)
    return tuple(rows)


@attrs.frozen
class FunctionMind:
    """A function of the application. It may do anything, so it is not asked about a draft."""

    handler: MessageHandler

    async def think(self, turn: MindTurn, control: CallControl) -> AsyncGenerator[LoopItem, None]:
        """Call the function once the turn is committed, a blocking one in a thread."""
        await turn.committed()
        async with aclosing(answered(self.handler, _message(turn), control)) as pieces:
            async for piece in pieces:
                yield piece


def mind_of(llm: LLM | None, handler: MessageHandler | None) -> Mind:
    """What answers for an agent: its function if there is one, else its model.

    Raises PatterConfigError when it has neither.
    """
    if handler is not None:
        return FunctionMind(handler)
    if isinstance(llm, CustomLLM):
        return FunctionMind(llm.handler)
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
