"""Every scenario page, line by line."""

from __future__ import annotations

import pytest

from .traces import Scenario, check, scenarios

ALL = scenarios()


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.title)
def test_the_engine_does_what_the_page_says(scenario: Scenario) -> None:
    check(scenario)


def test_no_scenario_is_overlooked() -> None:
    assert len(ALL) >= 60
    assert all(scenario.lines for scenario in ALL)
    assert len({scenario.title for scenario in ALL}) == len(ALL)
