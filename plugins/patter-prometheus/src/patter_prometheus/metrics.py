"""The metrics, and how the events of a call change them. Seconds and dollars, as is usual there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version

import attrs
from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector

from patter.observe.events import (
    BargeIn,
    Ended,
    ErrorEvent,
    Link,
    Resumed,
    ToolRun,
    Turn,
    Wire,
)
from patter.observe.metrics import STAGES
from patter_prometheus.labels import Labels, among

LATENCIES = (0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
STAGE_TIMES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
LENGTHS = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 3_600.0)
LAGS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
KINDS = frozenset({"stt", "llm", "tts", "engine", "carrier"})
OUTCOMES = frozenset(
    {"completed", "voicemail", "failed", "busy", "no_answer", "canceled", "unknown"}
)
DIRECTIONS = frozenset({"inbound", "outbound", "test"})
LINKS = frozenset({"lost", "back", "failed", "skipped", "hedged", "took_over"})
_STAGES = frozenset(STAGES)
COUNTED = 10_000
"""Calls whose end is remembered, so that it is counted once."""


def _latency(registry: CollectorRegistry) -> Histogram:
    return Histogram(
        "patter_response_latency_seconds",
        "From the caller's last voice to the first sound of the answer.",
        registry=registry,
        buckets=LATENCIES,
    )


@attrs.define(eq=False, repr=False)
class Metrics:
    """All metrics of this process but those that are looked up when they are read."""

    registry: CollectorRegistry = attrs.field(factory=CollectorRegistry)
    providers: Labels = attrs.field(factory=Labels)
    tools: Labels = attrs.field(factory=Labels)
    places: Labels = attrs.field(factory=Labels)
    listeners: Mapping[type | str, Callable[..., object]] = attrs.field(init=False)
    lag: Histogram = attrs.field(init=False)
    _latency: Histogram = attrs.field(init=False)
    _stages: Histogram = attrs.field(init=False)
    _lengths: Histogram = attrs.field(init=False)
    _ended: Counter = attrs.field(init=False)
    _barge_ins: Counter = attrs.field(init=False)
    _false_barge_ins: Counter = attrs.field(init=False)
    _errors: Counter = attrs.field(init=False)
    _links: Counter = attrs.field(init=False)
    _tools: Counter = attrs.field(init=False)
    _dry: Counter = attrs.field(init=False)
    _media: Counter = attrs.field(init=False)
    _cost: Counter = attrs.field(init=False)
    _unpriced: Counter = attrs.field(init=False)
    _counted: dict[str, None] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._of_calls()
        self._of_trouble()
        ProcessCollector(registry=self.registry)
        Info("patter_build", "The version of Patter.", registry=self.registry).info(
            {"version": version("patter-core")}
        )
        self.listeners = {
            Turn: self._turn,
            BargeIn: lambda _: self._barge_ins.inc(),
            Resumed: lambda _: self._false_barge_ins.inc(),
            ErrorEvent: self._error,
            Link: self._link,
            ToolRun: self._tool,
            Wire: self._wire,
        }

    def ended(self, call_id: str, direction: str, outcome: str) -> bool:
        """Count that a call is over, once; False when it was counted before."""
        if call_id in self._counted:
            return False
        self._counted[call_id] = None
        while len(self._counted) > COUNTED:
            del self._counted[next(iter(self._counted))]
        self._ended.labels(among(direction, DIRECTIONS), among(outcome, OUTCOMES)).inc()
        return True

    @property
    def labels_left_out(self) -> int:
        """How often a label's value was one too many."""
        return self.providers.left_out + self.tools.left_out + self.places.left_out

    def of_call(self, direction: str) -> Mapping[type | str, Callable[..., object]]:
        """What a call of that direction is listened to with."""
        return {**self.listeners, Ended: lambda event: self._end(event, direction)}

    def _of_calls(self) -> None:
        registry = self.registry
        self._latency = _latency(registry)
        self._stages = Histogram(
            "patter_response_stage_seconds",
            "The stages of the response latency; they add up to it.",
            ("stage",),
            registry=registry,
            buckets=STAGE_TIMES,
        )
        self._lengths = Histogram(
            "patter_call_duration_seconds",
            "How long calls with media lasted.",
            registry=registry,
            buckets=LENGTHS,
        )
        self._ended = Counter(
            "patter_calls_ended",
            "Calls that are over, with media or without.",
            ("direction", "outcome"),
            registry=registry,
        )
        self._cost = Counter(
            "patter_cost_usd",
            "What calls cost, as far as prices are known.",
            ("kind",),
            registry=registry,
        )
        self._unpriced = Counter(
            "patter_calls_unpriced",
            "Calls of which a part has no known price.",
            registry=registry,
        )
        for kind in sorted(KINDS):
            self._cost.labels(kind)

    def _of_trouble(self) -> None:
        registry = self.registry

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        self._barge_ins = counter("patter_barge_ins", "Callers who interrupted the agent.")
        self._false_barge_ins = counter(
            "patter_false_barge_ins", "Utterances that were held and went on."
        )
        self._errors = counter("patter_errors", "What failed in calls.", "code", "where")
        self._links = counter(
            "patter_provider_connections",
            "Connections to providers: lost, back, failed, skipped; models that took over.",
            *("kind", "provider", "what"),
        )
        self._tools = counter("patter_tool_runs", "Tools that have finished.", "tool", "ok")
        self._dry = counter(
            "patter_underruns",
            "Callers who waited 200 ms or longer in the middle of an utterance.",
        )
        self._media = counter("patter_media_lost", "Media streams that broke in mid-call.")
        self.lag = Histogram(
            "patter_event_loop_lag_seconds",
            "How late a timer of the event loop was, looked at twice a second.",
            registry=registry,
            buckets=LAGS,
        )

    def _turn(self, event: Turn) -> None:
        if event.gap_ms is None:
            return
        self._latency.observe(event.gap_ms / 1_000)
        for stage, ms in event.stages.items():
            if ms:
                self._stages.labels(among(stage, _STAGES)).observe(ms / 1_000)

    def _error(self, event: ErrorEvent) -> None:
        # The place may name a provider or a hook: its first word is the part of the call.
        where = event.where.partition(" ")[0]
        self._errors.labels(self.places.of(event.code), self.places.of(where)).inc()

    def _link(self, event: Link) -> None:
        kind, what = among(event.kind, KINDS), among(event.what, LINKS)
        self._links.labels(kind, self.providers.of(event.provider), what).inc()

    def _tool(self, event: ToolRun) -> None:
        if event.what == "finished":
            ok = "yes" if event.ok else "no"
            self._tools.labels(self.tools.of(event.name), ok).inc()

    def _wire(self, event: Wire) -> None:
        if event.what == "dry":
            self._dry.inc()
        elif event.what == "leg_lost":
            self._media.inc()

    def _end(self, event: Ended, direction: str) -> None:
        if not self.ended(event.call, direction, event.outcome):
            return
        self._lengths.observe(event.duration_ms / 1_000)
        for kind, usd in event.costs.items():
            self._cost.labels(among(kind, KINDS)).inc(max(0.0, usd))
        if event.cost_usd is None:
            self._unpriced.inc()
