"""Each rule on carriers, and on settings, convicts somebody who breaks it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import attrs
import pytest

from patter_testing import Broken, CarrierSuite
from patter_testing.suites.rules import ProviderSuite, Suite
from patter_testing.switchboard import FakeSwitchboard

from .trial import convicted, untried
from .wire_carrier import WireCarrier, WireParty, party

CULPRITS: list[tuple[str, str, dict[str, Any]]] = [
    ("test_a_line_is_its_carriers_and_leaves_nothing", "leave a client", {}),
    ("test_routes_stay_in_their_own_corner", "stray routes", {}),
    ("test_a_call_rings_once_with_its_numbers", "forget the call", {}),
    ("test_a_full_house_refuses_politely", "accept when full", {}),
    ("test_what_the_caller_says_arrives", "scramble the caller", {}),
    ("test_what_the_agent_says_arrives", "lose audio", {"size": 1_234}),
    ("test_marks_come_back_in_order", "mark at once", {}),
    ("test_a_clear_answers_the_marks", "ignore clear", {}),
    ("test_a_pressed_key_arrives", "ignore keys", {}),
    ("test_a_hang_up_is_told_and_ends_the_events", "ignore hangup", {}),
    ("test_a_hang_up_is_told_and_ends_the_events", "hang at the end", {}),
    ("test_a_lost_socket_is_no_hang_up", "hangup for a lost socket", {}),
    ("test_a_closed_leg_is_gone", "never close", {}),
    ("test_sending_to_nobody_fails_or_is_ignored", "send to nobody", {}),
    ("test_an_unknown_token_is_refused", "ignore a bad token", {}),
    ("test_a_token_in_use_is_refused", "ignore a bad token", {}),
    ("test_a_broken_frame_harms_only_its_own_call", "hang at the end", {"how": Broken.HUGE}),
    ("test_two_calls_do_not_mix", "share the line", {}),
    ("test_a_call_leaves_nothing", "leave a task", {}),
    ("test_what_it_cannot_do_it_refuses", "pretend", {}),
]


class Trial(CarrierSuite):
    __test__ = False

    def remote(self, base_url: str, provider: object) -> AbstractAsyncContextManager[WireParty]:
        return party(base_url)


@pytest.mark.parametrize(("rule", "crime", "given"), CULPRITS)
def test_a_carrier_that_breaks_a_rule_is_convicted(
    rule: str, crime: str, given: dict[str, Any]
) -> None:
    rogue = WireCarrier(breaks=frozenset({crime}))
    assert convicted(Trial(), rule, provider=rogue, switchboard=FakeSwitchboard(), **given)


@pytest.mark.parametrize("rule", sorted({rule for rule, _, given in CULPRITS if not given}))
def test_an_honest_carrier_is_not_convicted(rule: str) -> None:
    assert not convicted(
        Trial(), rule, lenient=True, provider=WireCarrier(), switchboard=FakeSwitchboard()
    )


def test_every_rule_on_carriers_was_tried() -> None:
    assert untried(CarrierSuite, {rule for rule, _, _ in CULPRITS}) == set()


@attrs.frozen(kw_only=True)
class Blabbing:
    api_key: str = "k"


@attrs.define(kw_only=True)
class Changing:
    model: str = "m"


@attrs.frozen(kw_only=True)
class Deaf:
    level: int = 3


@pytest.mark.parametrize(
    ("rule", "rogue"),
    [
        ("test_a_secret_is_never_printed", Blabbing()),
        ("test_settings_cannot_be_changed", Changing()),
        ("test_settings_survive_being_written_as_text", Deaf()),
    ],
)
def test_settings_that_break_a_rule_are_convicted(rule: str, rogue: object) -> None:
    assert convicted(ProviderSuite(), rule, provider=rogue)


def test_a_rule_cannot_be_dropped_quietly() -> None:
    class Silenced(CarrierSuite):
        __test__ = False

        def test_what_it_cannot_do_it_refuses(self) -> None: ...  # type: ignore[override]

    class Excused(CarrierSuite):
        __test__ = False

        @pytest.mark.xfail(reason="the vendor has no such thing")
        def test_what_it_cannot_do_it_refuses(self) -> None: ...  # type: ignore[override]

    assert convicted(Silenced(), "test_no_rule_is_silenced")
    assert not convicted(Excused(), "test_no_rule_is_silenced")
    assert not convicted(Suite(), "test_no_rule_is_silenced")


@pytest.mark.parametrize("fixture", ["refused", "cut_off", "garbage", "mute"])
def test_a_provider_with_a_vendor_must_show_it_failing(fixture: str) -> None:
    @attrs.frozen
    class Remote:
        hosts: tuple[str, ...] = ("api.parrot.example",)

    show = getattr(ProviderSuite, fixture).__wrapped__
    with pytest.raises(pytest.fail.Exception, match=fixture):
        show(ProviderSuite(), Remote())
    with pytest.raises(pytest.skip.Exception):
        show(ProviderSuite(), Deaf())
