"""The hand-written check asks for what the contracts ask for, no more and no less."""

from __future__ import annotations

import typing
from importlib import import_module

import pytest

from patter.plugins.catalogue import KINDS
from patter.plugins.conform import METHODS, VALUES

CONTRACTS = {"guardrail": "GuardrailProvider"}
OPTIONAL = {"tunnel": {"hostname"}}
"""Members whose contract says that an object may be without them."""


def contract(kind: str) -> type:
    short = kind.upper() if len(kind) == 3 else kind.title().replace("_", "")
    found: type = getattr(import_module(f"patter.providers.{kind}"), CONTRACTS.get(kind, short))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_member_of_a_contract_is_checked(kind: str) -> None:
    members = {name: each for name, each in vars(contract(kind)).items() if name[0] != "_"}
    values = {name for name, each in members.items() if isinstance(each, property)}
    asked = values - OPTIONAL.get(kind, set())
    assert typing.is_typeddict(contract(kind)) is False
    assert (set(VALUES[kind]), set(METHODS[kind])) == (asked, set(members) - values)
