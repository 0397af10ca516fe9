"""The kit is a distribution of its own: core's wheel and a carrier's plugin do without it."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable

import pytest

from .house import CORE, ROOT, Package, imports, packages, tracked

TEST_TOOLS = {"pytest", "hypothesis", "_pytest"}
LARGEST_WHEEL_KB = 760
CARRIERS = ("twilio", "telnyx", "plivo")
WITHOUT_KIT = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name == "patter_testing":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Without())
"""


def shipped(package: Package) -> list[str]:
    """What the wheel of *package* holds: hatch takes the files of its package under control."""
    source = f"{package.source.relative_to(ROOT).as_posix()}/"
    return [name for name in tracked() if name.startswith(source)]


def zipped_kb(names: list[str]) -> float:
    """How large *names* are as a wheel."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name in names:
            wheel.write(ROOT / name, name)
    return len(packed.getvalue()) / 1_024


def run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_KIT + code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_wheel_of_core_holds_no_test_code(
    record_property: Callable[[str, object], None],
) -> None:
    core, kit = Package(CORE), Package(ROOT / "contrib" / "patter-testing")
    names = shipped(core)
    assert len(names) > 100
    wrong = ("/testing/", "/scaffold/", "/templates/", "/suites/", "/fakes/", "/tests/", ".tmpl")
    assert [name for name in names if any(part in name for part in wrong)] == []
    tools = [path for path in core.modules() for each in imports(path) if is_tool(each.name)]
    assert tools == []
    size, moved = zipped_kb(names), zipped_kb(shipped(kit))
    record_property("figure", f"{'wheel of core, KB':48} {size:8.0f}   at most {LARGEST_WHEEL_KB}")
    record_property("figure", f"{'wheel of the kit, KB':48} {moved:8.0f}")
    assert size <= LARGEST_WHEEL_KB


def is_tool(name: str) -> bool:
    return name.split(".")[0] in TEST_TOOLS


def test_the_kit_brings_its_templates() -> None:
    kit = next(package for package in packages() if package.name == "patter-testing")
    assert len([name for name in shipped(kit) if name.endswith(".tmpl")]) > 40


def test_both_ways_to_install_the_kit_bring_it() -> None:
    core = Package(CORE).project
    assert core["optional-dependencies"]["testing"] == ["patter-testing>=0.1,<0.2"]
    assert not [name for name in core["dependencies"] if name.startswith("patter-")]


@pytest.mark.parametrize("vendor", CARRIERS)
def test_a_plugin_works_without_its_double_and_the_double_says_what_it_needs(vendor: str) -> None:
    module = f"patter_{vendor}"
    alone = run(
        "import importlib\n"
        f"package = importlib.import_module({module!r})\n"
        "for name in package.__all__: getattr(package, name)\n"
        f"importlib.import_module('{module}.plugin')"
    )
    assert alone.returncode == 0, alone.stderr
    refused = run(f"import {module}.double")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-2:] == [
        "patter.errors.NotInstalled: this needs patter-testing, which is not installed",
        f'  fix: pip install "patter-{vendor}[double]"',
    ]


def test_without_the_kit_the_command_line_says_what_to_install() -> None:
    done = run("from patter.cli import main\nsys.exit(main(['new', 'stt', 'parrot']))")
    assert done.returncode == 3
    assert "pip install" in done.stderr and "patter-testing" in done.stderr
