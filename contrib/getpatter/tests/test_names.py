"""Every name can be had, costs nothing before, and says what to install where that is missing."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

import getpatter
from getpatter.missing import distribution
from patter.errors import NotInstalled

PACKAGES = {
    "carriers": ("Carrier", ("plivo", "telnyx", "twilio")),
    "engines": ("", ("elevenlabs", "openai")),
    "llm": (
        "LLM",
        ("anthropic", "cerebras", "google", "groq", "openai", "openai_compatible"),
    ),
    "stt": (
        "STT",
        (
            *("assemblyai", "cartesia", "deepgram", "openai_transcribe", "soniox", "speechmatics"),
            "whisper",
        ),
    ),
    "tts": (
        "TTS",
        ("cartesia", "elevenlabs", "elevenlabs_rest", "elevenlabs_ws", "lmnt", "openai", "rime"),
    ),
}


def test_every_name_can_be_had() -> None:
    assert not [name for name in getpatter.__all__ if getattr(getpatter, name) is None]
    assert {*getpatter.__all__} <= {*dir(getpatter)}


@pytest.mark.parametrize("kind", PACKAGES)
def test_a_module_of_each_vendor_has_its_class(kind: str) -> None:
    name, vendors = PACKAGES[kind]
    package = getattr(getpatter, kind)
    assert sorted(package.__all__) == sorted(vendors)
    modules = {vendor: getattr(package, vendor) for vendor in vendors}
    if name:
        assert all(isinstance(getattr(each, name), type) for each in modules.values())
    else:
        assert modules["openai"].Realtime is getpatter.OpenAIRealtime
        assert modules["elevenlabs"].ConvAI is getpatter.ElevenLabsConvAI


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    modules: list[Any] = [getpatter, getpatter.stt, getpatter.tunnels]
    for module in modules:
        with pytest.raises(AttributeError, match="has no attribute 'ZorpSTT'"):
            _ = module.ZorpSTT


def test_importing_the_package_imports_no_vendor() -> None:
    code = "import sys, getpatter, getpatter.stt, getpatter.tunnels; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "getpatter.stt" in loaded
    assert not [name for name in loaded if name.startswith("patter_")]
    assert not {"aiohttp", "attrs", "asyncio"} & {*loaded}


@pytest.mark.parametrize(
    ("name", "module", "distribution"),
    [
        ("SonioxSTT", "getpatter.stt.soniox", "patter-soniox"),
        ("Plivo", "getpatter.carriers.plivo", "patter-plivo"),
        ("IVRActivity", "getpatter.ivr", "patter-ivr"),
        ("SileroVAD", "getpatter.vad", "patter-silero"),
        ("KrispVivaFilter", "getpatter.krisp", "patter-krisp"),
        ("DeepFilterNetFilter", "getpatter.deepfilternet", "patter-deepfilternet"),
    ],
)
def test_a_distribution_that_is_missing_is_named(
    name: str, module: str, distribution: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, distribution.replace("-", "_"), None)
    for get in (lambda: getattr(getpatter, name), lambda: import_module(module)):
        with pytest.raises(ImportError, match=f"needs {distribution}") as caught:
            get()
        assert isinstance(caught.value, NotInstalled)
        assert caught.value.fix == f"pip install {distribution}"


def test_what_is_broken_inside_a_distribution_is_not_called_missing() -> None:
    with pytest.raises(ModuleNotFoundError, match="zorp"), distribution("patter-ivr"):
        import_module("zorp")


def test_without_patter_otel_nothing_is_traced_and_nothing_fails_for_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "patter_otel", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Without("patter_otel"), *sys.meta_path])
    with pytest.warns(RuntimeWarning, match="pip install patter-otel"):
        assert getpatter.init_tracing(service_name="bistro") is False
    assert getpatter.is_tracing_enabled() is False
    with getpatter.start_span(getpatter.SPAN_CALL, {"call_id": "1"}) as span:
        assert span is None


def test_with_patter_otel_its_spans_have_the_same_names(monkeypatch: pytest.MonkeyPatch) -> None:
    import patter_otel

    for name in [name for name in vars(getpatter.tracing) if name.startswith("SPAN_")]:
        assert getattr(getpatter, name) == getattr(patter_otel, name)
    monkeypatch.setenv("PATTER_OTEL_ENABLED", "1")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    assert getpatter.init_tracing("bistro", None, {"team": "front"}) is True
    try:
        assert getpatter.is_tracing_enabled()
        with getpatter.start_span(getpatter.SPAN_TOOL, {"rows": 3}) as span:
            assert span.attributes == {"rows": 3}
            assert span.resource.attributes["team"] == "front"
    finally:
        patter_otel.shutdown_tracing()
    assert not getpatter.is_tracing_enabled()


class _Without:
    """An importer that finds one module nowhere."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(self, name: str, *_: object) -> None:
        if name == self._name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
