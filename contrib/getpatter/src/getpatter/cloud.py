"""The hosted service of the first README, which does not exist here: a refusal with its fix."""

from __future__ import annotations

from patter.errors import PatterConfigError


class CloudUnavailable(PatterConfigError, NotImplementedError):
    """There is no hosted service to connect to: a phone takes its calls in your own process."""


def unavailable(what: str) -> CloudUnavailable:
    """The refusal of *what*."""
    return CloudUnavailable(
        f"{what} belongs to a hosted service, and there is none",
        fix="Patter(carrier=Twilio(), phone_number=...), then await phone.serve(agent)",
    )
