"""Running tools: arguments checked, time bounded, failures told to the model as data.

A sync handler runs in a thread, an async one on the loop. What a handler raises never ends
a call: the model gets to read what went wrong.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import orjson

from patter.providers.context import CallContext
from patter.providers.llm import ToolRequest
from patter.tools.schema import CONTEXT_NAMES
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


def parse_arguments(request: ToolRequest) -> Mapping[str, Any] | None:
    """Read the model's JSON; None when it is not an object."""
    try:
        parsed = orjson.loads(request.arguments or "{}")
    except orjson.JSONDecodeError:
        return None
    return parsed if isinstance(parsed, dict) else None


def problem_with(tool: Tool, arguments: Mapping[str, Any]) -> str:
    """Say what is missing or unknown in *arguments*; empty if nothing."""
    properties = tool.parameters.get("properties", {})
    missing = [name for name in tool.parameters.get("required", ()) if name not in arguments]
    unknown = [name for name in arguments if name not in properties]
    said = [f"missing {', '.join(missing)}"] if missing else []
    if unknown and tool.parameters.get("additionalProperties") is not True:
        said.append(f"unknown {', '.join(unknown)}")
    return "; ".join(said)


async def run_tool(tool: Tool, request: ToolRequest, call: CallContext) -> ToolOutcome:
    """Run *tool* as its effect allows; every failure becomes an outcome."""
    arguments = parse_arguments(request)
    if arguments is None:
        return failure("the arguments are not a JSON object", {})
    if wrong := problem_with(tool, arguments):
        return failure(f"the arguments do not fit: {wrong}", arguments)
    attempts = 1 if tool.effect == "once" else RETRIES + 1
    for attempt in range(attempts):
        if attempt:
            await call.clock.sleep(BACKOFF_MS * 2 ** (attempt - 1))
        try:
            async with asyncio.timeout(tool.timeout_s):
                return ToolOutcome(as_text(await _invoke(tool, arguments, call)), True, arguments)
        except TimeoutError:
            return failure(f"no result within {tool.timeout_s:g} s", arguments)
        except Exception as exc:
            log.warning("call %s: tool %s failed", call.call_id, tool.name, exc_info=True)
            said = str(exc) or type(exc).__name__
    return failure(said, arguments)


def failure(said: str, arguments: Mapping[str, Any]) -> ToolOutcome:
    """An outcome the model can apologise for or correct."""
    return ToolOutcome(orjson.dumps({"error": said}).decode(), False, arguments)


def as_text(result: object) -> str:
    """What the model reads of a handler's *result*."""
    if isinstance(result, str):
        return result
    return orjson.dumps(result, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


async def _invoke(tool: Tool, arguments: Mapping[str, Any], call: CallContext) -> object:
    call_with = _bind(tool.handler, arguments, call)
    if inspect.iscoroutinefunction(tool.handler):
        return await call_with()
    result = await asyncio.to_thread(call_with)
    return await result if inspect.isawaitable(result) else result


def _bind(
    handler: Callable[..., Any], arguments: Mapping[str, Any], call: CallContext
) -> Callable[[], Any]:
    """Pass the arguments by name, and the call to handlers that ask for it."""
    names = inspect.signature(handler).parameters
    context = {name: call for name in CONTEXT_NAMES if name in names}
    return lambda: handler(**arguments, **context)
