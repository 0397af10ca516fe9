"""A conversation as models are shown it, outside a call: built by hand, cut, copied, kept."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from typing import Any, Literal, Self, TypeAlias, get_args

import attrs

from patter.clock import LoopClock
from patter.errors import InputError

ChatRole: TypeAlias = Literal["system", "user", "assistant", "tool"]
ROLES = get_args(ChatRole)
_CLOCK = LoopClock()


@attrs.frozen
class ChatMessage:
    """One message. *timestamp* is in seconds since 1970; *tool_call_id* is a tool result's."""

    role: ChatRole = attrs.field(validator=attrs.validators.in_(ROLES))
    content: str = attrs.field(validator=attrs.validators.instance_of(str))
    name: str = ""
    tool_call_id: str = ""
    id: str = attrs.field(factory=lambda: secrets.token_hex(6))
    timestamp: float = attrs.field(factory=_CLOCK.wall)


class ChatContext:
    """Messages in their order, the *system_prompt* before them.

    >>> chat = ChatContext("Be brief.")
    >>> chat.add_user("Are you open?").content, len(chat)
    ('Are you open?', 2)
    """

    def __init__(self, system_prompt: str | None = None) -> None:
        self._messages: list[ChatMessage] = []
        if system_prompt:
            self.add_system(system_prompt)

    def __len__(self) -> int:
        return len(self._messages)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ChatContext) and self._messages == other._messages

    __hash__ = None  # type: ignore[assignment]

    @property
    def length(self) -> int:
        """How many messages there are."""
        return len(self._messages)

    def add_user(self, content: str) -> ChatMessage:
        """Add what the caller says."""
        return self._add(ChatMessage("user", content))

    def add_assistant(self, content: str) -> ChatMessage:
        """Add what the agent says."""
        return self._add(ChatMessage("assistant", content))

    def add_system(self, content: str) -> ChatMessage:
        """Add an instruction."""
        return self._add(ChatMessage("system", content))

    def add_tool_result(self, content: str, tool_call_id: str, name: str = "") -> ChatMessage:
        """Add the result of the tool call with *tool_call_id*."""
        return self._add(ChatMessage("tool", content, name, tool_call_id))

    def get_messages(self) -> list[ChatMessage]:
        """All messages; the list is the caller's own."""
        return list(self._messages)

    def get_last_n(self, count: int) -> list[ChatMessage]:
        """The last *count* messages, fewer if there are fewer. Raises InputError below 0."""
        return self._messages[max(0, len(self) - _counted(count)) :]

    def truncate(self, count: int) -> Self:
        """Keep the system messages at the beginning and the last *count* of the others.

        Tool results whose call was cut off go with it: models refuse them. Raises InputError
        below 0.
        """
        leading = next(
            (at for at, each in enumerate(self._messages) if each.role != "system"), len(self)
        )
        system, rest = self._messages[:leading], self._messages[leading:]
        kept = rest[max(0, len(rest) - _counted(count)) :]
        if len(kept) < len(rest):
            while kept and kept[0].role == "tool":
                del kept[0]
        self._messages = system + kept
        return self

    def copy(self) -> ChatContext:
        """One with the same messages, which changes alone."""
        return self._of(self._messages)

    def to_openai(self) -> list[dict[str, Any]]:
        """The messages as chat completions take them."""
        return [_openai(each) for each in self._messages]

    def to_anthropic(self) -> dict[str, Any]:
        """``system``, one text, and ``messages`` of turn about user and assistant.

        A tool result is the user's text here; neighbours of one role are joined.
        """
        system = [each.content for each in self._messages if each.role == "system"]
        turns: list[dict[str, Any]] = []
        for each in self._messages:
            if each.role == "system":
                continue
            role = "assistant" if each.role == "assistant" else "user"
            text = f"[tool result] {each.content}" if each.role == "tool" else each.content
            if turns and turns[-1]["role"] == role:
                turns[-1]["content"] += f"\n{text}"
            else:
                turns.append({"role": role, "content": text})
        return {"system": "\n\n".join(system), "messages": turns}

    def to_json(self) -> str:
        """All of it as text, which `from_json` reads."""
        return json.dumps([attrs.asdict(each) for each in self._messages], ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ChatContext:
        """The context that `to_json` wrote. Raises InputError for anything else."""
        try:
            rows = json.loads(text)
            if not isinstance(rows, list):
                raise TypeError(f"it is a {type(rows).__name__}")
            return cls._of(ChatMessage(**each) for each in rows)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"this is not a chat context: {error}", fix="pass what ChatContext.to_json returned"
            ) from error

    @classmethod
    def _of(cls, messages: Iterable[ChatMessage]) -> ChatContext:
        made = ChatContext()
        made._messages = list(messages)
        return made

    def _add(self, message: ChatMessage) -> ChatMessage:
        self._messages.append(message)
        return message


def _counted(count: int) -> int:
    if count < 0:
        raise InputError(f"{count} messages cannot be kept", fix="pass 0 or more")
    return count


def _openai(message: ChatMessage) -> dict[str, Any]:
    row = {"role": message.role, "content": message.content}
    extra = {"name": message.name, "tool_call_id": message.tool_call_id}
    return {**row, **{key: value for key, value in extra.items() if value}}
