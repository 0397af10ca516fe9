"""What an application hangs into the pipeline: a function for each stage, and what it is told.

Values alone. Who calls these functions, and bounds them, is `patter.call.hook_executor`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import PatterTypeError
from patter.providers.context import CallContext, Direction

Hook: TypeAlias = Callable[..., Any]
TIERS = ("on_chunk", "on_sentence", "on_response")


@attrs.frozen
class HookContext:
    """One call, as hooks may know it.

    *history* is what was said before the hook's turn was answered, its own words last: rows of
    ``role`` (user, assistant, tool) and ``text``. It does not change while the turn lasts.
    *audio* is the format of the samples that a hook is passed: PCM16 at the rate of the line.
    The rest is that of `CallContext`.
    """

    call_id: str
    caller: str = ""
    callee: str = ""
    history: tuple[Mapping[str, str], ...] = ()
    direction: Direction = Direction.INBOUND
    carrier: str = ""
    agent: str = ""
    language: str = "en"
    variables: Mapping[str, str] = attrs.field(factory=dict)
    audio: AudioFormat | None = None

    @classmethod
    def of(cls, call: CallContext, history: Iterable[Mapping[str, str]] = ()) -> HookContext:
        """That of *call*, of which *history* was said."""
        return cls(
            call.call_id,
            call.caller,
            call.callee,
            tuple(history),
            call.direction,
            call.carrier,
            call.agent,
            call.language,
            call.variables,
        )


@attrs.frozen
class LLMTiers:
    """What looks at a model's text: each piece, each sentence, each whole response."""

    on_chunk: Hook | None = None
    on_sentence: Hook | None = None
    on_response: Hook | None = None

    @classmethod
    def of(cls, after_llm: object) -> LLMTiers:
        """The tiers of an object or mapping; a plain function looks at the whole response.

        Raises PatterTypeError for what is none of these.
        """
        if after_llm is None:
            return cls()
        if isinstance(after_llm, Mapping):
            tiers = dict(after_llm)
        else:
            tiers = {name: getattr(after_llm, name, None) for name in TIERS}
            if not any(tiers.values()) and callable(after_llm):
                return cls(on_response=after_llm)
        odd = [name for name, hook in tiers.items() if name not in TIERS or not _may_be(hook)]
        if odd or not any(tiers.values()):
            raise PatterTypeError(
                f"after_llm is {after_llm!r}, which has no {' or '.join(odd or TIERS)} to call",
                fix='write after_llm={"on_sentence": a_function}, or on_chunk, or on_response',
            )
        return cls(**tiers)


def _may_be(hook: object) -> bool:
    return hook is None or callable(hook)


@attrs.frozen(kw_only=True)
class PipelineHooks:
    """Functions of the application around each stage, sync or async.

    Each gets the value and the `HookContext`, and returns what goes on instead of it.

    *before_send_to_stt* ``(pcm, ctx)``: the caller's audio, None: the recogniser hears silence.
    *after_transcribe* ``(text, ctx)``: the caller's words as the model reads them, None: the turn
    gets no answer; the record keeps what was recognised.
    *before_llm* ``(messages, ctx)``: what the model is shown, None: as it is.
    *after_llm*: an object or dict with ``on_chunk(chunk)``, ``on_sentence(sentence, ctx)``, where
    ``""`` drops the sentence, and ``on_response(text, ctx)``, for which the whole response is
    waited for; each may return None: as it is. A function ``(text, ctx)`` is an ``on_response``,
    and is deprecated.
    *before_synthesize* ``(sentence, ctx)``: what is spoken, None: it is not.
    *after_synthesize* ``(audio, text, ctx)``: the voice's audio, None: this piece is not played.

    One that raises is logged and changes nothing. One that takes too long changes nothing from
    then on, see `patter.call.hook_executor`. Raises PatterTypeError for what is no function.
    """

    before_send_to_stt: Hook | None = None
    after_transcribe: Hook | None = None
    before_llm: Hook | None = None
    after_llm: Any = None
    before_synthesize: Hook | None = None
    after_synthesize: Hook | None = None
    tiers: LLMTiers = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        for name in self.stages:
            if name != "after_llm" and not callable(getattr(self, name)):
                raise PatterTypeError(
                    f"{name} is {getattr(self, name)!r}, which cannot be called",
                    fix=f"pass a function: {name}=lambda value, ctx: value",
                )
        tiers = LLMTiers.of(self.after_llm)
        if self.after_llm is not None and tiers.on_response is self.after_llm:
            warnings.warn(
                "after_llm as a function waits for the whole response before anything is said: "
                'write after_llm={"on_sentence": ...}, or {"on_response": ...} to keep it so',
                DeprecationWarning,
                stacklevel=3,
            )
        object.__setattr__(self, "tiers", tiers)

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of those that are set."""
        names = (field.name for field in attrs.fields(type(self)) if field.init)
        return tuple(name for name in names if getattr(self, name) is not None)
