"""How it went: a value for each case and one for the suite, both JSON all the way down."""

from __future__ import annotations

from typing import Any

import attrs

from patter.testing import JudgeResult


@attrs.frozen(kw_only=True)
class CaseResult:
    """How one case went. It passed if nothing is in *failures*.

    *failures* are what answers lacked, and why the judge or the call refused. *score* is the
    judge's, or without one 1 or 0. *transcript* has rows of ``role`` and ``text``.
    """

    name: str
    score: float
    failures: tuple[str, ...] = ()
    judged: JudgeResult | None = None
    transcript: tuple[dict[str, str], ...] = attrs.field(default=(), repr=False)
    tags: tuple[str, ...] = ()
    call_ms: int = 0

    @property
    def passed(self) -> bool:
        """Did it pass?"""
        return not self.failures

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON types."""
        return {
            "name": self.name,
            "passed": self.passed,
            "score": self.score,
            "failures": list(self.failures),
            "judged": self.judged.to_dict() if self.judged else None,
            "transcript": [dict(row) for row in self.transcript],
            "tags": list(self.tags),
            "call_ms": self.call_ms,
        }

    def __str__(self) -> str:
        line = f"{'ok  ' if self.passed else 'FAIL'}  {self.name}  {self.score:.2f}"
        return "\n      ".join([line, *self.failures])


@attrs.frozen(kw_only=True)
class EvalResult:
    """How a suite went."""

    suite: str
    cases: tuple[CaseResult, ...]

    @property
    def passed(self) -> bool:
        """Did every case pass? A suite without cases proves nothing."""
        return bool(self.cases) and all(case.passed for case in self.cases)

    @property
    def score(self) -> float:
        """The mean of the cases' scores; 0 without any."""
        return sum(case.score for case in self.cases) / len(self.cases) if self.cases else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON types."""
        return {
            "suite": self.suite,
            "passed": self.passed,
            "score": round(self.score, 4),
            "cases": [case.to_dict() for case in self.cases],
        }

    def __str__(self) -> str:
        failed = sum(not case.passed for case in self.cases)
        counts = [f"{failed} failed"] if failed else []
        counts.append(f"{len(self.cases) - failed} ok")
        return f"{', '.join(counts)}   {self.suite}, mean score {self.score:.2f}"
