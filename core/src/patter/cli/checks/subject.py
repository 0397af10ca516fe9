"""The subject of the checks: a target's phone and parts as far as they could be made.

What could not be made is kept as a problem, with the name of the check that reports it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from patter import env
from patter.agent import Agent
from patter.cli.address import address_of
from patter.cli.checks.hidden import Hidden
from patter.cli.checks.probe import HttpProbe, Probe
from patter.cli.target import load, split
from patter.client import Patter
from patter.clock import Clock, LoopClock
from patter.errors import (
    AgentError,
    MissingCredential,
    PatterConfigError,
    PatterError,
    PluginError,
    ProviderConflict,
    ProviderNotFound,
    indefinite,
)
from patter.llm.fallback import FallbackLLMProvider
from patter.observe.redact import Redaction, Redactor
from patter.parts import AgentParts, name_of
from patter.phone.public_endpoint import PublicEndpoint
from patter.plugins.kinds import (
    AUDIO_FILTER_KIND,
    ENGINE_KIND,
    GUARDRAIL_KIND,
    LLM_KIND,
    STT_KIND,
    TTS_KIND,
    TURN_DETECTOR_KIND,
    VAD_KIND,
    Kind,
)
from patter.plugins.registry import PluginRegistry
from patter.providers.traits import ProviderTraits

OURS = (MissingCredential, ProviderConflict, ProviderNotFound)
"""Errors whose text is ours and has names only: nothing in them needs hiding."""


@attrs.frozen
class Problem:
    """*name* is the check that reports *error*."""

    name: str
    error: PatterError


@attrs.frozen
class ClockReading:
    """The clock of *who* was *offset_s* seconds ahead of ours; *outside*: it is a vendor's."""

    who: str
    offset_s: float
    outside: bool = True


@attrs.frozen(kw_only=True)
class Subject:
    """*phone*, *agent*, *parts* and *address*: the target's, as far as they could be made."""

    registry: PluginRegistry
    target: str = ""
    phone: Patter | None = None
    agent: Agent | None = None
    parts: AgentParts | None = None
    address: PublicEndpoint = attrs.field(factory=PublicEndpoint)
    problems: tuple[Problem, ...] = ()
    environ: Mapping[str, str] = attrs.field(factory=env.environment, repr=False)
    clock: Clock = attrs.field(factory=LoopClock)
    probe: Probe = attrs.field(factory=HttpProbe)
    times: list[ClockReading] = attrs.field(factory=list)

    @property
    def providers(self) -> list[tuple[str, object]]:
        """The providers of the target, by name, without its carrier and its tunnel."""
        if (parts := self.parts) is None:
            return []
        models = parts.llm.providers if isinstance(parts.llm, FallbackLLMProvider) else (parts.llm,)
        chosen: dict[Kind[Any], Sequence[object]] = {
            STT_KIND: parts.stt_candidates,
            LLM_KIND: models,
            TTS_KIND: parts.tts_candidates,
            ENGINE_KIND: parts.engine_candidates,
            VAD_KIND: (parts.vad,),
            TURN_DETECTOR_KIND: (parts.turn_detector,),
            AUDIO_FILTER_KIND: (parts.audio_filter,),
            GUARDRAIL_KIND: parts.guardrails,
        }
        return [
            named
            for kind, providers in chosen.items()
            for named in _named(kind, [each for each in providers if each is not None], parts)
        ]

    @property
    def hidden(self) -> Hidden:
        """The secrets to hide, and the names that may be shown."""
        settings = [*(each for _, each in self.providers), self.address.tunnel]
        if self.phone is not None:
            settings.append(self.phone.carrier)
        number = "" if self.phone is None else self.phone.phone_number
        hosts = [host for each in settings for host in ProviderTraits.of(each).hosts]
        names = [name for each, _ in self.providers for name in each.split()]
        return Hidden.of(
            self.environ, settings, [*hosts, *names, self.target, self.address.host, number]
        )

    def worded(self, text: str) -> str:
        """*text* of a vendor or plugin, without secrets, with numbers as they may be shown."""
        return self.number(self.hidden.text(text))

    def number(self, text: str) -> str:
        """*text* with its phone numbers as PATTER_LOG_REDACT_PHONE says; masked if it is wrong."""
        try:
            how = Redaction.read(self.environ.get("PATTER_LOG_REDACT_PHONE", ""))
        except PatterConfigError:
            how = Redaction.MASK
        return Redactor(how).text(text)

    def note_time(self, who: str, wall: float | None, *, outside: bool = True) -> None:
        """Note the time *wall* that *who* sent, in seconds since 1970."""
        if wall is not None:
            # A Date header has whole seconds: on average half a second has passed since.
            self.times.append(ClockReading(who, wall + 0.5 - self.clock.wall(), outside))


