"""What the double of a model answers: its script, and then what it honestly can (pure).

No double thinks. Without a script it repeats what it was told, and runs the tool that it is told
the name of; it says itself that it does nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from patter.providers.llm import Message, ToolRequest, ToolSpec

_WORDS = re.compile(r"[^\W_]+")
_BEGINS, _ENDS = r"(?<![^\W_])", r"(?![^\W_])"
_SAMPLES: Mapping[str, object] = {
    "integer": 1,
    "number": 1,
    "boolean": True,
    "array": [],
    "object": {},
    "null": None,
}


@attrs.frozen
class Answer:
    """A reply, and the tools it wants run."""

    text: str = ""
    tools: tuple[ToolRequest, ...] = ()


def honest(rows: Sequence[Message], tools: Sequence[ToolSpec]) -> Answer:
    """Repeat the latest of *rows*, or call those of *tools* that a user's words name.

    ``book_table`` is named by "book me a table". Required arguments are what the words hold:
    numbers in their order, the words after the name for text, a value that is said for a choice.

    >>> honest([Message("user", "Good morning")], [])
    Answer(text='This is a simulation. I heard: Good morning', tools=())
    """
    latest = next((row for row in reversed(rows) if row.role != "system"), Message("user"))
    if latest.role == "tool":
        return Answer(f"The tool said: {latest.text}")
    if latest.role == "user" and (calls := _calls(rows, latest.text, tools)):
        return Answer(tools=calls)
    heard = latest.text if latest.role == "user" else ""
    return Answer(f"This is a simulation. I heard: {heard}" if heard else "This is a simulation.")


def _answers(script: Iterable[Answer | str]) -> Iterator[Answer]:
    return (Answer(each) if isinstance(each, str) else each for each in script)


@attrs.define(eq=False)
class ScriptedModel:
    """Answers with the lines of *script*, one a request, and then as *otherwise* says.

    *requests* are the rows it was shown.

    >>> model = ScriptedModel(["At seven."])
    >>> model.answer([Message("user", "When?")]).text, model.answer([]).text
    ('At seven.', 'This is a simulation.')
    """

    script: Iterator[Answer] = attrs.field(default=(), converter=_answers)
    otherwise: Callable[[Sequence[Message], Sequence[ToolSpec]], Answer] = attrs.field(
        default=honest, kw_only=True
    )
    requests: list[tuple[Message, ...]] = attrs.field(factory=list, init=False, repr=False)

    def answer(self, rows: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> Answer:
        """The reply to *rows*, by a model that may ask for *tools*."""
        self.requests.append(tuple(rows))
        scripted = next(self.script, None)
        return self.otherwise(rows, tools) if scripted is None else scripted


def _calls(
    rows: Sequence[Message], text: str, tools: Sequence[ToolSpec]
) -> tuple[ToolRequest, ...]:
    """A call of each tool that *text* names."""
    made = sum(len(row.tool_calls) for row in rows)
    calls: list[ToolRequest] = []
    for tool in tools:
        name = f"{_ENDS}.*?{_BEGINS}".join(_WORDS.findall(tool.name))
        named = re.compile(f"{_BEGINS}{name}{_ENDS}", re.IGNORECASE | re.DOTALL)
        if name and (match := named.search(text)):
            after = text[match.end() :].strip(" ,.:;!?")
            arguments = json.dumps(_arguments(tool.parameters, text, after))
            identity = f"simulated-{made + len(calls) + 1}"
            calls.append(ToolRequest(identity, tool.name, arguments))
    return tuple(calls)


def _arguments(schema: Mapping[str, Any], text: str, after: str) -> dict[str, object]:
    numbers = iter(re.findall(r"-?\d+", text))
    properties = schema.get("properties", {})
    return {
        name: _argument(properties.get(name, {}), numbers, after)
        for name in schema.get("required", properties)
    }


def _argument(schema: Mapping[str, Any], numbers: Iterator[str], after: str) -> object:
    if choices := schema.get("enum"):
        named = (each for each in choices if str(each).casefold() in after.casefold())
        return next(named, choices[0])
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind in ("integer", "number"):
        return int(next(numbers, _SAMPLES[kind]))  # type: ignore[call-overload]
    return _SAMPLES.get(kind, after or "simulated")
