"""Only the target that was dialled meets its caller, and none is left ringing for nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.carriers.transfer_targets import TransferTargets

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["expect", "name", "connect", "release", "restore", "remove"]),
        st.sampled_from(["ada", "bob"]),
        st.sampled_from(["one", "two"]),
    ),
    max_size=12,
)


@pytest.fixture
def targets() -> TransferTargets:
    """Somebody is about to be dialled for Ada."""
    targets = TransferTargets()
    targets.expect("ada")
    return targets


def test_only_the_target_that_was_dialled_may_meet_the_caller(targets: TransferTargets) -> None:
    assert targets.may_connect("ada", "early"), "its webhooks may overtake the dial's result"
    assert targets.name("ada", "one")
    assert targets.may_connect("ada", "one")
    assert not targets.may_connect("ada", "two")
    assert targets.release("ada") == "one"
    assert not targets.may_connect("ada", "one")
    targets.restore("ada", "one")
    assert targets.may_connect("ada", "one")


def test_another_process_may_have_dialled_so_the_unknown_are_let_through() -> None:
    targets = TransferTargets()
    assert targets.is_pending("nobody", "one")
    assert targets.may_connect("nobody", "one")
    targets.connect("nobody", "one")
    targets.restore("nobody", "one")
    assert targets.release("nobody") == targets.remove("nobody") == ""
    assert not targets


def test_a_target_released_before_it_was_named_is_to_be_hung_up(targets: TransferTargets) -> None:
    assert targets.release("ada") == ""
    assert not targets.name("ada", "one")
    assert not targets.may_connect("ada", "one")
    assert targets.remove("ada") == ""


def test_a_caller_who_leaves_during_the_dial_leaves_a_target_to_hang_up(
    targets: TransferTargets,
) -> None:
    assert targets.remove("ada") == ""
    assert not targets.name("ada", "one")


def test_who_rings_for_a_caller_who_left_is_returned_once(targets: TransferTargets) -> None:
    targets.name("ada", "one")
    assert (targets.remove("ada"), targets.remove("ada")) == ("one", "")


def test_who_met_the_caller_is_not_rung_off_and_not_fetched_back(targets: TransferTargets) -> None:
    targets.name("ada", "one")
    targets.connect("ada")
    assert targets.is_connected("ada", "one")
    assert targets.is_connected("ada")
    assert targets.may_connect("ada", "one"), "the same news may come twice"
    assert not targets.may_connect("ada", "two")
    assert not targets.is_pending("ada", "one")
    assert targets.remove("ada") == ""
    assert not targets.is_connected("ada", "one")


@given(ACTIONS)
def test_nobody_is_both_awaited_and_connected_and_one_caller_is_not_anothers(
    actions: list[tuple[str, str, str]],
) -> None:
    targets = TransferTargets()
    for action, caller, target in actions:
        other = "bob" if caller == "ada" else "ada"
        before = [targets.may_connect(other, each) for each in ("one", "two")]
        arguments = (caller, target) if action in ("name", "connect", "restore") else (caller,)
        getattr(targets, action)(*arguments)
        assert [targets.may_connect(other, each) for each in ("one", "two")] == before
        for each in ("one", "two"):
            assert not (targets.is_pending(caller, each) and targets.is_connected(caller, each))


def test_the_oldest_callers_are_dropped() -> None:
    targets = TransferTargets(limit=2)
    for caller in ("ada", "bob", "cid"):
        targets.expect(caller)
    assert [caller in targets for caller in ("ada", "bob", "cid")] == [False, True, True]
    assert len(targets) == 2
