"""What is looked up when metrics are read: calls that are open, by state, and whether we drain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import attrs
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from patter_prometheus.metrics import Metrics

STATES = ("attempted", "unknown", "ringing", "live")


@attrs.define(eq=False, repr=False)
class OpenCalls(Collector):
    """The servers of this process, and in which state each of their calls was seen last."""

    metrics: Metrics
    servers: list[Any] = attrs.field(factory=list)
    states: dict[str, str] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.metrics.registry.register(self)

    @property
    def registry(self) -> CollectorRegistry:
        """Where everything is read from."""
        return self.metrics.registry

    def saw(self, entry: Any, server: Any) -> None:
        """The registry has *entry* in another state; what ended without a session is counted here.

        Entries of other processes, which share the registry, are theirs to count.
        """
        call_id = entry.call_id
        if entry.over:
            if self.states.pop(call_id, None) is not None:
                outcome = entry.summary.outcome if entry.summary else entry.reached.value
                self.metrics.ended(call_id, entry.request.direction.value, outcome)
        elif call_id in self.states or call_id in server.switchboard.calls:
            self.states[call_id] = entry.state.value

    def collect(self) -> Iterator[Metric]:
        """The gauges, as they are now."""
        here = {call for server in self.servers for call in server.switchboard.calls}
        # A burst of changes may have pushed the end of a call out of what is watched.
        for gone in [call for call in self.states if call not in here]:
            del self.states[gone]
        counts = Counter(self.states.get(call, "ringing") for call in here)
        yield _by_state(counts)
        admissions = [server.switchboard.admission for server in self.servers]
        limits = sum(each.limits.calls for each in admissions)
        yield _gauge("patter_calls_limit", "Calls that may be open at once.", limits)
        ready = all(not each.closed for each in admissions) and bool(admissions)
        yield _gauge("patter_ready", "May calls be sent here? 1 or 0.", int(ready))
        draining = any(server.stopping.drain.is_set() for server in self.servers)
        yield _gauge("patter_draining", "Are calls only being ended? 1 or 0.", int(draining))
        left_out = CounterMetricFamily(
            "patter_labels_left_out", "How often a label became 'other': it had too many values."
        )
        left_out.add_metric((), self.metrics.labels_left_out)
        yield left_out


def _by_state(counts: Counter[str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "patter_calls_open", "Calls that are open, by how far they have come.", labels=("state",)
    )
    for state in STATES:
        family.add_metric((state,), counts[state])
    return family


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
