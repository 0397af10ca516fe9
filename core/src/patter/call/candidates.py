"""The providers of one kind in the order in which a call tries them: who is known to fail, last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

from patter.call.link import LinkCandidate, LinkRules, ReconnectPolicy
from patter.providers.availability import availability_of, claimed_order

P = TypeVar("P")
Name: TypeAlias = tuple[str, str]
MakePolicy: TypeAlias = Callable[[str, str, LinkRules], ReconnectPolicy]


def candidates_of(
    kind: str, named: Sequence[tuple[P, Name]], rules: LinkRules, policy: MakePolicy
) -> tuple[LinkCandidate[P], ...]:
    """*named* as candidates, each with a *policy(kind, provider, rules)* of its own.

    One that another call has found dead goes behind the others; that is noted. All but the last
    are hurried.
    """
    entries = [(*each, availability_of(each[0], f"{kind} {each[1][0]}")) for each in named]
    ordered = claimed_order(entries, lambda each: each[2])
    candidates = []
    for place, (provider, name, availability) in enumerate(ordered, 1):
        last = place == len(ordered)
        made = policy(kind, name[0], rules if last else rules.hurried)
        made.availability = availability
        if not availability.usable and availability.reason is not None and place > 1:
            made.skip(availability.reason)
        candidates.append(LinkCandidate(provider, name, made))
    return tuple(candidates)
