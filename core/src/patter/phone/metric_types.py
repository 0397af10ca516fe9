"""What `patter.phone.event_bus.EventBus` tells of the stages of a turn: small frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class EOUMetrics:
    """The end of a caller's turn, in milliseconds; None is not known.

    *end_of_utterance_delay*: from their last voice to their final words. *transcription_delay*:
    from their last voice to the end of the turn. *on_user_turn_completed_delay*: 0, nothing of
    the application is waited for then. *timestamp* in seconds since 1970. *speech_id* names the
    turn.
    """

    end_of_utterance_delay: float | None
    transcription_delay: float | None
    on_user_turn_completed_delay: float = 0.0
    timestamp: float
    speech_id: str | None = None
    metadata: Mapping[str, Any] | None = None
    call_id: str = ""


@attrs.frozen(kw_only=True)
class InterruptionMetrics:
    """The caller interrupted; durations in seconds.

    *total_duration*: from their voice to the agent's silence. *detection_delay*: from their
    voice until it was evidence enough. *num_interruptions* and *num_backchannels*: how often in
    this call they interrupted, and how often a voice only held the agent for a moment.
    *timestamp* in seconds since 1970.
    """

    total_duration: float
    detection_delay: float
    num_interruptions: int
    num_backchannels: int
    timestamp: float
    prediction_duration: float = 0.0
    metadata: Mapping[str, Any] | None = None
    call_id: str = ""


@attrs.frozen(kw_only=True)
class TTFBMetrics:
    """*value* seconds until the first piece of *processor*, a provider, came."""

    processor: str
    value: float
    timestamp: float
    model: str | None = None
    call_id: str = ""


@attrs.frozen(kw_only=True)
class ProcessingMetrics:
    """*processor*, a provider, took *value* seconds."""

    processor: str
    value: float
    timestamp: float
    model: str | None = None
    call_id: str = ""
