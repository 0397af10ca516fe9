"""The results of outbound calls: how a call went, and who answered. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import attrs

from patter.errors import PatterConnectionError
from patter.observe.call_metrics import CallMetrics
from patter.providers.carrier import Answerer, CallOutcome


@attrs.frozen(kw_only=True)
class CallResult:
    """How an outbound call went.

    *outcome* is ours, *status* the carrier's own last word on it. *duration_seconds* is the
    conversation's, 0.0 without one. *transcript*: mappings of ``role`` (user, assistant) and
    ``text``, what was heard. *cost* in US dollars, None when a part of it has no known price.
    """

    call_id: str
    outcome: CallOutcome
    status: str = ""
    duration_seconds: float = 0.0
    transcript: tuple[Mapping[str, str], ...] = attrs.field(default=(), repr=False)
    cost: float | None = None
    metrics: CallMetrics | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class MachineDetectionResult:
    """Who answered an outbound call.

    *raw* is the carrier's own word; *detected_at* has a time zone.
    """

    call_id: str
    carrier: str
    classification: Answerer
    raw: str = ""
    detected_at: datetime


OnMachine: TypeAlias = Callable[[MachineDetectionResult], Any]
"""Called once with who answered an outbound call; sync or async."""


class ServingStopped(PatterConnectionError):
    """The phone stopped: before it was ready, or with a call for which `Patter.call` waits."""
