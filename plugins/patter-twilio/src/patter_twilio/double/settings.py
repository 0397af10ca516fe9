"""What a test can set of Twilio's double."""

from __future__ import annotations

import attrs

from patter.clock import Clock
from patter_testing.doubles.faults import Faults


@attrs.frozen(kw_only=True)
class TwilioDoubleSettings:
    """A Twilio account to test with. The server is told that its public host is *public_host*.

    *numbers* are the account's, *currency* is what it pays in. *faults* say how bad the day is.
    *paced* False: what a caller says is sent at once, in one frame, and nothing between.
    """

    account_sid: str = "AC" + "0" * 31 + "1"
    auth_token: str = attrs.field(default="a token of nobody", repr=False)
    numbers: tuple[str, ...] = ("+15550001234",)
    public_host: str = "phone.example.com"
    currency: str = "USD"
    faults: Faults = attrs.field(factory=Faults)
    clock: Clock | None = None
    paced: bool = True
