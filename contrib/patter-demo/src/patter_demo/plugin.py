"""Tell Patter what this package offers: a model made of rules, and the command ``demo``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patter import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from patter.observe.pricing import Price
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


@hookimpl
def patter_prices() -> Iterable[Price]:
    """Rules run on this machine, so nobody bills them."""
    from patter.observe.pricing import Price

    units = ("tokens_in", "tokens_out")
    return tuple(Price(kind="llm", provider="rules", unit=unit, usd=0.0) for unit in units)
