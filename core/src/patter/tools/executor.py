"""Running tools: arguments decoded, time bounded, failures told to the model as data.

A sync handler runs in a thread, an async one on the loop, a webhook elsewhere. What a tool raises
never ends a call: the model gets to read what went wrong. What it returns is never a failure.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import logging
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from random import Random
from typing import Any
from uuid import uuid4

import attrs

from patter.application import result_of
from patter.egress.post import PostFailure
from patter.errors import EgressError
from patter.providers.context import CallContext
from patter.providers.llm import ToolRequest
from patter.tools.arguments import Arguments, parse
from patter.tools.breaker import FAILURES
from patter.tools.progress import Say, result_read
from patter.tools.refusals import REASON_LIMIT, InvalidArgumentsError, ToolDeclined, bounded
from patter.tools.result import as_text, reason_text
from patter.tools.signature import CONTEXT_NAMES
from patter.tools.tool import Tool

log = logging.getLogger("patter.tools")
PAUSE_MOST_S, JITTER_MS = 5.0, 60.0
_JITTER = Random()


@attrs.frozen
class ToolOutcome:
    """What came of a tool call; *text* is what the model reads.

    *declined*: the tool works, and said no.
    """

    text: str
    ok: bool
    arguments: Mapping[str, Any]
    declined: bool = False


@attrs.frozen
class Invocation:
    """A tool and arguments that fit it: what may be started. *key* is shared by its attempts."""

    tool: Tool
    arguments: Arguments
    key: str = attrs.field(factory=lambda: uuid4().hex, eq=False)


def parse_arguments(request: ToolRequest) -> Mapping[str, Any] | None:
    """Read the model's JSON; None when it is not an object."""
    try:
        return parse(request.arguments)
    except InvalidArgumentsError:
        return None


def prepare(tool: Tool, request: ToolRequest) -> Invocation | ToolOutcome:
    """Read the arguments by *tool*'s types; an outcome is the refusal for the model."""
    try:
        return Invocation(tool, tool.reader.read(request.arguments))
    except InvalidArgumentsError as exc:
        return failure(exc.reason, exc.arguments)
    except BaseException as exc:  # the checks of the application's own classes may raise anything
        shown = not tool.sensitive
        log.warning("tool %s: its arguments could not be read", tool.name, exc_info=shown)
        reason = f"the arguments could not be read: {reason_text(exc)}"
        return failure(bounded(reason, REASON_LIMIT), parse_arguments(request) or {})


def _unheard(text: str) -> None:
    """Nobody listens."""


@attrs.frozen
class DefaultToolExecutor:
    """Runs tools as their effect allows, and leaves those alone that keep failing.

    What may be repeated is tried *max_retries* times more, after *retry_delay_s* seconds, then
    twice that, up to 5, and a little at random. An attempt of a webhook takes
    *request_timeout_s* seconds at most; all attempts together take `Tool.timeout_s`.
    """

    max_retries: int = attrs.field(default=2, validator=attrs.validators.ge(0))
    retry_delay_s: float = attrs.field(default=0.5, validator=attrs.validators.ge(0))
    request_timeout_s: float = attrs.field(default=10.0, validator=attrs.validators.gt(0))

    async def execute(self, tool: Tool, request: ToolRequest, call: CallContext) -> ToolOutcome:
        """Run *tool* if the arguments fit; every failure becomes an outcome."""
        invocation = prepare(tool, request)
        if isinstance(invocation, ToolOutcome):
            return invocation
        return await self.run(invocation, call)

    async def run(
        self, invocation: Invocation, call: CallContext, say: Say = _unheard
    ) -> ToolOutcome:
        """Run it, or say why not; *say* gets what it says while it works."""
        circuit, ok = invocation.tool.breaker.circuit(), None
        wait_ms = circuit.wait_ms(call.clock.ms())
        if wait_ms:
            left_alone = f"it has failed {FAILURES} times in a row and is left alone for now"
            return _failed(invocation, left_alone, wait_ms)
        try:
            outcome = await self._bounded(invocation, call, say)
            ok = outcome.ok or outcome.declined
        finally:
            circuit.settle(ok, call.clock.ms())
        open_ms = 0.0 if ok else circuit.open_ms(call.clock.ms())
        return _with_circuit(outcome, open_ms) if open_ms else outcome

    async def _bounded(self, invocation: Invocation, call: CallContext, say: Say) -> ToolOutcome:
        tool = invocation.tool
        limit = asyncio.timeout(tool.timeout_s)
        try:
            async with limit:
                return await self._attempts(invocation, call, say)
        except TimeoutError:
            # Not tried again: a thread cannot be stopped, so two attempts could run at once.
            return _failed(invocation, _too_late(tool))

    async def _attempts(self, invocation: Invocation, call: CallContext, say: Say) -> ToolOutcome:
        tool, attempt = invocation.tool, 1
        while True:
            try:
                text = await self._invoke(invocation, call, say, attempt)
                return ToolOutcome(text, True, invocation.arguments.raw)
            except ToolDeclined as declined:
                no = failure(reason_text(declined), invocation.arguments.raw)
                return attrs.evolve(no, declined=True)
            except Exception as exc:
                shown = not tool.sensitive
                log.warning("call %s: tool %s failed", call.call_id, tool.name, exc_info=shown)
                if attempt > self.max_retries or not _may_be_repeated(tool, exc):
                    return _failed(invocation, _reason(tool, exc))
            await call.clock.sleep(self._pause_ms(attempt))
            attempt += 1

    def _pause_ms(self, attempt: int) -> float:
        pause_s = min(PAUSE_MOST_S, self.retry_delay_s * 2.0 ** (attempt - 1))
        return pause_s * 1_000 + _JITTER.uniform(0, JITTER_MS)

    async def _invoke(
        self, invocation: Invocation, call: CallContext, say: Say, attempt: int
    ) -> str:
        """The text of what the handler returns, made where it ran: that may take long too."""
        tool, arguments = invocation.tool, invocation.arguments
        if tool.webhook is not None:
            answer = await tool.webhook.send(
                arguments.raw,
                call,
                attempt=attempt,
                key=invocation.key,
                within_s=self.request_timeout_s,
            )
            return as_text(answer)
        call_with = _bind(tool, arguments.values, call)
        result = await result_of(call_with, owner=call.call_id, made=_text_or_pieces)
        if isinstance(result, str):
            return result
        return await result_read(result, call.call_id, say)


