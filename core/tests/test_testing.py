"""``patter.testing`` is the way to the kit, and says what to install where there is none."""

from __future__ import annotations

import inspect
import sys
from importlib import import_module

import pytest

import patter_testing
from patter import testing
from patter.errors import ErrorCode, NotInstalled, PatterConfigError
from patter.plugins.installing import needs


@pytest.fixture
def no_kit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that cannot find the kit."""
    for name in [name for name in sys.modules if name.split(".")[0] == "patter_testing"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Without("patter_testing"), *sys.meta_path])


class Without:
    """A finder for which one package is not there."""

    def __init__(self, absent: str) -> None:
        self.absent = absent

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == self.absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize("name", patter_testing.__all__)
def test_every_public_name_of_the_kit_can_be_imported_from_here(name: str) -> None:
    assert getattr(testing, name) is getattr(patter_testing, name)


def test_it_has_the_public_names_and_no_others() -> None:
    scope: dict[str, object] = {}
    exec("from patter.testing import *", scope)
    assert {*scope} - {"__builtins__"} == {*patter_testing.__all__} <= {*dir(testing)}
    with pytest.raises(AttributeError, match="has no attribute 'import_module_'"):
        _ = testing.import_module_
    assert not hasattr(testing, "suites")


def test_its_parts_are_modules_of_the_kit_alone() -> None:
    with pytest.raises(ModuleNotFoundError, match="is not a package"):
        import_module("patter.testing.clock")


@pytest.mark.usefixtures("no_kit")
def test_without_the_kit_a_name_says_what_to_install() -> None:
    with pytest.raises(ImportError) as caught:
        from patter.testing import lab  # noqa: F401
    assert isinstance(caught.value, PatterConfigError)
    assert caught.value.code is ErrorCode.CONFIG
    assert str(caught.value) == (
        "this needs patter-testing, which is not installed\n  fix: pip install patter-testing"
    )


@pytest.mark.usefixtures("no_kit")
def test_without_the_kit_tools_that_look_at_modules_are_not_disturbed() -> None:
    assert inspect.unwrap(testing) is testing  # type: ignore[arg-type]
    assert not hasattr(testing, "__path__")


def test_an_extra_is_quoted_as_a_shell_needs_it() -> None:
    with pytest.raises(NotInstalled) as caught, needs("patter_x", install="patter-y[x]"):
        raise ModuleNotFoundError("no", name="patter_x")
    assert caught.value.fix == 'pip install "patter-y[x]"'


def test_another_module_that_is_missing_is_not_mistaken_for_the_kit() -> None:
    with pytest.raises(ModuleNotFoundError) as caught, needs("patter_x", install="patter-x"):
        raise ModuleNotFoundError("no", name="numpy")
    assert not isinstance(caught.value, NotInstalled)
