"""What is to be done after each call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from patter import InputError, PatterConfigError, env
from patter.egress.policy import EgressPolicy
from patter.egress.signing import secret_of

OUTCOMES = ("resolved", "follow_up", "transferred", "voicemail", "no_conversation", "other")
"""What became of a call, unless an application has its own words for it."""
CRITERIA_MOST, NAMES_MOST, WORDS_MOST = 20, 50, 300
LLM, WEBHOOKS, OUTCOME_NAMES = (
    "PATTER_AFTER_CALL_LLM",
    "PATTER_AFTER_CALL_WEBHOOKS",
    "PATTER_AFTER_CALL_OUTCOMES",
)


def _texts(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@attrs.frozen(kw_only=True)
class AfterCall:
    """*llm*, a spec string or a provider, sums each call up and says what became of it.

    *outcomes* are what it may say. *criteria* are questions of a review, by their names: each is
    passed or not, with a reason. Nothing is asked without an *llm*. *webhooks* are addresses that
    get the result, signed with *secret*, else PATTER_WEBHOOK_SECRET: at least once each, tried
    again for *days*. *timeout_s* bounds one answer of the model. Raises InputError, EgressError.
    """

    llm: Any = None
    outcomes: tuple[str, ...] = attrs.field(default=OUTCOMES, converter=_texts)
    criteria: Mapping[str, str] = attrs.field(factory=dict)
    webhooks: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    secret: str = attrs.field(default="", repr=False, converter=secret_of)
    days: float = 3.0
    timeout_s: float = 60.0

    def __attrs_post_init__(self) -> None:
        _check_names("outcomes", self.outcomes, NAMES_MOST)
        _check_names("criteria", tuple(self.criteria), CRITERIA_MOST)
        if not all(isinstance(each, str) and each.strip() for each in self.criteria.values()):
            raise InputError("a criterion asks nothing", fix='criteria={"greeted": "Was ...?"}')
        if not 0 < self.days <= 30 or not 1 <= self.timeout_s <= 300:
            raise InputError(
                f"days={self.days:g} and timeout_s={self.timeout_s:g} are out of range",
                fix="give days up to 30, and timeout_s from 1 to 300",
            )
        for url in self.webhooks:
            EgressPolicy.of().check_url(url)

    @classmethod
    def from_environment(cls) -> AfterCall | None:
        """What the variables say; None without any. Raises as the class does."""
        llm, urls, names = map(env.read, (LLM, WEBHOOKS, OUTCOME_NAMES))
        if not llm and not urls:
            return None
        outcomes = _split(names) or OUTCOMES
        return cls(llm=llm or None, webhooks=_split(urls), outcomes=outcomes)

    def check_useful(self) -> None:
        """Raise PatterConfigError when there is nothing to be done."""
        if self.llm is None and not self.webhooks:
            raise PatterConfigError(
                "nothing is to be done after calls", fix="AfterCall(llm=..., webhooks=[...])"
            )


def _split(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (each.strip() for each in text.split(","))))


def _check_names(what: str, names: tuple[str, ...], most: int) -> None:
    fine = all(isinstance(each, str) and 0 < len(each) <= WORDS_MOST for each in names)
    if not fine or len(names) > most or len(set(names)) < len(names):
        raise InputError(
            f"{what} are {len(names)} names, some empty, long or twice",
            fix=f"give up to {most} different names",
        )
