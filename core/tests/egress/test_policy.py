"""What may be requested, and what is allowed beyond the internet."""

from __future__ import annotations

import pytest

from patter.egress.addresses import literal
from patter.egress.policy import EgressPolicy
from patter.errors import EgressError

PUBLIC = EgressPolicy()


def refused(policy: EgressPolicy, url: str) -> bool:
    try:
        policy.check_url(url)
    except EgressError as error:
        assert error.fix and "secret" not in str(error)
        return True
    return False


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "example.com/tools",
        "https://",
        "",
        "https://a b.com",
        "https://[::1",
        "https://example.com:99999/",
        "https://ada:secret@example.com/",
        "http://localhost:8080/",
        "http://localhost./",
        "http://rosa.localhost/",
        "http://metadata.google.internal./",
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://[::ffff:169.254.169.254]/latest",
    ],
)
def test_what_is_no_address_of_the_internet_is_refused_with_a_fix(url: str) -> None:
    assert refused(PUBLIC, url)


@pytest.mark.parametrize(
    "url", ["https://example.com/x?y=1", "http://8.8.8.8:8080/", "HTTPS://X.de"]
)
def test_the_internet_is_allowed(url: str) -> None:
    assert PUBLIC.check_url(url) == url


def test_a_websocket_is_allowed_where_one_is_wanted() -> None:
    assert PUBLIC.check_url("wss://example.com/", ("ws", "wss"))
    with pytest.raises(EgressError, match="not the address of a web service"):
        PUBLIC.check_url("https://example.com/", ("ws", "wss"))


def test_a_network_an_address_and_a_name_can_be_allowed() -> None:
    policy = EgressPolicy.of(["10.1.0.0/16", "192.168.1.7", "db.internal."])
    inside = (
        "http://10.1.2.3/",
        "http://192.168.1.7/",
        "http://db.internal/",
        "http://DB.internal./",
    )
    outside = "http://10.2.0.1/", "http://192.168.1.8/", "http://web.internal/", "http://localhost/"
    assert not any(refused(policy, url) for url in inside)
    assert all(refused(policy, url) for url in outside)
    policy.check("db.internal", literal("192.168.9.9") or pytest.fail())
    with pytest.raises(EgressError):
        policy.check("other.example", literal("192.168.9.9") or pytest.fail())


def test_the_operator_allows_by_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(EgressPolicy.of(), "http://10.0.0.1/")
    monkeypatch.setenv("PATTER_EGRESS_ALLOW", "tools.internal, 10.0.0.0/8")
    assert not refused(EgressPolicy.of(), "http://10.0.0.1/")
    assert not refused(EgressPolicy.of(), "http://tools.internal/")


def test_this_machine_alone_can_be_allowed() -> None:
    policy = EgressPolicy.of(allow_loopback=True)
    assert not any(
        refused(policy, f"http://{host}/") for host in ("localhost", "127.9.9.9", "[::1]")
    )
    assert refused(policy, "http://10.0.0.1/")
