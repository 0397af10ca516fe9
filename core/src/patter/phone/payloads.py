"""What the application's callbacks are called with: plain dicts whose keys a type checker knows."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


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


class CallFigures(TypedDict):
    """How a call went, in figures."""

    call_id: str
    """The id of the call."""
    outcome: str
    """`completed`, `voicemail` or `failed`; without media `busy`, `no_answer`, `canceled`."""
    reason: str
    """Why it ended."""
    duration_ms: int
    """From the beginning of the session to the end, in milliseconds."""
    turns: int
    """How many turns the caller took; an amended one counts once."""
    gap_p50_ms: int | None
    """The median response latency in milliseconds; None without any."""
    gap_p95_ms: int | None
    """The 95th percentile of the response latency in milliseconds; None without any."""
    heard_ms: int
    """How many milliseconds of the agent's speech the caller heard."""
    unheard_ms: int
    """How many milliseconds of it were made and not heard."""
    cost_usd: float | None
    """What the call cost in dollars; None when the price of a part is not known."""
    costs: dict[str, float]
    """Dollars by kind of provider, as far as they are known."""
    unpriced: tuple[str, ...]
    """What has no known price, as `provider/model unit`."""


class TurnFigures(TypedDict):
    """How long the caller waited for the answer of one turn."""

    turn: int
    """The number of the caller's turn."""
    epoch: NotRequired[int]
    """The number of the utterance that answers it."""
    gap_ms: NotRequired[int]
    """The response latency in milliseconds."""
    stages: NotRequired[dict[str, int]]
    """Its parts in milliseconds: `stt end llm tool text tts play`; they add up to it."""
    interrupted: NotRequired[bool]
    """Always false today."""


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
    metrics: CallFigures | None
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
    """All words of both sides until now."""
    tool_name: NotRequired[str]
    """Tools only: the name."""
    tool_args: NotRequired[dict[str, Any]]
    """Tools only: the arguments."""
    tool_result: NotRequired[str | None]
    """Tools only: the result; None when it begins."""


class MetricsPayload(TypedDict):
    """`on_metrics`: a turn of the caller is answered."""

    call_id: str
    """The id of the call."""
    turn: TurnFigures
    """The latency of the turn."""
    cost_so_far: dict[str, float | None]
    """Dollars by kind of provider, and their `total`, which is None when a part is not known."""
    llm_ttft_ms: int | None
    """Milliseconds until the model's first piece."""
