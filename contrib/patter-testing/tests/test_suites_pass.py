"""The fakes keep the rules that every provider has to keep."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import pytest

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.errors import AuthenticationError
from patter.providers.engine import EngineCapabilities, Truncation, Verbatim
from patter.providers.llm import LLMRequest, TextChunk, ToolRequest
from patter.providers.stt import Transcript
from patter_testing import (
    AudioFilterSuite,
    CarrierSuite,
    EngineSuite,
    FakeAudioFilter,
    FakeEngine,
    FakeEngineVendor,
    FakeGuardrail,
    FakeTunnel,
    FakeTurnDetector,
    GuardrailSuite,
    TunnelSuite,
    TurnDetectorSuite,
)
from patter_testing.fakes.llm import FakeLLM, Reply
from patter_testing.fakes.stt import At, FakeSTT
from patter_testing.fakes.tts import FakeTTS, spoken
from patter_testing.fakes.vad import FakeVAD
from patter_testing.suites.llm import LLMSuite
from patter_testing.suites.stt import STTSuite, silence
from patter_testing.suites.tts import TTSSuite
from patter_testing.suites.vad import VADSuite

from .wire_carrier import WireCarrier, WireParty, party

NO = AuthenticationError("the key was refused", fix="set FAKE_API_KEY")


class TestFakeSTT(STTSuite):
    @pytest.fixture
    def provider(self) -> FakeSTT:
        return FakeSTT(script=(At(800, Transcript("hello there", True)),))

    @pytest.fixture
    def speech(self, provider: FakeSTT) -> tuple[AudioFormat, bytes, str]:
        return MULAW_8K, silence(MULAW_8K, 1_000), "hello there"

    @pytest.fixture
    def refused(self) -> FakeSTT:
        return FakeSTT(refuses=NO)

    @pytest.fixture
    def cut_off(self) -> FakeSTT:
        return FakeSTT(hangs_up_at_ms=500)

    @pytest.fixture
    def garbage(self) -> FakeSTT:
        return FakeSTT(breaks_at_ms=500)

    @pytest.fixture
    def mute(self) -> FakeSTT:
        return FakeSTT(deaf=True)


class TestFakeTTS(TTSSuite):
    @pytest.fixture
    def provider(self) -> FakeTTS:
        return FakeTTS(timed=True)

    @pytest.fixture
    def refused(self) -> FakeTTS:
        return FakeTTS(refuses=NO)

    @pytest.fixture
    def cut_off(self) -> FakeTTS:
        return FakeTTS(fails_at_ms=300)

    @pytest.fixture
    def garbage(self) -> FakeTTS:
        return FakeTTS(fails_at_ms=0)

    @pytest.fixture
    def mute(self) -> FakeTTS:
        return FakeTTS(stalls_at_ms=0)


class TestFakeLLM(LLMSuite):
    @pytest.fixture
    def provider(self) -> FakeLLM:
        tools = (
            ToolRequest("call-1", "book_table", '{"people":2}'),
            ToolRequest("call-2", "cancel_table", '{"people":3}'),
        )

        def answer(request: LLMRequest) -> Reply:
            wants = request.tools and request.messages[-1].role == "user"
            return (
                Reply(tools=tools[: len(request.tools)]) if wants else Reply(text="Hello to you.")
            )

        return FakeLLM(answer=answer)

    @pytest.fixture
    def refused(self) -> FakeLLM:
        return FakeLLM(replies=(Reply(fails=NO),))

    @pytest.fixture
    def cut_off(self) -> FakeLLM:
        return FakeLLM(replies=(Reply(text="one two three", fails=NO, fails_after=2),))

    @pytest.fixture
    def garbage(self) -> FakeLLM:
        return FakeLLM(replies=(Reply(garbage=(TextChunk("\0"),)),))

    @pytest.fixture
    def mute(self) -> FakeLLM:
        return FakeLLM(replies=(Reply(silent=True),))


class TestFakeVAD(VADSuite):
    @pytest.fixture
    def provider(self) -> FakeVAD:
        return FakeVAD()

    @pytest.fixture
    def voice(self) -> tuple[AudioFormat, bytes]:
        return MULAW_8K, spoken("a voice for one second", MULAW_8K)


class TestWireCarrier(CarrierSuite):
    @pytest.fixture
    def provider(self) -> WireCarrier:
        return WireCarrier()

    def remote(self, base_url: str, provider: object) -> AbstractAsyncContextManager[WireParty]:
        return party(base_url)


class TestFakeTunnel(TunnelSuite):
    @pytest.fixture
    def provider(self) -> FakeTunnel:
        return FakeTunnel()

    @pytest.fixture
    def refused(self) -> FakeTunnel:
        return FakeTunnel(refuses=NO)


class TestFakeGuardrail(GuardrailSuite):
    @pytest.fixture
    def provider(self) -> FakeGuardrail:
        return FakeGuardrail(blocked=("lawsuit",), replacement="I cannot say.")

    @pytest.fixture
    def bad(self) -> str:
        return "Expect a Lawsuit."

    @pytest.fixture
    def refused(self) -> FakeGuardrail:
        return FakeGuardrail(fails=NO)


class TestFakeTurnDetector(TurnDetectorSuite):
    @pytest.fixture
    def provider(self) -> FakeTurnDetector:
        return FakeTurnDetector()


class TestFakeAudioFilter(AudioFilterSuite):
    @pytest.fixture
    def provider(self) -> FakeAudioFilter:
        return FakeAudioFilter()


class TestFakeAudioFilterOfTheFarEnd(AudioFilterSuite):
    @pytest.fixture
    def provider(self) -> FakeAudioFilter:
        return FakeAudioFilter(echo_ms=120)


class TestFakeEngine(EngineSuite):
    @pytest.fixture
    def provider(self) -> FakeEngine:
        return FakeEngine(replies=("Hello to you.",))

    @pytest.fixture
    def vendor(self, provider: FakeEngine) -> FakeEngineVendor:
        return FakeEngineVendor(provider)

    @pytest.fixture
    def refused(self) -> FakeEngine:
        return FakeEngine(refuses=NO)

    @pytest.fixture
    def cut_off(self) -> FakeEngine:
        return FakeEngine(fails_at_ms=100)

    @pytest.fixture
    def garbage(self) -> FakeEngine:
        return FakeEngine(fails_at_ms=0)

    @pytest.fixture
    def mute(self) -> FakeEngine:
        return FakeEngine(mute=True)


class TestFakeEngineOfAModestVendor(TestFakeEngine):
    """One that declares nothing keeps the same rules, and refuses the rest."""

    @pytest.fixture
    def provider(self) -> FakeEngine:
        return FakeEngine(replies=("Hello to you.",), can=EngineCapabilities())


class TestFakeEngineWhoseVendorEstimates(TestFakeEngine):
    @pytest.fixture
    def provider(self) -> FakeEngine:
        can = EngineCapabilities(
            truncation=Truncation.VENDOR,
            verbatim=Verbatim.GREETING,
            text_in=True,
            responds_on_request=True,
        )
        return FakeEngine(replies=("Hello to you.",), can=can)
