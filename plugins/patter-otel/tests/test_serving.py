"""A phone that serves traces by itself when the environment says so, and ends that with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from patter import Agent, Patter
from patter.providers.carrier import CarrierCapabilities
from patter_otel import is_tracing_enabled, shutdown_tracing
from patter_otel.switch import ENABLED, current
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS, FakeVAD

from .calls import registry
from .conftest import Collector


@asynccontextmanager
async def serving(persist: str | bool = False) -> AsyncIterator[None]:
    carrier = FakeCarrier(can=CarrierCapabilities(marks=True))
    phone = Patter(carrier=carrier, persist=persist, registry=registry("patter_otel"))
    agent = Agent(system_prompt="", stt=FakeSTT(), tts=FakeTTS(), vad=FakeVAD(), llm=FakeLLM())
    async with asyncio.TaskGroup() as tasks:
        served = tasks.create_task(phone.serve(agent, port=0, dashboard=False))
        await phone.ready
        yield
        await phone.disconnect()
        await served


async def test_it_is_on_while_phones_serve(
    monkeypatch: pytest.MonkeyPatch, collector: Collector
) -> None:
    monkeypatch.setenv(ENABLED, "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    async with serving():
        assert (first := current()) is not None
        async with serving():
            assert current() is first
        assert current() is first
    assert not is_tracing_enabled()


async def test_it_is_off_unless_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENABLED, raising=False)
    async with serving():
        assert not is_tracing_enabled()


async def test_what_cannot_be_traced_is_said_and_the_phone_serves(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(ENABLED, "1")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    async with serving():
        assert not is_tracing_enabled()
    assert "OTEL_TRACES_EXPORTER" in caplog.text


async def test_hashes_of_numbers_are_those_of_the_records(
    monkeypatch: pytest.MonkeyPatch, collector: Collector, tmp_path: Path
) -> None:
    monkeypatch.setenv(ENABLED, "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("PATTER_LOG_REDACT_PHONE", "hash_only")
    root = tmp_path / "log"
    async with serving(str(root)):
        on = current()
        assert on is not None
        key = bytes.fromhex((root / "redaction.key").read_text())
        assert on.redactor.key == key


async def test_tracing_of_the_application_is_left_on(
    monkeypatch: pytest.MonkeyPatch, collector: Collector
) -> None:
    from patter_otel import init_tracing

    monkeypatch.setenv(ENABLED, "1")
    assert init_tracing(otlp_endpoint=collector.url)
    async with serving():
        assert is_tracing_enabled()
    assert is_tracing_enabled()
    await asyncio.to_thread(shutdown_tracing)
