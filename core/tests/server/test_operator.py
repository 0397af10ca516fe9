"""What an operator may do to a call through the server that has it."""

from __future__ import annotations

import pytest

from patter.errors import CallStateError, InputError, PatterConfigError
from patter.providers.carrier import CarrierCapabilities
from patter.server.app import Server, Serving
from patter.server.local_registry import LocalRegistry
from patter.server.switchboard import LocalSwitchboard
from patter_testing import FakeCarrier


def serving(*carriers: FakeCarrier) -> Serving:
    board = LocalSwitchboard(start=lambda call: pytest.fail("none is begun"))
    board.registry = LocalRegistry()
    board.lines = {each.name: each for each in carriers}
    return Serving(settings=Server(), switchboard=board)


async def test_a_call_that_is_not_known_is_over() -> None:
    assert await serving(FakeCarrier()).hang_up("none") is False
    assert await serving(FakeCarrier()).transfer("none", "+15550100200") is False


@pytest.mark.parametrize("target", ["", "help", "+1", "+15550100200;x=y", "sip:"])
async def test_a_transfer_needs_a_number(target: str) -> None:
    with pytest.raises(InputError):
        await serving(FakeCarrier()).transfer("none", target)


async def test_and_a_carrier_that_can() -> None:
    with pytest.raises(CallStateError):
        await serving(FakeCarrier(can=CarrierCapabilities())).transfer("none", "+15550100200")


async def test_and_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_TRANSFER_ALLOW", "+4930*")
    with pytest.raises(PatterConfigError, match="not allowed"):
        await serving(FakeCarrier()).transfer("none", "+15550100200")


def test_a_call_that_is_not_here_cannot_be_heard() -> None:
    with pytest.raises(CallStateError):
        serving(FakeCarrier()).listen("none", None)  # type: ignore[arg-type]
