"""A whole phone on the double, as on every carrier."""

from __future__ import annotations

from patter.testing import PhoneSuite
from patter_telnyx.double import TelnyxDouble

from .stage import TRAITS


class TestPhone(PhoneSuite):
    double = TelnyxDouble
    traits = TRAITS
