"""Running tools: arguments decoded, time bounded, failures told to the model as data.

A sync handler runs in a thread, an async one on the loop. What a handler raises never ends
a call: the model gets to read what went wrong. What it returns is never a failure.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from patter.application import result_of
from patter.providers.context import CallContext
from patter.providers.llm import ToolRequest
from patter.tools.arguments import Arguments, parse
from patter.tools.refusals import REASON_LIMIT, InvalidArgumentsError, bounded
from patter.tools.result import as_text, reason_text
from patter.tools.signature import CONTEXT_NAMES
from patter.tools.tool import Tool

log = logging.getLogger("patter.tools")
RETRIES = 2
BACKOFF_MS = 250


@attrs.frozen
class ToolOutcome:
    """What came of a tool call; *text* is what the model reads."""

    text: str
    ok: bool
    arguments: Mapping[str, Any]


@attrs.frozen
class Invocation:
    """A tool and arguments that fit it: what may be started."""

    tool: Tool
    arguments: Arguments


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
        log.warning("tool %s: its arguments could not be read", tool.name, exc_info=True)
        reason = f"the arguments could not be read: {reason_text(exc)}"
        return failure(bounded(reason, REASON_LIMIT), parse_arguments(request) or {})


async def run_tool(tool: Tool, request: ToolRequest, call: CallContext) -> ToolOutcome:
    """Run *tool* if the arguments fit; every failure becomes an outcome."""
    invocation = prepare(tool, request)
    if isinstance(invocation, ToolOutcome):
        return invocation
    return await run(invocation, call)


async def run(invocation: Invocation, call: CallContext) -> ToolOutcome:
    """Run the handler as the tool's effect allows; every failure becomes an outcome."""
    tool, raw = invocation.tool, invocation.arguments.raw
    attempts = 1 if tool.effect == "once" else RETRIES + 1
    for attempt in range(attempts):
        if attempt:
            await call.clock.sleep(BACKOFF_MS * 2 ** (attempt - 1))
        limit = asyncio.timeout(tool.timeout_s)
        try:
            async with limit:
                return ToolOutcome(await _invoke(invocation, call), True, raw)
        except Exception as exc:
            # Not tried again: a thread cannot be stopped, so two attempts could run at once.
            if limit.expired():
                return failure(_too_late(tool), raw)
            log.warning("call %s: tool %s failed", call.call_id, tool.name, exc_info=True)
            reason = reason_text(exc)
    return failure(reason, raw)


def failure(reason: str, arguments: Mapping[str, Any]) -> ToolOutcome:
    """An outcome the model can apologise for or correct."""
    return ToolOutcome(json.dumps({"error": reason}, ensure_ascii=False), False, arguments)


def _too_late(tool: Tool) -> str:
    late = f"no result within {tool.timeout_s:g} s"
    if tool.effect == "once":
        return f"{late}; it may still be done, so do not ask for it again"
    return late


async def _invoke(invocation: Invocation, call: CallContext) -> str:
    """The text of what the handler returns, made where it ran: that may take long too."""
    call_with = _bind(invocation.tool.handler, invocation.arguments.values, call)
    text: str = await result_of(call_with, owner=call.call_id, made=as_text)
    return text


def _bind(
    handler: Callable[..., Any], arguments: Mapping[str, Any], call: CallContext
) -> Callable[[], Any]:
    """Pass the arguments by name, and the call to handlers that ask for it."""
    names = inspect.signature(handler).parameters
    context = {name: call for name in CONTEXT_NAMES if name in names}
    return functools.partial(handler, **arguments, **context)
