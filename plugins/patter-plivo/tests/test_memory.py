"""What is remembered of calls is bounded, and the newest of it is never lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

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
