"""What a call used, as billable spans: one a provider and model, at the end of the call."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from patter.observe.events import Usage
from patter_otel.names import COSTS, SPAN_BILLABLE, TELEPHONY
from patter_otel.pieces import Attributes, Piece

PROVIDERS = 32
"""Providers and models of one call that are told apart; no agent has so many."""


@attrs.define(eq=False, repr=False)
class Billing:
    """Amounts used so far, by kind, provider and model."""

    _used: dict[tuple[str, str, str], Attributes] = attrs.field(factory=dict, init=False)

    def add(self, usage: Usage) -> None:
        """Count *usage*; what no attribute is named for counts under its own unit."""
        key = (usage.kind, usage.provider, usage.model)
        if key not in self._used and len(self._used) >= PROVIDERS:
            return
        amounts = self._used.setdefault(key, {})
        default = (f"patter.cost.{usage.kind}_{usage.unit}", 1.0)
        name, factor = COSTS.get((usage.kind, usage.unit), default)
        amounts[name] = round(amounts.get(name, 0) + usage.amount * factor, 6)
        if usage.usd is not None:
            amounts["patter.cost.usd"] = amounts.get("patter.cost.usd", 0.0) + usage.usd

    def pieces(self, at_ms: float) -> Iterator[Piece]:
        """The spans: moments at *at_ms*, the end of the call."""
        for (kind, provider, model), amounts in self._used.items():
            who = TELEPHONY if kind == "carrier" else f"patter.{kind}.provider"
            named: Attributes = {who: provider, "patter.kind": kind}
            if model:
                named["gen_ai.request.model"] = model
            yield Piece(SPAN_BILLABLE, at_ms, at_ms, {**named, **amounts})
