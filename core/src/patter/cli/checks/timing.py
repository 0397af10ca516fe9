"""``clock``: is this machine's clock near enough to that of whoever told the time? Pure.

Carriers sign their webhooks with a time, and refuse or are refused when clocks disagree.
"""

from __future__ import annotations

from collections.abc import Sequence

from patter.cli.checks.finding import Finding, bad, good
from patter.cli.checks.subject import Heard

NAME = "clock"
LIMIT_S = 30


def told(times: Sequence[Heard]) -> list[Finding]:
    """What the nearest of *times* says; vendors' go before that of our own public address."""
    asked = [each for each in times if each.outside] or list(times)
    if not asked:
        return []
    nearest = min(asked, key=lambda each: abs(each.offset_s))
    off = abs(nearest.offset_s)
    if off <= LIMIT_S:
        return [good(NAME, f"{off:.1f} s off (limit {LIMIT_S}), says {nearest.who}")]
    way = "behind" if nearest.offset_s > 0 else "ahead of"
    return [
        bad(
            NAME,
            f"{off:.0f} s {way} {nearest.who} (limit {LIMIT_S})",
            "let this machine keep time: timedatectl set-ntp true",
        )
    ]
