"""Sparklines and bars are as long as they may be, and as high as what they stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.cli.out import Out
from patter_calls.pictures import BLOCKS, SPARK, bar, sparkline

from .conftest import CallShelf, conversation

latencies = st.lists(st.integers(0, 20_000), max_size=200)
stages = st.dictionaries(st.sampled_from(["stt", "end", "llm", "tts"]), st.integers(0, 5_000))


@given(latencies)
def test_a_sparkline_is_short_and_its_slowest_is_its_highest(values: list[int]) -> None:
    line = sparkline(values)
    assert len(line) == min(len(values), len(line)) <= SPARK
    assert not max(values, default=0) or BLOCKS[-1] in line
    if 0 < len(values) <= SPARK:
        assert line[values.index(max(values))] == max(line)


@given(stages, st.integers(1, 80))
def test_a_bar_is_as_long_as_its_sum_and_leaves_out_what_is_nothing(
    parts: dict[str, int], width: int
) -> None:
    total = sum(parts.values())
    cells = bar(parts, max(total, 1), width)
    assert sum(count for _, count in cells) == (width if total else 0)
    assert all(count > 0 and parts[stage] for stage, count in cells)


@given(stages, st.integers(1, 10_000))
def test_half_as_slow_is_half_as_long(parts: dict[str, int], longest_ms: int) -> None:
    total = min(sum(parts.values()), longest_ms)
    length = sum(count for _, count in bar(parts, longest_ms, 40))
    assert abs(length - total * 40 / longest_ms) <= 1 or sum(parts.values()) > longest_ms


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Out, "live", property(lambda self: not self.json))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")


def test_a_terminal_has_a_table_with_the_same_facts(kept: CallShelf, terminal: None) -> None:
    kept.keep("7f3a91", conversation())
    out = kept.calls("list")[1]
    head, line = (each.split() for each in out.splitlines())
    assert head[-1] == "LATENCY" and "UTC" in " ".join(head)
    assert line[-1] == BLOCKS[-1] and line[0] == "7f3a" and "$0.021" in line


def test_a_call_that_is_shown_has_a_bar_for_each_turn(kept: CallShelf, terminal: None) -> None:
    kept.keep("7f3a91", conversation())
    out = kept.calls("show", "last")[1]
    assert "RESPONSE LATENCY (to 800 ms)" in out and "█" * 40 in out
    assert out.splitlines()[-1].split() == ["stt", "endpointing"]


def test_a_dumb_terminal_has_lines(
    kept: CallShelf, terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    kept.keep("7f3a91", conversation())
    assert "█" not in kept.calls("show", "last")[1] + kept.calls("list")[1]


def test_no_call_is_said_to_be_none(kept: CallShelf) -> None:
    assert kept.calls("list")[1] == "no calls\n"
