"""An agent whose vendors are doubles on this machine: no keys, no network, nothing to pay.

    async with simulating(phone, agent) as simulation:
        await phone.serve(simulation.agent)

Doubles are found by the entry points ``patter.double``, under the provider's name. They are real
servers, so time is real, too. Who has no double is used as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from patter.agent import Agent
from patter.client_pool import client_pool
from patter.env import standing_in
from patter.errors import PatterConfigError, PatterTypeError, PluginError
from patter.parts import OFF
from patter.plugins import importing
from patter.plugins.kinds import (
    ENGINE_KIND,
    GUARDRAIL_KIND,
    LLM_KIND,
    STT_KIND,
    TTS_KIND,
    TURN_DETECTOR_KIND,
    Kind,
)
from patter.plugins.overrides import overriding
from patter.plugins.registry import PluginRegistry
from patter.providers.traits import ProviderTraits
from patter_testing.clock import VirtualLoop
from patter_testing.doubles.vendor_double import KEY, Lines, VendorDouble
from patter_testing.fakes.carrier import FakeCarrier

if TYPE_CHECKING:
    from patter.client import Patter

KINDS: tuple[Kind[Any], ...] = (
    STT_KIND,
    LLM_KIND,
    TTS_KIND,
    ENGINE_KIND,
    TURN_DETECTOR_KIND,
    GUARDRAIL_KIND,
)
NOT_UNDERSTOOD = "(words that a simulation cannot understand)"


Run: TypeAlias = Callable[[VendorDouble], AbstractAsyncContextManager[object]]
"""Serves a double while inside, and sets its ``url``."""


def not_understood(voice_ms: float) -> str:
    """What a voice is heard as when nobody says what it means."""
    return NOT_UNDERSTOOD if voice_ms else ""


@attrs.frozen
class SimulatedPart:
    """A provider of the agent; *url* is where its double is, "" when it is used as it is."""

    kind: str
    name: str
    url: str = ""

    def __str__(self) -> str:
        how = f"simulated at {self.url}" if self.url else "as it is: it has no simulator"
        return f"{self.kind:14} {self.name:24} {how}"


@attrs.define(eq=False, kw_only=True)
class Simulation:
    """What stands in for an agent's vendors; *agent* and *registry* are those to be used.

    *lines* are what the caller's next stretches of voice are heard as, by whichever simulator
    listens. *doubles* are those that run, by the names of the providers they stand for.
    """

    agent: Agent
    registry: PluginRegistry
    lines: Lines = attrs.field(factory=Lines)
    doubles: dict[str, VendorDouble] = attrs.field(factory=dict)
    parts: list[SimulatedPart] = attrs.field(factory=list)
    _run: Run = attrs.field(default=VendorDouble.running, repr=False)

    @property
    def listens(self) -> bool:
        """Is there anybody to `hear`?"""
        return any(map(_listens, self.doubles.values()))

    async def hear(self, text: str) -> None:
        """The recogniser understands *text* now, in every call. Raises PatterConfigError."""
        ears = {id(each): each for each in self.doubles.values() if _listens(each)}
        if not ears:
            raise PatterConfigError("nobody who listens is simulated", fix="give it a simulator")
        for each in ears.values():
            await each.hear(text)

    def simulates(self, kind: str) -> bool:
        """Is the first provider of *kind* a simulator?"""
        return any(part.url for part in [each for each in self.parts if each.kind == kind][:1])


@asynccontextmanager
async def simulated(
    agent: Agent,
    registry: PluginRegistry,
    *,
    lines: Lines | Iterable[str] = (),
    otherwise: Callable[[float], str] = not_understood,
    run: Run = VendorDouble.running,
) -> AsyncIterator[Simulation]:
    """Run a simulator for each provider of *agent* that has one, and point it there.

    *otherwise* says what voice is heard as once *lines* are used up. *run* serves a simulator, by
    default in this process. Raises PatterConfigError on a virtual loop, and for a provider that has
    neither a simulator nor a key.
    """
    if not isinstance(agent, Agent):
        raise PatterTypeError("only an Agent is simulated", fix="give what phone.agent() makes")
    if isinstance(asyncio.get_running_loop(), VirtualLoop):
        raise PatterConfigError(
            "a simulation has real sockets, and this loop's time is not real",
            fix="remove the marker virtual_time",
        )
    caller_lines = lines if isinstance(lines, Lines) else Lines(lines)
    simulation = Simulation(agent=agent, registry=registry, lines=caller_lines, run=run)
    async with AsyncExitStack() as running:
        await running.enter_async_context(client_pool())
        with standing_in(KEY):
            for kind in KINDS:
                await _replace(simulation, kind, otherwise, running)
        yield simulation


@asynccontextmanager
async def simulating(
    phone: Patter,
    agent: Agent,
    *,
    lines: Lines | Iterable[str] = (),
    otherwise: Callable[[float], str] = not_understood,
    run: Run = VendorDouble.running,
) -> AsyncIterator[Simulation]:
    """Like `simulated`; meanwhile *phone* uses the simulation's registry.

    Its carrier and tunnel are used as they are, with keys of their own.
    """
    _refuse_without_key("carrier", getattr(phone.carrier, "name", ""), phone.carrier)
    _refuse_without_key("tunnel", type(phone.tunnel).__name__, phone.tunnel)
    registry = phone.registry
    made = simulated(agent, registry, lines=lines, otherwise=otherwise, run=run)
    async with made as simulation:
        phone.registry = simulation.registry
        try:
            yield simulation
        finally:
            phone.registry = registry


@contextmanager
def without_keys(*, carrier: bool = True) -> Iterator[None]:
    """In this context, agents that will be simulated can be made without their vendors' keys.

    Without its *carrier*, the phone has a line that calls nobody, and no tunnel.
    """
    line: dict[str, object] = {} if carrier else {"carrier": FakeCarrier(), "tunnel": None}
    with standing_in(KEY), overriding(line):
        yield


async def _replace(
    simulation: Simulation, kind: Kind[Any], otherwise: Callable[[float], str], running: Any
) -> None:
    """Point the providers of *kind* at their doubles; overrides of it are in the agent then."""
    field = "guardrails" if kind is GUARDRAIL_KIND else kind.name
    choice = simulation.registry.chosen(kind, getattr(simulation.agent, field))
    providers = [simulation.registry.resolve(kind, each) for each in _each(choice)]
    if not providers:
        return
    pointed = [await _pointed(simulation, kind, each, otherwise, running) for each in providers]
    several = field == "guardrails" or isinstance(choice, list | tuple)
    changed: dict[str, Any] = {field: tuple(pointed) if several else pointed[0]}
    simulation.agent = attrs.evolve(simulation.agent, **changed)
    rest = {each: part for each, part in simulation.registry.overrides.items() if each != kind.name}
    simulation.registry = attrs.evolve(simulation.registry, overrides=rest)


async def _pointed(
    simulation: Simulation,
    kind: Kind[Any],
    provider: Any,
    otherwise: Callable[[float], str],
    running: AsyncExitStack,
) -> Any:
    """*provider*, at its double if it has one; one double stands for all that it can."""
    catalogue = simulation.registry.catalogue
    owners = {catalogue.real_name(each) for each in catalogue.owners(kind, provider)}
    double = next((each for each in catalogue.doubles if each.name in owners), None)
    name = double.name if double else next(iter(sorted(owners)), type(provider).__name__)
    label = "/".join(filter(None, (name, ProviderTraits.of(provider).model)))
    if double is None:
        _refuse_without_key(kind.name, name, provider)
        simulation.parts.append(SimulatedPart(kind.name, label))
        return provider
    made = _class_of(double)
    vendor = next((each for each in simulation.doubles.values() if type(each) is made), None)
    if vendor is None:
        vendor = made(lines=simulation.lines, otherwise=otherwise)
        await running.enter_async_context(simulation._run(vendor))
    simulation.doubles[name] = vendor
    simulation.parts.append(SimulatedPart(kind.name, label, vendor.url))
    return vendor.pointed(provider)


def _class_of(candidate: Any) -> type[VendorDouble]:
    double = importing.load(candidate)
    if not (isinstance(double, type) and issubclass(double, VendorDouble)):
        raise PluginError(
            f"{candidate.label}: {candidate.entry_point.value} is not a VendorDouble",
            fix="name a subclass of patter_testing.doubles.vendor_double.VendorDouble",
        )
    return double


def _each(choice: Any) -> Iterator[Any]:
    if choice is None or choice is False or choice in ("", OFF):
        return iter(())
    return iter(choice if isinstance(choice, list | tuple) else [choice])


def _refuse_without_key(kind: str, name: str, part: Any) -> None:
    """No real vendor is shown the key of a double."""
    if _holds_key(part):
        raise PatterConfigError(
            f"{kind} {name!r} has no key, and no simulator that needs none",
            fix="export its key, or install a plugin with a simulator",
        )


def _holds_key(part: Any) -> bool:
    """Is the key of a double in *part*, or in what it is made of?"""
    if isinstance(part, list | tuple):
        return any(map(_holds_key, part))
    if attrs.has(type(part)) and not isinstance(part, type):
        return any(_holds_key(getattr(part, each.name)) for each in attrs.fields(type(part)))
    return bool(part == KEY)


def _listens(double: VendorDouble) -> bool:
    return type(double).hear is not VendorDouble.hear
