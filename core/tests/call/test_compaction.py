"""Which rows a summary may replace, and what a model reads then: decided without a call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.call.compaction import (
    CompactionConfig,
    estimated_tokens,
    excess,
    older,
)
from patter.call.history import History, HistoryRow, Summary, messages_of
from patter.call.note_prompts import SUMMARY_HEAD
from patter.errors import PatterConfigError
from patter.providers.llm import Message, ToolRequest

rows = st.lists(
    st.builds(
        HistoryRow,
        st.sampled_from(("caller", "agent")),
        st.integers(0, 9),
        st.text(max_size=400),
    )
    | st.builds(
        lambda name, text: HistoryRow("tool", 1, text, request=ToolRequest("a", name, "{}")),
        st.sampled_from(("look_up", "book")),
        st.text(max_size=400),
    ),
    max_size=60,
)
configs = st.builds(
    lambda target, more, keep: CompactionConfig(target + more, target, keep),
    st.integers(1, 2_000),
    st.integers(1, 2_000),
    st.integers(1, 6),
)


@given(st.lists(st.text(max_size=200), max_size=20))
def test_an_estimate_is_a_quarter_of_the_letters_and_four_a_message(texts: list[str]) -> None:
    expected = sum(max(1, len(text) // 4) + 4 for text in texts)
    assert estimated_tokens(Message("user", text) for text in texts) == expected


def test_what_a_model_asks_a_tool_counts() -> None:
    request = ToolRequest("a", "look_up", '{"day": "sunday"}')
    assert estimated_tokens([Message("assistant", tool_calls=(request,))]) == (7 + 17) // 4 + 4


@given(rows, st.integers(1, 6))
def test_the_last_turns_stay_whole_and_begin_with_the_caller(
    rows: list[HistoryRow], keep: int
) -> None:
    count = older(rows, keep)
    kept = sum(row.role == "caller" for row in rows[count:])
    said = sum(row.role == "caller" for row in rows)
    assert kept == min(keep, said)
    assert count == 0 or rows[count].role == "caller"


@given(rows, configs)
def test_what_is_summed_up_is_the_beginning_and_worth_it(
    rows: list[HistoryRow], config: CompactionConfig
) -> None:
    history = History(rows=list(rows))
    found = excess(history, "Answer.", config)
    if found is None:
        return
    assert found.shown_tokens >= config.trigger_tokens
    assert list(found.rows) == rows[: len(found.rows)]
    assert sum(row.role == "caller" for row in rows[len(found.rows) :]) == config.keep_last_turns


@given(rows, rows, st.integers(0, 60), st.integers(1, 80))
def test_rows_that_come_during_the_summary_follow_it(
    before: list[HistoryRow], later: list[HistoryRow], end: int, limit: int
) -> None:
    before = before[-limit:]
    history = History(limit, list(before))
    last = before[: end or None][-1:]
    for row in later:
        history.add(row)
    if last:
        history.summary = Summary("They want a table.", last[0])
    shown = history.messages("Answer.")
    kept = [*before[len(before[: end or None]) :], *later][-limit:]
    head = 2 if last else 1
    assert shown[head:] == messages_of(kept)
    requests = [call.id for message in shown for call in message.tool_calls]
    assert len(requests) == sum(message.role == "tool" for message in shown)


def test_the_summary_is_a_second_system_message_that_orders_nothing() -> None:
    row = HistoryRow("caller", 1, "a table please")
    history = History(rows=[row], summary=Summary("They want a table.", row))
    prompt, notes = history.messages("Answer.")
    assert (prompt.role, prompt.text) == ("system", "Answer.")
    assert notes == Message("system", f"{SUMMARY_HEAD}\n\nThey want a table.")
    assert history.transcript() == [{"role": "user", "text": "a table please"}]


@pytest.mark.parametrize("limit", [1, 2, 200])
def test_a_checkpoint_keeps_the_summary(limit: int) -> None:
    old, new = HistoryRow("caller", 1, "a table"), HistoryRow("caller", 2, "for two")
    history = History(rows=[old, new], summary=Summary("They want a table.", old))
    again = History.restored(history.checkpoint(), limit)
    assert again.messages("Answer.") == history.messages("Answer.")


def test_a_checkpoint_of_before_there_were_summaries_is_read() -> None:
    history = History(rows=[HistoryRow("caller", 1, "a table")])
    assert "summary" not in history.checkpoint()
    assert History.restored(history.checkpoint()) == history


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trigger_tokens": 0}, "trigger_tokens=0 is out of range"),
        ({"keep_last_turns": 0}, "keep_last_turns=0 is out of range"),
        ({"target_tokens": 8_000}, "target_tokens=8000 is not below trigger_tokens=8000"),
        ({"target_tokens": "many"}, "target_tokens='many' is not a whole number"),
    ],
)
def test_a_compaction_that_makes_no_sense_is_refused(values: dict[str, int], message: str) -> None:
    with pytest.raises(PatterConfigError, match=message):
        CompactionConfig(**values)
