"""Plugins are found without being imported, imported when named, and asked one by one."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import importlib_metadata
import pytest
from importlib_metadata import EntryPoint, EntryPoints

from patter import PatterError, PluginRegistry
from patter.plugins import catalogue
from patter.plugins.kinds import ENGINE_KIND, LLM_KIND, STT_KIND, TTS_KIND, Kind
from patter.plugins.known import PROVIDERS
from patter.plugins.overrides import overriding

if TYPE_CHECKING:
    from conftest import Shelf

PARROT = """
    @attrs.frozen
    class ParrotSTT:
        accepts = ()
        model: str = "polly"
        language: str = "en"
        def open(self, call, audio): ...

    @hookimpl
    def patter_stt(spec):
        return spec.build(ParrotSTT)
"""
BARE = """
    @hookimpl
    def patter_stt(spec):
        return {}
"""


def refusal(shelf: Shelf, spec: Any, kind: Kind[Any] = STT_KIND, **environ: str) -> tuple[str, str]:
    with pytest.raises(PatterError) as caught:
        shelf.registry(environ).resolve(kind, spec)
    return caught.value.message, caught.value.fix


def resolved(registry: PluginRegistry, spec: str) -> Any:
    """The recogniser of *spec*, with the settings it has beside its contract."""
    return registry.resolve(STT_KIND, spec)


def test_a_spec_becomes_a_provider(shelf: Shelf) -> None:
    shelf.add("patter-parrot", {"stt": "parrot"}, PARROT)
    provider = resolved(shelf.registry(), "parrot/loud?language=de")
    assert (provider.model, provider.language) == ("loud", "de")


def test_only_the_named_plugin_is_imported(shelf: Shelf) -> None:
    shelf.add("patter-parrot", {"stt": "parrot"}, PARROT)
    shelf.add("patter-bomb", {"stt": "bomb"}, "raise SystemExit('imported')")
    registry = shelf.registry()
    assert ("stt", "bomb") in registry.catalogue.candidates
    registry.resolve(STT_KIND, "parrot")
    assert "patter_bomb" not in sys.modules


def test_what_is_imported_does_not_grow_with_the_plugins(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("patter-parrot", {"stt": "parrot"}, PARROT)
    shelf.registry().resolve(STT_KIND, "parrot")
    for number in range(40):
        shelf.add(f"patter-bird{number}", {"stt": f"bird{number}"}, PARROT)
    monkeypatch.delitem(sys.modules, "patter_parrot")
    before = set(sys.modules)
    registry = shelf.registry()
    assert len(registry.catalogue.candidates) == 41
    registry.resolve(STT_KIND, "parrot")
    assert set(sys.modules) - before == {"patter_parrot"}


def test_metadata_is_scanned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scans = []

    def scan() -> EntryPoints:
        scans.append(1)
        return EntryPoints()

    monkeypatch.setattr(importlib_metadata, "entry_points", scan)
    registry = catalogue.Catalogue()
    assert registry.advertised is registry.advertised
    assert registry.candidates is registry.candidates
    assert scans == [1]


def test_a_distribution_that_is_on_the_path_twice_is_one_plugin(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = type(shelf)(tmp_path / "second")
    second.site.mkdir()
    shelf.add("patter-parrot", {"stt": "parrot"}, PARROT, version="0.2")
    second.add("Patter.Parrot", {"stt": "parrot"}, PARROT, version="0.1")
    monkeypatch.setattr(sys, "path", [str(shelf.site), str(second.site), *sys.path])
    registry = PluginRegistry.from_environment({})
    assert registry.catalogue.pick(STT_KIND, "parrot").version == "0.2"
    assert resolved(registry, "parrot").model == "polly"


def test_a_missing_plugin_says_how_to_install_it(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROVIDERS, ("stt", "deepgram"), "patter-deepgram")
    assert refusal(shelf, "deepgram/nova-3") == (
        "no stt provider named 'deepgram' is installed",
        "pip install patter-deepgram",
    )
    assert refusal(shelf, "deepgrm") == (
        "no stt provider named 'deepgrm' is installed",
        "did you mean 'deepgram'?",
    )


def test_an_unknown_name_is_never_guessed_into_an_install(shelf: Shelf) -> None:
    assert refusal(shelf, "zorp", TTS_KIND) == (
        "no tts provider named 'zorp' is known",
        "see: patter plugins tts",
    )


def test_a_misspelt_option_is_named(shelf: Shelf) -> None:
    shelf.add("patter-parrot", {"stt": "parrot"}, PARROT)
    assert refusal(shelf, "parrot?langage=de") == (
        "parrot stt has no option 'langage'",
        "did you mean 'language'?",
    )


def test_a_provider_of_another_kind_says_what_it_offers(shelf: Shelf) -> None:
    shelf.add("patter-parrot", {"stt": "parrot"}, PARROT)
    assert refusal(shelf, "parrot", LLM_KIND) == (
        "'parrot' offers stt, not llm",
        "choose another llm; see: patter plugins llm",
    )


def test_two_plugins_with_one_name_are_refused_when_it_is_asked_for(shelf: Shelf) -> None:
    shelf.add("acme-a", {"stt": "acme"}, PARROT)
    shelf.add("acme-b", {"stt": "acme"}, PARROT)
    shelf.add("patter-parrot", {"stt": "parrot"}, PARROT)
    assert refusal(shelf, "acme") == (
        "stt 'acme' is offered by acme-a and acme-b",
        "uninstall one, or PATTER_DISABLE_PLUGINS=acme-a",
    )
    shelf.registry().resolve(STT_KIND, "parrot")
    shelf.registry({"PATTER_DISABLE_PLUGINS": "acme-a"}).resolve(STT_KIND, "acme")


@pytest.mark.parametrize("named", ["parrot", "patter-parrot", "Patter_Parrot, other"])
def test_a_disabled_plugin_says_so(shelf: Shelf, named: str) -> None:
    shelf.add("patter-parrot", {"stt": "parrot"}, PARROT)
    message, fix = refusal(shelf, "parrot", PATTER_DISABLE_PLUGINS=named)
    assert message == "stt provider 'parrot' is switched off"
    assert fix.startswith("remove 'pa") and fix.endswith("from PATTER_DISABLE_PLUGINS")


@pytest.mark.parametrize("only", ["", "energy"])
def test_an_allow_list_allows_what_it_lists(shelf: Shelf, only: str) -> None:
    shelf.add("patter-parrot", {"stt": "parrot"}, PARROT)
    assert refusal(shelf, "parrot", PATTER_ONLY_PLUGINS=only) == (
        "stt provider 'parrot' is switched off",
        "add 'parrot' to PATTER_ONLY_PLUGINS",
    )
    shelf.registry({"PATTER_ONLY_PLUGINS": f"{only},parrot"}).resolve(STT_KIND, "parrot")


@pytest.mark.parametrize(
    ("code", "message", "fix"),
    [
        (
            "import no_such_module",
            "acme-x 0.1 cannot be imported: ModuleNotFoundError: No module named 'no_such_module' "
            "(site/acme_x.py:6)",
            "pip install --upgrade acme-x",
        ),
        (
            "\n    PATTER_API = 0" + BARE,
            "acme-x 0.1 is built for plugin API 0, this Patter needs 1",
            "pip install --upgrade acme-x",
        ),
        (
            "\n    PATTER_API = 2" + BARE,
            "acme-x 0.1 is built for plugin API 2, this Patter needs 1",
            "pip install --upgrade patter-core",
        ),
        (
            "\n    del PATTER_API" + BARE,
            "acme-x 0.1 does not declare PATTER_API, this Patter needs 1",
            "pip install --upgrade acme-x",
        ),
        (
            "",
            "acme-x 0.1 advertises stt but has no patter_stt",
            "pip install --upgrade acme-x",
        ),
        (
            "\n    @hookimpl\n    async def patter_stt(spec): ...",
            "acme-x 0.1: patter_stt must be a plain def",
            "return the provider or scope; do async work in its open()",
        ),
        (
            "\n    @hookimpl\n    def patter_sst(spec): ...",
            "acme-x 0.1 implements patter_sst, which is not a hook of this Patter",
            "did you mean 'patter_stt'?",
        ),
        (
            "\n    @hookimpl\n    def patter_stt(spec, speed): ...",
            "acme-x 0.1 does not fit this patter-core: Argument(s) {'speed'} are declared in the "
            "hookimpl but can not be found in the hookspec",
            "pip install --upgrade patter-core acme-x",
        ),
        (
            "\n    @hookimpl\n    def patter_stt(spec):\n        raise RuntimeError('no disk')",
            "acme-x 0.1 failed to make acme stt: RuntimeError: no disk (site/acme_x.py:9)",
            "pip install --upgrade acme-x, or tell its authors",
        ),
        (
            "\n    @hookimpl\n    def patter_stt(spec): ...",
            "acme-x 0.1 makes no acme stt of this spec",
            "see the README of acme-x",
        ),
        (
            BARE,
            "acme-x 0.1 made a dict as acme stt, which has no 'accepts', 'open'",
            "pip install --upgrade acme-x",
        ),
    ],
)
def test_a_broken_plugin_is_named_with_its_remedy(
    shelf: Shelf, code: str, message: str, fix: str
) -> None:
    shelf.add("acme-x", {"stt": "acme"}, code)
    assert refusal(shelf, "acme") == (message, fix)


def test_a_broken_plugin_breaks_no_other(shelf: Shelf) -> None:
    shelf.add("acme-x", {"stt": "acme"}, "\n    @hookimpl\n    def patter_sst(spec): ...")
    shelf.add("patter-parrot", {"stt": "parrot"}, PARROT)
    registry = shelf.registry()
    for _ in range(2):
        with pytest.raises(PatterError, match="implements patter_sst"):
            registry.resolve(STT_KIND, "acme")
    assert resolved(registry, "parrot").model == "polly"


def test_an_extension_wraps_what_a_provider_plugin_makes(shelf: Shelf) -> None:
    wrapper = """
        @hookimpl(wrapper=True)
        def patter_stt(spec):
            made = yield
            return attrs.evolve(made, language=f"wrapped {made.language}")
    """
    shelf.add("patter-parrot", {"stt": "parrot"}, PARROT)
    shelf.add("patter-tape", {"extension": "tape"}, wrapper)
    registry = shelf.registry()
    assert resolved(registry, "parrot").language == "en"
    registry.load_extensions()
    assert resolved(registry, "parrot").language == "wrapped en"
    assert resolved(registry.overriding({"stt": "parrot"}), "x").language == "wrapped en"


def test_only_the_plugin_that_was_named_is_asked(shelf: Shelf) -> None:
    shelf.add("patter-parrot", {"stt": "parrot"}, PARROT)
    shelf.add("patter-crow", {"stt": "crow", "extension": "crow"}, PARROT.replace("polly", "crow"))
    registry = shelf.registry()
    registry.load_extensions()
    registry.resolve(STT_KIND, "crow")
    assert resolved(registry, "parrot").model == "polly"
    assert resolved(registry, "crow").model == "crow"


@attrs.frozen
class Ear:
    accepts: tuple[()] = ()

    def open(self, call: object, audio: object) -> None: ...


def test_an_object_that_conforms_passes_through(shelf: Shelf) -> None:
    ear: Any = Ear()
    assert shelf.registry().resolve(STT_KIND, ear) is ear


PRICED = """
    @attrs.frozen
    class CrowSTT:
        accepts = ()
        def open(self, call, audio): ...

    @hookimpl
    def patter_stt(spec):
        return spec.build(CrowSTT)

    @hookimpl
    def patter_prices():
        return ["a crow"]
