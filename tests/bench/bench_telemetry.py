"""What do traces and metrics cost a call? Calls in virtual time, by processor time.

The same call, of three turns with a tool, is had without extensions, with patter-otel installed and
off, with patter-prometheus on, and with both on, in turn; of each the cheapest round counts, which
the rest of the machine has disturbed least. Work is also counted in function calls, which nothing
disturbs: by that the budget of a switched-off plugin is held. Spans are encoded as for a collector
and thrown away.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import attrs
from importlib_metadata import EntryPoint
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from prometheus_client import generate_latest

from patter import Agent, PluginRegistry, tool
from patter.observe.events import Turn
from patter.providers.llm import ToolRequest
from patter_otel.switch import switch
from patter_otel.traced_calls import Tracing
from patter_prometheus import serving
from patter_testing import FakeLLM, LabCall, Reply, lab, run_virtual

ROUNDS, REPLAYS = 10, 100
OFF_BUDGET, TURN_BUDGET_US, SCRAPE_BUDGET_MS = 1.03, 3_000.0, 20.0
PLUGINS = {"otel": "patter_otel.plugin", "prometheus": "patter_prometheus.plugin"}


@tool
async def look_up() -> str:
    """Look it up."""
    return "found"


@attrs.define(eq=False)
class EncodingExporter(SpanExporter):
    """Does what a collector costs this process, less the network."""

    spans: int = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += len(spans)
        encode_spans(spans).SerializeToString()
        return SpanExportResult.SUCCESS


@attrs.define(eq=False)
class Way:
    """One way to have the call: with these *plugins*, tracing or not."""

    name: str
    plugins: tuple[str, ...] = ()
    traced: bool = False
    registry: PluginRegistry = attrs.field(init=False)
    best_ms: float = attrs.field(default=float("inf"), init=False)

    def __attrs_post_init__(self) -> None:
        points = [EntryPoint(each, PLUGINS[each], "patter.extension") for each in self.plugins]
        self.registry = PluginRegistry.from_environment({}, source=points)
        self.registry.load_extensions()

    def round(self, tracing: Tracing) -> None:
        """Have the call once."""
        switch(tracing if self.traced else None)
        began = time.process_time()
        self.call()
        if self.traced and tracing.provider is not None:
            tracing.provider.force_flush()
        self.best_ms = min(self.best_ms, (time.process_time() - began) * 1_000)
        switch(None)

    def call(self) -> LabCall:
        """The call."""
        return run_virtual(_call(self.registry))

    def work(self) -> int:
        """How many functions the call calls."""
        with _counted() as count:
            self.call()
        return count[0]


async def _call(registry: PluginRegistry) -> LabCall:
    asked = Reply(tools=(ToolRequest("1", "look_up", "{}"),), first_ms=300)
    model = FakeLLM(replies=(asked, "It is there, yes.", "At five.", "Good bye to you."))
    agent = Agent(system_prompt="", llm=model, tools=[look_up], first_message="Hello.")
    async with lab(agent, registry=registry) as call:
        await call.listens()
        for words in ("is it there today", "and how late is that", "thank you very much"):
            await call.says(words)
    return call


@contextmanager
def _counted() -> Iterator[list[int]]:
    count = [0]

    def note(_: Any, event: str, __: Any) -> None:
        count[0] += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        yield count
    finally:
        sys.setprofile(None)


def _tracing(exporter: SpanExporter) -> Tracing:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracing(provider.get_tracer("patter"), provider=provider)


def replayed_us(call: LabCall, tracing: Tracing) -> float:
    """What both make of the events of *call*, encoding included, in microseconds: the median."""
    samples = []
    for _ in range(REPLAYS):
        began = time.process_time()
        counted = serving.current().metrics.of_call("inbound")
        traced = tracing.listeners(call.session.call)
        for event in call.events:
            for listeners in (counted, traced):
                if (listener := listeners.get(type(event))) is not None:
                    listener(event)
        assert tracing.provider is not None
        tracing.provider.force_flush()
        samples.append((time.process_time() - began) * 1e6)
    return statistics.median(samples)


def main() -> int:
    """Print each figure beside its budget."""
    # Not on the main thread: there, asyncio writes out all of a call when it sets its handler of
    # Ctrl-C, which costs more than the call.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(measure).result()


def measure() -> int:
    """The benchmark itself."""
    bare, off = Way("no extension"), Way("otel installed, off", ("otel",))
    counted = Way("prometheus", ("prometheus",))
    both = Way("otel and prometheus on", ("otel", "prometheus"), traced=True)
    ways = (bare, off, counted, both)
    exporter = EncodingExporter()
    tracing = _tracing(exporter)
    measured = serving.current()
    measured.servers.append(SimpleNamespace())
    for _ in range(ROUNDS):
        for way in ways:
            way.round(tracing)
    assert tracing.provider is not None
    turns = len(bare.call().of(Turn))
    spans = exporter.spans / ROUNDS
    work = {way.name: way.work() for way in ways[:3]}
    ratio = work[off.name] / work[bare.name]
    turn_us = replayed_us(bare.call(), tracing) / turns
    tracing.provider.shutdown()
    measured.servers.clear()
    began = time.process_time()
    for _ in range(10):
        generate_latest(measured.registry)
    scrape_ms = (time.process_time() - began) * 100
    print(f"a call of {turns} turns in virtual time, processor time, best of {ROUNDS}")
    for way in ways:
        print(f"  {way.name:24} {way.best_ms:7.1f} ms")
    more = work[counted.name] / work[bare.name]
    print(f"prometheus on           {more:7.4f} of the work, in function calls")
    print(f"installed and off       {ratio:7.4f} of the work, budget {OFF_BUDGET}")
    print(
        f"both on                 {turn_us:7.0f} us a turn, budget {TURN_BUDGET_US:.0f}"
        f" ({spans:.0f} spans a call, encoding included)"
    )
    print(f"one scrape of /metrics  {scrape_ms:7.2f} ms, budget {SCRAPE_BUDGET_MS:.0f}")
    return int(ratio > OFF_BUDGET or turn_us > TURN_BUDGET_US or scrape_ms > SCRAPE_BUDGET_MS)


if __name__ == "__main__":
    sys.exit(main())
