"""Phone menus: the names of patter-ivr."""

from getpatter.missing import distribution

with distribution("patter-ivr"):
    from patter_ivr import DTMF_EVENTS, DtmfEvent, IVRActivity, TfidfLoopDetector, format_dtmf

__all__ = ["DTMF_EVENTS", "DtmfEvent", "IVRActivity", "TfidfLoopDetector", "format_dtmf"]
