"""Agents that call phone menus: the keys they press, and what to do when a menu repeats itself."""

from patter_ivr.activity import IVRActivity
from patter_ivr.keys import DTMF_EVENTS, DtmfEvent, format_dtmf, send_dtmf_events
from patter_ivr.loops import TfidfLoopDetector
from patter_ivr.menus import MenuHooks, menu_hooks

__version__ = "0.1.0"

__all__ = [
    "DTMF_EVENTS",
    "DtmfEvent",
    "IVRActivity",
    "MenuHooks",
    "TfidfLoopDetector",
    "format_dtmf",
    "menu_hooks",
    "send_dtmf_events",
]
