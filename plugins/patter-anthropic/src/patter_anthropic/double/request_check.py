"""What the vendor refuses of a request: fields it does not know, rows out of turn, blank text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

FIELDS = {
    "cache_control",
    "container",
    "diagnostics",
    "inference_geo",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "service_tier",
    "speed",
    "stop_sequences",
    "stream",
    "system",
    "thinking",
    "tool_choice",
    "tools",
    "user_profile_id",
}
SAMPLING = {"temperature": (0, 1), "top_p": (0, 1), "top_k": (0, 1 << 20)}
VERSIONS = ("2023-06-01", "2026-10-21")
MOST_MARKS = 4

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_CHOICES = {
    "service_tier": ("auto", "standard_only"),
    "speed": ("standard", "fast"),
}
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_OLD = ("claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-5")
"""These take prefill and thinking by budget, but no effort (Opus does) and no adaptive thinking."""

_ALWAYS_THINK = ("claude-opus-5-5", "claude-fable-5", "claude-mythos-5")


class Refusal(Exception):
    """The request is not as it must be: HTTP *status*, an error's *kind* and its *words*."""

    def __init__(self, words: str, *, status: int = 400, kind: str = "") -> None:
        super().__init__(words)
        self.words, self.status, self.kind = words, status, kind


def check(body: Any, version: str) -> None:
    """Raise Refusal for what the vendor would refuse of *body*, sent for *version* of the API."""
    if not isinstance(body, dict):
        raise Refusal("The request body is not valid JSON: expected an object")
    if version not in VERSIONS:
        raise Refusal(
            "anthropic-version: header is required"
            if not version
            else f"anthropic-version: {version!r} is not a valid version"
        )
    _check_fields(body, version)
    _check_thinking(body)
    _check_tools(body)
    _check_rows(body["messages"])
    if body["messages"][-1]["role"] == "assistant" and not body["model"].startswith(_OLD):
        raise Refusal(
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        )
    _check_marks(body)


def _check_fields(body: Mapping[str, Any], version: str) -> None:
    sampling = SAMPLING if version == VERSIONS[0] else {}
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise Refusal(f"{name}: Field required")
    for name in body:
        if name not in FIELDS and name not in sampling:
            raise Refusal(f"{name}: Extra inputs are not permitted")
    _check_number(body, "max_tokens", 0, 1 << 20)
    for name, (low, high) in sampling.items():
        _check_number(body, name, low, high)
    for name, choices in _CHOICES.items():
        if body.get(name) is not None and body[name] not in choices:
            raise Refusal(f"{name}: Input should be {' or '.join(map(repr, choices))}")
    if extra := set(body.get("metadata") or ()) - {"user_id"}:
        raise Refusal(f"metadata.{min(extra)}: Extra inputs are not permitted")
    for at, text in enumerate(body.get("stop_sequences") or ()):
        if not text.strip():
            raise Refusal(f"stop_sequences.{at}: each stop sequence must contain non-whitespace")
    for text in _texts(body.get("system") or []):
        if not text.strip():
            raise Refusal("system: text content blocks must contain non-whitespace text")


