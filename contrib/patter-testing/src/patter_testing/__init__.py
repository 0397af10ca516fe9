"""What proves an agent or a plugin: fakes, virtual time, a scripted caller, compliance suites.

Names are imported when they are asked for: nothing here costs anything until it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from patter_testing.call_registry import CallRegistrySuite
    from patter_testing.caller import Caller
    from patter_testing.clock import VirtualClock, VirtualLoop, run_virtual
    from patter_testing.exercise import Unexercised, unexercised
    from patter_testing.fakes.audio_filter import FakeAudioFilter
    from patter_testing.fakes.carrier import FakeCarrier, FakeLeg, Played
    from patter_testing.fakes.engine import FakeEngine
    from patter_testing.fakes.engine_vendor import FakeEngineVendor
    from patter_testing.fakes.guardrail import FakeGuardrail
    from patter_testing.fakes.llm import FakeLLM, Reply
    from patter_testing.fakes.stt import At, FakeSTT
    from patter_testing.fakes.tts import FakeTTS, read_back, spoken
    from patter_testing.fakes.tunnel import FakeTunnel
    from patter_testing.fakes.turn_detector import FakeTurnDetector
    from patter_testing.fakes.vad import FakeVAD
    from patter_testing.judge import JudgeResult, LLMJudge
    from patter_testing.lab_call import LabCall, lab
    from patter_testing.loopback_site import site
    from patter_testing.persona import Persona, PersonaCall
    from patter_testing.real_time import RealTimeLLM
    from patter_testing.simulation import Simulation, simulated, simulating, without_keys
    from patter_testing.suites.audio_filter import AudioFilterSuite
    from patter_testing.suites.calls import CallsSuite
    from patter_testing.suites.carrier import Broken, CarrierSuite, RemoteParty
    from patter_testing.suites.engine import EngineSuite
    from patter_testing.suites.engine_vendor import EngineVendor
    from patter_testing.suites.guardrail import GuardrailSuite
    from patter_testing.suites.llm import LLMSuite
    from patter_testing.suites.on_double import VendorTraits
    from patter_testing.suites.phone import PhoneSuite
    from patter_testing.suites.stt import STTSuite
    from patter_testing.suites.transfers import TransfersSuite
    from patter_testing.suites.tts import TTSSuite
    from patter_testing.suites.tunnel import TunnelSuite
    from patter_testing.suites.turn_detector import TurnDetectorSuite
    from patter_testing.suites.vad import VADSuite
    from patter_testing.suites.webhooks import WebhooksSuite
    from patter_testing.tones import digits_in

_HOME = {
    "At": "patter_testing.fakes.stt",
    "AudioFilterSuite": "patter_testing.suites.audio_filter",
    "Broken": "patter_testing.suites.carrier",
    "Caller": "patter_testing.caller",
    "CallRegistrySuite": "patter_testing.call_registry",
    "CallsSuite": "patter_testing.suites.calls",
    "CarrierSuite": "patter_testing.suites.carrier",
    "digits_in": "patter_testing.tones",
    "EngineSuite": "patter_testing.suites.engine",
    "EngineVendor": "patter_testing.suites.engine_vendor",
    "FakeAudioFilter": "patter_testing.fakes.audio_filter",
    "FakeCarrier": "patter_testing.fakes.carrier",
    "FakeEngine": "patter_testing.fakes.engine",
    "FakeEngineVendor": "patter_testing.fakes.engine_vendor",
    "FakeGuardrail": "patter_testing.fakes.guardrail",
    "FakeLeg": "patter_testing.fakes.carrier",
    "FakeLLM": "patter_testing.fakes.llm",
    "FakeSTT": "patter_testing.fakes.stt",
    "FakeTTS": "patter_testing.fakes.tts",
    "FakeTunnel": "patter_testing.fakes.tunnel",
    "FakeTurnDetector": "patter_testing.fakes.turn_detector",
    "FakeVAD": "patter_testing.fakes.vad",
    "GuardrailSuite": "patter_testing.suites.guardrail",
    "VendorTraits": "patter_testing.suites.on_double",
    "JudgeResult": "patter_testing.judge",
    "lab": "patter_testing.lab_call",
    "LabCall": "patter_testing.lab_call",
    "LLMJudge": "patter_testing.judge",
    "LLMSuite": "patter_testing.suites.llm",
    "Persona": "patter_testing.persona",
    "PersonaCall": "patter_testing.persona",
    "PhoneSuite": "patter_testing.suites.phone",
    "Played": "patter_testing.fakes.carrier",
    "read_back": "patter_testing.fakes.tts",
    "RealTimeLLM": "patter_testing.real_time",
    "RemoteParty": "patter_testing.suites.carrier",
    "Reply": "patter_testing.fakes.llm",
    "run_virtual": "patter_testing.clock",
    "site": "patter_testing.loopback_site",
    "simulated": "patter_testing.simulation",
    "simulating": "patter_testing.simulation",
    "Simulation": "patter_testing.simulation",
    "spoken": "patter_testing.fakes.tts",
    "STTSuite": "patter_testing.suites.stt",
    "TransfersSuite": "patter_testing.suites.transfers",
    "TTSSuite": "patter_testing.suites.tts",
    "TunnelSuite": "patter_testing.suites.tunnel",
    "TurnDetectorSuite": "patter_testing.suites.turn_detector",
    "unexercised": "patter_testing.exercise",
    "Unexercised": "patter_testing.exercise",
    "VADSuite": "patter_testing.suites.vad",
    "VirtualClock": "patter_testing.clock",
    "VirtualLoop": "patter_testing.clock",
    "WebhooksSuite": "patter_testing.suites.webhooks",
    "without_keys": "patter_testing.simulation",
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
    "JudgeResult",
    "LLMJudge",
    "LLMSuite",
    "LabCall",
    "Persona",
    "PersonaCall",
    "PhoneSuite",
    "Played",
    "RealTimeLLM",
    "RemoteParty",
    "Reply",
    "STTSuite",
    "Simulation",
    "TTSSuite",
    "TransfersSuite",
    "TunnelSuite",
    "TurnDetectorSuite",
    "Unexercised",
    "VADSuite",
    "VendorTraits",
    "VirtualClock",
    "VirtualLoop",
    "WebhooksSuite",
    "digits_in",
    "lab",
    "read_back",
    "run_virtual",
    "simulated",
    "simulating",
    "site",
    "spoken",
    "unexercised",
    "without_keys",
]


def __getattr__(name: str) -> object:
    if home := _HOME.get(name):
        return getattr(import_module(home), name)
    raise AttributeError(f"module 'patter_testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
