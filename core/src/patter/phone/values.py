"""Small values with which applications and this API describe a call, a message, a provider."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, TypeVar

import attrs

from patter.errors import PatterConfigError, PatterError, PatterTypeError
from patter.plugins.kinds import STT_KIND, TTS_KIND, Kind
from patter.plugins.registry import PluginRegistry
from patter.plugins.spec import ProviderSpec
from patter.providers.stt import STT
from patter.providers.tts import TTS

P = TypeVar("P")
C = TypeVar("C", "STTConfig", "TTSConfig")
HASH_CHARACTERS = 16


def hash_caller(caller: str) -> str | None:
    """The first 16 hexadecimal digits of the SHA-256 of *caller*; None for nobody.

    It tells callers apart in what must not hold their numbers. It is no secret: there are few
    enough numbers to try them all.

    >>> hash_caller("+15550107788")
    '31be11618f9dece7'
    """
    return hashlib.sha256(caller.encode()).hexdigest()[:HASH_CHARACTERS] if caller else None


@attrs.frozen
class IncomingMessage:
    """What a caller said, with the conversation before it: mappings of ``role`` and ``text``."""

    text: str
    call_id: str
    caller: str
    history: tuple[Mapping[str, Any], ...] = attrs.field(default=(), converter=tuple)

    def to_dict(self) -> dict[str, Any]:
        """Its fields by name."""
        return attrs.asdict(self)


@attrs.frozen
class SessionContext:
    """Which call something belongs to; *caller_hash* tells callers apart, see `hash_caller`."""

    call_id: str
    caller: str = ""
    callee: str = ""
    caller_hash: str | None = attrs.field(
        default=attrs.Factory(lambda self: hash_caller(self.caller), takes_self=True)
    )

    def to_dict(self) -> dict[str, Any]:
        """Its fields by name."""
        return attrs.asdict(self)


def _options(value: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return dict(value or {})


@attrs.frozen
class STTConfig:
    """A recogniser by name. *options* are those of its spec string, *model* among them.

    Without an *api_key* it has the one of the environment. A *language* of ``en`` leaves it what
    the agent speaks.
    """

    provider: str
    api_key: str = attrs.field(default="", repr=False)
    language: str = "en"
    options: Mapping[str, Any] = attrs.field(default=None, converter=_options)

    def to_dict(self) -> dict[str, Any]:
        """Its fields by name, the key among them."""
        return attrs.asdict(self)

    def build(self, registry: PluginRegistry) -> STT:
        """The recogniser. Raises PatterError for one there is not, or cannot be so."""
        spec = _spec(STT_KIND, self.provider, self.api_key, self.options)
        stt: STT = registry.resolve(STT_KIND, spec)
        return stt if self.language == "en" else _with(stt, self.provider, language=self.language)


@attrs.frozen
class TTSConfig:
    """A voice by the name of its provider. *options* are those of its spec string.

    Without an *api_key* it has the one of the environment. A *voice* of ``alloy`` leaves the
    provider its own, unless it has one of that name.
    """

    provider: str
    api_key: str = attrs.field(default="", repr=False)
    voice: str = "alloy"
    options: Mapping[str, Any] = attrs.field(default=None, converter=_options)

    def to_dict(self) -> dict[str, Any]:
        """Its fields by name, the key among them."""
        return attrs.asdict(self)

    def build(self, registry: PluginRegistry) -> TTS:
        """The voice. Raises PatterError for one there is not, or cannot be so."""
        spec = _spec(TTS_KIND, self.provider, self.api_key, self.options)
        tts: TTS = registry.resolve(TTS_KIND, spec)
        if self.voice in ("", "alloy"):
            return tts
        return _with(tts, self.provider, voice=self.voice, voice_id=self.voice)


def _spec(kind: Kind[Any], provider: str, api_key: str, options: Mapping[str, Any]) -> ProviderSpec:
    """What is to be built; the documents call OpenAI's voice ``openai_tts``."""
    texts = {
        name: value if isinstance(value, str) else str(value) for name, value in options.items()
    }
    return ProviderSpec(
        provider.removesuffix(f"_{kind.name}"),
        options=texts,
        secrets={"api_key": api_key} if api_key else {},
    )


def _with(provider: P, name: str, **values: str) -> P:
    """*provider* with the first of *values* that it has a field for. Raises PatterConfigError."""
    settings: Any = provider
    fields = attrs.fields_dict(type(settings)) if attrs.has(type(settings)) else {}
    for field, value in values.items():
        if field in fields:
            changed: P = attrs.evolve(settings, **{field: value})
            return changed
    field, value = next(iter(values.items()))
    raise PatterConfigError(f"{name} has no {field} to choose", fix=f"remove {field}={value!r}")


def config_of(cls: type[C], value: object) -> C:
    """*value*, or what its keys make. Raises PatterTypeError."""
    if isinstance(value, cls):
        return value
    names = list(attrs.fields_dict(cls))
    try:
        if isinstance(value, Mapping):
            config: C = cls(**value)
            return config
    except PatterError:
        raise
    except (TypeError, ValueError) as raised:
        raise _not_one(cls, names) from raised
    raise _not_one(cls, names)


def _not_one(cls: type, names: list[str]) -> PatterTypeError:
    return PatterTypeError(
        f"this makes no {cls.__name__}", fix=f"write a dict with some of {', '.join(names)}"
    )
