"""Tell Patter what this package offers. Imported only when a spec says ``rules``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter_demo.rules import RulesLLM

PATTER_API = 1


@hookimpl
def patter_llm(spec: ProviderSpec) -> RulesLLM:
    from patter_demo.rules import RulesLLM

    return spec.build(RulesLLM)
