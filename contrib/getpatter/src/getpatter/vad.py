"""Silero's voice detection, with the constructors that applications call."""

from __future__ import annotations

from typing import Any

from getpatter.missing import distribution

with distribution("patter-silero"):
    from patter_silero import SileroVAD as _SileroVAD

__all__ = ["SileroVAD"]


class SileroVAD(_SileroVAD):
    """As `patter_silero.SileroVAD`, whose options `load` takes."""

    @classmethod
    def load(cls, **options: Any) -> SileroVAD:
        """One with these *options*. The model is loaded once, for all calls, when it is needed."""
        return cls(**options)

    @classmethod
    def for_phone_call(cls) -> SileroVAD:
        """One as telephone calls need it: the defaults are."""
        return cls()
