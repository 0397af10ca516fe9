"""Tell Patter what this package offers: a model made of rules, and the verb ``demo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.plugins.commands import Commands
    from patter_demo.rules import RulesLLM

PATTER_API = 1


@hookimpl
def patter_llm(spec: ProviderSpec) -> RulesLLM:
    from patter_demo.rules import RulesLLM

    return spec.build(RulesLLM)


@hookimpl
def patter_cli(commands: Commands) -> None:
    from patter_demo.command import COMMAND

    commands.add(COMMAND)
