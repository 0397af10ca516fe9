"""What Google refuses of a request: fields it does not know, rows out of turn, schemas (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from patter_google.double.fields import REQUEST, SCHEMA_FIELDS, spelled, unknown

NOT_THEIRS = "skip_thought_signature_validator"

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
_SIGNS = re.compile(r"gemini-([3-9]|\d\d)")
_TYPES = ("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")
_FORMATS = {
    "STRING": ("enum", "date-time"),
    "INTEGER": ("int32", "int64"),
    "NUMBER": ("float", "double"),
}
_NO_MINIMAL = ("gemini-3.7", "gemini-3.8", "gemini-3-pro", "gemini-3.1-pro", "gemini-4")
_DATA = ("text", "functionCall", "functionResponse", "inlineData", "fileData")


class Refusal(Exception):
    """The request is not as it must be: HTTP *status* with a *kind* of google.rpc."""

    def __init__(self, words: str, *, status: int = 400, kind: str = "INVALID_ARGUMENT") -> None:
        super().__init__(words)
        self.words, self.status, self.kind = words, status, kind


def signs(model: str) -> bool:
    """Does *model* sign its calls, and want the signatures back?"""
    return bool(_SIGNS.match(model))


def checked(body: Any, model: str, issued: set[str]) -> dict[str, Any]:
    """*body* as the vendor reads it. Raises Refusal; *issued* are the signatures that are its."""
    if not isinstance(body, dict):
        raise Refusal("Invalid JSON payload received. Root element must be a message.")
    read: dict[str, Any] = spelled(body, REQUEST)
    if field := unknown(read, REQUEST):
        raise unknown_name(*field)
    _check_contents(read.get("contents") or [], model, issued)
    for part in (read.get("systemInstruction") or {}).get("parts") or ():
        check_part(part, "system_instruction.parts")
    check_tools(read)
    _check_config(read.get("generationConfig") or {}, model)
    return read


def unknown_name(name: str, at: str) -> Refusal:
    """The refusal of a field that there is not."""
    where = f" at '{at}'" if at else ""
    return Refusal(
        f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.'
    )


def _check_contents(contents: list[Any], model: str, issued: set[str]) -> None:
    """Roles, parts, and each turn of calls answered by the next, one response for each."""
    if not contents:
        raise Refusal("* GenerateContentRequest.contents: contents is not specified")
    calls: list[str] = []
    before = ""
    for at, row in enumerate(contents):
        role, parts = row.get("role", "user"), row.get("parts") or []
        if role not in ("user", "model"):
            raise Refusal("Please use a valid role: user, model.")
        if not parts:
            raise Refusal(f"* contents[{at}].parts: contents.parts must not be empty.")
        for number, part in enumerate(parts):
            check_part(part, f"contents[{at}].parts[{number}]")
        responses = [each["functionResponse"] for each in parts if "functionResponse" in each]
        if len(responses) != len(calls):
            raise Refusal(
                "Please ensure that the number of function response parts is equal to the number "
                "of function call parts of the function call turn."
            )
        if sorted(each["name"] for each in responses) != sorted(calls):
            raise Refusal("Please ensure that function response turn names match the calls.")
        made = [each for each in parts if "functionCall" in each]
        if made and (role != "model" or before not in ("user",)):
            raise Refusal(
                "Please ensure that function call turn comes immediately after a user turn or "
                "after a function response turn."
            )
        if made and signs(model):
            _check_signature(made[0], issued)
        calls, before = [each["functionCall"]["name"] for each in made], role
    if calls:
        raise Refusal("Please ensure that function call turn is followed by a response turn.")


def check_part(part: Mapping[str, Any], at: str) -> None:
    """A part holds one thing. Raises Refusal."""
    held = [each for each in _DATA if part.get(each)]
    if len(held) != 1:
        raise Refusal(f"* {at}.data: required oneof field 'data' must have one initialized field")
    for kind, field in (("functionCall", "args"), ("functionResponse", "response")):
        if kind not in part:
            continue
        if not _NAME.fullmatch(part[kind].get("name") or ""):
            raise Refusal(f"* {at}.{kind}.name: Name cannot be empty.")
        if not isinstance(part[kind].get(field, {}), dict):
            raise Refusal(f"Invalid value at '{at}.{kind}.{field}' (type.googleapis.com/Struct)")


def _check_signature(part: Mapping[str, Any], issued: set[str]) -> None:
    signed = part.get("thoughtSignature")
    if not signed:
        raise Refusal("Function call is missing a thought_signature in functionCall parts.")
    if signed != NOT_THEIRS and signed not in issued:
        raise Refusal("Corrupted thought signature.")


def check_tools(body: Mapping[str, Any]) -> None:
    """Names, schemas and the choice of tools. Raises Refusal."""
    names: list[str] = []
    for tool in body.get("tools") or ():
        for function in tool.get("functionDeclarations") or ():
            name = function.get("name") or ""
            if not _NAME.fullmatch(name):
                raise Refusal("Invalid function name. Must start with a letter or an underscore.")
            if name in names:
                raise Refusal(f"Duplicate function declaration found: {name}")
            names.append(name)
            if (schema := function.get("parameters")) is not None:
                _check_schema(schema, f"function_declarations[{name}].parameters")
    choice = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    allowed = choice.get("allowedFunctionNames") or []
    if choice.get("mode", "AUTO") not in ("AUTO", "ANY", "NONE", "VALIDATED"):
        raise Refusal("Invalid value at 'tool_config.function_calling_config.mode'")
    if allowed and choice.get("mode") not in ("ANY", "VALIDATED"):
        raise Refusal("allowed_function_names should be set only when the mode is ANY.")
    if set(allowed) - set(names):
        raise Refusal("allowed_function_names is not a subset of the function declarations.")


def _check_schema(schema: Any, at: str) -> None:
    for name in schema:
        if name not in SCHEMA_FIELDS:
            raise unknown_name(name, at)
    kind = schema.get("type")
    if kind is None and schema.get("anyOf"):
        for number, each in enumerate(schema["anyOf"]):
            _check_schema(each, f"{at}.any_of[{number}]")
        return
    if kind not in _TYPES:
        raise Refusal(f"Invalid value at '{at}.type': {kind!r}")
    if schema.get("format") not in (None, *_FORMATS.get(kind, ())):
        raise Refusal(f"* {at}.format: only {_FORMATS.get(kind)} are supported for {kind} type")
    if "enum" in schema and (kind != "STRING" or not all(schema["enum"])):
        raise Refusal(f"* {at}.enum: only allowed for STRING type, and cannot be empty")
    if kind == "ARRAY" and "items" not in schema:
        raise Refusal(f"* {at}.items: missing field.")
    if "items" in schema:
        _check_schema(schema["items"], f"{at}.items")
    properties = schema.get("properties") or {}
    if kind == "OBJECT" and at.rpartition(".")[2] == "parameters" and not properties:
        raise Refusal(f"* {at}.properties: should be non-empty for OBJECT type")
    for name, each in properties.items():
        _check_schema(each, f"{at}.properties[{name}]")
    if missing := [each for each in schema.get("required") or () if each not in properties]:
        raise Refusal(f"* {at}.required: property is not defined: {missing[0]}")


def _check_config(config: Mapping[str, Any], model: str) -> None:
    for name, low, high in (
        ("temperature", 0, 2),
        ("topP", 0, 1),
        ("topK", 1, 1 << 20),
        ("maxOutputTokens", 1, 1 << 20),
        ("presencePenalty", -2, 2),
        ("frequencyPenalty", -2, 2),
    ):
        value = config.get(name)
        if value is not None and not low <= value <= high:
            raise Refusal(f"Unable to submit request: {name} must be from {low} to {high}.")
    if len(config.get("stopSequences") or ()) > 5:
        raise Refusal("* GenerateContentRequest.generation_config.stop_sequences: at most 5")
    thinking = config.get("thinkingConfig") or {}
    level, budget = thinking.get("thinkingLevel"), thinking.get("thinkingBudget")
    if level is not None and budget is not None:
        raise Refusal("You can only set only one of thinking budget and thinking level.")
    if level is not None and not signs(model):
        raise Refusal("Thinking level is not supported for this model.")
    if level == "MINIMAL" and model.startswith(_NO_MINIMAL):
        raise Refusal("Thinking level MINIMAL is not supported for this model.")
    if budget == 0 and (model.startswith("gemini-2.5-pro") or signs(model)):
        raise Refusal("Budget 0 is invalid. This model only works in thinking mode.")
