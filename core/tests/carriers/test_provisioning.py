"""A number that could not be set up says what to set by hand, or what else is wrong."""

from __future__ import annotations

import pytest

from patter.carriers.provisioning import not_on_account, setting_webhook
from patter.carriers.vendor_api import ApiRefusal
from patter.errors import (
    AuthenticationError,
    PatterConnectionError,
    PatterError,
    ProvisionError,
)


@pytest.mark.parametrize(
    "failure",
    [PatterConnectionError("down", fix="wait"), ApiRefusal("no such field", fix="see the page")],
)
def test_a_failed_request_becomes_what_to_set_by_hand(failure: PatterError) -> None:
    with (
        pytest.raises(ProvisionError) as raised,
        setting_webhook("+15550001234", by_hand="set it by hand to https://h/v"),
    ):
        raise failure
    assert raised.value.message == f"could not set the webhook of +15550001234: {failure.message}"
    assert raised.value.fix == "set it by hand to https://h/v"
    assert raised.value.__cause__ is failure


@pytest.mark.parametrize(
    "failure",
    [AuthenticationError("who?", fix="log in"), not_on_account("Parrot", "+15550001234")],
)
def test_an_error_that_has_a_better_fix_passes(failure: PatterError) -> None:
    with pytest.raises(PatterError) as raised, setting_webhook("+1", by_hand="set it by hand"):
        raise failure
    assert raised.value is failure
    assert raised.value.fix


def test_a_mistake_of_ours_is_not_dressed_up() -> None:
    with pytest.raises(ZeroDivisionError), setting_webhook("+1", by_hand="set it by hand"):
        raise ZeroDivisionError
