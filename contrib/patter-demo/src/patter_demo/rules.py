"""A language model made of rules: the first pattern found in the caller's words decides.

It keeps nothing between requests, so the same messages always get the same reply. Made for
tests and demonstrations, where an answer has to be known beforehand.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from patter.errors import PatterConfigError
from patter.providers.llm import (
    LLM,
    DoneChunk,
    LLMChunk,
    LLMRequest,
    Message,
    TextChunk,
    ToolCallChunk,
    UsageChunk,
)
from patter_demo.reception import not_understood, reception, suggestions
from patter_demo.rule import ALWAYS, Rule, check_template, filled

RECEPTION = "reception"
ECHO = "You said: {message}."


def _model(name: str) -> str:
    if name not in ("", RECEPTION):
        raise PatterConfigError(
            f"rules has no model {name!r}", fix=f"write rules/{RECEPTION}, or rules?file=PATH"
        )
    return name


def _rules(value: Iterable[Rule | Mapping[str, Any]]) -> tuple[Rule, ...]:
    if isinstance(value, str):
        raise PatterConfigError(
            "rules cannot be written in a string", fix="write rules?file=PATH, a TOML or JSON file"
        )
    return tuple(each if isinstance(each, Rule) else _rule(each) for each in value)


@attrs.frozen(kw_only=True)
class RulesLLM:
    """Answers by *rules*, in order, then by those of *file*; else says *default*.

    *model* ``reception`` adds rules for the tools of whichever agent asks, see
    `patter_demo.reception`, and says what it understands where nothing fits.
    *file* is TOML or JSON with a list ``rules`` of tables with the fields of `Rule`, and
    perhaps a ``default``, which counts if none is given here. *token_ms* passes before each
    word, by the call's clock. Raises PatterConfigError for a file that cannot be read.
    """

    hosts: ClassVar[tuple[str, ...]] = ()
    model: str = attrs.field(default="", converter=_model)
    rules: tuple[Rule, ...] = attrs.field(default=(), converter=_rules)
    file: str = attrs.field(default="", converter=str)
    default: str = attrs.field(default="")
    token_ms: float = attrs.field(default=0.0, converter=float, validator=attrs.validators.ge(0))
    _order: tuple[Rule, ...] = attrs.field(init=False, repr=False)
    _otherwise: str = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        read = _read(Path(self.file)) if self.file else {}
        object.__setattr__(self, "_order", self.rules + _rules(read.get("rules", ())))
        otherwise = self.default or str(read.get("default", "" if self.model else ECHO))
        check_template(otherwise, ALWAYS)
        object.__setattr__(self, "_otherwise", otherwise)

    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        """Reply word by word, then a tool call if the rule has one."""
        text, wanted = self._decide(request)
        pieces = re.findall(r"\s*\S+", text)
        for piece in pieces:
            if self.token_ms:
                await request.call.clock.sleep(self.token_ms)
            yield TextChunk(piece)
        if wanted is not None:
            yield wanted
        read = sum(len(row.text.split()) for row in request.messages)
        yield UsageChunk(input_tokens=read, output_tokens=len(pieces))
        yield DoneChunk("tool_calls" if wanted else "stop")

    def _decide(self, request: LLMRequest) -> tuple[str, ToolCallChunk | None]:
        message, results = _last_turn(request.messages)
        for rule in (*self._order, *self._reception(request)):
            values = rule.match(message)
            if values is None:
                continue
            if rule.tool in results:
                return filled(rule.then, {**values, "result": results[rule.tool]}), None
            return filled(rule.say, values), _call(rule, values, request)
        return filled(self._otherwise, {"message": message}) or not_understood(request.tools), None

    def _reception(self, request: LLMRequest) -> tuple[Rule, ...]:
        """The rules for the tools that are offered, if the model has some."""
        if not self.model:
            return ()
        prompt = next((row.text for row in request.messages if row.role == "system"), "")
        return reception(request.tools, prompt)

    def suggestions(self, tools: Sequence[Any]) -> tuple[str, ...]:
        """What a caller might say to an agent with *tools*; empty where only the rules know."""
        return suggestions(tools) if self.model else ()


def _call(rule: Rule, values: Mapping[str, str], request: LLMRequest) -> ToolCallChunk | None:
    if rule.tool not in {tool.name for tool in request.tools}:
        return None
    return ToolCallChunk(0, f"call_{len(request.messages)}", rule.tool, rule.written(values))


def _last_turn(messages: tuple[Message, ...]) -> tuple[str, dict[str, str]]:
    """The caller's last words, and the tool results that came after them, by tool."""
    results: dict[str, str] = {}
    for row in reversed(messages):
        if row.role == "user":
            return row.text, results
        if row.role == "tool":
            results.setdefault(row.name, _plain(row.text))
    return "", results


def _plain(result: str) -> str:
    """A JSON string without its quotes; anything else as it is."""
    try:
        value = json.loads(result)
    except ValueError:
        return result
    return value if isinstance(value, str) else result


def _rule(table: Mapping[str, Any]) -> Rule:
    try:
        return Rule(**table)
    except TypeError as exc:
        names = ", ".join(field.name for field in attrs.fields(Rule))
        raise PatterConfigError(f"this is not a rule: {table!r}", fix=f"use {names}") from exc


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        match = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as exc:
        raise PatterConfigError(
            f"the rules in {str(path)!r} cannot be read: {exc}",
            fix="pass a TOML or JSON file with a list of rules",
        ) from exc
    if not isinstance(match, dict) or not isinstance(match.get("rules", []), list):
        raise PatterConfigError(
            f"{str(path)!r} has no list of rules", fix="begin each rule with [[rules]]"
        )
    return match


if TYPE_CHECKING:
    _: type[LLM] = RulesLLM
