"""How long a server waits for anybody. Every wait is bounded; one that is over says for what."""

from __future__ import annotations

import attrs

_positive = attrs.validators.gt(0)


@attrs.frozen(kw_only=True)
class Timeouts:
    """How long anything may take, in milliseconds.

    *media_ms*: from the ticket to the first leg, ringing not counted. *leg_ms*: a leg after the
    end of its call. *stop_ms*: for calls to end that were told to; longer than a hang-up and an
    end callback.
    """

    registry_ms: int = attrs.field(default=2_000, validator=_positive)
    dial_ms: int = attrs.field(default=15_000, validator=_positive)
    media_ms: int = attrs.field(default=60_000, validator=_positive)
    leg_ms: int = attrs.field(default=2_000, validator=_positive)
    hangup_ms: int = attrs.field(default=8_000, validator=_positive)
    stop_ms: int = attrs.field(default=20_000, validator=_positive)
    callback_ms: int = attrs.field(default=10_000, validator=_positive)
