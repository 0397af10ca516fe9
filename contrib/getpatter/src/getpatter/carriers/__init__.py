"""The telephone companies: `twilio.Carrier`, `telnyx.Carrier`, `plivo.Carrier`."""

from getpatter.lazily import modules

__all__ = ["plivo", "telnyx", "twilio"]

__getattr__ = modules(__name__, __all__)
