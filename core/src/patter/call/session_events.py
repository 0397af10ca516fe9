"""The events of a call about itself: how it started, and the minutes it used. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from patter.call.plan import CallPlan, Name
from patter.call.turn.codec import rules_to_data
from patter.observe.events import Started, Usage
from patter.providers.context import CallContext


def started(plan: CallPlan, call: CallContext, formats: Mapping[str, str]) -> Started:
    """The first event of *call*; no *formats* when it ends before its media is connected."""
    return Started(
        caller=call.caller,
        callee=call.callee,
        direction=call.direction.value,
        carrier=call.carrier,
        carrier_call_id=call.carrier_call_id,
        agent=plan.agent,
        language=plan.language,
        wall=call.clock.wall(),
        providers={kind: "/".join(filter(None, name)) for kind, name in plan.names.items()},
        audio=formats,
        rules=rules_to_data(plan.rules),
    )


def minutes_used(
    plan: CallPlan, carrier: str, recognisers: Iterable[tuple[Name, float]], length_ms: float
) -> Iterator[Usage]:
    """What is charged by the minute: the carrier's line, and each of *recognisers* for its part.

    So is an engine that does not tell what it used.
    """
    unmetered = {name for engine, name in plan.engine_candidates if not engine.can.usage}
    for name, share_ms in recognisers:
        if plan.engine is None and "stt" in plan.names:
            yield _minutes("stt", name, share_ms)
        elif name in unmetered:
            yield _minutes("engine", name, share_ms)
    if carrier or "carrier" in plan.names:
        yield _minutes("carrier", plan.names.get("carrier", (carrier, "")), length_ms)


def _minutes(kind: str, name: Name, length_ms: float) -> Usage:
    provider, model = name
    return Usage(
        kind=kind, provider=provider, model=model, unit="minutes", amount=length_ms / 60_000
    )
