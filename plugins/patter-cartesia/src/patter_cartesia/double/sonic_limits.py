"""What Sonic's sockets at a double share: its voices, its limits, and what was spoken."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from patter_cartesia.double.requests import Refused
from patter_testing.doubles.vendor_double import VendorDouble
from patter_testing.doubles.vendor_sound import MS_PER_LETTER

VOICE = "f786b574-daa5-4673-aa0c-cbe3e8534c02"


@attrs.define(eq=False, kw_only=True)
class SonicLimits(VendorDouble):
    """Its limits are Cartesia's: *expiry_s* of a context after its audio, *concurrency* contexts
    at once, *credits* characters, of *voices* alone.

    *pace* times as fast as it is spoken is audio made, or at once; *flushes*: have audio and
    flushes numbers? Times come with the audio, or *times_first*, and count from the context, or,
    *times_anew*, from the text. Texts that *mute* is true of have none. *spoken* is what was spoken
    to the end, *cancelled* the contexts that were cancelled, *chunks* those whose audio was sent.
    """

    expiry_s: float = 1.0
    concurrency: int = 15
    credits: int | None = None
    voices: frozenset[str] = frozenset({VOICE})
    pace: float = 0.0
    flushes: bool = True
    times_first: bool = False
    times_anew: bool = False
    mute: Callable[[str], bool] = lambda _: False
    ms_per_letter: int = MS_PER_LETTER
    active: int = attrs.field(default=0, init=False)
    spoken: list[str] = attrs.field(factory=list, init=False)
    cancelled: list[str] = attrs.field(factory=list, init=False)
    chunks: list[str] = attrs.field(factory=list, init=False)

    def pay(self, letters: int) -> None:
        """Spend credits. Raises Refused when there are not as many."""
        if self.credits is not None:
            if letters > self.credits:
                raise Refused("You are out of credits.", 402, "quota_exceeded")
            self.credits -= letters
