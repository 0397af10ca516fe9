"""Call a Patter agent from a web page or from Python, without a telephone company."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter_softphone._faults import Faults
    from patter_softphone.caller import Softphone, SoftphoneCall
    from patter_softphone.carrier import SoftphoneCarrier

__version__ = "0.1.0"
__all__ = ["Faults", "Softphone", "SoftphoneCall", "SoftphoneCarrier"]

_HOME = {
    "Faults": "_faults",
    "Softphone": "caller",
    "SoftphoneCall": "caller",
    "SoftphoneCarrier": "carrier",
}


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        from importlib import import_module

        return getattr(import_module(f"patter_softphone.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
