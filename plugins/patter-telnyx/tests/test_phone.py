"""A whole phone on the double, as on every carrier."""

from __future__ import annotations

from patter_telnyx.double import TelnyxDouble
from patter_testing import PhoneSuite

from .harness import TRAITS


class TestPhone(PhoneSuite):
    double = TelnyxDouble
    traits = TRAITS
