"""The floors of the house: an import only ever points down, and no plugin knows another."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from .house import CORE, Import, Package, dotted, here, imports, packages, plugins, sources, tree

FLOORS = (
    (
        "safe_text",
        "clock",
        "errors",
        "env",
        "aio",
        "event_loop",
        "threads",
        "application",
        "limited_log",
        "log_lines",
        "task_wall",
        "client_pool",
        "safe_logs",
        "egress",
    ),
    ("audio",),
    ("providers",),
    ("plugins",),
    ("text", "tools", "llm", "observe"),
    ("carriers", "vendors"),
    ("call",),
    ("server",),
    (
        "agent",
        "agent_engine",
        "agent_factory",
        "agent_fields",
        "agent_mode",
        "agent_mcp",
        "agent_roles",
        "agent_rules",
        "parts",
        "phone",
        "client",
    ),
    ("cli",),
)
"""From the ground up; neighbours on a floor may know each other."""

ABOVE = {"testing"}
"""May import anything of core; nothing of core imports it."""

KIT = "patter_testing"
"""What a vendor's double is made with: an extra of the plugin, which works without it."""

KEEPER = "patter.plugins.isolated_scope"
"""Starts and ends a task of its own: in a task group, a scope that fails would end the call."""

CARRIER_KIT = {"aio", "audio", "carriers", "clock", "env", "errors", "providers", "text"}
"""What the carrier kit may know: the contract, the ground, and how text is cleaned."""

INSIDE = {"server", "call"}
"""The parts of core that no plugin imports."""

RUNS_CALLS = {"patter_demo", KIT}
"""Build calls of their own, to show how they go or to test them, so they need what runs them."""

ROOMS_OF_A_CALL = {
    "patter.call.turn": {"errors", "text"},
    "patter.call.playout": {"aio", "audio", "clock", "errors", "providers", "text"},
}
"""What the two lower rooms of a call know of core; what is left of the call is its session."""

TURN, TURN_EVENTS = "patter.call.turn", "patter.call.turn.events"
"""The playout reports to the engine, so it knows the engine's events and no more of it."""

CALL_PATH = {"audio", "providers", "text", "tools", "llm", "call"}
LIGHT = {"patter.hookimpl", "patter.ProviderSpec", "__future__.annotations"}
LEVEL = {name: height for height, names in enumerate(FLOORS) for name in names}
OURS = {package.module for package in packages()}


def room(name: str) -> str:
    """The part of core that module *name* belongs to; empty for ``patter`` itself."""
    top, *inner = name.split(".")
    return inner[0] if top == "patter" and inner else ""


def core_imports() -> Iterator[tuple[Path, Import]]:
    """Every import in core that happens when the code runs."""
    for path in Package(CORE).modules():
        yield from ((path, found) for found in imports(path) if not found.typing)


def plugin_imports() -> Iterator[tuple[Package, Path, Import]]:
    """Every import in a plugin, the type checker's included."""
    for package in plugins():
        for path in package.modules():
            yield from ((package, path, found) for found in imports(path))


def at(path: Path, found: Import) -> str:
    return f"{here(path)}:{found.line} imports {found.name}"


def points_up(mine: str, theirs: str) -> bool:
    """Is *theirs* above *mine*?"""
    return theirs in ABOVE or LEVEL[theirs] > LEVEL[mine]


def test_every_part_of_core_has_a_floor() -> None:
    rooms = {room(dotted(path)) for path in Package(CORE).modules()}
    assert rooms - {""} <= {*LEVEL, *ABOVE}


def test_an_import_only_ever_points_down() -> None:
    wrong = [
        at(path, found)
        for path, found in core_imports()
        if (mine := room(dotted(path))) in LEVEL
        and (theirs := room(found.name)) in {*LEVEL, *ABOVE}
        and points_up(mine, theirs)
    ]
    assert not wrong


def test_core_imports_no_plugin() -> None:
    others = OURS - {"patter"}
    wrong = [at(path, found) for path, found in core_imports() if top(found) in others]
    assert not wrong


def test_core_imports_nothing_it_does_not_declare() -> None:
    declared = {"aiohttp", "attrs", "importlib_metadata", "msgspec", "numpy", "orjson", "pluggy"}
    known = {*sys.stdlib_module_names, *declared, "soxr", "patter"}
    wrong = [at(path, found) for path, found in core_imports() if top(found) not in known]
    assert not wrong


def test_the_carrier_kit_knows_the_contract_and_the_ground_alone() -> None:
    wrong = [
        at(path, found)
        for path in Package(CORE).modules()
        for found in imports(path)
        if room(dotted(path)) == "carriers"
        and top(found) == "patter"
        and room(found.name) not in CARRIER_KIT
    ]
    assert not wrong, "the kit is imported by carriers, and the server imports the kit"


def test_no_plugin_imports_the_server_or_a_call() -> None:
    wrong = [
        at(path, found)
        for package, path, found in plugin_imports()
        if room(found.name) in INSIDE and package.module not in RUNS_CALLS
    ]
    assert not wrong, "use patter.carriers, or what patter itself offers"


