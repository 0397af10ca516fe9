"""What the application's callbacks are called with: plain dicts whose keys a type checker knows."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from patter.observe.call_metrics import CallMetrics, CostBreakdown, TurnMetrics


class TranscriptEntry(TypedDict):
    """Words of one side, in the order in which they were said."""

    role: Literal["user", "assistant"]
    """`user` is the caller, `assistant` the agent."""
    text: str
    """What was said; of the agent, what the caller heard."""


class HistoryEntry(TypedDict):
    """Words of one side, with their time."""

    role: Literal["user", "assistant"]
    """`user` is the caller, `assistant` the agent."""
    text: str
    """What was said; of the agent, what the caller heard."""
    timestamp: float
    """When the row was final, in seconds since 1970."""


class CallStartPayload(TypedDict):
    """`on_call_start`: a call is about to be answered. A dict it returns changes the agent."""

    call_id: str
    """The id of the call."""
    caller: str
    """Who calls."""
    callee: str
    """Who is called."""
    direction: str
    """`inbound`, `outbound` or `test`."""
    telephony_provider: str
    """The slug of the carrier."""
    custom_params: dict[str, Any]
    """The variables of the call."""


class CallEndPayload(TypedDict):
    """`on_call_end`: a call is over, whether it had media or not."""

    call_id: str
    """The id of the call."""
    caller: str
    """Who called."""
    callee: str
    """Who was called."""
    ended_at: str
    """When it was over: ISO 8601, UTC."""
    transcript: list[TranscriptEntry]
    """The words of both sides."""
    conversation_history: list[HistoryEntry]
    """The same as `history`."""
    history: list[HistoryEntry]
    """The words of both sides, with their times."""
    duration: float
    """How long it lasted, in seconds; 0 without media."""
    outcome: str
    """As in the metrics; empty when there are none."""
    metrics: CallMetrics | None
    """The figures; None when the call failed before it had any."""
    recording_path: str
    """The WAV file of the call; empty when it is not recorded."""


class TranscriptPayload(TypedDict):
    """`on_transcript`: something was said, keys were pressed, or a tool ran."""

    call_id: str
    """The id of the call."""
    role: Literal["user", "assistant", "tool"]
    """Whose row it is."""
    text: str
    """The words; `[DTMF: ...]` for keys; the result of a tool, empty when it begins."""
    history: list[HistoryEntry]
    """The words of both sides until then, the last 2,000 rows of them."""
    turnIndex: NotRequired[int | None]
    """Words of a call with an engine only: the number of the caller's turn."""
    tool_name: NotRequired[str]
    """Tools only: the name."""
    tool_args: NotRequired[dict[str, Any]]
    """Tools only: the arguments."""
    tool_result: NotRequired[str | None]
    """Tools only: the result; None when it begins."""


class MetricsPayload(TypedDict):
    """`on_metrics`: the answer to a turn of the caller is over, heard or cut."""

    call_id: str
    """The id of the call."""
    turn: TurnMetrics
    """The turn: its words, and where the time went."""
    cost_so_far: CostBreakdown
    """US dollars so far."""
    llm_ttft_ms: float | None
    """Milliseconds until the model's first piece."""
