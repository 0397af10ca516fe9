"""How a phone is reached: hosts set beforehand, tunnels that know theirs, and which True is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import Patter, PatterConfigError, PluginRegistry, SpecError, StaticTunnel
from patter.errors import PatterTypeError, ProviderConflict
from patter.phone.public_endpoint import PublicEndpoint, agreed_host, public_endpoint, tunnel_of
from patter.plugins.overrides import overriding
from patter.providers.carrier import CarrierCapabilities
from patter_testing import FakeCarrier, FakeTunnel

if TYPE_CHECKING:
    from conftest import Shelf

TUNNELS = """
    @attrs.frozen
    class Tunnel:
        name: str
        hostname: str = ""
        def open(self, port): ...

    @hookimpl
    def patter_tunnel(spec):
        return Tunnel(spec.provider)
"""
HOST = st.from_regex(
    r"[a-z][a-z0-9]{0,9}(\.[a-z][a-z0-9]{0,9}){1,3}(:[1-9][0-9]{1,3})?", fullmatch=True
)


def bare() -> PluginRegistry:
    return PluginRegistry.from_environment({}, source=[])


def phone_of(**fields: Any) -> Patter:
    local = FakeCarrier(can=CarrierCapabilities())
    return Patter(**{"carrier": local, "registry": bare(), "persist": False, **fields})


# --- Static


@given(HOST, st.sampled_from(["{}", "https://{}", "wss://{}/", " {} "]))
def test_a_static_tunnel_knows_its_host_however_it_is_written(host: str, written: str) -> None:
    assert StaticTunnel(written.format(host)).hostname == host


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("", "StaticTunnel has no hostname"),
        ("https://", "hostname has no host"),
        ("a.example.com/x", "hostname has a path"),
        ("a b", "hostname has a space"),
        (None, "hostname is a NoneType, not text"),
    ],
)
def test_a_static_tunnel_needs_a_host_and_nothing_else(fields: Any, message: str) -> None:
    with pytest.raises(PatterConfigError) as caught:
        StaticTunnel(fields)
    assert caught.value.message == message
    assert caught.value.fix


async def test_a_static_tunnel_starts_nothing_and_leads_where_it_says() -> None:
    async with StaticTunnel("a.example.com").open(8_000) as host:
        assert host == "a.example.com"


def test_a_static_tunnel_is_a_value() -> None:
    assert StaticTunnel("a.example.com") == StaticTunnel("https://a.example.com/")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        StaticTunnel("a.example.com").hostname = "b"  # type: ignore[misc]


# --- what a phone takes


@pytest.mark.parametrize(
    "tunnel",
    [
        StaticTunnel("a.example.com"),
        FakeTunnel(hostname="a.example.com"),
        "ngrok?hostname=a.example.com",
    ],
)
@pytest.mark.parametrize("webhook_url", ["", "a.example.com", "https://a.example.com/"])
def test_a_tunnel_that_knows_its_host_tells_the_phone(tunnel: Any, webhook_url: str) -> None:
    assert phone_of(tunnel=tunnel, webhook_url=webhook_url).webhook_url == "a.example.com"


@pytest.mark.parametrize(
    "tunnel",
    [True, StaticTunnel("b.example.com"), FakeTunnel(), "ngrok", "ngrok?hostname=b.example.com"],
)
def test_two_ways_in_are_one_too_many(tunnel: Any) -> None:
    with pytest.raises(PatterConfigError, match="the phone has both webhook_url and tunnel"):
        phone_of(tunnel=tunnel, webhook_url="a.example.com")


@pytest.mark.parametrize("tunnel", [None, False, ""])
def test_no_tunnel_is_no_tunnel(tunnel: Any) -> None:
    phone = phone_of(tunnel=tunnel, webhook_url="a.example.com")
    assert phone.webhook_url == "a.example.com"
    assert public_endpoint(phone.registry, phone.webhook_url, tunnel) == PublicEndpoint(
        host="a.example.com"
    )


@pytest.mark.parametrize("tunnel", [7, 1.5, b"ngrok", object(), ["ngrok"], StaticTunnel, {}])
def test_what_can_be_no_tunnel_is_a_type_error(tunnel: Any) -> None:
    with pytest.raises(PatterTypeError) as caught:
        phone_of(tunnel=tunnel)
    assert "tunnel" in caught.value.message
    assert caught.value.fix


def test_a_string_that_names_no_tunnel_is_refused_at_once() -> None:
    with pytest.raises(SpecError):
        phone_of(tunnel="Ngrok Tunnel")


@pytest.mark.parametrize("webhook_url", [None, 7, b"a"])
def test_a_host_is_text(webhook_url: Any) -> None:
    with pytest.raises(PatterTypeError, match="webhook_url is a"):
        phone_of(webhook_url=webhook_url)


@given(HOST)
def test_what_a_phone_and_its_tunnel_agree_on_is_no_conflict(host: str) -> None:
    assert agreed_host(host, StaticTunnel(host)) == agreed_host("", StaticTunnel(host)) == host


def test_an_override_in_force_is_the_way_in() -> None:
    fake = FakeTunnel(hostname="b.example.com")
    with overriding({"tunnel": fake}):
        phone = phone_of(tunnel=True)
    assert public_endpoint(phone.registry, "", True) == PublicEndpoint(
        host="b.example.com", tunnel=fake
    )
    with overriding({"tunnel": None}):
        local = phone_of(webhook_url="a.example.com")
    assert public_endpoint(local.registry, "a.example.com", None) == PublicEndpoint()


# --- which tunnel True is


def refused(registry: PluginRegistry) -> tuple[str, str]:
    with pytest.raises(PatterConfigError) as caught:
        tunnel_of(registry, True)
    return caught.value.message, caught.value.fix


def test_true_is_the_only_one_there_is(shelf: Shelf) -> None:
    shelf.add("fox-tunnel", {"tunnel": "fox"}, TUNNELS)
    assert tunnel_of(shelf.registry(), True).name == "fox"  # type: ignore[union-attr]


def add_default(shelf: Shelf, distribution: str, name: str) -> None:
    """A distribution whose tunnel is also the default one."""
    shelf.add(distribution, {"tunnel": name}, TUNNELS)
    module = distribution.replace("-", "_")
    info = shelf.site / f"{module}-0.1.dist-info" / "entry_points.txt"
    info.write_text(f"[patter.tunnel]\n{name} = {module}\ndefault = {module}\n")


def test_true_is_the_one_that_is_the_default_too(shelf: Shelf) -> None:
    shelf.add("badger-tunnel", {"tunnel": "badger"}, TUNNELS)
    add_default(shelf, "fox-tunnel", "fox")
    assert tunnel_of(shelf.registry(), True).name == "fox"  # type: ignore[union-attr]
    without = shelf.registry({"PATTER_DISABLE_PLUGINS": "fox-tunnel"})
    assert tunnel_of(without, True).name == "badger"  # type: ignore[union-attr]


def test_two_defaults_are_a_conflict(shelf: Shelf) -> None:
    add_default(shelf, "fox-tunnel", "fox")
    add_default(shelf, "badger-tunnel", "badger")
    with pytest.raises(ProviderConflict, match="'default' is offered by badger-tunnel and fox"):
        tunnel_of(shelf.registry(), True)


def test_true_with_several_and_no_default_asks_which(shelf: Shelf) -> None:
    shelf.add("fox-tunnel", {"tunnel": "fox"}, TUNNELS)
    shelf.add("badger-tunnel", {"tunnel": "badger"}, TUNNELS)
    advice = ("tunnel=True, and badger and fox are installed", "tunnel='badger'")
    assert refused(shelf.registry()) == advice


@pytest.mark.parametrize(
    ("packages", "fix"),
    [
        ({}, "webhook_url='agent.example.com' instead"),
        ({("tunnel", "fox"): "fox-tunnel"}, "pip install fox-tunnel"),
        (
            {("tunnel", "ant"): "ant-tunnel", ("tunnel", "default"): "fox-tunnel"},
            "pip install fox-tunnel",
        ),
    ],
)
def test_true_without_any_says_what_to_install(
    packages: dict[tuple[str, str], str], fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patter.phone.public_endpoint.PROVIDERS", packages)
    assert refused(bare()) == ("tunnel=True, and no tunnel is installed", fix)
