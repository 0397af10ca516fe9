"""Errors of pointing a number at us: they say what to set by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from patter.carriers.vendor_api import ApiRefusal
from patter.errors import AuthenticationError, PatterError, ProvisionError


def not_on_account(carrier: str, number: str) -> ProvisionError:
    """The error for a *number* that the account does not have."""
    return ProvisionError(
        f"{number} is not on this {carrier} account", fix="buy it there, or pass a number you own"
    )


@contextmanager
def setting_webhook(number: str, *, by_hand: str) -> Iterator[None]:
    """Raise what fails inside as a ProvisionError whose fix is *by_hand*.

    Wrong credentials, and a ProvisionError that has a fix of its own, pass through.
    """
    try:
        yield
    except AuthenticationError:
        raise
    except PatterError as error:
        if isinstance(error, ProvisionError) and not isinstance(error, ApiRefusal):
            raise
        raise ProvisionError(
            f"could not set the webhook of {number}: {error.message}", fix=by_hand
        ) from error
