"""How hard the tests of this folder try.

`--hypothesis-profile=nightly` asks for the long run; without it everything takes seconds.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

NIGHTLY = "nightly"


def profile(examples: int) -> settings:
    """Settings of a profile that tries *examples* times."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        stateful_step_count=40,
    )


def is_nightly() -> bool:
    """Was the long run asked for?"""
    return settings.get_current_profile_name() == NIGHTLY


def tries(quick: int, nightly: int) -> settings:
    """*quick* examples, or *nightly* ones in the long run."""
    return profile(nightly if is_nightly() else quick)
