"""Text as people say it: numbers, money, dates, times, phone numbers, addresses and codes."""

from __future__ import annotations

from patter_spoken.forms import SpokenForms, spoken_forms

__version__ = "0.1.0"
__all__ = ["SpokenForms", "spoken_forms"]
