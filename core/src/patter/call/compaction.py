"""When a conversation has become long for a model, and which part of it a summary may replace.

Pure. Tokens are estimated: no two models count alike, and a wrong guess only moves the moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from patter.call.history import History, HistoryRow, messages_of
from patter.errors import PatterConfigError, PatterTypeError
from patter.providers.llm import Message

CHARS_PER_TOKEN = 4
OVERHEAD_TOKENS = 4
"""What a message costs beside its text: its role, and the marks around it."""
SUMMARY_MIN_TOKENS = 200


@attrs.frozen
class CompactionConfig:
    """From *trigger_tokens* on the older part of a conversation is replaced by a summary.

    Together with what stays it has about *target_tokens*. The last *keep_last_turns* turns of the
    caller stay as they are. Tokens are estimated, see `estimated_tokens`. Raises
    PatterConfigError, and PatterTypeError for what is no whole number.
    """

    trigger_tokens: int = 8_000
    target_tokens: int = 3_000
    keep_last_turns: int = 4

    def __attrs_post_init__(self) -> None:
        for name, value in attrs.asdict(self).items():
            if not isinstance(value, int) or isinstance(value, bool):
                raise PatterTypeError(
                    f"{name}={value!r} is not a whole number", fix=f"write {name}=..., a number"
                )
            if value < 1:
                raise PatterConfigError(f"{name}={value} is out of range", fix="give 1 or more")
        if self.target_tokens >= self.trigger_tokens:
            raise PatterConfigError(
                f"target_tokens={self.target_tokens} is not below "
                f"trigger_tokens={self.trigger_tokens}",
                fix="give trigger_tokens more than target_tokens",
            )


def estimated_tokens(messages: Iterable[Message]) -> int:
    """About how many tokens *messages* are: a quarter of their characters, and 4 for each.

    >>> estimated_tokens([Message("user", "When are you open on Sunday?")])
    11
    """
    return sum(max(1, _length(each) // CHARS_PER_TOKEN) + OVERHEAD_TOKENS for each in messages)


def _length(message: Message) -> int:
    calls = sum(len(call.name) + len(call.arguments) for call in message.tool_calls)
    return len(message.text) + calls


def older(rows: Sequence[HistoryRow], keep_last_turns: int) -> int:
    """How many of *rows* come before the last *keep_last_turns* turns of the caller.

    What the agent said and its tools found goes with the turn before it.
    """
    turns = [index for index, row in enumerate(rows) if row.role == "caller"]
    return turns[-keep_last_turns] if len(turns) >= keep_last_turns else 0


@attrs.frozen
class Excess:
    """The rows that are to be summed up, oldest first, and how long the summary may be."""

    rows: tuple[HistoryRow, ...]
    shown_tokens: int
    summary_tokens: int


def excess(history: History, system_prompt: str, config: CompactionConfig) -> Excess | None:
    """What of *history* has become too much; None while it has not, or little would be gained."""
    shown = estimated_tokens(history.messages(system_prompt))
    if shown < config.trigger_tokens:
        return None
    recent = history.recent
    count = older(recent, config.keep_last_turns)
    left = config.target_tokens - estimated_tokens(messages_of(recent[count:]))
    may_have = max(SUMMARY_MIN_TOKENS, left)
    if estimated_tokens(messages_of(recent[:count])) <= max(may_have, config.target_tokens) // 4:
        return None
    return Excess(tuple(recent[:count]), shown, may_have)
