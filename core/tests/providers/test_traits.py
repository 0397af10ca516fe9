"""Traits: what a provider may tell of itself, with one place for types and defaults."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import PatterError
from patter.errors import PatterConfigError
from patter.plugins.kinds import KINDS, STT_KIND, TURN_DETECTOR_KIND
from patter.plugins.registry import PluginRegistry
from patter.providers.stt import STTTraits
from patter.providers.traits import ProviderTraits
from patter.providers.tunnel import TunnelTraits
from patter_testing import FakeTurnDetector

if TYPE_CHECKING:
    from conftest import Shelf

BARE = SimpleNamespace(accepts=(), window_ms=1, threshold=0.5, predict=lambda audio, text: 0.5)
anything = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text()))


def complaint(traits: type[ProviderTraits], **has: object) -> str:
    with pytest.raises(PatterConfigError) as caught:
        traits.of(SimpleNamespace(**has))
    assert caught.value.fix
    return caught.value.message


def test_what_a_provider_does_not_tell_has_its_default() -> None:
    assert STTTraits.of(object()) == STTTraits(chunk_ms=40, endpoints=False, model="", hosts=())
    assert STTTraits.of(SimpleNamespace(model=None, chunk_ms=None)) == STTTraits()
    assert TunnelTraits.of(object()).hostname == ""


def test_what_it_tells_is_read_and_nothing_else() -> None:
    ear = SimpleNamespace(chunk_ms=100, endpoints=True, hosts=("a.example",), hostname=3)
    assert STTTraits.of(ear) == STTTraits(chunk_ms=100, endpoints=True, hosts=("a.example",))


@pytest.mark.parametrize(
    ("has", "message"),
    [
        ({"chunk_ms": "100"}, "chunk_ms of SimpleNamespace is a str, not an int"),
        ({"chunk_ms": True}, "chunk_ms of SimpleNamespace is a bool, not an int"),
        ({"endpoints": "false"}, "endpoints of SimpleNamespace is a str, not a bool"),
        ({"endpoints": 1}, "endpoints of SimpleNamespace is an int, not a bool"),
        ({"model": 4}, "model of SimpleNamespace is an int, not a str"),
        ({"hosts": "a.example"}, "hosts of SimpleNamespace is a str, not a tuple of str alone"),
        ({"hosts": ["a", 1]}, "hosts of SimpleNamespace is a list, not a tuple of str alone"),
    ],
)
def test_a_value_of_another_type_is_refused_in_words(has: dict[str, Any], message: str) -> None:
    assert complaint(STTTraits, **has) == message


@pytest.mark.parametrize("chunk_ms", [0, -20])
def test_a_chunk_without_length_is_refused(chunk_ms: int) -> None:
    assert "out of range" in complaint(STTTraits, chunk_ms=chunk_ms)


@pytest.mark.parametrize(
    ("detector", "message"),
    [
        (FakeTurnDetector(window_ms=0), "'window_ms' must be >= 1: 0"),
        (FakeTurnDetector(window_ms=30_001), "'window_ms' must be <= 30000: 30001"),
        (FakeTurnDetector(threshold=0), "'threshold' must be > 0: 0.0"),
        (FakeTurnDetector(threshold=50), "'threshold' must be <= 1: 50.0"),
        (SimpleNamespace(**{**vars(BARE), "window_ms": "8"}), "is a str, not an int"),
    ],
)
def test_a_turn_detectors_numbers_are_checked_before_a_call_relies_on_them(
    detector: object, message: str
) -> None:
    with pytest.raises(PatterConfigError) as caught:
        TURN_DETECTOR_KIND.check(detector)
    assert message in caught.value.message


def test_a_refused_value_is_not_shown() -> None:
    assert "hunter2" not in complaint(STTTraits, model=["hunter2"])


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("chunk_ms", "hosts"), anything)))
def test_traits_have_their_types_or_are_refused(has: dict[str, object]) -> None:
    try:
        traits = STTTraits.of(SimpleNamespace(**has))
    except PatterError as error:
        assert error.fix
    else:
        assert type(traits.chunk_ms) is int and traits.chunk_ms > 0
        assert all(type(host) is str for host in traits.hosts)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_kind_has_traits_that_hold_without_a_word(kind: Any) -> None:
    assert kind.traits_class.of(object()) == kind.traits_class()


@attrs.frozen
class Ear:
    accepts: tuple[()] = ()
    chunk_ms: Any = "100"

    def open(self, call: object, audio: object) -> Any: ...


def test_an_object_with_a_wrong_trait_is_refused_when_it_is_resolved() -> None:
    registry = PluginRegistry.from_environment({}, source=[])
    with pytest.raises(PatterConfigError, match="chunk_ms of Ear is a str, not an int"):
        registry.resolve(STT_KIND, Ear())


def test_a_plugin_that_forgot_a_converter_is_refused_when_it_is_resolved(shelf: Shelf) -> None:
    code = """
        @attrs.frozen
        class Ear:
            accepts = ()
            chunk_ms: int = 20
            def open(self, call, audio): ...

        @hookimpl
        def patter_stt(spec):
            return spec.build(Ear)
    """
    shelf.add("patter-ear", {"stt": "ear"}, code)
    assert shelf.registry().resolve(STT_KIND, "ear")
    with pytest.raises(PatterConfigError, match="chunk_ms of Ear is a str, not an int"):
        shelf.registry().resolve(STT_KIND, "ear?chunk_ms=100")
