"""The checks of the first ten minutes that need no new environment; the script has them all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from . import first_ten_minutes as ten
from .processes import clean, free_port

QUICK = (4, 5, 8, 15, 16, 18, 19)
"""Without an installation, a demo in real time, and what other tests of the pages see."""
CHECKS = {check.number: check for check in ten.checks()}

pytestmark = pytest.mark.patter_timeout(90)


def test_there_are_twenty_checks_each_with_something_to_see() -> None:
    assert list(CHECKS) == list(range(1, 21))
    assert all(check.seen and check.command for check in CHECKS.values())


def test_every_file_that_a_check_names_is_on_a_page() -> None:
    saved = ten.files()
    assert set(saved) == {
        *("bistro.py", "test_bistro.py", "front.py"),
        *("dentist.py", "test_dentist.py", "sunday.txt"),
    }
    text = " ".join(check.command for check in CHECKS.values())
    assert all(name in text for name in ("test_bistro.py", "test_dentist.py", "sunday.txt"))


@pytest.mark.parametrize("number", QUICK)
def test_what_must_be_seen_is_seen(number: int, tmp_path: Path) -> None:
    check = CHECKS[number]
    if "--port" in check.command:
        port = check.command.rpartition("--port ")[2]
        free = str(free_port())
        seen = tuple(each.replace(port, free) for each in check.seen)
        command = check.command.replace(port, free)
        check = ten.Check(check.number, check.title, command, seen, check.status, check.stays)
    ten.save(tmp_path)
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    assert ten.run(check, tmp_path, clean(tmp_path, PATH=path, PYTHONUNBUFFERED="1")) == []


def test_what_is_not_seen_is_named(tmp_path: Path) -> None:
    check = ten.Check(1, "", "echo yes; exit 4", ("yes", "no"), 0, stays=False)
    wrong = ten.run(check, tmp_path, clean(tmp_path))
    assert wrong == ["not seen: no", "exit status 4, not 0", "yes\n"]