DEFAULT_EXECUTOR = DefaultToolExecutor()
"""That of every call."""


def failure(reason: str, arguments: Mapping[str, Any]) -> ToolOutcome:
    """An outcome the model can apologise for or correct."""
    return ToolOutcome(json.dumps({"error": reason}, ensure_ascii=False), False, arguments)


def _failed(invocation: Invocation, reason: str, open_ms: float = 0.0) -> ToolOutcome:
    """The tool has not done it: the model is to go on without."""
    text = json.dumps({"error": reason, "fallback": True}, ensure_ascii=False)
    outcome = ToolOutcome(text, False, invocation.arguments.raw)
    return _with_circuit(outcome, open_ms) if open_ms else outcome


def _with_circuit(outcome: ToolOutcome, open_ms: float) -> ToolOutcome:
    circuit = {"circuit_state": "open", "retry_after_ms": round(open_ms)}
    text = json.dumps({**json.loads(outcome.text), **circuit}, ensure_ascii=False)
    return attrs.evolve(outcome, text=text)


def _may_be_repeated(tool: Tool, raised: Exception) -> bool:
    """Not what may have been done and must not be done twice, and not what is forbidden."""
    if isinstance(raised, PostFailure):
        return not isinstance(raised.error, EgressError) and (
            tool.effect != "once" or not raised.arrived
        )
    return tool.effect != "once"


def _reason(tool: Tool, raised: Exception) -> str:
    unsure = isinstance(raised, PostFailure) and raised.arrived and tool.effect == "once"
    return reason_text(raised) + (_UNSURE if unsure else "")


_UNSURE = "; it may still be done, so do not ask for it again"


def _too_late(tool: Tool) -> str:
    late = f"no result within {tool.timeout_s:g} s"
    return late + _UNSURE if tool.effect == "once" else late


def _text_or_pieces(answer: Any) -> str | AsyncGenerator[Any, Any] | Generator[Any]:
    return answer if isinstance(answer, (AsyncGenerator, Generator)) else as_text(answer)


def _bind(tool: Tool, arguments: Mapping[str, Any], call: CallContext) -> Callable[[], Any]:
    """Pass the arguments by name, and the call to handlers that ask for it.

    A handler of ``(arguments, call_context)`` gets both as dicts.
    """
    if tool.takes_dicts:
        about = {"call_id": call.call_id, "caller": call.caller, "callee": call.callee}
        return functools.partial(tool.handler, dict(arguments), about)
    names = inspect.signature(tool.handler).parameters
    context = {name: call for name in CONTEXT_NAMES if name in names}
    return functools.partial(tool.handler, **arguments, **context)
