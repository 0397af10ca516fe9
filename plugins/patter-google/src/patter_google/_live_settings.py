"""What can be set of a Live session, and what is refused before anybody calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from patter.errors import PatterConfigError
from patter.providers.engine import OPEN_S
from patter.vendors.options import address, choice, number, several, switch
from patter_google._live_models import LiveModel, live_model
from patter_google._settings import BASE_URL, THRESHOLDS, cloud_project, gemini_key

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

SENSITIVITIES = ("high", "low")
BEHAVIORS = ("NON_BLOCKING", "BLOCKING")
COVERAGES = (
    "TURN_INCLUDES_ONLY_ACTIVITY",
    "TURN_INCLUDES_ALL_INPUT",
    "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
)
LEVELS = ("minimal", "low", "medium", "high")

WINDOW_TOKENS = 131_072
"""The context of every Live model of today."""


@attrs.frozen(kw_only=True)
class LiveSettings:
    """The options of a session; what is None or empty is left to the vendor.

    *voice* is one of the vendor's prebuilt voices, *language* a BCP-47 code for models that do not
    choose it themselves, as those with native audio do. *temperature* is 0 to 2, *top_p* 0 to 1.
    *thinking_level* (Gemini 3.1) or *thinking_budget* in tokens (Gemini 2.5, 0 is none) say how
    much is thought. *affective* answers the caller's tone, *proactive* may leave a caller
    unanswered who did not mean the agent; both are of Gemini 2.5.

    *start_sensitivity*, *end_sensitivity* (``high`` or ``low``), *prefix_padding_ms* and
    *silence_ms* are those of the vendor's own voice detection; with *manual_turns* it is off and
    turns are ended by hand. *turn_coverage* is which audio belongs to a turn. With
    *vendor_interrupts* the vendor stops itself when it hears the caller; without, as the call
    wants it. *explicit_vad* has it tell where it hears a voice; Vertex AI does.

    *tool_behavior* is whether the model waits for a tool. *transcription_languages* and
    *vocabulary* help to hear the caller. *trigger_tokens* and *target_tokens* are when the context
    is compressed and to how much of it; *compression* False leaves that off, and such a session
    ends after 15 minutes. *safety* is from which probability of harm on the vendor blocks.

    A session opens within *open_s*. A response of which nothing comes for *response_s* has failed.
    *connection_s* is how long a connection lasts at most: half a minute before, the call opens
    another one, and earlier when the vendor says so.
    """

    model: str = "gemini-3.8-live"
    vertexai: bool = switch()
    project: str = cloud_project()
    location: str = "us-central1"
    voice: str = "Puck"
    language: str = ""
    temperature: float | None = number(0.8, 0, 2, off=True)
    top_p: float | None = number(None, 0, 1)
    top_k: int | None = number(None, 1, 1_000_000, whole=True)
    max_output_tokens: int | None = number(None, 1, 1_000_000, whole=True)
    seed: int | None = number(None, -(1 << 31), (1 << 31) - 1, whole=True)
    thinking_level: str = choice("", *LEVELS)
    thinking_budget: int | None = number(None, -1, 32_768, whole=True)
    affective: bool = switch()
    proactive: bool = switch()
    start_sensitivity: str = choice("", *SENSITIVITIES)
    end_sensitivity: str = choice("", *SENSITIVITIES)
    prefix_padding_ms: int | None = number(None, 0, 10_000, whole=True)
    silence_ms: int | None = number(None, 0, 10_000, whole=True)
    manual_turns: bool = switch()
    turn_coverage: str = choice("", *COVERAGES)
    vendor_interrupts: bool = switch(True)
    explicit_vad: bool = switch()
    tool_behavior: str = choice("", *BEHAVIORS)
    transcription_languages: tuple[str, ...] = several()
    vocabulary: tuple[str, ...] = several()
    compression: bool = switch(True)
    trigger_tokens: int | None = number(None, 1, WINDOW_TOKENS, whole=True)
    target_tokens: int | None = number(None, 0, WINDOW_TOKENS, whole=True)
    safety: str | None = choice(None, *THRESHOLDS)
    open_s: float = number(4.5, 0.01, OPEN_S)
    response_s: float = number(15.0, 0.01, 300)
    connection_s: float | None = number(600.0, 1, 7_200, off=True)
    api_version: str = ""
    base_url: str = address(BASE_URL)
    api_key: str = gemini_key()
    credentials: Credentials | None = attrs.field(default=None, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        family = self.family
        self._refuse("thinking_level", not family.level)
        self._refuse("thinking_budget", not family.budget)
        self._refuse("affective", not family.affective)
        self._refuse("proactive", not family.proactive)
        if self.tool_behavior == "NON_BLOCKING" and not family.async_tools:
            raise self._misfit("tool_behavior NON_BLOCKING", "leave tool_behavior out")
        if self.thinking_level and self.thinking_budget is not None:
            raise self._misfit("thinking_level and thinking_budget at once", "set one of them")
        if self.explicit_vad and not self.vertexai:
            raise self._misfit("explicit_vad without vertexai", "leave explicit_vad out")
        if self.target_tokens is not None and self.target_tokens >= (
            self.trigger_tokens or WINDOW_TOKENS
        ):
            raise self._misfit("target_tokens that reach trigger_tokens", "give fewer")

    @property
    def family(self) -> LiveModel:
        """What *model* takes and does."""
        return live_model(self.model)

    @property
    def tools_wait(self) -> bool:
        """Does the model wait for a tool's result before it speaks on?"""
        return not self.family.async_tools or self.tool_behavior == "BLOCKING"

    @property
    def version(self) -> str:
        """The version of the API; what is experimental is in v1alpha alone."""
        if self.vertexai:
            return self.api_version or "v1beta1"
        experimental = self.affective or self.proactive
        return self.api_version or ("v1alpha" if experimental else "v1beta")

    def _refuse(self, option: str, refused: bool) -> None:
        value = getattr(self, option)
        if refused and value is not None and value != "" and value is not False:
            raise self._misfit(option, f"leave {option} out, or take another model")

    def _misfit(self, what: str, fix: str) -> PatterConfigError:
        return PatterConfigError(f"{self.model} cannot have {what}", fix=fix)
