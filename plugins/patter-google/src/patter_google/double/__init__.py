"""A Gemini of one's own on 127.0.0.1: Google AI and Vertex AI, as strict as they are.

Applications test their agents with it. It needs neither an account nor the network, but the
extra ``patter-google[double]``.
"""

from __future__ import annotations

from patter.plugins.installing import needs

with needs("patter_testing", install="patter-google[double]"):
    from patter_google.double.google_double import GoogleDouble
    from patter_google.double.live_script import LiveScript
    from patter_google.double.turn import Turn

__all__ = ["GoogleDouble", "LiveScript", "Turn"]
