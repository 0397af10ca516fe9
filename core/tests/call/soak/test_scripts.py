"""Every call of the pages in `scripts/`, lived through and judged."""

from __future__ import annotations

import pytest

from .pages import Case, cases, wrong
from .script import script, text

ALL = cases()


@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case.page}: {case.title}")
def test_the_caller_gets_what_the_page_says(case: Case, request: pytest.FixtureRequest) -> None:
    if case.not_yet:
        request.applymarker(pytest.mark.xfail(reason=case.not_yet, strict=True))
    found = wrong(case)
    assert not found, "\n".join((text(case.script), *found))


def test_no_call_is_overlooked() -> None:
    assert len(ALL) >= 40
    assert all(case.script for case in ALL)
    assert len({(case.page, case.title) for case in ALL}) == len(ALL)


def test_a_script_reads_as_it_is_written() -> None:
    for case in ALL:
        assert script(text(case.script)) == case.script
