"""What is counted of calls that a served phone has, as Prometheus reads it."""

from __future__ import annotations

import asyncio
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from patter.observe.events import Ended, ErrorEvent, Link, Resumed, ToolRun, Turn, Wire
from patter_prometheus.labels import CHARACTERS, OTHER, Labels
from patter_prometheus.metrics import Metrics

from .served import OURS, THEIRS, served

Samples = dict[str, float]


def read(text: str) -> Samples:
    """Every sample by its name and labels, as it is written."""
    return {
        f"{sample.name}{dict(sorted(sample.labels.items())) or ''}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_calls_turns_tools_and_ends_are_counted() -> None:
    async with served() as street:
        await street.talks("when are you open")
        call, _ = await street.rings()
        ringing = read((await street.get())[1])
        await street.gives_up(call)
        status, text = await street.get()
    assert status == 200
    now = read(text)
    ended = "patter_calls_ended_total"
    assert now[f"{ended}{{'direction': 'inbound', 'outcome': 'completed'}}"] == 1
    assert now[f"{ended}{{'direction': 'inbound', 'outcome': 'busy'}}"] == 1
    assert ringing["patter_calls_open{'state': 'ringing'}"] == 1
    assert now["patter_calls_open{'state': 'ringing'}"] == 0
    assert now["patter_response_latency_seconds_count"] == 1
    stages = [
        each for name, each in now.items() if name.startswith("patter_response_stage_seconds_sum")
    ]
    assert abs(sum(stages) - now["patter_response_latency_seconds_sum"]) < 1e-6
    assert now["patter_tool_runs_total{'ok': 'yes', 'tool': 'look_up'}"] == 1
    assert now["patter_call_duration_seconds_count"] == 1
    assert now["patter_calls_unpriced_total"] == 1
    assert now["patter_calls_limit"] == 200
    assert (now["patter_ready"], now["patter_draining"]) == (1, 0)
    assert now["patter_event_loop_lag_seconds_count"] >= 1
    assert now["process_resident_memory_bytes"] > 0


async def test_no_number_and_no_call_id_is_a_label() -> None:
    async with served() as street:
        await street.talks("when are you open")
        _, text = await street.get()
    assert THEIRS[1:] not in text and OURS[1:] not in text
    assert not re.search(r'"[0-9a-f]{32}"', text)


async def test_a_call_is_live_while_it_is_spoken_in_and_gone_after_it() -> None:
    async with served() as street:
        async with asyncio.TaskGroup() as tasks:
            talking = tasks.create_task(street.talks("when are you open"))
            while read((await street.get())[1])["patter_calls_open{'state': 'live'}"] != 1:
                assert not talking.done()
                await asyncio.sleep(0.02)
        while read((await street.get())[1])["patter_calls_open{'state': 'live'}"]:
            await asyncio.sleep(0.02)


def counted(*events: Ended | ErrorEvent | Link | Resumed | ToolRun | Turn | Wire) -> Samples:
    metrics = Metrics()
    listeners = metrics.of_call("inbound")
    for event in events:
        listeners[type(event)](event)
    return read(generate_latest(metrics.registry).decode())


def test_trouble_is_counted_by_what_it_is() -> None:
    now = counted(
        ErrorEvent(code="TIMEOUT", message="late", where="llm openai"),
        Link(provider="deepgram", kind="stt", what="lost"),
        Link(provider="deepgram", kind="stt", what="back", gap_ms=300),
        Wire(what="dry"),
        Wire(what="mark", name="1.500"),
        Wire(what="leg_lost", name="reset"),
        Resumed(epoch=1, held_ms=200),
        ToolRun(name="look_up", what="started"),
        ToolRun(name="look_up", what="finished", ok=False),
    )
    assert now["patter_errors_total{'code': 'TIMEOUT', 'where': 'llm'}"] == 1
    for what in ("lost", "back"):
        labels = {"kind": "stt", "provider": "deepgram", "what": what}
        assert now[f"patter_provider_connections_total{labels}"] == 1
    assert now["patter_underruns_total"] == now["patter_media_lost_total"] == 1
    assert now["patter_false_barge_ins_total"] == 1
    assert now["patter_tool_runs_total{'ok': 'no', 'tool': 'look_up'}"] == 1


def test_costs_are_summed_by_kind_and_what_has_no_price_is_counted_beside() -> None:
    now = counted(
        Ended(call="a", outcome="completed", cost_usd=0.5, costs={"llm": 0.2, "tts": 0.3}),
        Ended(call="b", outcome="completed", cost_usd=None, costs={"tts": 0.1}),
        Ended(call="b", outcome="completed", cost_usd=None, costs={"tts": 0.1}),
    )
    assert now["patter_cost_usd_total{'kind': 'llm'}"] == 0.2
    assert now["patter_cost_usd_total{'kind': 'tts'}"] == 0.4
    assert now["patter_calls_unpriced_total"] == 1


@given(st.lists(st.text(), max_size=200))
def test_a_label_has_a_bounded_number_of_values_of_bounded_length(values: list[str]) -> None:
    labels = Labels(most=8)
    shown = [labels.of(value) for value in values]
    assert len({*shown} - {OTHER}) <= 8
    assert all(len(each) <= CHARACTERS for each in shown)
    first = list(dict.fromkeys(value[:CHARACTERS] for value in values))[:8]
    assert all(labels.of(value) == value for value in first)


@settings(max_examples=25)
@given(st.lists(st.builds(Link, provider=st.text(), kind=st.text(), what=st.text()), max_size=100))
def test_whatever_vendors_call_themselves_the_series_are_bounded(links: list[Link]) -> None:
    now = counted(*links)
    series = [name for name in now if name.startswith("patter_provider_connections_total")]
    assert len(series) <= 65
