"""The repository has the shape its pages promise."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from .house import ROOT, Package, here, packages, plugins, sources, tracked, tree
from .shape import FUNCTION_LIMIT, MODULE_LIMIT, Figure, figures, function_lines, lines

TOP = {"pyproject.toml", "core", "plugins", "contrib", "tests", "docs", "README.md", "noxfile.py"}
ALSO = {"LICENSE"}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "base", "manager", "misc"}
LOCKS = {"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "package-lock.json", "pylock.toml"}
INDEX = re.compile(r"files\.pythonhosted|https?://[^\s)]*/simple\b|index-url\s*=", re.IGNORECASE)
TEXT = {".py", ".toml", ".md", ".txt", ".cfg", ".tmpl", ".html", ".js", ".css", ".json", ""}
TIERS = {"bronze", "silver", "gold"}

every_package = pytest.mark.parametrize("package", packages(), ids=lambda each: each.name)
every_plugin = pytest.mark.parametrize("package", plugins(), ids=lambda each: each.name)


def test_the_top_of_the_repository_is_exactly_this() -> None:
    found = {name.split("/")[0] for name in tracked()}
    assert {name for name in found if not name.startswith(".")} == TOP | ALSO


def test_no_lock_file_and_no_address_of_an_index_is_kept() -> None:
    assert not [name for name in tracked() if Path(name).name in LOCKS]
    texts = [name for name in tracked() if Path(name).suffix in TEXT]
    assert not [name for name in texts if INDEX.search((ROOT / name).read_text("utf-8"))]


@every_package
def test_a_package_has_its_files(package: Package) -> None:
    for name in ("README.md", "pyproject.toml", f"src/{package.module}/py.typed"):
        assert (package.folder / name).is_file(), name
    assert list((package.folder / "tests").rglob("test_*.py"))


@every_package
def test_a_package_says_who_it_is(package: Package) -> None:
    project = package.project
    assert project["name"] == package.name
    assert project["license"] == "MIT"
    assert project["readme"] == "README.md"
    assert project["requires-python"] == ">=3.11"
    assert f'__version__ = "{project["version"]}"' in (package.source / "__init__.py").read_text()
    wheel = package.pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == [f"src/{package.module}"]


@every_plugin
def test_a_plugin_says_what_it_needs_offers_and_reaches(package: Package) -> None:
    assert "patter-core>=0.1,<0.2" in package.project["dependencies"]
    assert package.project["optional-dependencies"]["test"][0].startswith("patter-core[testing]")
    assert package.pyproject["tool"]["patter"]["tier"] in TIERS


@every_plugin
def test_no_package_claims_to_be_measured_against_a_vendor_it_only_simulates(
    package: Package,
) -> None:
    sources = [each.read_text(encoding="utf-8") for each in package.folder.glob("src/**/*.py")]
    asks = any("import credential" in text or "import Tunnel" in text for text in sources)
    # The kit has the parts of every simulator, and no vendor.
    vendor = asks and package.name != "patter-testing"
    assert not (vendor and package.pyproject["tool"]["patter"]["tier"] == "gold")


@every_plugin
def test_an_entry_point_is_the_module_that_tells(package: Package) -> None:
    groups = package.project.get("entry-points", {})
    if not groups:
        # A library for applications, which nobody looks for.
        assert not (package.source / "plugin.py").exists()
        return
    slug = re.compile(r"[a-z][a-z0-9-]*")
    for group, entries in groups.items():
        assert group.startswith("patter.")
        for name, module in entries.items():
            assert slug.fullmatch(name)
            if group == "patter.double":
                assert module.startswith(f"{package.module}.double:")
            else:
                assert module == f"{package.module}.plugin"
    assert "PATTER_API = 1" in (package.source / "plugin.py").read_text()


@every_plugin
def test_a_plugin_readme_starts_with_its_name_and_how_to_install_it(package: Package) -> None:
    text = (package.folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {package.name}\n")
    assert f"pip install {package.name}" in text


def test_uv_takes_every_package_from_its_folder() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["uv"]
    assert list(settings["sources"]) == sorted(package.name for package in packages())
    assert all(source == {"workspace": True} for source in settings["sources"].values())


def test_no_module_is_named_for_what_did_not_fit_elsewhere() -> None:
    assert not [here(path) for path in sources() if path.stem.strip("_") in FORBIDDEN_NAMES]


def test_every_module_says_what_it_is() -> None:
    silent = [here(p) for p in sources() if p.stem != "__main__" and not ast.get_docstring(tree(p))]
    assert not silent


def test_modules_are_short() -> None:
    written = [ROOT / name for name in tracked() if name.endswith(".py")]
    assert not {here(path): lines(path) for path in written if lines(path) > MODULE_LIMIT}


def test_functions_are_short() -> None:
    counts = dict(pair for path in sources() for pair in function_lines(path))
    assert not {name: count for name, count in counts.items() if count > FUNCTION_LIMIT}


@pytest.mark.parametrize("figure", figures(), ids=lambda each: each.name)
def test_a_figure_keeps_its_budget(
    figure: Figure, record_property: Callable[[str, object], None]
) -> None:
    record_property("figure", str(figure))
    assert figure.holds, figure
