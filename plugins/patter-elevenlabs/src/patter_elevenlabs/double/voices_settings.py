"""What the half of the double that speaks is set to, and what went over its wires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from patter_elevenlabs.double.catalogue import VOICES
from patter_testing.doubles.vendor_double import VendorDouble
from patter_testing.doubles.vendor_sound import MS_PER_LETTER


# Two halves of one double: classes with slots cannot be joined.
@attrs.define(eq=False, kw_only=True, slots=False)
class VoicesSettings(VendorDouble):
    """How the double speaks.

    *voices* are names by id. *quota* is how many characters may still be spoken, None: any
    number. *aligned* False: no characters are told. *snake_case*: sockets say ``context_id``,
    as the live service was seen to. A context that was closed is alive for *closing_ms* more.
    *client_messages* are what clients sent to sockets, *voice_messages* what they were sent, and
    *bodies* what they posted.
    """

    voices: Mapping[str, str] = VOICES
    quota: int | None = None
    aligned: bool = True
    snake_case: bool = False
    closing_ms: float = 0.0
    ms_per_letter: int = MS_PER_LETTER
    letters_per_piece: int = 4
    client_messages: list[dict[str, Any]] = attrs.field(factory=list, init=False, repr=False)
    voice_messages: list[dict[str, Any]] = attrs.field(factory=list, init=False, repr=False)
    bodies: list[dict[str, Any]] = attrs.field(factory=list, init=False, repr=False)
