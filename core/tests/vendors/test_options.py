"""Fields of settings read what Python and spec strings give, and refuse the rest by name."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.errors import MissingCredential, PatterConfigError
from patter.vendors import options


@attrs.frozen(kw_only=True)
class Parrot:
    pause_ms: int | None = options.number(150, 1, 60_000, whole=True, off=True)
    speed: float = options.number(1.0, 0.5, 2.0, step=0.25)
    loud: bool = options.switch()
    vad: bool | None = options.switch(None)
    clear: bool | None = options.switch(True, optional=True)
    mood: str | None = options.choice(None, "calm", "cross")
    tone: str = options.choice("plain", "plain", "warm")
    size: str = options.choice("", "small", "large")
    seed: int | None = options.number(None, -(2**63), 2**63 - 1, whole=True)
    terms: tuple[str, ...] = options.several(most=3, longest=8)
    base_url: str = options.address("https://api.parrot.example")
    api_key: str = options.key("PARROT_API_KEY")


def parrot(**given: Any) -> Parrot:
    return Parrot(**{"api_key": "k", **given})


@pytest.mark.parametrize(
    ("field", "given", "value"),
    [
        ("pause_ms", "200", 200),
        ("pause_ms", 200.0, 200),
        ("pause_ms", "off", None),
        ("pause_ms", None, None),
        ("speed", "1.25", 1.25),
        ("loud", "true", True),
        ("loud", "Yes", True),
        ("loud", "0", False),
        ("vad", None, None),
        ("vad", "off", False),
        ("vad", "", None),
        ("vad", 1, True),
        ("clear", None, None),
        ("clear", "", None),
        ("clear", "no", False),
        ("mood", "calm", "calm"),
        ("mood", None, None),
        ("mood", "", None),
        ("tone", "", "plain"),
        ("size", "", ""),
        ("size", None, ""),
        ("seed", str(2**53 + 1), 2**53 + 1),
        ("seed", -(2**63), -(2**63)),
        ("seed", "1e3", 1000),
        ("seed", "", None),
        ("terms", "basil, oregano", ("basil", "oregano")),
        ("terms", ["a, b"], ("a, b",)),
        ("terms", None, ()),
        ("base_url", "http://127.0.0.1:80/", "http://127.0.0.1:80"),
        ("base_url", "", "https://api.parrot.example"),
    ],
)
def test_it_reads_python_and_spec_strings(field: str, given: object, value: object) -> None:
    assert getattr(parrot(**{field: given}), field) == value


@pytest.mark.parametrize(
    ("field", "given", "fix"),
    [
        ("terms", 5, "give texts"),
        ("pause_ms", 0, "give 1 to 60000"),
        ("pause_ms", "soon", "give 1 to 60000"),
        ("pause_ms", 1.5, "give 1 to 60000"),
        ("pause_ms", True, "give 1 to 60000"),
        ("pause_ms", float("nan"), "give 1 to 60000"),
        ("pause_ms", 10**400, "give 1 to 60000"),
        ("pause_ms", "inf", "give 1 to 60000"),
        ("pause_ms", "5-", "give 1 to 60000"),
        ("speed", 10**400, "give 0.5 to 2 in steps of 0.25"),
        ("tone", None, "give one of plain, warm"),
        ("speed", 1.1, "give 0.5 to 2 in steps of 0.25"),
        ("speed", None, "give 0.5 to 2 in steps of 0.25"),
        ("loud", "maybe", "give true or false"),
        ("loud", None, "give true or false"),
        ("mood", "sad", "give one of calm, cross"),
        ("terms", "a,b,c,d", "give at most 3"),
        ("terms", "a very long term", "give texts of at most 8 letters"),
        ("base_url", "http://elsewhere.example", "leave base_url out, or give an https address"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(field: str, given: object, fix: str) -> None:
    with pytest.raises(PatterConfigError) as caught:
        parrot(**{field: given})
    assert field in caught.value.message
    assert caught.value.fix == fix


def test_the_key_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "s3cret" not in repr(parrot(api_key="s3cret"))
    monkeypatch.setenv("PARROT_API_KEY", "from-outside")
    assert Parrot().api_key == "from-outside"
    monkeypatch.delenv("PARROT_API_KEY")
    with pytest.raises(MissingCredential, match="Parrot has no api_key"):
        Parrot()


@given(st.integers(1, 60_000))
def test_a_number_and_its_text_are_the_same(number: int) -> None:
    assert parrot(pause_ms=str(number)) == parrot(pause_ms=number)


def test_evolving_keeps_every_value() -> None:
    one = parrot(pause_ms=None, terms=("a, b",), vad=False)
    assert attrs.evolve(one, loud=True) == parrot(
        pause_ms=None, terms=("a, b",), vad=False, loud="true"
    )
    assert attrs.evolve(one, loud=True).terms == ("a, b",)
