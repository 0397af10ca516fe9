"""What all events of a call have: whose they are, their number and their time."""

from __future__ import annotations

from msgspec import Struct


class CallEvent(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """Something that happened in a call; the three fields here are stamped when it is emitted.

    A field that has its default value is left out of the JSON: None, an empty text, list or
    mapping is what is not known, or has no meaning for this event.
    """

    call: str = ""
    """The id of the call."""
    seq: int = 0
    """1, 2, 3, ... in the order in which the events of the call happened."""
    at_ms: int = 0
    """When it happened, in milliseconds since the session of the call began."""
