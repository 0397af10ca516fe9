"""How long Rime takes to its first audio, by what it has published.

docs.rime.ai/docs/latency, read in November 2026: p50 and p90 on one H100 with 12 requests at once,
without the way to it, which is 25 to 50 ms in the United States. Coda 150 and 181 ms, Arcana v3 168
and 182, Mist v3 37 and 56. The 95th percentiles here are those of the log-normal through both.
"""

from __future__ import annotations

from statistics import NormalDist

from patter_testing.doubles.vendor_double import Latency

_P50_P90_MS = {"coda": (150.0, 181.0), "arcana": (168.0, 182.0), "mistv3": (37.0, 56.0)}


def typical(model: str, seed: int = 0) -> Latency:
    """The latency of *model*. Raises KeyError for one whose figures are not published.

    >>> round(typical("coda").p95_ms), round(typical("mistv3").p95_ms)
    (191, 63)
    """
    p50, p90 = _P50_P90_MS[model]
    normal = NormalDist()
    p95 = p50 * (p90 / p50) ** (normal.inv_cdf(0.95) / normal.inv_cdf(0.90))
    return Latency(p50_ms=p50, p95_ms=p95, seed=seed)
