"""What is kept of calls is bounded, and the newest of it is never lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.carriers.bounded_dict import BoundedDict

NAMES = st.sampled_from([f"call-{number}" for number in range(12)])


@given(st.lists(st.tuples(NAMES, st.integers())), st.integers(1, 8))
def test_the_newest_keys_stay_with_their_last_values(
    pairs: list[tuple[str, int]], limit: int
) -> None:
    items: BoundedDict[str, int] = BoundedDict(limit)
    for name, value in pairs:
        items[name] = value
        assert items[name] == value
        assert len(items) <= limit
    newest = list(dict.fromkeys(name for name, _ in reversed(pairs)))[:limit]
    last = dict(pairs)
    assert dict(items) == {name: last[name] for name in newest}


@pytest.mark.parametrize("fill", ["update", "setdefault"])
def test_no_way_in_goes_past_the_limit(fill: str) -> None:
    items: BoundedDict[int, int] = BoundedDict(2)
    if fill == "update":
        items.update({number: number for number in range(9)})
    for number in range(9):
        items.setdefault(number, number)
    assert len(items) == 2


def test_a_dict_that_holds_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="holds nothing"):
        BoundedDict(0)
