"""An AssemblyAI of one's own on 127.0.0.1: `/v3/ws` and `/v3/token`.

Applications test their agents with it. It needs neither a key nor the network, but the extra
``patter-assemblyai[double]``.
"""

from __future__ import annotations

from patter.plugins.installing import needs

with needs("patter_testing", install="patter-assemblyai[double]"):
    from patter_assemblyai.double.vendor import AssemblyAIDouble, measured_latency

__all__ = ["AssemblyAIDouble", "measured_latency"]