def test_plugins_use_what_is_public_of_core() -> None:
    wrong = [
        at(path, found)
        for _, path, found in plugin_imports()
        if top(found) == "patter" and any(part.startswith("_") for part in found.name.split("."))
    ]
    assert not wrong


def test_plugins_never_import_each_other() -> None:
    wrong = []
    for package, path, found in plugin_imports():
        if top(found) in OURS - {"patter", KIT, package.module}:
            extras = package.project.get("optional-dependencies", {}) | {"test": []}
            needs = [*package.project["dependencies"], *chain.from_iterable(extras.values())]
            declared = top(found).replace("_", "-") in " ".join(needs)
            if package.folder.parent.name == "plugins" or not declared:
                wrong.append(at(path, found))
    assert not wrong


def test_only_a_double_imports_the_kit_and_then_it_is_an_extra() -> None:
    users = [
        (package, path, found)
        for package, path, found in plugin_imports()
        if top(found) == KIT != package.module
    ]
    assert {package.name for package, _, _ in users} >= {"patter-twilio", "patter-telnyx"}
    assert not [at(path, found) for _, path, found in users if "double" not in path.parts]
    for package in {package for package, _, _ in users}:
        extra = package.project["optional-dependencies"]["double"]
        assert extra == ["patter-testing>=0.1,<0.2"]
        assert "patter-testing" not in " ".join(package.project["dependencies"])


def test_what_a_resolve_imports_is_light() -> None:
    wrong = [
        at(path, found)
        for _, path, found in plugin_imports()
        if path.name == "plugin.py"
        and not (found.late or found.typing)
        and found.name not in LIGHT
        and top(found) not in sys.stdlib_module_names
    ]
    assert not wrong


@pytest.mark.parametrize("place", ROOMS_OF_A_CALL)
def test_the_lower_rooms_of_a_call_know_nothing_of_its_session(place: str) -> None:
    seen = [
        (path, found)
        for path in Package(CORE).modules()
        for found in imports(path)
        if is_in(dotted(path), place) and top(found) == "patter" and not is_in(found.name, place)
    ]
    above = [
        at(path, found)
        for path, found in seen
        if room(found.name) not in ROOMS_OF_A_CALL[place]
        and not (place != TURN and is_in(found.name, TURN_EVENTS))
    ]
    assert seen and not above, "types and imports in functions count too"


@pytest.mark.parametrize("module", [f"{TURN}.engine", f"{TURN}.rules", f"{TURN}.codec"])
def test_the_turn_engine_is_imported_alone(module: str) -> None:
    command = [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    names = {name for name in run.stdout.split() if name.split(".")[0] == "patter"}
    assert module in names
    assert {room(name) for name in names} <= {"", "call", "errors", "safe_text", "text"}
    assert {name for name in names if room(name) == "call" and not is_in(name, TURN)} == {
        "patter.call"
    }


def test_the_rules_of_a_call_are_ground() -> None:
    rules = Package(CORE).source / "call" / "turn" / "rules.py"
    ours = {room(found.name) for found in imports(rules) if top(found) == "patter"}
    assert ours == {"errors"}


def test_plugins_are_discovered_by_importlib_metadata() -> None:
    wrong = [
        at(path, found)
        for path in sources()
        for found in imports(path)
        if found.name in {"importlib.metadata.entry_points", "importlib.metadata.EntryPoint"}
    ]
    assert not wrong, "one behaviour on every Python: importlib_metadata"


def test_the_softphone_is_made_with_the_carriers_kit() -> None:
    names = [found.name for package, _, found in plugin_imports() if "softphone" in package.name]
    assert [name for name in names if is_in(name, "patter.carriers")]


def test_a_call_has_one_clock() -> None:
    wrong = [
        at(path, found)
        for path, found in core_imports()
        if room(dotted(path)) in CALL_PATH and top(found) == "time"
    ]
    assert not wrong, "take time from patter.clock.Clock"


def test_every_task_has_an_owner() -> None:
    wrong = [
        place
        for path in sources()
        if dotted(path).split(".")[0] != KIT and dotted(path) != KEEPER
        for place in uses(path, {"asyncio", "loop"}, {"create_task", "ensure_future"})
    ]
    assert not wrong, "start it in patter.aio.task_scope"


def test_one_module_reads_the_environment() -> None:
    wrong = [
        place
        for path in sources()
        if dotted(path) != "patter.env"
        for place in uses(path, {"os"}, {"environ", "environb", "getenv"})
    ]
    assert not wrong, "ask patter.env"


def is_in(name: str, package: str) -> bool:
    """Is *name* the module *package*, or something in it?"""
    return f"{name}.".startswith(f"{package}.")


def top(found: Import) -> str:
    """The import's first name."""
    return found.name.split(".")[0]


def uses(path: Path, owners: set[str], names: set[str]) -> Iterator[str]:
    """Where *path* has ``owner.name``, for any of *owners* and *names*."""
    attributes = (node for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute))
    for node in attributes:
        if node.attr in names and getattr(node.value, "id", "") in owners:
            yield f"{here(path)}:{node.lineno} {ast.unparse(node)}"
