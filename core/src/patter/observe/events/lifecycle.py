"""Events of a call as a whole: its beginning and end, steps of its engine, notes and errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import field

from patter.observe.events.event import CallEvent


class Started(CallEvent, frozen=True, kw_only=True, omit_defaults=False, tag="started"):
    """The call has begun; the first event. Every field is written, empty or not.

    A call that never had media has no language, providers, audio and rules.
    """

    caller: str = ""
    """Who calls: an E.164 number, a SIP address or a name; redacted if that is configured."""
    callee: str = ""
    """Who is called, written as the caller is."""
    direction: str = ""
    """`inbound`, `outbound` or `test`."""
    carrier: str = ""
    """The slug of the carrier."""
    carrier_call_id: str = ""
    """The carrier's own id of the call."""
    agent: str = ""
    """The name of the agent."""
    language: str = ""
    """The language of the call, a BCP 47 tag."""
    wall: float = 0.0
    """The time at the beginning, in seconds since 1970."""
    providers: Mapping[str, str] = field(default_factory=dict)
    """What is used for `stt`, `llm`, `tts`, ...: `provider/model`."""
    audio: Mapping[str, str] = field(default_factory=dict)
    """The audio formats of `leg`, `stt` and `tts`."""
    rules: Mapping[str, Any] = field(default_factory=dict)
    """The settings of turn-taking."""


class EngineStep(CallEvent, frozen=True, kw_only=True, tag="step"):
    """One step of the turn engine. Stepped again, a record's inputs have the same effects."""

    input: Mapping[str, Any]
    """The engine's input: `{"name": class, "fields": {...}}`."""
    effects: Sequence[Mapping[str, Any]]
    """What the engine wants done, in order, each written as the input is; may be empty."""


class Note(CallEvent, frozen=True, kw_only=True, tag="note"):
    """Something that observers may want to know and no other event says."""

    what: str
    """One word: `guardrail`, `transfer_failed`, `record_overflow`, `record_full`, ..."""
    text: str = ""
    """The same in words, or a detail of it."""
    messages: Sequence[Mapping[str, str]] = ()
    """Of `llm_request`: the rows that the model is shown, each with `role` and `text`."""
    context_tokens: int | None = None
    """Of `context_budget`: about how many tokens the model is shown."""


class ErrorEvent(CallEvent, frozen=True, kw_only=True, tag="error"):
    """Something failed; the call may go on all the same."""

    code: str
    """One of the codes of docs/errors.md."""
    message: str
    """What failed."""
    fix: str = ""
    """What to do about it."""
    where: str = ""
    """The part of the call in which it failed."""


class Ended(CallEvent, frozen=True, kw_only=True, omit_defaults=False, tag="ended"):
    """The call is over, and these are its figures; the last event. Every field is written."""

    outcome: str
    """`completed`, `voicemail` or `failed`; without media `busy`, `no_answer`, `canceled`.

    `unknown` when the process that had the call was killed: a later start wrote this event.
    """
    reason: str = ""
    """Why it ended: `caller`, `transferred`, `drain`, `media_lost`, ... or the agent's reason.

    `record_unfinished` with `unknown`.
    """
    duration_ms: int = 0
    """From the beginning of the session to the end, in milliseconds."""
    turns: int = 0
    """How many turns the caller took; an amended one counts once."""
    gap_p50_ms: int | None = None
    """The median response latency in milliseconds; null without any."""
    gap_p95_ms: int | None = None
    """The 95th percentile of the response latency in milliseconds; null without any."""
    heard_ms: int = 0
    """How many milliseconds of the agent's speech the caller heard."""
    unheard_ms: int = 0
    """How many milliseconds of it were made and not heard."""
    cost_usd: float | None = None
    """What the call cost in dollars; null when the price of a part is not known."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """Dollars by kind of provider, as far as they are known."""
    unpriced: tuple[str, ...] = ()
    """What has no known price, as `provider/model unit`."""
