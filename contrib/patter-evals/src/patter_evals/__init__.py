"""Suites of conversations that an agent has to get right: written in YAML, judged by a model.

suite = load_suite("bistro.yaml")
result = await EvalRunner(LLMJudge(llm="openai/gpt-4o-mini")).run(suite, make_agent)
assert result.passed, result
"""

from __future__ import annotations

from patter.testing import JudgeResult, LLMJudge
from patter_evals.results import CaseResult, EvalResult
from patter_evals.runner import EvalRunner
from patter_evals.suite import EvalCase, EvalSuite, EvalTurn, load_suite

__version__ = "0.1.0"
__all__ = [
    "CaseResult",
    "EvalCase",
    "EvalResult",
    "EvalRunner",
    "EvalSuite",
    "EvalTurn",
    "JudgeResult",
    "LLMJudge",
    "load_suite",
]
