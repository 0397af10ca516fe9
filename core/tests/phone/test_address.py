"""Where a phone is reached: what is told of it, to whom, and what is warned of."""

from __future__ import annotations

import logging

import pytest

from patter import PatterConfigError, StaticTunnel
from patter.errors import PatterConnectionError
from patter_testing import FakeCarrier, FakeTunnel

from .phones import NUMBER, PARTS, phone_of, served


async def test_a_start_that_needs_a_tunnel_there_is_not_fails_for_all_who_wait() -> None:
    phone = phone_of(tunnel=True)
    waiting = phone.ready, phone.tunnel_ready
    with pytest.raises(PatterConfigError, match="no tunnel is installed") as caught:
        await phone.serve(phone.agent("", **PARTS), port=0)
    assert [each.exception() for each in waiting] == [caught.value] * 2


async def test_a_tunnel_that_does_not_open_fails_for_all_who_wait() -> None:
    refused = PatterConnectionError("cloudflared is not on PATH", fix="install cloudflared")
    phone = phone_of(tunnel=FakeTunnel(refuses=refused))
    waiting = phone.ready, phone.tunnel_ready
    with pytest.raises(PatterConnectionError) as caught:
        await phone.serve(phone.agent("", **PARTS), port=0)
    assert caught.value is refused
    assert [each.exception() for each in waiting] == [refused] * 2


async def test_a_fixed_host_is_available_before_it_serves() -> None:
    for phone in (
        phone_of(webhook_url="a.example.com"),
        phone_of(tunnel=StaticTunnel("a.example.com")),
    ):
        assert phone.tunnel_ready.result() == "a.example.com"
        assert not phone.ready.done()


async def test_the_host_of_a_tunnel_is_available_when_it_is_open() -> None:
    tunnel = FakeTunnel(host="fox.example.com")
    phone = phone_of(carrier=FakeCarrier(), phone_number=NUMBER, tunnel=tunnel)
    waiting = phone.tunnel_ready
    assert not waiting.done()
    async with served(phone):
        assert waiting.result() == "fox.example.com"
        assert phone.address is not None
        address = phone.address.host, phone.address.number, phone.address.checked
        assert address == ("fox.example.com", NUMBER, True)
    assert phone.address is None


async def test_a_phone_of_this_machine_has_no_public_host() -> None:
    phone = phone_of()
    waiting = phone.tunnel_ready
    async with served(phone) as url:
        assert waiting.result() == ""
        assert phone.address is not None
        assert (phone.address.url, phone.address.number) == (url, "")


async def test_a_static_tunnel_is_an_address_that_nobody_checked() -> None:
    carrier = FakeCarrier()
    phone = phone_of(carrier=carrier, phone_number=NUMBER, tunnel=StaticTunnel("a.example.com"))
    async with served(phone) as url:
        assert url == "https://a.example.com"
        assert phone.address is not None
        assert phone.address.checked is False
    assert [order.detail for order in carrier.orders] == [f"{NUMBER} a.example.com"]


async def test_a_webhook_that_is_not_to_be_set_is_left_alone() -> None:
    carrier = FakeCarrier()
    phone = phone_of(carrier=carrier, phone_number=NUMBER, webhook_url="a.example.com")
    async with served(phone, set_webhook=False):
        assert phone.address is not None
        assert phone.address.number == ""
    assert carrier.orders == []


@pytest.mark.parametrize("host", ["localhost:8000", "10.0.0.7", "0x7f.1", "[::1]"])
async def test_an_address_nobody_outside_reaches_is_warned_of(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    carrier = FakeCarrier()
    phone = phone_of(carrier=carrier, phone_number=NUMBER, webhook_url=host)
    with caplog.at_level(logging.WARNING):
        async with served(phone):
            pass
    assert "carriers will not reach this phone: " in caplog.text
    assert len(carrier.orders) == 1


async def test_an_address_that_may_be_reached_is_not_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        async with served(phone_of(webhook_url="a.example.com")):
            pass
    assert caplog.text == ""


async def test_a_tunnel_for_one_serve_goes_before_the_phones_own() -> None:
    phone = phone_of(tunnel=True)
    async with served(phone, tunnel=StaticTunnel("a.example.com")) as url:
        assert url == "https://a.example.com"
