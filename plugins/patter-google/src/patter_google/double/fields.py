"""The fields that a request may have: Google refuses all others by their names (pure).

A message is a dict of its fields, a repeated field a list of one item, ``ANY`` what is free.
"""

from __future__ import annotations

import re
from typing import Any

ANY = object()
BLOB = {"mimeType": ANY, "data": ANY, "displayName": ANY, "fileUri": ANY}
_PART: dict[str, Any] = {
    "text": ANY,
    "thought": ANY,
    "thoughtSignature": ANY,
    "inlineData": BLOB,
    "fileData": BLOB,
    "functionCall": {"id": ANY, "name": ANY, "args": ANY},
    "functionResponse": {
        "id": ANY,
        "name": ANY,
        "response": ANY,
        "scheduling": ANY,
        "willContinue": ANY,
        "parts": ANY,
    },
    "executableCode": ANY,
    "codeExecutionResult": ANY,
    "videoMetadata": ANY,
    "mediaResolution": ANY,
}
CONTENT = {"role": ANY, "parts": [_PART]}
SCHEMA_FIELDS = {
    "anyOf",
    "default",
    "description",
    "enum",
    "example",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "nullable",
    "pattern",
    "properties",
    "propertyOrdering",
    "required",
    "title",
    "type",
}
FUNCTION = {
    "name": ANY,
    "description": ANY,
    "parameters": ANY,
    "parametersJsonSchema": ANY,
    "response": ANY,
    "responseJsonSchema": ANY,
    "behavior": ANY,
}
REQUEST: dict[str, Any] = {
    "model": ANY,
    "contents": [CONTENT],
    "systemInstruction": CONTENT,
    "tools": [
        {
            "functionDeclarations": [FUNCTION],
            "googleSearch": ANY,
            "codeExecution": ANY,
            "urlContext": ANY,
        }
    ],
    "toolConfig": {
        "functionCallingConfig": {
            "mode": ANY,
            "allowedFunctionNames": ANY,
            "streamFunctionCallArguments": ANY,
        },
        "retrievalConfig": ANY,
    },
    "safetySettings": [{"category": ANY, "threshold": ANY, "method": ANY}],
    "cachedContent": ANY,
    "labels": ANY,
    "generationConfig": {
        "audioTimestamp": ANY,
        "candidateCount": ANY,
        "frequencyPenalty": ANY,
        "logprobs": ANY,
        "maxOutputTokens": ANY,
        "mediaResolution": ANY,
        "presencePenalty": ANY,
        "responseJsonSchema": ANY,
        "responseLogprobs": ANY,
        "responseMimeType": ANY,
        "responseModalities": ANY,
        "responseSchema": ANY,
        "routingConfig": ANY,
        "seed": ANY,
        "speechConfig": ANY,
        "stopSequences": ANY,
        "temperature": ANY,
        "topK": ANY,
        "topP": ANY,
        "thinkingConfig": {"includeThoughts": ANY, "thinkingBudget": ANY, "thinkingLevel": ANY},
    },
}


def camel(name: str) -> str:
    """*name* as JSON has it; Google takes the other spelling, too.

    >>> camel("system_instruction")
    'systemInstruction'
    """
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def spelled(value: Any, fields: Any) -> Any:
    """*value* with its fields in camel case, as far as they are those of a message."""
    if isinstance(fields, dict) and isinstance(value, dict):
        names = {name: camel(name) for name in value}
        return {names[name]: spelled(each, fields.get(names[name])) for name, each in value.items()}
    if isinstance(fields, list) and isinstance(value, list):
        return [spelled(each, fields[0]) for each in value]
    return value


def unknown(value: Any, fields: Any, at: str = "") -> tuple[str, str] | None:
    """The first field of *value* that is not among *fields*, and where; None when all are."""
    if isinstance(fields, list):
        items = value if isinstance(value, list) else []
        unknowns = (unknown(each, fields[0], f"{at}[{n}]") for n, each in enumerate(items))
        return next(filter(None, unknowns), None)
    if isinstance(fields, dict) and isinstance(value, dict):
        for name, each in value.items():
            if name not in fields:
                return name, at
            if deeper := unknown(each, fields[name], f"{at}.{name}" if at else name):
                return deeper
    return None
