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
    pages have it. *holds_streams*: a stream that runs goes on until it is closed, and what the
    call was told to do next waits for that, as some integrations report; Plivo's pages do not
    say. *redials*: so often a socket that was lost, or could not be opened, is tried again.
    *paced* False: what a caller says is sent at once, in one frame, and nothing between. *faults*
    say how bad the day is.
    """

    auth_id: str = "MA" + "D0UBLE" * 3
    auth_token: str = attrs.field(default="a token of nobody", repr=False)
    numbers: tuple[str, ...] = ("+15550001234",)
    public_host: str = "phone.example.com"
    stop_frames: bool = True
    holds_streams: bool = False
    redials: int = 2
    faults: Faults = attrs.field(factory=Faults)
    clock: Clock | None = None
    paced: bool = True
