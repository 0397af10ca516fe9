"""How each model is kept from thinking for long, and aloud: a caller hears thought as silence.

As inference-docs.cerebras.ai/capabilities/reasoning tells it in November 2026: GPT-OSS always
thinks, and tells it apart from what it says, as GLM does, which need not think; nor need Qwen,
which by itself would say its thoughts, too.
"""

from __future__ import annotations

import attrs

from patter.errors import PatterConfigError

EFFORTS = ("none", "default", "low", "medium", "high")


@attrs.frozen
class Family:
    """*efforts* are those that it takes, the least first; *mixes* is whether it has to be told to
    keep thoughts out of what it says."""

    efforts: tuple[str, ...]
    mixes: bool = False


FAMILIES = {
    "gpt-oss": Family(("low", "medium", "high")),
    "qwen": Family(("none", "low", "medium", "high"), mixes=True),
    "zai-glm": Family(("none", "low", "medium", "high")),
}
"""By how names begin; other models do not reason, or are not known."""


def family_of(model: str) -> Family | None:
    """The family of *model*, if it has one.

    >>> family_of("gpt-oss-120b").efforts, family_of("gemma-4-31b")
    (('low', 'medium', 'high'), None)
    """
    return next((family for start, family in FAMILIES.items() if model.startswith(start)), None)


def check_effort(model: str, effort: str) -> None:
    """Raise PatterConfigError for an *effort* that *model* is known to refuse."""
    family = family_of(model)
    if family and effort not in ("", "default", *family.efforts):
        fits = ", ".join(family.efforts)
        raise PatterConfigError(
            f"{model} takes no reasoning_effort={effort}", fix=f"use one of {fits}, default"
        )


def effort_of(model: str, effort: str) -> str:
    """What is said of effort: *effort* if it was chosen, else the least; empty for nothing.

    >>> effort_of("gpt-oss-120b", ""), effort_of("gpt-oss-120b", "default")
    ('low', '')
    """
    if effort:
        return "" if effort == "default" else effort
    family = family_of(model)
    return family.efforts[0] if family else ""
