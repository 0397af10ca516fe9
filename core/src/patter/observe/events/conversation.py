"""Events of the conversation: words, latencies, tools and barge-ins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import field

from patter.observe.events.event import CallEvent


class Row(CallEvent, frozen=True, kw_only=True, tag="row"):
    """Words: what the caller said, or what the caller heard of one utterance of the agent."""

    role: Literal["caller", "agent", "tool"]
    """Who spoke."""
    text: str
    """The words. Of the agent only those that were heard; empty if none was."""
    turn: int | None = None
    """The number of the caller's turn; of the agent, the turn that is answered, 0 before any."""
    amends: bool | None = None
    """Callers only: this row replaces the earlier row of the same turn."""
    epoch: int | None = None
    """Agents only: the number of the utterance."""
    kind: str = ""
    """Agents only: what was said: `answer`, `greeting`, `voicemail`, ..."""
    began_ms: int | None = None
    """When the first of it was said, or heard, in milliseconds of the call."""
    ended_ms: int | None = None
    """When it ended, in milliseconds of the call."""
    heard_ms: int | None = None
    """Agents only: how many milliseconds of it were heard."""
    unheard_ms: int | None = None
    """Agents only: how many milliseconds of it were made and not heard."""
    unheard: str = ""
    """Agents only: the words that were not heard."""
    interrupted: bool | None = None
    """Agents only: it was stopped before its end."""

    @property
    def start_ms(self) -> int:
        """When it began, or was emitted if that is not known."""
        return self.at_ms if self.began_ms is None else self.began_ms


class Turn(CallEvent, frozen=True, kw_only=True, tag="turn"):
    """A turn of the caller is answered; emitted when the answer is first heard."""

    turn: int
    """The number of the caller's turn."""
    epoch: int | None = None
    """The number of the utterance that answers it."""
    gap_ms: int | None = None
    """The response latency: milliseconds from the caller's last voice to the first sound heard."""
    stages: Mapping[str, int] = field(default_factory=dict)
    """Its parts in milliseconds: `stt end llm tool text tts play`; they add up to it."""
    interrupted: bool | None = None
    """Always false today."""


class Span(CallEvent, frozen=True, kw_only=True, tag="span"):
    """A provider or a tool worked for some time."""

    stage: str
    """`stt`, `llm`, `tool` or `tts`."""
    name: str = ""
    """The provider or the tool."""
    began_ms: int
    """When it began, in milliseconds of the call."""
    ended_ms: int
    """When it was done, in milliseconds of the call."""
    turn: int | None = None
    """The caller's turn it worked for."""
    epoch: int | None = None
    """The utterance it worked for; 0 before there is one."""
    ok: bool | None = None
    """Did it succeed?"""
    retries: int = 0
    """How often it was tried again."""


class ToolRun(CallEvent, frozen=True, kw_only=True, tag="tool"):
    """A tool began or finished."""

    name: str
    """The name of the tool."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What the model passes, by name; left out when that is nothing."""
    effect: str = ""
    """What running it means: `read`, `idempotent` or `once`."""
    id: str = ""
    """The model's id of the request."""
    what: Literal["started", "finished"]
    """Which of the two this is."""
    result: str | None = None
    """Finished ones only: what the model is shown."""
    ok: bool | None = None
    """Finished ones only: did it succeed?"""
    took_ms: int | None = None
    """Finished ones only: how many milliseconds it ran."""
    turn: int | None = None
    """Finished ones only: the caller's turn that is answered."""


class BargeIn(CallEvent, frozen=True, kw_only=True, tag="barge_in"):
    """The caller interrupted the agent; emitted before the row of the words that did."""

    epoch: int
    """The number of the utterance that was stopped."""
    voice_ms: int | None = None
    """When the caller's voice began, in milliseconds of the call."""
    evidence_ms: int | None = None
    """When it was enough to stop the agent, in milliseconds of the call."""
    cut_ms: int
    """When the agent was stopped, in milliseconds of the call."""
    heard_ms: int | None = None
    """How many milliseconds of the utterance had been heard."""
    error_ms: int | None = None
    """By how many milliseconds that may be wrong, up or down."""


class Resumed(CallEvent, frozen=True, kw_only=True, tag="resumed"):
    """A false barge-in: an utterance was held and went on, nothing of it is lost."""

    epoch: int
    """The number of the utterance."""
    held_ms: int
    """For how many milliseconds it was held."""