def without_target() -> Subject:
    """The subject without a target: this machine."""
    return Subject(registry=PluginRegistry.from_environment())


def of_target(
    target: str,
    replaced: Mapping[str, object],
    phone: str | None = None,
    prepare: Callable[[Patter], None] = lambda _: None,
) -> Subject:
    """The subject of *target*, whose phone *prepare* has set up.

    Raises InputError when it is not ``module:name``.
    """
    split(target)
    problems: list[Problem] = []
    instance, thing = None, None
    try:
        loaded = load(target, Patter, replaced, phone)
        instance, thing = loaded.phone, loaded.thing
        prepare(instance)
    except PatterError as error:
        problems += _sorted_out(error)
        instance = _left_behind(target.partition(":")[0], error)
    parts = (
        _parts(instance, thing, problems) if instance is not None and thing is not None else None
    )
    return Subject(
        registry=instance.registry if instance is not None else PluginRegistry.from_environment(),
        target=target,
        phone=instance,
        agent=thing if isinstance(thing, Agent) else None,
        parts=parts,
        address=_address(instance, problems),
        problems=tuple(problems),
    )


def _parts(phone: Patter, thing: object, problems: list[Problem]) -> AgentParts | None:
    try:
        if not isinstance(thing, Agent):
            raise PatterConfigError(
                f"the target is {indefinite(type(thing).__name__)}, not an agent",
                fix="agent = phone.agent(...), then MODULE:agent",
            )
        return phone.gathered(thing)
    except PatterError as error:
        problems += _sorted_out(error)
        return None


def _address(phone: Patter | None, problems: list[Problem]) -> PublicEndpoint:
    if phone is None:
        return PublicEndpoint()
    try:
        return address_of(phone)
    except PatterError as error:
        problems.append(
            Problem("keys" if isinstance(error, MissingCredential) else "tunnel", error)
        )
        return PublicEndpoint(host=phone.webhook_url)


def _sorted_out(error: PatterError) -> list[Problem]:
    """The single problems of *error*, each with the check it belongs to."""
    if isinstance(error, AgentError):
        return [single for each in error.problems for single in _sorted_out(each)]
    if isinstance(error, MissingCredential):
        return [Problem("keys", error)]
    if isinstance(error, ProviderNotFound | ProviderConflict | PluginError):
        return [Problem("plugins", error)]
    return [Problem("target", error)]


def _left_behind(path: str, error: PatterError) -> Patter | None:
    """The one phone that module *path* had made when its import failed; None if not one."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__") == path:
            phones: dict[int, Any] = {
                id(each): each for each in frame.f_globals.values() if isinstance(each, Patter)
            }
            return next(iter(phones.values())) if len(phones) == 1 else None
    return None


def _named(
    kind: Kind[Any], providers: Sequence[object], parts: AgentParts
) -> list[tuple[str, object]]:
    """``deepgram stt``: *providers*, each with what errors call it."""
    first, rest = parts.names.get(kind.name), parts.fallback_names.get(kind.name, ())
    names = [*([first] if first else []), *rest]
    names += [name_of(kind, None, each) for each in providers[len(names) :]]
    return [(f"{name} {kind}", each) for (name, _), each in zip(names, providers, strict=True)]
