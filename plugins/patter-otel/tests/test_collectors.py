"""Collectors that are slow, broken or gone cost spans, which are counted, and no call anything."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from patter.errors import PatterConfigError
from patter_otel import SPAN_CALL, init_tracing, is_tracing_enabled, shutdown_tracing, start_span
from patter_otel.switch import ENABLED, current
from patter_otel.traced_calls import ABORT_S
from patter_testing import run_virtual

from .calls import booked, booking
from .conftest import Collector

Toggle = Callable[..., None]


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address of this machine at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def waste(spans: int) -> float:
    """Make so many spans; the longest that one of them took, in milliseconds."""
    worst = 0.0
    for _ in range(spans):
        began = time.thread_time()
        with start_span("waste"):
            pass
        worst = max(worst, time.thread_time() - began)
    return worst * 1_000


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "patter_otel"]


def test_what_a_slow_collector_has_no_room_for_is_dropped_counted_and_logged_once(
    tracing: Toggle,
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "64")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "16")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    collector.open.clear()
    tracing()
    assert (on := current()) is not None and (counts := on.counts) is not None
    assert waste(500) < 200
    assert counts.waiting <= 64
    assert counts.dropped == 500 - counts.waiting - counts.exported
    assert len([line for line in warnings(caplog) if "too slow" in line]) == 1
    collector.open.set()
    tracing()
    assert counts.waiting == 0
    assert len(collector.spans) == counts.exported == 500 - counts.dropped
    assert warnings(caplog)[-1] == f"{counts.dropped} spans never reached the collector"


@pytest.mark.parametrize("answers", [None, False])
def test_a_call_does_not_notice_that_the_collector_is_gone_or_silent(
    nobody: str,
    collector: Collector,
    tracing: Toggle,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    answers: bool | None,
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3")
    monkeypatch.setattr("patter_otel.traced_calls.FLUSH_S", 0.5)
    collector.open.clear()
    tracing(otlp_endpoint=nobody if answers is None else collector.url)
    longest_ms = 0.0

    async def live() -> None:
        nonlocal longest_ms

        async def beat() -> None:
            nonlocal longest_ms
            while True:
                began = time.monotonic()
                await asyncio.sleep(0.005)
                longest_ms = max(longest_ms, (time.monotonic() - began) * 1_000)

        async with asyncio.TaskGroup() as tasks:
            beating = tasks.create_task(beat())
            call = await booked(booking())
            beating.cancel()
        assert call.summary is not None and call.summary.outcome == "completed"
        assert call.summary.turns == 3

    run_virtual(live())
    # An export that held up the loop would do so for seconds.
    assert longest_ms < 1_500
    assert (on := current()) is not None and (counts := on.counts) is not None
    began = time.monotonic()
    tracing()
    assert time.monotonic() - began < 0.5 + ABORT_S + 1
    assert counts.failed + counts.waiting > 20 and counts.exported == 0
    assert len([line for line in warnings(caplog) if "takes no spans" in line]) <= 1
    assert "never reached the collector" in warnings(caplog)[-1]


def test_a_collector_that_never_answers_does_not_hold_up_the_end(
    tracing: Toggle, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patter_otel.traced_calls.FLUSH_S", 0.3)
    monkeypatch.setattr("patter_otel.traced_calls.ABORT_S", 0.2)
    collector.open.clear()
    tracing()
    waste(5)
    began = time.monotonic()
    tracing()
    assert 0.3 <= time.monotonic() - began < 2


def test_one_that_refuses_is_named_once_and_its_return_too(
    tracing: Toggle,
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    collector.status = 400
    tracing()
    on = current()
    assert on is not None and on.provider is not None
    for _ in range(3):
        waste(2)
        on.provider.force_flush()
    collector.status = 200
    waste(1)
    on.provider.force_flush()
    refused, again = warnings(caplog)
    assert refused.startswith("the collector takes no spans (logged once): ") and "400" in refused
    assert again == "the collector takes spans again; it never got 6"
    assert not [each for each in caplog.records if each.name.startswith("opentelemetry")]


def test_the_collector_of_the_environment_is_used(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENABLED, "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{collector.url}/base")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "bistro")
    assert init_tracing() and is_tracing_enabled()
    waste(1)
    shutdown_tracing()
    assert collector.paths == ["/base/v1/traces"]
    assert collector.spans[0].resource["service.name"] == "bistro"


def test_without_the_variable_nothing_is_traced(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ENABLED, raising=False)
    assert init_tracing(otlp_endpoint=collector.url) is False
    assert not is_tracing_enabled()


def test_a_sampler_of_the_environment_decides(
    tracing: Toggle, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    tracing()
    waste(3)
    tracing()
    assert not collector.spans


@pytest.mark.parametrize(
    "variable, value, endpoint",
    [
        ("OTEL_TRACES_EXPORTER", "zipkin", None),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many", None),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", None),
        ("OTEL_TRACES_EXPORTER", "otlp", "collector:4318"),
    ],
)
def test_what_cannot_be_is_refused_with_a_fix(
    variable: str, value: str, endpoint: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENABLED, "1")
    monkeypatch.setenv(variable, value)
    with pytest.raises(PatterConfigError) as caught:
        init_tracing(otlp_endpoint=endpoint)
    assert caught.value.fix and not is_tracing_enabled()


def test_an_application_that_traces_already_gets_the_spans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = InMemorySpanExporter()
    theirs = TracerProvider(shutdown_on_exit=False)
    theirs.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: theirs)
    monkeypatch.setenv(ENABLED, "yes")
    assert init_tracing()
    run_virtual(booked(booking()))
    shutdown_tracing()
    assert SPAN_CALL in {span.name for span in kept.get_finished_spans()}
    with theirs.get_tracer("bistro").start_as_current_span("after"):
        pass
    assert kept.get_finished_spans()[-1].name == "after"
