"""What the tests share: a call, and what is heard on it."""

from __future__ import annotations

from typing import Any

from patter.audio.formats import MULAW_8K
from patter.providers.context import CallContext
from patter_soniox import SonioxSTT
from patter_soniox.double import SonioxDouble
from patter_testing.doubles.vendor_sound import sounded
from patter_testing.fast_clock import FastClock

VOICE = sounded("any words", MULAW_8K)


def ears(double: SonioxDouble, **options: Any) -> SonioxSTT:
    return double.pointed(SonioxSTT(api_key="k", **options))


FAST = CallContext(call_id="fast", clock=FastClock())
