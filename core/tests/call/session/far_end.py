"""What the caller of a call in the lab sat through: how long nothing was heard, and what was."""

from __future__ import annotations

from patter_testing import LabCall

MOST_MS = 1_500
"""No fault may cost the caller more than so much silence."""


def first_sound_ms(call: LabCall, since_ms: float) -> float:
    """How long after *since_ms* the first sound came."""
    return min(each.at_ms for each in call.leg.played if each.at_ms >= since_ms) - since_ms


def longest_gap_ms(call: LabCall, since_ms: float = 0.0) -> float:
    """The longest silence between the first and the last sound after *since_ms*."""
    longest, ended_ms = 0.0, float("inf")
    for each in call.leg.played:
        if each.at_ms < since_ms:
            continue
        longest = max(longest, each.at_ms - ended_ms)
        begins_ms = each.at_ms if ended_ms == float("inf") else max(each.at_ms, ended_ms)
        ended_ms = begins_ms + call.leg.audio.ms_in(len(each.audio))
    return longest
