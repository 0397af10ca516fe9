"""Where the time of a turn went."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.observe.metrics import STAGES, TurnStamps, as_printed, percentile, shares, stages

moments = st.none() | st.floats(0, 1e7, allow_nan=False) | st.integers(0, 10**7)
spans = st.lists(
    st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)).map(lambda s: (min(s), max(s))), max_size=4
)
stamps = st.builds(
    TurnStamps,
    **{f.name: moments for f in attrs.fields(TurnStamps) if f.name != "tools"},
    tools=spans,
)


@given(stamps)
def test_stages_add_up_to_the_gap_whatever_was_seen_and_in_whatever_order(seen: TurnStamps) -> None:
    found = stages(seen)
    if seen.gap_ms is None:
        assert found == {}
    else:
        assert tuple(found) == STAGES
        assert sum(found.values()) == seen.gap_ms
        assert min(found.values()) >= 0


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=9))
def test_shares_sum_to_the_rounded_total_and_move_nobody_by_more_than_one(
    parts: list[float],
) -> None:
    rounded = shares(parts, round(sum(parts)))
    assert sum(rounded) == round(sum(parts))
    assert all(abs(whole - part) <= 1 for whole, part in zip(rounded, parts, strict=True))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_lies_among_the_values(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found is not None
    assert min(values) - 1e-6 <= found <= max(values) + 1e-6


def test_percentiles_interpolate_between_ranks() -> None:
    assert percentile([640, 702], 0.5) == 671
    assert percentile([640, 702], 0.95) == pytest.approx(698.9)
    assert percentile([], 0.5) is None


def test_an_ordinary_turn_is_told_stage_by_stage() -> None:
    seen = TurnStamps(
        voice_ended=1_000,
        words_final=1_310,
        committed=1_430,
        first_token=1_432,
        first_sentence=1_432,
        first_audio=1_628,
        first_heard=1_640,
    )
    assert as_printed(stages(seen)) == [
        ("stt", 310),
        ("end", 120),
        ("llm", 2),
        ("tts", 196),
        ("play", 12),
    ]


@pytest.mark.parametrize("first_token", [104, 190])
def test_tools_are_their_own_stage_wherever_the_first_token_is_stamped(first_token: int) -> None:
    seen = TurnStamps(
        voice_ended=0,
        words_final=50,
        committed=100,
        first_token=first_token,
        tools=[(104, 150), (140, 190)],
        first_sentence=200,
        first_audio=300,
        first_heard=310,
    )
    found = stages(seen)
    assert found["tool"] == 86
    assert found["llm"] == 4
    assert found["text"] == 10


def test_a_missing_stamp_counts_into_the_next_stage() -> None:
    seen = TurnStamps(voice_ended=0, committed=400, first_audio=500, first_heard=500)
    assert as_printed(stages(seen)) == [("end", 400), ("tts", 100)]


def test_a_turn_without_voice_counts_from_its_first_stamp() -> None:
    assert TurnStamps(committed=500, first_heard=700).gap_ms == 200


def test_there_is_no_gap_before_anything_was_heard() -> None:
    seen = TurnStamps(voice_ended=0, committed=1)
    assert seen.gap_ms is None
    assert stages(seen) == {}
