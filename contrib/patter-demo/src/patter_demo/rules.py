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
from string import Formatter
from typing import TYPE_CHECKING, Any

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

NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen", "twenty"),
)
_ALWAYS = frozenset({"message"})
RECEPTION = "reception"
ECHO = "You said: {message}."


class _Text(str):
    """A value for a template; ``{name:words}`` writes small numbers out: R-17, R seventeen."""

    def __format__(self, spec: str) -> str:
        if spec != "words":
            return super().__format__(spec)
        spaced = " ".join(re.findall(r"\d+|[^\W\d_]+", self))
        return re.sub(r"\d+", lambda match: _number_word(match.group()), spaced)


@attrs.frozen
class Rule:
    """What to do when *pattern* is found in the caller's last words, in any letter case.

    *say* is spoken at once; then *tool* is called with *arguments*, and *then* is spoken with
    its result. All texts are templates: ``{message}`` is what the caller said, ``{NAME}`` a
    named group of the pattern, and in *then* ``{result}`` the tool's; ``{NAME:words}`` writes
    small numbers out. An argument that comes out as a number, in digits or as a word up to
    twenty, is passed as an integer. A tool that the agent does not have is not called.
    Raises PatterConfigError for a pattern or template that cannot work.
    """

    pattern: str
    say: str = ""
    tool: str = ""
    arguments: Mapping[str, Any] = attrs.field(factory=dict, hash=False)
    then: str = ""

    def __attrs_post_init__(self) -> None:
        try:
            groups = frozenset(re.compile(self.pattern).groupindex)
        except (re.error, TypeError) as exc:
            raise PatterConfigError(
                f"{self.pattern!r} is not a regular expression: {exc}", fix="correct the rule"
            ) from exc
        names = groups | _ALWAYS
        texts = [self.say, *(each for each in self.arguments.values() if isinstance(each, str))]
        for template in texts:
            _check_template(template, names)
        _check_template(self.then, names | {"result"})

    def match(self, message: str) -> dict[str, str] | None:
        """The values for the templates, or None if the pattern is not in *message*."""
        match = re.search(self.pattern, message, re.IGNORECASE)
        if match is None:
            return None
        groups = {name: value or "" for name, value in match.groupdict().items()}
        return {"message": message, **groups}

    def written(self, values: Mapping[str, str]) -> str:
        """The tool's arguments as JSON."""
        filled = {
            name: _number(_fill(value, values)) if isinstance(value, str) else value
            for name, value in self.arguments.items()
        }
        return json.dumps(filled)


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
        _check_template(otherwise, _ALWAYS)
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
                return _fill(rule.then, {**values, "result": results[rule.tool]}), None
            return _fill(rule.say, values), _call(rule, values, request)
        return _fill(self._otherwise, {"message": message}) or _excuse(request), None

    def _reception(self, request: LLMRequest) -> tuple[Rule, ...]:
        """The rules for the tools that are offered, if the model has some."""
        if not self.model:
            return ()
        from patter_demo.reception import reception

        prompt = next((row.text for row in request.messages if row.role == "system"), "")
        return reception(request.tools, prompt)

    def suggestions(self, tools: Sequence[Any]) -> tuple[str, ...]:
        """What a caller might say to an agent with *tools*; empty where only the rules know."""
        if not self.model:
            return ()
        from patter_demo.reception import suggestions

        return suggestions(tools)


def _excuse(request: LLMRequest) -> str:
    from patter_demo.reception import not_understood

    return not_understood(request.tools)


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


def _fill(template: str, values: Mapping[str, str]) -> str:
    return template.format_map({name: _Text(value) for name, value in values.items()})


def _number(text: str) -> str | int:
    if text.lower() in NUMBERS:
        return NUMBERS.index(text.lower())
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text


def _number_word(digits: str) -> str:
    return NUMBERS[int(digits)] if len(digits) < 3 and int(digits) < len(NUMBERS) else digits


def _check_template(template: object, allowed: frozenset[str]) -> None:
    try:
        names = [name for _, name, _, _ in Formatter().parse(str(template)) if name is not None]
    except ValueError as exc:
        raise PatterConfigError(
            f"{template!r} is not a template: {exc}", fix="write {NAME}, and {{ for a brace"
        ) from exc
    for name in names:
        if name not in allowed:
            raise PatterConfigError(
                f"{template!r} uses {{{name}}}, which nothing fills in",
                fix=f"name a group of the pattern (?P<{name}>...), or use one of "
                + ", ".join(sorted(allowed)),
            )


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
