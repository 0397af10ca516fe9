"""Only words that were said over the agent, and that nobody has taken yet, are put to the vote."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import MinWordsStrategy, PatterConfigError
from patter.call.barge_in_strategies import (
    evaluate_barge_in_strategies,
    reset_barge_in_strategies,
    word_count,
)
from patter.call.barge_in_votes import BargeInVotes
from patter.call.turn.events import BargeInVerdict, CallerWords, TurnEvent, UtteranceKind
from patter.call.turn.state import Reply, TurnState
from patter.observe.call_events import CallEvents

SPEAKING = TurnState(reply=Reply(UtteranceKind.ANSWER, 1, 2, "x", 1_000), words="stop it")


async def verdicts(state: TurnState, event: CallerWords) -> list[TurnEvent]:
    posted: list[TurnEvent] = []
    async with asyncio.TaskGroup() as tasks:
        BargeInVotes(
            strategies=(MinWordsStrategy(1),),
            call_id="c",
            state=lambda: state,
            events=CallEvents("c", lambda: 2_000),
            post=posted.append,
            tasks=tasks,
            wait_ms=100,
        ).heard(event)
    return posted


@pytest.mark.parametrize(
    ("state", "event", "asked"),
    [
        (SPEAKING, CallerWords(2_000, "stop it", True, 1_900), True),
        (SPEAKING, CallerWords(2_000, "stop it", False), True),
        (SPEAKING, CallerWords(2_000, "stop it", True, 900), False),
        (SPEAKING, CallerWords(2_000, "", True), False),
        (SPEAKING.but(words=""), CallerWords(2_000, "said before", True, 1_900), False),
        (SPEAKING.but(reply=None), CallerWords(2_000, "stop it", True), False),
        (
            SPEAKING.but(reply=Reply(UtteranceKind.ANSWER, 1, 2, "x")),
            CallerWords(2_000, "stop it", True),
            False,
        ),
    ],
)
async def test_what_is_put_to_the_vote(state: TurnState, event: CallerWords, asked: bool) -> None:
    assert await verdicts(state, event) == ([BargeInVerdict(2_000, True)] if asked else [])


@pytest.mark.parametrize("words", [0, -1, True, "3"])
def test_fewer_than_one_word_is_refused(words: int) -> None:
    with pytest.raises(PatterConfigError):
        MinWordsStrategy(words)


@pytest.mark.parametrize("speaking", [True, False])
@pytest.mark.parametrize("interim", [True, False])
@given(words=st.integers(0, 8), least=st.integers(1, 8), uses=st.booleans())
async def test_so_many_words_and_one_where_the_agent_is_silent(
    speaking: bool, interim: bool, words: int, least: int, uses: bool
) -> None:
    strategy = MinWordsStrategy(least, use_interim=uses)
    said = await evaluate_barge_in_strategies(
        (strategy,), transcript="no, " * words, is_interim=interim, agent_speaking=speaking
    )
    assert said is ((uses or not interim) and words >= (least if speaking else 1))


@pytest.mark.parametrize(
    ("text", "words"), [("请等一下", 2), ("ちょっと待って", 4), ("잠깐만 기다려", 2)]
)
def test_words_without_spaces_between_them_are_counted_too(text: str, words: int) -> None:
    assert word_count(text) == words


async def test_resetting_passes_over_who_has_none_and_who_fails() -> None:
    done: list[str] = []

    class Failing:
        def reset(self) -> None:
            raise KeyError

    class Whole:
        async def reset(self) -> None:
            done.append("reset")

    await reset_barge_in_strategies([MinWordsStrategy(1), Failing(), Whole()])  # type: ignore[list-item]
    assert done == ["reset"]
