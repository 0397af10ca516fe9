"""Figures are what was seen, a load holds if nothing speaks against it, and a search finds it."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_load import report
from patter_load.census import Census
from patter_load.figures import Figures, Left, Limits, Window, figures
from patter_load.find import AGAIN, Trial, capacity, find
from patter_load.hearing import NEAR_MS, Hearing
from patter_load.plot import plot
from patter_load.proc import Schedule
from patter_load.sightings import MS, Sightings, Turn


def turn(at: int, response_ms: float, clear_ms: float = 0.0) -> Turn:
    clear = int(clear_ms * MS) + MS if clear_ms else 0
    barge = bool(clear_ms)
    answer = 500 * MS + int(response_ms * MS)
    return Turn(at, barge, MS, ended_ns=500 * MS, clear_ns=clear, answer_ns=answer)


def census(rss: int = 0, ran_s: float = 0.0) -> Census:
    return Census(rss=rss, schedule=Schedule(ran_s, 0.0))


def window(seen: Sightings, **changes: Any) -> Window:
    fields: dict[str, Any] = {
        "calls": 10,
        "seconds": 30.0,
        "sightings": seen,
        "idle": census(rss=100 * 2**20),
        "began": census(),
        "ended": census(rss=105 * 2**20, ran_s=2.5),
        "driver_s": 3.0,
        "late_ms": [0.1, 0.2],
    }
    return Window(**{**fields, **changes})


def fine() -> Figures:
    return figures(window(Sightings(turns=[turn(0, 500), turn(1, 520, 300)])), {0: 490.0, 1: 500.0})


def test_overhead_is_what_an_answer_takes_longer_than_alone() -> None:
    run = fine()
    assert run.overhead_p50 == pytest.approx(15.0)
    assert run.response_p95 == pytest.approx(519.0)
    assert run.clear_p50 == pytest.approx(300.0)
    assert (run.turns, run.barge_ins, run.cleared) == (2, 1, 1)


def test_processor_and_memory_are_a_calls() -> None:
    run = fine()
    assert run.cpu_s == pytest.approx(0.5)
    assert run.core == pytest.approx(2.5 / 30)
    assert run.call_mb == pytest.approx(0.5)
    assert fine().faults(Limits()) == []


def test_a_load_that_fails_while_others_have_the_processor_says_so() -> None:
    crowded = attrs.evolve(fine(), waited=0.5)
    assert crowded.faults(Limits()) == []
    words = attrs.evolve(crowded, lost_turns=1).faults(Limits())[-1]
    assert words == "others had the processor for 50% of the time"


def test_of_a_process_elsewhere_nothing_is_made_up() -> None:
    run = figures(window(Sightings(turns=[turn(0, 1)]), idle=None, began=None, ended=None), {})
    assert (run.cpu_s, run.core, run.call_mb) == (None, None, None)
    assert run.overhead_p95 is None
    assert report.leftovers(Left()) == "unknown"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"overhead_p95": 101.0}, "overhead p95 101 ms of 100"),
        ({"clear_p95": 1_600.0}, "clear p95 1600 ms of 1500"),
        ({"underruns": 2, "worst_gap": 80.0}, "2 underruns, the longest 80 ms"),
        ({"lost_turns": 1}, "1 turns without an answer"),
        ({"cleared": 0}, "1 interruptions without a clear"),
        ({"problems": ("it is full",)}, "1 calls broke: it is full"),
        ({"turns": 0}, "no turn was seen; give it longer with --for"),
        ({"driver_late": 20.0}, "the callers were 20 ms late themselves"),
        ({"driver_busy": 0.95}, "late themselves"),
    ],
)
def test_whatever_a_caller_should_not_meet_keeps_it_from_holding(
    changes: dict[str, Any], words: str
) -> None:
    (fault,) = attrs.evolve(fine(), **changes).faults(Limits())
    assert words in fault
    assert report.verdict([fault]).startswith("does not hold\n")


def test_what_is_left_open_counts_and_spare_connections_of_who_goes_on_do_not() -> None:
    leaky = Left(tasks=2, names=("call", "call"), sockets=0, fds=0)
    assert leaky.faults() == ["2 tasks left open: call"]
    assert Left(sockets=2, fds=5).faults() == ["2 sockets left open"]
    assert Left(tasks=0, sockets=0, fds=3, stopped=True).faults() == ["3 descriptors left open"]
    assert report.leftovers(Left(tasks=-1, sockets=0, fds=2)) == "0 tasks 0 sockets 2 descriptors"


def test_no_line_of_the_report_is_wider_than_a_terminal() -> None:
    run = attrs.evolve(fine(), calls=1_000, turns=99_999, overhead_p95=1_234.0)
    lines = report.lines(run, Left(tasks=10, sockets=100, fds=100))
    assert max(map(len, lines)) <= 80, lines


@given(limit=st.integers(0, 600), most=st.integers(1, 500))
async def test_a_search_ends_close_to_what_a_machine_carries(limit: int, most: int) -> None:
    asked: list[int] = []

    async def measured(calls: int) -> Figures:
        asked.append(calls)
        return attrs.evolve(fine(), calls=calls, underruns=int(calls > limit))

    told: list[Trial] = []
    trials = await find(most, Limits(), measured, told.append)
    found = capacity(trials)

    assert told == trials
    assert found <= limit
    assert found >= min(limit, most) - max(1, 0.06 * min(limit + 1, most))
    assert len(asked) <= 2 * AGAIN * 12


async def test_a_load_that_fails_once_is_tried_again() -> None:
    faults = iter([3, 0])

    async def measured(calls: int) -> Figures:
        return attrs.evolve(fine(), calls=calls, underruns=next(faults))

    assert capacity(await find(8, Limits(), measured, lambda _: None)) == 8


def test_the_picture_of_a_search_is_well_formed_and_says_every_trial() -> None:
    runs = [attrs.evolve(fine(), calls=calls) for calls in (40, 20, 30)]
    trials = [
        Trial(run=runs[0], faults=("overhead <p95>",)),
        Trial(run=runs[1], faults=()),
        Trial(run=attrs.evolve(runs[2], core=None, overhead_p95=None), faults=()),
    ]
    picture = plot(trials, Limits(), "shop:agent & co")
    root = ElementTree.fromstring(picture)
    titles = [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}title")]
    assert len(titles) == 4, "two panels of two trials: where nothing was seen there is no mark"
    assert any("40 calls" in each and "overhead <p95>" in each for each in titles)
    assert "shop:agent & co: 30 calls hold" in root.attrib["aria-label"]
    for mark in root.iter():
        if (x := mark.get("cx")) is not None:
            assert 0 <= float(x) <= 720


@given(
    st.dictionaries(
        st.text("abc ", min_size=1), st.integers(2, 20).map(lambda n: n * 200.0), max_size=5
    ),
    st.floats(0, 6_000),
)
def test_a_line_is_understood_by_its_length_and_never_a_word_nobody_says(
    lasting: dict[str, float], voice_ms: float
) -> None:
    said = Hearing(lasting)(voice_ms)
    assert said == "" or any(
        words.startswith(said) or said in words.split() or " ".join(words.split()).startswith(said)
        for words in lasting
    )
    for words, ms in lasting.items():
        if abs(ms - voice_ms) < NEAR_MS and list(lasting.values()).count(ms) == 1:
            assert said == words