"""


def made_by(module: str, name: str = "CrowSTT") -> type:
    made: type = getattr(importlib.import_module(module), name)
    return made


def test_the_plugin_of_an_object_is_loaded_and_no_other(shelf: Shelf) -> None:
    shelf.add("patter-crow", {"stt": "corvid"}, PRICED)
    shelf.add("patter-bomb", {"stt": "bomb"}, "raise SystemExit('imported')")
    registry, crow = shelf.registry(), made_by("patter_crow")()
    assert registry.prices() == []
    assert registry.resolve(STT_KIND, crow) is crow
    assert registry.prices() == ["a crow"]
    assert [each.name for each in registry.catalogue.owners(STT_KIND, crow)] == ["corvid"]
    assert "patter_bomb" not in sys.modules


def test_an_object_of_a_class_derived_from_a_providers_is_of_that_provider(shelf: Shelf) -> None:
    shelf.add("patter-crow", {"stt": "crow"}, PRICED)
    mine = type("Mine", (made_by("patter_crow"),), {})()
    registry = shelf.registry()
    registry.resolve(STT_KIND, mine)
    assert registry.prices() == ["a crow"]


def test_an_object_belongs_to_a_plugin_of_its_kind_only(shelf: Shelf) -> None:
    shelf.add("patter-crow", {"extension": "crow"}, PRICED)
    registry = shelf.registry()
    registry.resolve(STT_KIND, made_by("patter_crow")())
    assert registry.prices() == []


def test_of_two_plugins_in_a_package_the_nearer_is_the_objects(shelf: Shelf) -> None:
    offers = [EntryPoint(name, f"birds.{name}.plugin", "patter.stt") for name in ("crow", "parrot")]
    crow = type("CrowSTT", (), {"__module__": "birds.crow.stt"})()
    either = type("BirdSTT", (), {"__module__": "birds.stt"})()
    fish = type("FishSTT", (), {"__module__": "birdsong"})()
    owners = catalogue.Catalogue(source=offers).owners
    assert [each.name for each in owners(STT_KIND, crow)] == ["crow"]
    assert [each.name for each in owners(STT_KIND, either)] == ["crow", "parrot"]
    assert owners(STT_KIND, fish) == ()


def test_an_object_of_a_plugin_that_is_switched_off_is_used_without_it(shelf: Shelf) -> None:
    shelf.add("patter-crow", {"stt": "crow"}, PRICED)
    registry, crow = shelf.registry({"PATTER_DISABLE_PLUGINS": "crow"}), made_by("patter_crow")()
    assert registry.resolve(STT_KIND, crow) is crow
    assert registry.prices() == []


def test_a_broken_plugin_does_not_break_its_object(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.add("patter-crow", {"stt": "crow"}, PRICED + "\n    PATTER_API = 0")
    registry, crow = shelf.registry(), made_by("patter_crow")()
    assert registry.resolve(STT_KIND, crow) is crow
    assert registry.prices() == []
    assert "patter-crow 0.1 failed to load and is skipped" in caplog.text
    with pytest.raises(PatterError, match="is built for plugin API 0"):
        shelf.registry({"PATTER_STRICT_PLUGINS": "1"}).resolve(STT_KIND, crow)


def test_an_object_that_does_not_is_told_what_it_lacks(shelf: Shelf) -> None:
    assert refusal(shelf, Ear(), TTS_KIND)[0] == "Ear cannot be the tts: it has no 'produces'"
    assert refusal(shelf, Ear)[0] == "stt is given the class Ear, not one of its objects"


def test_a_replaced_part_needs_no_plugin(shelf: Shelf) -> None:
    shelf.add("patter-parrot", {"stt": "parrot"}, PARROT)
    registry = shelf.registry()
    assert resolved(registry.overriding({"stt": "parrot"}), "deepgram/nova-3").model == "polly"
    with overriding({"stt": "parrot/loud"}):
        assert resolved(registry, "deepgram/nova-3").model == "loud"
        assert registry.chosen(STT_KIND, ["deepgram", "groq"]) == "parrot/loud"
    with pytest.raises(PatterError):
        registry.resolve(STT_KIND, "deepgram/nova-3")


def test_an_override_of_none_leaves_a_part_out(shelf: Shelf) -> None:
    registry = shelf.registry().overriding({"engine": None})
    assert registry.chosen(ENGINE_KIND, "openai-realtime") is None


def test_hook_calls_can_be_counted(shelf: Shelf) -> None:
    shelf.add("patter-parrot", {"stt": "parrot"}, PARROT)
    registry, heard = shelf.registry(), list[str]()
    undo = registry.on_hook_call(heard.append)
    registry.resolve(STT_KIND, "parrot")
    undo()
    registry.resolve(STT_KIND, "parrot")
    assert heard == ["patter_stt"]


def test_tracing_logs_every_hook(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    shelf.add("patter-parrot", {"stt": "parrot"}, PARROT)
    with caplog.at_level("INFO", logger="patter.hooks"):
        shelf.registry({"PATTER_TRACE_HOOKS": "1"}).resolve(STT_KIND, "parrot")
    assert "patter_stt asks 1 plugin(s)" in caplog.text
