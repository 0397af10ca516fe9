"""A kind is one definition: what it requires, its hook and its entry points follow from it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Protocol

import attrs
import pytest

from patter.errors import PatterConfigError, PluginError
from patter.plugins import kinds
from patter.plugins.hookspecs import hooks
from patter.plugins.kinds import KINDS, LLM_KIND, STT_KIND, Kind, kind_named

if TYPE_CHECKING:
    from conftest import Shelf

REQUIRED = {
    "carrier": (("name", "account", "formats", "can"), ("open",)),
    "stt": (("accepts",), ("open",)),
    "tts": (("produces",), ("open",)),
    "llm": ((), ("stream",)),
    "vad": (("accepts", "tail_ms"), ("start",)),
    "engine": (("accepts", "produces", "can"), ("open",)),
    "tunnel": ((), ("open",)),
    "guardrail": (("name",), ("check",)),
    "turn_detector": (("accepts", "window_ms", "threshold"), ("predict",)),
    "audio_filter": (("accepts",), ("start",)),
}
"""What plugins of others have promised to have: a contract does not grow unnoticed."""

TRANSLATOR = """
    from typing import Protocol

    class Translator(Protocol):
        @property
        def languages(self): ...
        def translate(self, text): ...

    @attrs.frozen
    class Echo:
        languages: tuple = ("en",)
        def translate(self, text):
            return text

    @hookimpl
    def patter_translator(spec):
        return Echo() if spec.model is None else object()
"""


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_kind_requires_what_its_protocol_declares(kind: Kind[Any]) -> None:
    assert (kind.values, kind.methods) == REQUIRED[kind.name]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_type_of_a_kind_is_its_protocol(kind: Kind[Any]) -> None:
    named = {name: each for name, each in vars(kinds).items() if isinstance(each, Kind)}
    (name,) = (name for name, each in named.items() if each is kind)
    assert name == f"{kind.name.upper()}_KIND"
    assert inspect.get_annotations(kinds)[name] == f"Kind[{kind.protocol.__name__}]"


def test_a_contract_may_derive_from_others_and_declare_plain_attributes() -> None:
    required = Kind[Any]("bird", "bird", f"{__name__}:Singer")
    assert (required.values, required.methods) == (("wings", "pitch"), ("fly", "sing"))
    assert required.missing(Sparrow()) == ["pitch"]


class Bird(Protocol):
    wings: int

    def fly(self) -> None: ...


class Singer(Bird, Protocol):
    pitch: int

    def sing(self) -> str: ...


@attrs.frozen
class Sparrow:
    wings: int = 2

    def fly(self) -> None: ...

    def sing(self) -> str:
        return "chirp"


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(PatterConfigError) as caught:
        kind_named("sst")
    assert caught.value.message == "there is no kind of provider named 'sst'"
    assert caught.value.fix == "did you mean 'stt'?"
    with pytest.raises(PatterConfigError) as caught:
        kind_named("zzz")
    assert caught.value.fix.startswith("use one of carrier, stt, ")
    assert kind_named("stt") is STT_KIND


def test_a_kind_has_the_right_article() -> None:
    assert [each.indefinite for each in (STT_KIND, LLM_KIND)] == ["an stt", "an llm"]
    assert kind_named("engine").indefinite == "an engine"
    assert kind_named("tts").indefinite == "a tts"


def test_a_name_instead_of_a_kind_is_refused_with_the_way_to_one(shelf: Shelf) -> None:
    by_name: Any = "stt"
    with pytest.raises(TypeError, match="not a Kind") as caught:
        shelf.registry().resolve(by_name, "parrot")
    assert "STT_KIND" in getattr(caught.value, "fix", "")


def test_an_eleventh_kind_is_one_definition(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    translator = Kind[Any]("translator", "translator", "patter_babel:Translator")
    monkeypatch.setattr(kinds, "KINDS", (*KINDS, translator))
    shelf.add("patter-babel", {"translator": "echo"}, TRANSLATOR)
    registry = shelf.registry()
    assert registry.resolve(kind_named("translator"), "echo").translate("hi") == "hi"
    with pytest.raises(PluginError, match=r"an object as echo translator.* 'languages', 'transl"):
        registry.resolve(translator, "echo/broken")
    with pytest.raises(PatterConfigError, match="cannot be the translator"):
        registry.resolve(translator, object())
    assert hooks()["patter_translator"].__doc__ == "Return the translator described by *spec*."


def test_the_hook_of_an_eleventh_kind_is_unknown_without_its_definition(shelf: Shelf) -> None:
    shelf.add("patter-babel", {"stt": "echo"}, TRANSLATOR)
    with pytest.raises(PluginError, match="patter_translator, which is not a hook of this Patter"):
        shelf.registry().resolve(STT_KIND, "echo")
