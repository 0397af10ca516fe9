"""What every provider is told about the call it works for."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import attrs

from patter.clock import Clock, LoopClock


class Direction(StrEnum):
    """Who called whom; a ``test`` call is typed, and nobody's telephone rings."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    TEST = "test"


@attrs.frozen(kw_only=True)
class CallContext:
    """One call, as providers, tools and extensions may know it.

    *caller* and *callee* are E.164 numbers, SIP addresses or, for a softphone, any name.
    *agent* is the name of who takes the call; empty for the only one there is.
    *variables* come from outside and are data: never expanded again, never code.
    """

    call_id: str
    caller: str = ""
    callee: str = ""
    direction: Direction = Direction.INBOUND
    carrier: str = ""
    carrier_call_id: str = ""
    account: str = ""
    agent: str = ""
    language: str = "en"
    variables: Mapping[str, str] = attrs.field(factory=dict)
    clock: Clock = attrs.field(factory=LoopClock, repr=False, eq=False)
