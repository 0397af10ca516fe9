"""What is remembered of calls is bounded, and the newest of it is never lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patter_plivo._humans import Humans
from patter_plivo._memory import Memory
from patter_plivo._prices import Prices

names = st.sampled_from([f"call-{number}" for number in range(12)])


@given(st.lists(st.tuples(names, st.integers())), st.integers(1, 8))
def test_the_newest_names_are_known_with_what_was_last_said(
    said: list[tuple[str, int]], most: int
) -> None:
    memory: Memory[int] = Memory(most)
    for name, what in said:
        memory.keep(name, what)
        assert memory.get(name) == what
    assert len(memory) <= most
    newest = list(dict.fromkeys(name for name, _ in reversed(said)))[:most]
    last = dict(said)
    assert {name: memory.get(name) for name in newest} == {name: last[name] for name in newest}
    assert len(memory) == len(newest)


def test_what_is_forgotten_is_handed_out_once() -> None:
    memory: Memory[int] = Memory()
    memory.keep("a", 7)
    assert (memory.forget("a"), memory.forget("a"), "a" in memory) == (7, None, False)


def test_only_the_human_who_is_rung_may_meet_the_caller() -> None:
    humans = Humans()
    assert humans.may_meet("caller", "anybody"), "another process may have rung them"
    humans.expect("caller")
    assert humans.may_meet("caller", "early"), "the answer to the dial may be overtaken"
    assert humans.rung("caller", "one")
    assert humans.may_meet("caller", "one")
    assert not humans.may_meet("caller", "two")
    humans.settle("caller")
    assert not humans.may_meet("caller", "one")
    humans.reopen("caller", "one")
    assert humans.may_meet("caller", "one")


def test_a_human_who_was_settled_before_they_were_named_stays_settled() -> None:
    humans = Humans()
    humans.expect("caller")
    humans.settle("caller")
    assert humans.rung("caller", "one")
    assert not humans.may_meet("caller", "one")
    assert humans.gone("caller") == ""


def test_whoever_rings_for_a_caller_who_left_is_known_once() -> None:
    humans = Humans()
    humans.expect("caller")
    humans.rung("caller", "one")
    assert (humans.gone("caller"), humans.gone("caller")) == ("one", "")
    humans.expect("other")
    assert humans.gone("other") == ""
    assert not humans.rung("other", "two"), "they left while the human was dialled"
    humans.settle("other")
    assert humans.gone("other") == ""


def test_who_met_the_caller_is_theirs_until_the_line_is_down() -> None:
    humans = Humans()
    humans.expect("caller")
    humans.rung("caller", "one")
    humans.meet("caller", "one")
    assert humans.met("caller", "one")
    assert humans.may_meet("caller", "one"), "the same news may come twice"
    assert not humans.may_meet("caller", "two")
    assert humans.gone("caller") == "", "nobody rings any more"
    assert not humans.met("caller", "one")


async def test_a_price_may_come_before_or_after_it_is_asked_for() -> None:
    import asyncio

    prices = Prices(wait_s=5)
    prices.told("a", 0.5)
    assert await prices.of("a") == 0.5
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(prices.of("b"))
        await asyncio.sleep(0)
        prices.told("c", 0.1)
        await asyncio.sleep(0)
        prices.told("b", 0.2)
    assert asked.result() == 0.2


async def test_a_price_nobody_tells_is_not_waited_for_for_ever() -> None:
    assert await Prices(wait_s=0.01).of("a") is None
