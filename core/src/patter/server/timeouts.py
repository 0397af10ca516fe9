"""How long the server waits: every wait has a bound, and whoever exceeds it is named."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import attrs

from patter.aio import deadline

_positive = attrs.validators.gt(0)


@attrs.frozen(kw_only=True)
class Timeouts:
    """How long anything may take, in milliseconds.

    *media_ms*: from the ticket to the first leg, ringing not counted. *leg_ms*: how long a
    session may keep its leg after the call ended. *stop_ms*: how long calls that were stopped
    may take to end; longer than *hangup_ms* and *callback_ms* together.
    """

    # Twilio gives up a webhook after 15 s: a registry that hangs has to be reported, and the
    # webhook answered, well before that.
    registry_ms: int = attrs.field(default=2_000, validator=_positive)
    # A dial that is given up leaves a call in doubt that may ring all the same, so this is
    # longer than a carrier's API needs under load, retries of its client included.
    dial_ms: int = attrs.field(default=15_000, validator=_positive)
    # Media usually comes within seconds of the answer. After this the call is hung up: whoever
    # answered has heard nothing for as long.
    media_ms: int = attrs.field(default=60_000, validator=_positive)
    leg_ms: int = attrs.field(default=2_000, validator=_positive)
    # Room for the retries of the carrier's client: a hang-up that is given up keeps a line open.
    hangup_ms: int = attrs.field(default=8_000, validator=_positive)
    stop_ms: int = attrs.field(default=20_000, validator=_positive)
    callback_ms: int = attrs.field(default=10_000, validator=_positive)

    def registry(self, what: str) -> AbstractAsyncContextManager[None]:
        """Bound a request to the call registry; *what* it does. Raises PatterTimeoutError."""
        fix = "see why the call registry is slow"
        return deadline(self.registry_ms / 1_000, f"could not {what}", fix=fix)
