"""What proves an agent or a plugin: fakes, virtual time, a scripted caller, compliance suites.

Names are imported when they are asked for: nothing here costs anything until it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patter.testing.call_registry import CallRegistrySuite
    from patter.testing.caller import Caller
    from patter.testing.clock import VirtualClock, VirtualLoop, run_virtual
    from patter.testing.fakes.carrier import FakeCarrier, FakeLeg, Played
    from patter.testing.fakes.engine import FakeEngine
    from patter.testing.fakes.engine_vendor import FakeEngineVendor
    from patter.testing.fakes.llm import FakeLLM, Reply
    from patter.testing.fakes.smaller import (
        FakeAudioFilter,
        FakeGuardrail,
        FakeTunnel,
        FakeTurnDetector,
    )
    from patter.testing.fakes.stt import At, FakeSTT
    from patter.testing.fakes.tts import FakeTTS, read_back, spoken
    from patter.testing.fakes.vad import FakeVAD
    from patter.testing.lab_call import LabCall, lab
    from patter.testing.loopback_site import site
    from patter.testing.suites.calls import CallsSuite
    from patter.testing.suites.carrier import Broken, CarrierSuite, RemoteParty
    from patter.testing.suites.engine import EngineSuite
    from patter.testing.suites.engine_vendor import EngineVendor
    from patter.testing.suites.llm import LLMSuite
    from patter.testing.suites.on_double import VendorTraits
    from patter.testing.suites.phone import PhoneSuite
    from patter.testing.suites.smaller import (
        AudioFilterSuite,
        GuardrailSuite,
        TunnelSuite,
        TurnDetectorSuite,
    )
    from patter.testing.suites.stt import STTSuite
    from patter.testing.suites.transfers import TransfersSuite
    from patter.testing.suites.tts import TTSSuite
    from patter.testing.suites.vad import VADSuite
    from patter.testing.suites.webhooks import WebhooksSuite
    from patter.testing.tones import digits_in

_HOME = {
    "At": "patter.testing.fakes.stt",
    "AudioFilterSuite": "patter.testing.suites.smaller",
    "Broken": "patter.testing.suites.carrier",
    "Caller": "patter.testing.caller",
    "CallRegistrySuite": "patter.testing.call_registry",
    "CallsSuite": "patter.testing.suites.calls",
    "CarrierSuite": "patter.testing.suites.carrier",
    "digits_in": "patter.testing.tones",
    "EngineSuite": "patter.testing.suites.engine",
    "EngineVendor": "patter.testing.suites.engine_vendor",
    "FakeAudioFilter": "patter.testing.fakes.smaller",
    "FakeCarrier": "patter.testing.fakes.carrier",
    "FakeEngine": "patter.testing.fakes.engine",
    "FakeEngineVendor": "patter.testing.fakes.engine_vendor",
    "FakeGuardrail": "patter.testing.fakes.smaller",
    "FakeLeg": "patter.testing.fakes.carrier",
    "FakeLLM": "patter.testing.fakes.llm",
    "FakeSTT": "patter.testing.fakes.stt",
    "FakeTTS": "patter.testing.fakes.tts",
    "FakeTunnel": "patter.testing.fakes.smaller",
    "FakeTurnDetector": "patter.testing.fakes.smaller",
    "FakeVAD": "patter.testing.fakes.vad",
    "GuardrailSuite": "patter.testing.suites.smaller",
    "VendorTraits": "patter.testing.suites.on_double",
    "lab": "patter.testing.lab_call",
    "LabCall": "patter.testing.lab_call",
    "LLMSuite": "patter.testing.suites.llm",
    "PhoneSuite": "patter.testing.suites.phone",
    "Played": "patter.testing.fakes.carrier",
    "read_back": "patter.testing.fakes.tts",
    "RemoteParty": "patter.testing.suites.carrier",
    "Reply": "patter.testing.fakes.llm",
    "run_virtual": "patter.testing.clock",
    "site": "patter.testing.loopback_site",
    "spoken": "patter.testing.fakes.tts",
    "STTSuite": "patter.testing.suites.stt",
    "TransfersSuite": "patter.testing.suites.transfers",
    "TTSSuite": "patter.testing.suites.tts",
    "TunnelSuite": "patter.testing.suites.smaller",
    "TurnDetectorSuite": "patter.testing.suites.smaller",
    "VADSuite": "patter.testing.suites.vad",
    "VirtualClock": "patter.testing.clock",
    "VirtualLoop": "patter.testing.clock",
    "WebhooksSuite": "patter.testing.suites.webhooks",
}

__all__ = [
    "At",
    "AudioFilterSuite",
    "Broken",
    "CallRegistrySuite",
    "Caller",
    "CallsSuite",
    "CarrierSuite",
    "EngineSuite",
    "EngineVendor",
    "FakeAudioFilter",
    "FakeCarrier",
    "FakeEngine",
    "FakeEngineVendor",
    "FakeGuardrail",
    "FakeLLM",
    "FakeLeg",
    "FakeSTT",
    "FakeTTS",
    "FakeTunnel",
    "FakeTurnDetector",
    "FakeVAD",
    "GuardrailSuite",
    "LLMSuite",
    "LabCall",
    "PhoneSuite",
    "Played",
    "RemoteParty",
    "Reply",
    "STTSuite",
    "TTSSuite",
    "TransfersSuite",
    "TunnelSuite",
    "TurnDetectorSuite",
    "VADSuite",
    "VendorTraits",
    "VirtualClock",
    "VirtualLoop",
    "WebhooksSuite",
    "digits_in",
    "lab",
    "read_back",
    "run_virtual",
    "site",
    "spoken",
]


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        return getattr(import_module(home), name)
    raise AttributeError(f"module 'patter.testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
