"""``clock``: does this machine's clock agree with the times that were received? Pure.

Carriers sign their webhooks with a time, and refuse or are refused when clocks disagree.
"""

from __future__ import annotations

from collections.abc import Sequence

from patter.cli.checks.finding import Finding, bad, good
from patter.cli.checks.subject import ClockReading

NAME = "clock"
# Webhooks that are signed with a time further ahead of ours than this are refused.
LIMIT_S = 30


def findings_of(times: Sequence[ClockReading]) -> list[Finding]:
    """The finding for the nearest of *times*; vendors' go before our own public address's."""
    # The nearest: a slow response makes a clock seem off, none makes a wrong one seem right.
    readings = [each for each in times if each.outside] or list(times)
    if not readings:
        return []
    nearest = min(readings, key=lambda each: abs(each.offset_s))
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
