"""The Messages protocol as pure functions: rows and tools as JSON.

No sockets, no clocks. What Patter may say and Anthropic refuses is put right here: a first row of
the agent, two rows of one side in succession, text that is blank, a tool nobody answered for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import orjson

from patter.providers.llm import Message, ToolRequest, ToolSpec
from patter.vendors.chat_wire import clean

Block: TypeAlias = dict[str, Any]
Role: TypeAlias = Literal["user", "assistant"]

CALL_CONNECTED = "(call connected)"
"""Said for the caller where the agent's greeting comes first: a user must begin."""

NOTHING_SAID = "(silence)"
"""Said for the caller where the agent spoke last: newer models refuse to complete a reply."""

NO_RESULT = "(no result)"
"""The answer of a tool that has none in the history: each call must have one."""

_NOT_OF_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")


def system_text(messages: Sequence[Message]) -> str:
    """What all system rows say; the protocol has one place for it, before the conversation."""
    texts = (clean(each.text) for each in messages if each.role == "system")
    return "\n\n".join(text for text in texts if text.strip())


def conversation(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The rows of both sides in turn, beginning and ending with the user.

    Every tool call is answered in the very next row, first in it, and no answer is without its
    call.
    """
    turns: list[tuple[Role, list[Block]]] = []
    for role, blocks in _turns(messages):
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        else:
            turns.append((role, list(blocks)))
    if not turns or turns[0][0] == "assistant":
        turns.insert(0, ("user", [_text(CALL_CONNECTED)]))
    if turns[-1][0] == "assistant":
        turns.append(("user", []))
    _pair(turns)
    return [{"role": role, "content": blocks} for role, blocks in turns]


def tool_params(tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """*tools* as the model is offered them."""
    return [
        {
            "name": tool.name,
            "description": tool.description,
            "input_schema": {"type": "object", **tool.parameters},
            **({"strict": True} if tool.strict else {}),
        }
        for tool in tools
    ]


def tool_choice(choice: str, parallel: bool | None) -> dict[str, Any] | None:
    """The vendor's object for *choice*: a word of theirs, or a tool's name; None for neither.

    >>> tool_choice("", None), tool_choice("book", False)
    (None, {'type': 'tool', 'name': 'book', 'disable_parallel_tool_use': True})
    """
    if not choice and parallel is None:
        return None
    kind = choice or "auto"
    named = kind in ("auto", "any", "none")
    value: dict[str, Any] = {"type": kind} if named else {"type": "tool", "name": kind}
    if parallel is not None and kind != "none":
        value["disable_parallel_tool_use"] = not parallel
    return value


def cached(body: Mapping[str, Any], ttl: str) -> dict[str, Any]:
    """*body* with three marks, up to which the vendor keeps it for *ttl*.

    The last tool and the system text stay the same for a whole call, and for the next; the last
    row ends what the next turn begins with. Where all is shorter than the model's least, nothing
    is kept, and nothing costs more.
    """
    mark = {"type": "ephemeral", **({"ttl": ttl} if ttl != "5m" else {})}
    changed = dict(body)
    for part in ("tools", "system"):
        if changed.get(part):
            changed[part] = _marked(changed[part], mark)
    *rows, last = body["messages"]
    changed["messages"] = [*rows, {**last, "content": _marked(last["content"], mark)}]
    return changed


def _turns(messages: Sequence[Message]) -> Iterator[tuple[Role, list[Block]]]:
    for message in messages:
        text = clean(message.text)
        blocks = [_text(text)] if text.strip() else []
        match message.role:
            case "tool":
                yield "user", [_result(message.tool_call_id, text)]
            case "user" if blocks:
                yield "user", blocks
            case "assistant":
                calls = [_tool_use(call) for call in message.tool_calls]
                if blocks or calls:
                    yield "assistant", [*blocks, *calls]


def _pair(turns: Sequence[tuple[Role, list[Block]]]) -> None:
    """Put each turn's tool results first, one for each call of the turn before."""
    called: list[str] = []
    for role, blocks in turns:
        if role == "assistant":
            called = [each["id"] for each in blocks if each["type"] == "tool_use"]
            continue
        results = {each["tool_use_id"]: each for each in blocks if each["type"] == "tool_result"}
        answers = [results.get(each) or _result(each, NO_RESULT) for each in called]
        texts = [each for each in blocks if each["type"] == "text"]
        blocks[:] = [*answers, *texts] or [_text(NOTHING_SAID)]
        called = []


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _tool_use(call: ToolRequest) -> Block:
    return {
        "type": "tool_use",
        "id": _id(call.id),
        "name": call.name,
        "input": _arguments(call.arguments),
    }


def _result(tool_call_id: str, text: str) -> Block:
    # An empty answer is one; an empty text is refused.
    content = text if text.strip() else NO_RESULT
    return {"type": "tool_result", "tool_use_id": _id(tool_call_id), "content": content}


def _id(foreign_id: str) -> str:
    """An id that another vendor made, in the letters that this one takes."""
    return _NOT_OF_AN_ID.sub("_", foreign_id) or "_"


def _arguments(text: str) -> dict[str, Any]:
    """The model's *text* as the object it should be; what is none is shown as it was written."""
    try:
        value = orjson.loads(clean(text) or "{}")
    except orjson.JSONDecodeError:
        value = None
    return value if isinstance(value, dict) else {"text": clean(text)}


def _marked(blocks: Sequence[Mapping[str, Any]], mark: Mapping[str, str]) -> list[dict[str, Any]]:
    return [*map(dict, blocks[:-1]), {**blocks[-1], "cache_control": dict(mark)}]
