"""The page of providers is what the packages declare, told without a key."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter.plugins.catalogue import DEFAULT
from patter.plugins.kinds import kind_names
from patter.plugins.known import PROVIDERS
from patter.providers.carrier import CarrierCapabilities

GENERATOR: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("providers.py")))
PAGE: str = GENERATOR["PAGE"].read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, list[str]]:
    """The table below *heading*, by first cell."""
    part = PAGE.split(f"# {heading}\n")[1].split("\n#")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: rest for first, *rest in cells}


def test_the_page_is_what_the_packages_declare() -> None:
    assert GENERATOR["generated"]() == PAGE, "run nox -s known"


def test_every_provider_that_is_known_has_a_row() -> None:
    named = [(kind, slug) for kind, slug in PROVIDERS if slug != DEFAULT]
    told = {kind: rows(GENERATOR["TITLES"][kind]) for kind in {kind for kind, _ in named}}
    assert not [(kind, slug) for kind, slug in named if f"`{slug}`" not in told[kind]]


def test_every_capability_is_in_words_and_told_of_every_carrier() -> None:
    table = rows("What each can do")
    names = {field.name for field in attrs.fields(CarrierCapabilities)}
    assert set(GENERATOR["WORDS"]) == names
    assert all(len(table[words]) == len(table[""]) for words in GENERATOR["WORDS"].values())
    assert set(rows("Carriers")) - {"provider", "---"} == set(table[""])


def test_a_softphone_reaches_nobody_and_a_carrier_does() -> None:
    table = rows("What each can do")
    can = dict(zip(table[""], table["outbound calls"], strict=True))
    assert can["`softphone`"] == "no"
    assert can["`twilio`"] == "yes"


def test_every_kind_has_a_title() -> None:
    assert set(GENERATOR["TITLES"]) == set(kind_names())


def test_no_key_is_needed_and_none_is_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", PAGE))
    assert "TWILIO_AUTH_TOKEN" in variables
    for name in variables:
        monkeypatch.delenv(name, raising=False)
    assert GENERATOR["generated"]() == PAGE