def _check_number(body: Mapping[str, Any], name: str, low: float, high: float) -> None:
    value = body.get(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Refusal(f"{name}: Input should be from {low} to {high}")


def _check_thinking(body: Mapping[str, Any]) -> None:
    model, thinking = str(body["model"]), body.get("thinking") or {}
    kind, effort = thinking.get("type"), (body.get("output_config") or {}).get("effort")
    if effort is not None and effort not in _EFFORTS:
        raise Refusal("output_config.effort: Input should be one of " + ", ".join(_EFFORTS))
    if effort is not None and model.startswith(("claude-haiku-4-5", "claude-sonnet-4-5")):
        raise Refusal("This model does not support the effort parameter.")
    if kind is None:
        return
    accepted = {"disabled", "enabled"} if model.startswith(_OLD) else {"adaptive", "disabled"}
    if model.startswith("claude-sonnet-5-5"):
        accepted = {"adaptive", "between_tools"}
    elif model.startswith(_ALWAYS_THINK):
        accepted = {"adaptive"}
    if kind not in accepted:
        raise Refusal(f'"thinking.type.{kind}" is not supported for this model.')
    if kind == "disabled" and effort in ("xhigh", "max"):
        raise Refusal(f"thinking cannot be disabled with effort {effort}")
    budget = thinking.get("budget_tokens", 0)
    if kind == "enabled" and not 1024 <= budget < body["max_tokens"]:
        raise Refusal("thinking.budget_tokens: must be at least 1024 and less than max_tokens")


def _check_tools(body: Mapping[str, Any]) -> None:
    names: list[str] = []
    for at, tool in enumerate(body.get("tools") or ()):
        name = tool.get("name")
        if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
            raise Refusal(f"tools.{at}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'")
        if (tool.get("input_schema") or {}).get("type") != "object":
            raise Refusal(f"tools.{at}.input_schema.type: Input should be 'object'")
        if name in names:
            raise Refusal("tools: Tool names must be unique.")
        names.append(name)
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not names:
        raise Refusal("tool_choice: tool_choice may only be specified while providing tools")
    if choice.get("type") not in ("auto", "any", "none", "tool"):
        raise Refusal("tool_choice.type: Input should be 'auto', 'any', 'none' or 'tool'")
    if choice["type"] == "tool" and choice.get("name") not in names:
        raise Refusal(f"Tool '{choice.get('name')}' not found in provided tools")


def _check_rows(rows: Any) -> None:
    """Roles, text, and each tool call answered at the start of the very next row."""
    if not rows:
        raise Refusal("messages: at least one message is required")
    if rows[0].get("role") != "user":
        raise Refusal('messages.0: the first message must use the "user" role')
    waiting: list[str] = []
    seen: set[str] = set()
    for at, row in enumerate(rows):
        if row.get("role") not in ("user", "assistant"):
            raise Refusal(f"messages.{at}.role: Input should be 'user' or 'assistant'")
        blocks = _content(at, row)
        results = [each["tool_use_id"] for each in blocks if each["type"] == "tool_result"]
        leading = [each["type"] for each in blocks[: len(results)]]
        if set(waiting) - set(results) or leading.count("tool_result") != len(results):
            raise Refusal(
                f"messages.{at}: `tool_use` ids were found without `tool_result` blocks "
                "immediately after"
            )
        if set(results) - set(waiting):
            raise Refusal(f"messages.{at}: unexpected `tool_use_id` found in `tool_result` blocks")
        waiting = [each["id"] for each in blocks if each["type"] == "tool_use"]
        if set(waiting) & seen or len(set(waiting)) < len(waiting):
            raise Refusal(f"messages.{at}: `tool_use` ids must be unique")
        seen.update(waiting)
    if waiting:
        raise Refusal("`tool_use` ids were found without `tool_result` blocks immediately after")


def _content(at: int, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = row.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not blocks:
        raise Refusal(f"messages.{at}: all messages must have non-empty content")
    for block in blocks:
        kind = block.get("type")
        allowed = ("text", "tool_result") if row["role"] == "user" else ("text", "tool_use")
        if kind not in allowed:
            raise Refusal(f"messages.{at}.content: {kind!r} is not expected here")
        if kind == "text" and not block["text"].strip():
            raise Refusal(f"messages.{at}: text content blocks must contain non-whitespace text")
        if kind == "tool_use" and not _ID.fullmatch(block["id"]):
            raise Refusal(f"messages.{at}.content: id should match pattern '^[a-zA-Z0-9_-]+$'")
        if kind == "tool_use" and not isinstance(block["input"], dict):
            raise Refusal(f"messages.{at}.content.input: Input should be a valid dictionary")
    return list(blocks)


def _check_marks(body: Mapping[str, Any]) -> None:
    marks = list(_marks(body))
    if len(marks) > MOST_MARKS:
        raise Refusal(f"A maximum of {MOST_MARKS} blocks with cache_control may be provided.")
    for mark in marks:
        if mark.get("type") != "ephemeral" or mark.get("ttl", "5m") not in ("5m", "1h"):
            raise Refusal("cache_control: Input should be ephemeral, for '5m' or '1h'")


def _marks(value: Any) -> Iterator[Mapping[str, Any]]:
    """All ``cache_control`` in *value*, however deep."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name == "cache_control":
                yield each
            elif name not in ("input_schema", "input"):
                yield from _marks(each)
    elif isinstance(value, list):
        for each in value:
            yield from _marks(each)


def _texts(content: str | list[dict[str, Any]]) -> list[str]:
    return [content] if isinstance(content, str) else [each["text"] for each in content]
