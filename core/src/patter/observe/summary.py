"""How a call went, in a dozen figures: the data of its `ended` event and its callback."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from patter.observe.events import Ended


@attrs.frozen(kw_only=True)
class CallSummary:
    """Final, written once. *cost_usd* is None when a part of the price is unknown.

    *outcome*: ``completed``, ``voicemail`` when a machine had the call, or ``failed``; without
    media ``busy``, ``no_answer``, ``canceled`` or ``failed``.
    """

    call_id: str
    outcome: str
    reason: str = ""
    duration_ms: int = 0
    turns: int = 0
    gap_p50_ms: int | None = None
    gap_p95_ms: int | None = None
    heard_ms: int = 0
    unheard_ms: int = 0
    cost_usd: float | None = None
    costs: Mapping[str, float] = attrs.field(factory=dict)
    unpriced: tuple[str, ...] = ()

    @classmethod
    def of(cls, call_id: str, ended: Ended) -> CallSummary:
        """What the record of the call says in its last event."""
        names = [each.name for each in attrs.fields(cls) if each.name != "call_id"]
        return cls(call_id=call_id, **{name: getattr(ended, name) for name in names})

    def event(self) -> Ended:
        """The event at the end of the call."""
        fields = attrs.asdict(self, recurse=False)
        del fields["call_id"]
        return Ended(**fields)
