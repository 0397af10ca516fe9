"""Whatever notation an inner address comes in, it is seen for what it is."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.egress.addresses import is_loopback, is_public, literal

V4 = st.ip_addresses(v=4)
INNER = ["127.0.0.0/8", "10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12", "169.254.0.0/16"]
PRIVATE = st.sampled_from(INNER).flatmap(lambda net: st.ip_addresses(network=net))


def octal(part: int) -> str:
    return f"0{part:o}"


def notations(address: IPv4Address) -> list[str]:
    a, b, c, d = address.packed
    number = int(address)
    return [
        str(address),
        f"{address}.",
        str(number),
        hex(number),
        f"0{number:o}",
        ".".join(map(hex, address.packed)),
        ".".join(map(octal, address.packed)),
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{(c << 8) | d}",
    ]


@given(V4)
def test_every_notation_of_an_address_is_that_address(address: IPv4Address) -> None:
    assert {literal(each) for each in notations(address)} == {address}


@given(PRIVATE)
def test_no_notation_and_no_envelope_makes_an_inner_address_public(address: IPv4Address) -> None:
    number = int(address)
    envelopes: list[IPv4Address | IPv6Address] = [
        IPv6Address((0xFFFF << 32) | number),
        IPv6Address(number),
        IPv6Address((0x0064FF9B << 96) | number),
        IPv6Address((0x2002 << 112) | (number << 80)),
        IPv6Address((0x20010000 << 96) | (~number & 0xFFFFFFFF)),
    ]
    assert not any(is_public(each) for each in [address, *envelopes])
    assert not is_public(literal(f"[{envelopes[0]}]") or address)


@given(st.from_regex(r"[a-z][a-z0-9-]{0,10}(\.[a-z]{2,5}){0,2}", fullmatch=True))
def test_a_name_is_no_address(name: str) -> None:
    if not all(part.startswith("0x") for part in name.split(".")):
        assert literal(name) is None


@pytest.mark.parametrize(
    "text",
    [
        "169.254.169.254",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "240.0.0.1",
        "100.64.0.1",
        "::",
        "::1",
        "fe80::1%eth0",
        "ff02::1",
        "fec0::1",
        "2001:db8::1",
        "64:ff9b:1::1",
        "198.18.0.1",
    ],
)
def test_no_address_of_a_cloud_or_a_network_is_public(text: str) -> None:
    address = literal(text)
    assert address is not None and not is_public(address)


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_the_internet_is_public(text: str) -> None:
    address = literal(text)
    assert address is not None and is_public(address)


def test_this_machine_is_known_mapped_or_not() -> None:
    assert all(is_loopback(IPv6Address(each)) for each in ("::1", "::ffff:127.0.0.9"))
    assert not is_loopback(IPv4Address("10.0.0.1"))
