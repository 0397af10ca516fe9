"""The door: who is asked to wait, and that nobody can choose an address."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.carriers.request_charge import refund
from patter.clock import Timer
from patter.errors import PatterConfigError, RateLimitError
from patter.server.admission import (
    ADDRESSES,
    Admission,
    Limits,
    Unavailable,
    release_request,
)
from patter.server.client_address import client_address

PROXY = (ip_network("10.0.0.0/8"),)
headers = st.lists(st.text(max_size=30) | st.ip_addresses().map(str), max_size=5)


@attrs.define
class Hand:
    """A clock moved by hand."""

    now: float = 0.0

    def ms(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now / 1_000

    def at(self, ms: float, callback: Callable[[], object]) -> Timer:
        raise AssertionError(f"nothing waits here: {ms}, {callback}")

    async def sleep(self, ms: float) -> None:
        self.now += ms


@given(headers)
def test_a_header_from_anybody_else_than_a_proxy_changes_nothing(forwarded: list[str]) -> None:
    assert client_address("203.0.113.9", forwarded, PROXY) == "203.0.113.9"


@given(headers)
def test_what_a_client_writes_left_of_the_proxy_s_word_changes_nothing(claimed: list[str]) -> None:
    forwarded = [*claimed, "203.0.113.9, 10.1.1.1"]
    assert client_address("10.2.2.2", forwarded, PROXY) == "203.0.113.9"


def test_a_proxy_that_says_nothing_is_held_responsible_itself() -> None:
    assert client_address("10.2.2.2", [], PROXY) == "10.2.2.2"
    assert client_address("10.2.2.2", ["no address"], PROXY) == "10.2.2.2"


def test_one_customer_s_ipv6_addresses_are_one() -> None:
    one, other = "2001:db8:1:2::1", "2001:db8:1:2:ffff::9"
    assert client_address(one, [], ()) == client_address(other, [], ()) == "2001:db8:1:2::/64"


def test_an_ipv4_address_in_ipv6_clothes_is_the_ipv4_address() -> None:
    assert client_address("::ffff:10.1.1.1", ["203.0.113.9"], PROXY) == "203.0.113.9"


def test_visits_of_one_address_are_limited_and_others_are_not_touched() -> None:
    door = Admission(Limits(open_requests=2), Hand())
    with door.slot("a"), door.slot("a"):
        with pytest.raises(RateLimitError) as refused, door.slot("a"):
            pass
        assert refused.value.fix
        with door.slot("b"):
            pass
    with door.slot("a"):
        pass


def test_a_socket_that_has_shown_its_token_is_no_stranger() -> None:
    door = Admission(Limits(open_requests=1), Hand())
    with door.slot("a"):
        release_request()
        with door.slot("a"):
            release_request()
        with door.slot("a"):
            pass


def test_requests_come_no_faster_than_allowed() -> None:
    clock = Hand()
    door = Admission(Limits(requests_per_s=10, burst=2), clock)

    def let_in() -> bool:
        try:
            with door.slot("a"):
                return True
        except RateLimitError:
            return False

    assert [let_in() for _ in range(3)] == [True, True, False]
    clock.now = 100
    assert [let_in() for _ in range(2)] == [True, False]


def test_a_request_that_is_refunded_costs_its_address_nothing_and_another_does() -> None:
    admission = Admission(Limits(requests_per_s=0.001, burst=3), Hand())
    for _ in range(100):
        with admission.slot("192.0.2.1"):
            refund()
            refund()
    for _ in range(3):
        with admission.slot("192.0.2.1"):
            pass
    with pytest.raises(RateLimitError), admission.slot("192.0.2.1"):
        raise AssertionError("a request nobody signed opens the door for ever")


def test_a_flood_of_addresses_is_forgotten_but_not_who_is_inside() -> None:
    door = Admission(Limits(open_requests=1), Hand())
    with door.slot("inside"):
        for number in range(ADDRESSES + 100):
            with door.slot(str(number)):
                pass
        assert len(door._addresses) <= ADDRESSES
        with pytest.raises(RateLimitError), door.slot("inside"):
            pass


def test_a_closed_door_says_why() -> None:
    door = Admission(clock=Hand())
    door.check_open()
    door.close()
    with pytest.raises(Unavailable, match="draining"):
        door.check_open()


def test_a_proxy_that_is_no_address_is_named() -> None:
    with pytest.raises(PatterConfigError, match="my-proxy"):
        Limits(trusted_proxies=("my-proxy",))
