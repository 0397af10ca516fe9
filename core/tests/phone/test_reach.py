"""Which addresses no carrier can reach, however they are written."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.phone.reach import literal, validate_webhook_url

INTERNAL = st.sampled_from(
    ["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]
).flatmap(
    lambda net: st.integers(0, ipaddress.IPv4Network(net).num_addresses - 1).map(
        lambda at: ipaddress.IPv4Network(net)[at]
    )
)
NUMBERS = st.one_of(
    st.integers(0, 2**33).map(str),
    st.integers(0, 2**33).map(hex),
    st.integers(0, 2**33).map(lambda n: f"0{n:o}"),
    st.text("0123456789abcdefx", max_size=5),
)


@st.composite
def spelled(draw: st.DrawFn, address: ipaddress.IPv4Address) -> str:
    """*address* in one of the ways an operating system understands it."""
    count = draw(st.integers(1, 4))
    value = int(address)
    parts = [value >> 8 * (3 - place) & 0xFF for place in range(count - 1)]
    parts.append(value & ((1 << 8 * (5 - count)) - 1))
    writers: list[Callable[[int], str]] = [str, hex, lambda n: f"0{n:o}", lambda n: f"0X{n:X}"]
    text = ".".join(draw(st.sampled_from(writers))(part) for part in parts)
    return text + draw(st.sampled_from(["", "."]))


@given(INTERNAL.flatmap(lambda address: st.tuples(st.just(address), spelled(address))))
def test_an_internal_address_is_recognised_in_every_spelling(
    pair: tuple[ipaddress.IPv4Address, str],
) -> None:
    address, text = pair
    assert validate_webhook_url(f"https://{text}/x") == f"{address} is not a public address"


@given(INTERNAL, st.sampled_from(["::ffff:{}", "64:ff9b::{}"]))
def test_an_internal_address_inside_another_is_recognised(
    address: ipaddress.IPv4Address, written: str
) -> None:
    assert validate_webhook_url(f"https://[{written.format(address)}]:8443")


@given(st.lists(NUMBERS, min_size=1, max_size=5).map(".".join))
def test_an_address_is_read_as_the_operating_system_reads_it(text: str) -> None:
    try:
        system = ipaddress.IPv4Address(socket.inet_aton(text))
    except OSError:
        system = None
    assert literal(text) == system


@given(st.ip_addresses())
def test_a_plain_address_is_doubted_exactly_when_it_is_not_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    host = f"[{address}]" if address.version == 6 else str(address)
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if not address.is_global or address.is_multicast:
        assert validate_webhook_url(f"https://{host}") or inner
    elif inner is None and not str(address).startswith("64:ff9b::"):
        assert validate_webhook_url(f"https://{host}") == ""


@given(st.text())
def test_any_text_gets_an_answer(text: str) -> None:
    assert isinstance(validate_webhook_url(text), str)
    assert isinstance(validate_webhook_url(f"https://{text}"), str)


@pytest.mark.parametrize(
    "host",
    [
        "agent.example.com",
        "agent.example.com.",
        "a.example.com:8443",
        "8.8.8.8",
        "010.8.8.8",
        "[2606:4700::1111]",
        "localhost.example.com",
        "metadata.example.com",
        "xn--bcher-kva.example",
    ],
)
def test_a_public_name_is_not_doubted(host: str) -> None:
    assert validate_webhook_url(f"https://{host}/webhooks/x") == ""


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://localhost:8000", "localhost is what a machine calls itself"),
        ("https://LOCALHOST.", "localhost is what a machine calls itself"),
        ("https://app.localhost", "app.localhost is what a machine calls itself"),
        ("https://ip6-loopback", "ip6-loopback is what a machine calls itself"),
        ("https://metadata", "metadata is the metadata service of a cloud"),
        ("https://metadata.google.internal.", "metadata.google.internal is the metadata"),
        ("https://2130706433", "127.0.0.1 is not a public address"),
        ("https://①②⑦.⓪.⓪.①", "127.0.0.1 is not a public address"),
        ("https://0", "0.0.0.0 is not a public address"),
        ("https://[::1]", "::1 is not a public address"),
        ("https://[fe80::1%25eth0]", "fe80::1%25eth0 is not a public address"),
        ("https://[fd00::1]", "fd00::1 is not a public address"),
        ("https://224.0.0.1", "224.0.0.1 is not a public address"),
        ("ftp://a.example.com", "ftp://a.example.com is neither http nor https"),
        ("a.example.com", "a.example.com is neither http nor https"),
        ("https://", "https:// names no host"),
        ("https:///x", "https:///x names no host"),
        ("https://[::1", "https://[::1 is not an address"),
        ("https://a.example.com:99999", "https://a.example.com:99999 is not an address"),
        ("https://a.example.com:0", "https://a.example.com:0 names port 0"),
    ],
)
def test_what_no_carrier_reaches_has_a_reason(url: str, reason: str) -> None:
    assert validate_webhook_url(url).startswith(reason)
