"""``patter new`` writes packages that are green at once and clean at once, for every kind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from patter.errors import InputError, PatterConfigError
from patter_testing.scaffold import KINDS, render


def new(kind: str, target: Path, name: str = "my-shop") -> Path:
    render(kind, name, target)
    (home,) = target.iterdir()
    return home


def pytest_in(home: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rf"]
    return subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("kind", KINDS)
def test_the_tests_of_a_new_package_are_green(kind: str, tmp_path: Path) -> None:
    run = pytest_in(new(kind, tmp_path))
    assert run.returncode == 0 and " passed" in run.stdout, (
        run.stdout[-3_000:] + run.stderr[-1_000:]
    )


BREAKS = [
    ("stt", "_wire.py", "str(punctuate).lower()", "str(punctuate)", "an_option_of_a_spec_string"),
    ("carrier", "_errors.py", '"MY_SHOP_API_KEY"', '"API_KEY"', "a_refused_key_names_its_variable"),
    ("llm", "_wire.py", '"name": tool.name', '"name": ""', "told_messages_and_tools"),
    ("vad", "vad.py", "max(power, 1e-10)", "max(power, 1e-12)", "between_silence_and_full_scale"),
    ("guardrail", "guardrail.py", 'speaker == "caller"', "not text", "caller_may_say_anything"),
    ("carrier", "_wire.py", "CallOutcome.BUSY", "CallOutcome.FAILED", "status_becomes_an_outcome"),
]


@pytest.mark.parametrize(("kind", "file", "old", "broken", "test"), BREAKS)
def test_a_broken_line_makes_one_failure_that_names_it(
    kind: str, file: str, old: str, broken: str, test: str, tmp_path: Path
) -> None:
    home = new(kind, tmp_path)
    source = home / "src" / "patter_my_shop" / file
    assert source.read_text().count(old) == 1
    source.write_text(source.read_text().replace(old, broken))
    run = pytest_in(home)
    failures = [line for line in run.stdout.splitlines() if line.startswith("FAILED")]
    assert len(failures) == 1, run.stdout[-3_000:]
    assert test in failures[0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_word_of_a_template_is_filled_in(kind: str, tmp_path: Path) -> None:
    for path in new(kind, tmp_path, "parrot").rglob("*"):
        assert "MODULE" not in path.name and "KIND" not in path.name
        if path.suffix in (".py", ".toml", ".md"):
            text = path.read_text()
            compile(text, str(path), "exec") if path.suffix == ".py" else None
            assert "$" not in text.replace("$HOME", "") and "TODO" not in text


@pytest.mark.parametrize("name", ["", "Parrot", "parrot_x", "-x", "x-", "1x", "../x", "a b"])
def test_a_name_that_cannot_be_a_package_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be a name"):
        render("stt", name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    new("vad", tmp_path)
    with pytest.raises(PatterConfigError, match="exists already"):
        render("stt", "my-shop", tmp_path)
