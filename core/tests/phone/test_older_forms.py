"""Arguments of the first README: another distribution reads them, and core says which."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from patter import Patter
from patter.errors import PatterTypeError

FLAT: dict[str, Any] = {"twilio_sid": "AC1", "twilio_token": "token"}


class Reader(Patter):
    def __init__(self, *places: Any, **options: Any) -> None:
        self.places, self.options = places, options


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("twilio_sid", "use carrier= and engine=, or pip install getpatter"),
        ("api_key", "remove it: there is no hosted service"),
    ],
)
def test_without_getpatter_the_fix_says_what_to_do(
    name: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "getpatter", None)
    fields: dict[str, Any] = {name: "secret"}
    with pytest.raises(PatterTypeError, match=f"no argument '{name}'") as caught:
        Patter(**fields)
    assert caught.value.fix.startswith(fix)


def test_with_getpatter_its_phone_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    facade = ModuleType("getpatter")
    facade.Patter = Reader  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "getpatter", facade)
    phone: Any = Patter(None, "+15550001234", **FLAT)
    assert isinstance(phone, Reader)
    assert phone.places[:2] == (None, "+15550001234")
    assert phone.options == {"registry": None, **FLAT}
    assert type(Patter()) is Patter


def test_a_phone_of_the_applications_own_class_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    facade = ModuleType("getpatter")
    facade.Patter = Reader  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "getpatter", facade)

    class Own(Patter):
        pass

    with pytest.raises(PatterTypeError):
        Own(**FLAT)


def test_what_is_broken_inside_getpatter_is_not_called_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facade = ModuleType("getpatter")

    def broken(name: str) -> object:
        raise ModuleNotFoundError(name="zorp")

    facade.__getattr__ = broken  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "getpatter", facade)
    with pytest.raises(ModuleNotFoundError):
        Patter(**FLAT)
