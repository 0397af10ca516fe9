"""What a test can set of Plivo's double."""

from __future__ import annotations

import attrs

from patter.clock import Clock
from patter_testing.doubles.faults import Faults

DETECTION_MS = 40.0


@attrs.frozen(kw_only=True)
class PlivoDoubleSettings:
    """A Plivo account to test with. The server is told that its public host is *public_host*.

    *numbers* are the account's. *stop_frames* False: streams end without a word, as Plivo's
    pages have it. *faults* say how bad the day is.
    """

    auth_id: str = "MA" + "D0UBLE" * 3
    auth_token: str = attrs.field(default="a token of nobody", repr=False)
    numbers: tuple[str, ...] = ("+15550001234",)
    public_host: str = "phone.example.com"
    stop_frames: bool = True
    faults: Faults = attrs.field(factory=Faults)
    clock: Clock | None = None
    paced: bool = True
