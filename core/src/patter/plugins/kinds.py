"""The kinds of providers there are: one definition each.

Everything else follows from it: the entry points, the hook, the flag of the command line, what
an object must have. A new kind is a file in `patter.providers` and a definition here. A contract
is named by path and imported when it is first asked for, so that plugins can be listed without
it; what it requires is read from the protocol itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import attrs

from patter.errors import PatterConfigError, PatterTypeError, did_you_mean, indefinite

if TYPE_CHECKING:
    from patter.providers.audio_filter import AudioFilter
    from patter.providers.carrier import Carrier
    from patter.providers.engine import Engine
    from patter.providers.guardrail import GuardrailProvider
    from patter.providers.llm import LLM
    from patter.providers.stt import STT
    from patter.providers.traits import ProviderTraits
    from patter.providers.tts import TTS
    from patter.providers.tunnel import Tunnel
    from patter.providers.turn_detector import TurnDetector
    from patter.providers.vad import VAD

P = TypeVar("P")


@attrs.frozen
class Kind(Generic[P]):
    """Providers that keep the protocol *P*.

    *name* is that of its option, its entry points (``patter.NAME``) and its hook
    (``patter_NAME``). *noun* says in a sentence what it is. *contract* is the path of *P*,
    *traits* of what its providers may tell of themselves beside it, both ``module:class``.

    >>> Kind("stt", "recogniser", "patter.providers.stt:STT").missing(object())
    ['accepts', 'open']
    """

    name: str
    noun: str
    contract: str
    traits: str = "patter.providers.traits:ProviderTraits"

    def __str__(self) -> str:
        return self.name

    @property
    def hook(self) -> str:
        """The hook that makes one of a spec."""
        return f"patter_{self.name}"

    @property
    def group(self) -> str:
        """The group of its entry points."""
        return f"patter.{self.name}"

    @property
    def indefinite(self) -> str:
        """Its name with its article: ``an llm``."""
        return indefinite(self.name)

    @cached_property
    def protocol(self) -> type:
        """The protocol *P*."""
        return _imported(self.contract)

    @cached_property
    def traits_class(self) -> type[ProviderTraits]:
        """What reads the traits of its providers."""
        return _imported(self.traits)

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The attributes that a provider must have."""
        return tuple(name for name, member in _members(self.protocol) if not callable(member))

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """The methods that a provider must have."""
        return tuple(name for name, member in _members(self.protocol) if callable(member))

    def missing(self, thing: object) -> list[str]:
        """The members that *thing* lacks to be one, in the contract's order."""
        absent = [name for name in self.values if not hasattr(thing, name)]
        return absent + [name for name in self.methods if not callable(getattr(thing, name, None))]

    def check(self, thing: object) -> None:
        """Raise PatterTypeError naming what keeps *thing* from being used as one."""
        if isinstance(thing, type):
            raise PatterTypeError(
                f"{self} is given the class {thing.__name__}, not one of its objects",
                fix=f"write {self}={thing.__name__}(...)",
            )
        if absent := self.missing(thing):
            raise PatterTypeError(
                f"{type(thing).__name__} cannot be the {self}: it has no "
                f"{', '.join(map(repr, absent))}",
                fix="pass a spec string or an object like those in "
                f"{self.contract.partition(':')[0]}",
            )
        self.traits_class.of(thing)


CARRIER_KIND: Kind[Carrier] = Kind("carrier", "carrier", "patter.providers.carrier:Carrier")
STT_KIND: Kind[STT] = Kind(
    "stt", "recogniser", "patter.providers.stt:STT", traits="patter.providers.stt:STTTraits"
)
TTS_KIND: Kind[TTS] = Kind("tts", "voice", "patter.providers.tts:TTS")
LLM_KIND: Kind[LLM] = Kind("llm", "language model", "patter.providers.llm:LLM")
VAD_KIND: Kind[VAD] = Kind("vad", "voice detector", "patter.providers.vad:VAD")
ENGINE_KIND: Kind[Engine] = Kind(
    "engine", "speech-to-speech engine", "patter.providers.engine:Engine"
)
TUNNEL_KIND: Kind[Tunnel] = Kind(
    "tunnel",
    "tunnel",
    "patter.providers.tunnel:Tunnel",
    traits="patter.providers.tunnel:TunnelTraits",
)
GUARDRAIL_KIND: Kind[GuardrailProvider] = Kind(
    "guardrail",
    "guardrail",
    "patter.providers.guardrail:GuardrailProvider",
    traits="patter.providers.guardrail:GuardrailTraits",
)
TURN_DETECTOR_KIND: Kind[TurnDetector] = Kind(
    "turn_detector",
    "turn detector",
    "patter.providers.turn_detector:TurnDetector",
    traits="patter.providers.turn_detector:TurnDetectorTraits",
)
AUDIO_FILTER_KIND: Kind[AudioFilter] = Kind(
    "audio_filter", "audio filter", "patter.providers.audio_filter:AudioFilter"
)

KINDS: tuple[Kind[Any], ...] = (
    CARRIER_KIND,
    STT_KIND,
    TTS_KIND,
    LLM_KIND,
    VAD_KIND,
    ENGINE_KIND,
    TUNNEL_KIND,
    GUARDRAIL_KIND,
    TURN_DETECTOR_KIND,
    AUDIO_FILTER_KIND,
)
"""In the order in which they are listed."""


def kind_names() -> list[str]:
    """What the kinds are called."""
    return [kind.name for kind in KINDS]


def kind_named(name: str) -> Kind[Any]:
    """The kind that is called *name*. Raises PatterConfigError."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    names = kind_names()
    fix = did_you_mean(name, names, f"use one of {', '.join(names)}")
    raise PatterConfigError(f"there is no kind of provider named {name!r}", fix=fix)


def _imported(path: str) -> type:
    module, _, name = path.partition(":")
    imported: type = getattr(import_module(module), name)
    return imported


def _members(protocol: type) -> Iterator[tuple[str, object]]:
    """The public members that *protocol* declares, those of its bases first."""
    for each in reversed(protocol.__mro__):
        if each not in (object, Protocol, Generic):
            yield from ((name, None) for name in inspect.get_annotations(each) if name[0] != "_")
            yield from ((name, member) for name, member in vars(each).items() if name[0] != "_")
