"""Making an agent for a phone: every parameter named and typed, every problem told at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Never

from patter.agent import Agent
from patter.agent_engine import Detection
from patter.agent_fields import Transform
from patter.audio.agc import AgcConfig
from patter.audio.background import BackgroundAudioPlayer
from patter.call.allow import Allowed
from patter.call.answering import MessageHandler
from patter.call.barge_in_strategies import BargeInStrategy
from patter.call.compaction import CompactionConfig
from patter.call.hooks import PipelineHooks
from patter.call.phrasebook import OwnPhrases
from patter.errors import PatterError
from patter.parts import AgentParts, Choice, Choices
from patter.phone import arguments as checked
from patter.plugins.kinds import (
    AUDIO_FILTER_KIND,
    ENGINE_KIND,
    LLM_KIND,
    STT_KIND,
    TTS_KIND,
    TURN_DETECTOR_KIND,
    VAD_KIND,
)
from patter.plugins.registry import PluginRegistry
from patter.providers.audio_filter import AudioFilter
from patter.providers.carrier import Carrier
from patter.providers.engine import Engine
from patter.providers.guardrail import GuardrailProvider
from patter.providers.llm import LLM
from patter.providers.stt import STT
from patter.providers.tts import TTS
from patter.providers.turn_detector import TurnDetector
from patter.providers.vad import VAD
from patter.tools.consult import ConsultConfig
from patter.tools.mcp_server import McpServer
from patter.tools.skill import Skill
from patter.tools.tool import Tool

_REPLACEABLE = (
    ENGINE_KIND,
    STT_KIND,
    LLM_KIND,
    TTS_KIND,
    VAD_KIND,
    TURN_DETECTOR_KIND,
    AUDIO_FILTER_KIND,
)
"""What of an agent may be replaced from outside: by a flag of the command line."""


class AgentFactory:
    """The half of `patter.Patter` that makes agents.

    *registry* resolves their parts; *carrier* is the line that these must fit.
    """

    registry: PluginRegistry
    carrier: Carrier | None
    _problems: list[PatterError]
    """What is wrong with the phone itself; each agent's problems are reported with them."""

    def agent(
        self,
        system_prompt: str,
        engine: Choices[Engine] | None = None,
        stt: Choices[STT] | None = None,
        llm: Choices[LLM] | MessageHandler | None = None,
        tts: Choices[TTS] | None = None,
        voice: str | None = "",
        model: str | None = "",
        language: str = "en",
        first_message: str | None = "",
        tools: Sequence[Tool] | None = None,
        variables: Mapping[str, Any] | None = None,
        guardrails: Sequence[Choice[GuardrailProvider]] | None = None,
        hooks: PipelineHooks | None = None,
        text_transforms: Sequence[Transform] | None = None,
        vad: Choice[VAD] | Literal[False] | None = None,
        audio_filter: Choice[AudioFilter] | None = None,
        background_audio: BackgroundAudioPlayer | None = None,
        barge_in_threshold_ms: int = 300,
        aggressive_first_flush: bool = False,
        disable_phone_preamble: bool = False,
        *,
        provider: Literal["openai_realtime", "elevenlabs_convai", "pipeline"] | None = None,
        handoffs: Mapping[str, Agent] | None = None,
        skills: Sequence[Skill] | None = None,
        turn_detector: Choice[TurnDetector] | None = None,
        consult: ConsultConfig | None = None,
        mcp_servers: Iterable[str | Mapping[str, Any] | McpServer] | None = None,
        name: str = "agent",
        phrases: OwnPhrases | None = None,
        prewarm_first_message: bool = True,
        try_saying: Sequence[str] | None = None,
        voicemail_message: str | None = "",
        llm_error_message: str | None = "",
        long_turn_message: str | None = "",
        long_turn_message_after_s: float = 4.0,
        pronunciations: Mapping[str, str] | None = None,
        spoken_forms: bool = False,
        transfer_allowed: Allowed | Iterable[str] | None = None,
        echo_gate: bool = True,
        echo_cancellation: bool = False,
        high_pass_hz: float | None = None,
        agc: bool | AgcConfig = False,
        barge_in_mode: Literal["cancel", "pause_resume"] = "pause_resume",
        barge_in_confirm_ms: int | None = None,
        barge_in_min_words: int | None = None,
        barge_in_strategies: Sequence[BargeInStrategy] | None = None,
        silence_ms: int | None = None,
        speak_after_ms: int = 1_000,
        max_semantic_hold_ms: int | None = None,
        idle_ms: tuple[int, ...] | None = None,
        max_call_ms: int | None = None,
        max_history: int = 200,
        compaction: CompactionConfig | bool | None = None,
        context_token_budget: int | None = None,
        preemptive_generation: bool = False,
        preemptive_min_stable_ms: int = 300,
        filter_hallucinations: bool = True,
        tool_call_preambles: bool | str = False,
        realtime_turn_detection: Detection | None = None,
        openai_realtime_noise_reduction: Literal["near_field", "far_field"] | None = None,
        **unknown: Never,
    ) -> Agent:
        """Describe who answers; see `Agent` for what each parameter means.

        Raises AgentError with everything that is wrong, carrier included, and PatterTypeError
        for a parameter there is not. An AgentError about a value of the wrong type is a TypeError.
        """
        return self._described(locals(), unknown)

    def gathered(self, agent: Agent, *, has_handler: bool | None = None) -> AgentParts:
        """The parts of *agent* on this phone's line. Raises AgentError, carrier included."""
        return agent.gather(
            self.registry, carrier=self.carrier, has_handler=has_handler, problems=self._problems
        )

    def _described(self, arguments: Mapping[str, Any], unknown: Mapping[str, Any]) -> Agent:
        """The agent with *arguments* of `agent`, whose parts can be made. Raises AgentError."""
        fields = {key: each for key, each in arguments.items() if key not in ("self", "unknown")}
        checked.refuse_unknown("agent", unknown, list(fields))
        # An engine that *provider* names is replaced when it is resolved: the agent names none.
        kinds = [kind for kind in _REPLACEABLE if kind is not ENGINE_KIND or not fields["provider"]]
        replaced = {kind.name: self.registry.chosen(kind, fields[kind.name]) for kind in kinds}
        defaults = {"variables": {}, "hooks": PipelineHooks(), "pronunciations": {}}
        empty = {name: value for name, value in defaults.items() if fields[name] is None}
        agent = Agent(**{**fields, **replaced, **empty})
        self.gathered(agent)
        return agent
