"""The generateContent protocol as pure functions: rows and tools as JSON.

No sockets, no clocks. What Patter may say and Gemini refuses is put right here: a first row of
the agent, two rows of one side in succession, blank text, a tool nobody answered for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import orjson

from patter.providers.llm import Message, ToolRequest, ToolSpec
from patter.vendors.chat_wire import clean
from patter_google._schema import parameters

Part: TypeAlias = dict[str, Any]
Role: TypeAlias = Literal["user", "model"]

CALL_CONNECTED = "(call connected)"
"""Said for the caller where the agent's greeting comes first: a user must begin."""

NOTHING_SAID = "(silence)"
"""Said for the caller where the agent spoke last."""

NO_RESULT = "(no result)"
"""The answer of a tool that has none in the history: each call must have one."""

NOT_OURS = "skip_thought_signature_validator"
"""Google's own word for a call whose signature is not known: made by another model, or before
this process began."""

OUR_ID = "patter_"
"""With this begin ids that were made here, for a vendor that gave none; it is not sent them."""

_SIGNING = re.compile(r"(models/|publishers/google/models/)?gemini-([3-9]|\d\d)")


def system_instruction(messages: Sequence[Message]) -> dict[str, Any] | None:
    """What all system rows say; the protocol has one place for it, before the conversation."""
    texts = (clean(each.text) for each in messages if each.role == "system")
    parts = [{"text": text} for text in texts if text.strip()]
    return {"parts": parts} if parts else None


def contents(
    messages: Sequence[Message], model: str, signatures: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The rows of both sides in turn, beginning and ending with the user.

    Every call is answered in the very next row, in the order of the calls: one tool called twice
    has no other mark. *signatures* has the calls that this vendor made, by their ids, with what
    it signed them with.
    """
    turns: list[tuple[Role, list[Part]]] = []
    for role, parts in _turns(messages):
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(parts)
        else:
            turns.append((role, list(parts)))
    if not turns or turns[0][0] == "model":
        turns.insert(0, ("user", [{"text": CALL_CONNECTED}]))
    if turns[-1][0] == "model":
        turns.append(("user", []))
    _pair(turns)
    for _, parts in turns:
        _sign(parts, model, signatures)
    return [{"role": role, "parts": parts} for role, parts in turns]


def tool_declarations(tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """*tools* as the model is offered them."""
    if not tools:
        return []
    return [{"functionDeclarations": [_declaration(tool) for tool in tools]}]


def tool_config(choice: str) -> dict[str, Any] | None:
    """The vendor's object for *choice*: ``auto``, ``any``, ``none`` or a tool's name.

    >>> tool_config("book")
    {'functionCallingConfig': {'mode': 'ANY', 'allowedFunctionNames': ['book']}}
    """
    if not choice:
        return None
    if choice in ("auto", "any", "none"):
        return {"functionCallingConfig": {"mode": choice.upper()}}
    return {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [choice]}}


def _declaration(tool: ToolSpec) -> dict[str, Any]:
    schema = parameters(tool.parameters)
    declared = {"name": tool.name, "description": tool.description}
    return {**declared, "parameters": schema} if schema else declared


def _turns(messages: Sequence[Message]) -> Iterator[tuple[Role, list[Part]]]:
    for message in messages:
        text = clean(message.text)
        parts: list[Part] = [{"text": text}] if text.strip() else []
        match message.role:
            case "tool":
                yield "user", [_response(message.tool_call_id, message.name, text)]
            case "user" if parts:
                yield "user", parts
            case "assistant":
                calls = [_call(call) for call in message.tool_calls]
                if parts or calls:
                    yield "model", [*parts, *calls]


def _call(call: ToolRequest) -> Part:
    return {"functionCall": {"id": call.id, "name": call.name, "args": _arguments(call.arguments)}}


def _response(call_id: str, name: str, text: str) -> Part:
    return {"functionResponse": {"id": call_id, "name": name, "response": _result(text)}}


def _pair(turns: Sequence[tuple[Role, list[Part]]]) -> None:
    """Put each turn's responses first, one for each call of the turn before, in their order."""
    calls: list[Mapping[str, Any]] = []
    for role, parts in turns:
        if role == "model":
            calls = [each["functionCall"] for each in parts if "functionCall" in each]
            continue
        answers: dict[str, list[Any]] = {}
        for part in parts:
            if response := part.get("functionResponse"):
                answers.setdefault(response["id"], []).append(response["response"])
        answered = [
            {
                "functionResponse": {
                    "id": call["id"],
                    "name": call["name"],
                    "response": answers[call["id"]].pop(0)
                    if answers.get(call["id"])
                    else _result(NO_RESULT),
                }
            }
            for call in calls
        ]
        texts = [each for each in parts if "text" in each]
        parts[:] = [*answered, *texts] or [{"text": NOTHING_SAID}]
        calls = []


def _sign(parts: Sequence[Part], model: str, signatures: Mapping[str, str]) -> None:
    """Keep the ids that the vendor made, and give its calls the signatures they came with.

    The first call of a turn has one; models that ask for it refuse a history without.
    """
    first = True
    for part in parts:
        about = part.get("functionCall") or part.get("functionResponse") or {}
        name = about.get("id", "")
        if name not in signatures or name.startswith(OUR_ID):
            about.pop("id", None)
        if "functionCall" not in part:
            continue
        if signature := signatures.get(name):
            part["thoughtSignature"] = signature
        elif first and _SIGNING.match(model):
            part["thoughtSignature"] = NOT_OURS
        first = False


def _arguments(text: str) -> dict[str, Any]:
    """The model's *text* as the object it should be; what is none is shown as it was written."""
    try:
        value = orjson.loads(clean(text) or "{}")
    except orjson.JSONDecodeError:
        value = None
    return value if isinstance(value, dict) else {"text": clean(text)}


def _result(text: str) -> dict[str, Any]:
    """A tool's *text* as an object: the one it wrote, or one that holds it."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    return value if isinstance(value, dict) else {"output": text if text.strip() else NO_RESULT}
