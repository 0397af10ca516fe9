# /// script
# requires-python = ">=3.11"
# dependencies = ["nox[uv]"]
# ///
"""Every check of Patter, one isolated session per package; a new package needs no line here.

nox                                     all of it, on this Python
nox -t silero                           one package
nox -s demo                             a phone call on this machine
PATTER_PYTHONS=3.11,3.12,3.13 nox       all of it, on each of these; a missing one fails
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import nox

HERE = Path(__file__).parent
CORE = Path("core")
PLUGINS = sorted(
    found.parent.relative_to(HERE)
    for folder in ("plugins", "contrib")
    for found in HERE.glob(f"{folder}/*/pyproject.toml")
)
PACKAGES = {path.name: path for path in PLUGINS} | {"patter-core": CORE}
EACH = [nox.param(path, id=path.name, tags=[path.name.removeprefix("patter-")]) for path in PLUGINS]
TESTED = [HERE / path / "tests" for path in (Path(), *PACKAGES.values())]
CALLS = HERE / "tests" / "bench" / "run.py"
FLAGGED = (CALLS, CALLS.with_name("bench_providers.py"))
# Taken away: to what is tested it would be a misspelt setting of Patter's.
PYTHONS = re.findall(r"[^\s,]+", os.environ.pop("PATTER_PYTHONS", "")) or None
TOOLS = ("-c", "tests/constraints.txt")
QUICK = ("-m", "not slow")
FIRST_PAGE = (
    *("patter-core", "patter-deepgram", "patter-openai", "patter-elevenlabs", "patter-twilio"),
    "patter-testing",
)
"""What the first page installs, and the doubles' kit."""
BESIDE_OTHERS = ("test_plugin", "test_*call*", "test_suite", "test_load")
"""Tests of a package that might see what else is installed."""
ROOMS_BESIDE_OTHERS = ("test_*.py", "cli", "phone", "plugins", "providers", "server")
"""Tests of core in which plugins are looked for; those of its other rooms find none."""
TOGETHER = ["mypy", "packaging", "pydantic", "pytest-xdist", "uvloop"]
SIDE_BY_SIDE = ("-n", "auto", "--maxprocesses=4", "--dist=worksteal")
WAITING = ("-n", "3", "--dist=worksteal")
"""Most of a plugin's tests wait for a double, so that more of them than there are cores get on."""

nox.needs_version = ">=2025.10.14"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "core", "plugin", "together", "first_page"]
if PYTHONS:
    nox.options.error_on_missing_interpreters = True
    nox.options.download_python = "never"


@nox.session(tags=["static"])
def lint(session: nox.Session) -> None:
    """The rules of writing, which ruff holds."""
    session.install(*TOOLS, "ruff")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session(tags=["static"])
def types(session: nox.Session) -> None:
    """What the packages promise each other, strictly; then their tests, a package at a time."""
    install(session, *PACKAGES.values(), tools=["mypy", "nox", "packaging"])
    session.run("mypy", *[f"{path}/src" for path in PACKAGES.values()], "noxfile.py")
    for folder in TESTED:
        roots = os.pathsep.join(["core/tests", "tests/bench", str(folder.parent)])
        words = ("--explicit-package-bases", str(folder.relative_to(HERE)))
        session.run("mypy", *words, env={"MYPYPATH": roots})


@nox.session(python=PYTHONS)
def core(session: nox.Session) -> None:
    """The core and the kit its tests are written with: no plugin may be needed."""
    install(session, CORE, tools=["pydantic", "pytest-xdist", "uvloop"])
    session.run("pytest", *QUICK, *SIDE_BY_SIDE, "core/tests", *session.posargs)


@nox.session(python=PYTHONS)
@nox.parametrize("plugin", EACH)
def plugin(session: nox.Session, plugin: Path) -> None:
    """One plugin with only what it declares."""
    install(session, plugin, tools=["pytest-xdist"])
    session.run("pytest", *QUICK, *WAITING, f"{plugin}/tests", *session.posargs)


@nox.session(python=PYTHONS)
def together(session: nox.Session) -> None:
    """All packages in one environment: they co-install, do not collide, and fit the house.

    Of each package's own tests, those of its entry points and its calls, of core's those that
    look for plugins; ``nightly`` runs all.
    """
    install(session, *PACKAGES.values(), tools=TOGETHER)
    own = {path for pattern in BESIDE_OTHERS for path in HERE.glob(f"*/*/tests/{pattern}.py")}
    own |= {path for room in ROOMS_BESIDE_OTHERS for path in HERE.glob(f"core/tests/{room}")}
    places = ("tests", *sorted(str(path.relative_to(HERE)) for path in own))
    session.run("pytest", *QUICK, *SIDE_BY_SIDE, *places, *session.posargs)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """A phone call on this machine: no key, no carrier, no network."""
    install(session, PACKAGES["patter-demo"], extras=False)
    session.run("patter", "demo", *session.posargs)


@nox.session(default=False)
def phone(session: nox.Session) -> None:
    """Talk to the agent yourself, in a browser."""
    install(session, PACKAGES["patter-demo"], extras=False)
    session.run("patter", "phone", *(session.posargs or ["--offline"]))


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Every benchmark prints its figures beside their budgets; all run, then any may fail.

    Words after ``--`` choose by path; flags go to those of whole calls.
    """
    install(session, *PACKAGES.values())
    flags = [word for word in session.posargs if word.startswith("-")]
    words = [word for word in session.posargs if word not in flags] or [""]
    found = [*sorted(path for place in TESTED for path in place.rglob("bench_*.py")), CALLS]
    chosen = [path for path in found if any(word in str(path) for word in words)]
    over = [
        path.stem for path in chosen if not fits(session, path, flags if path in FLAGGED else [])
    ]
    if over:
        session.error(f"over budget: {', '.join(over)}")


@nox.session(default=False)
def nightly(session: nox.Session) -> None:
    """The long run: the properties, random calls and mistakes of carriers that need minutes."""
    install(session, *PACKAGES.values(), tools=TOGETHER)
    session.run("pytest", "--hypothesis-profile=nightly", *SIDE_BY_SIDE, *session.posargs)
    session.run("python", "-m", "tests.faults.run", "1", "10000")


@nox.session(default=False)
def soak(session: nox.Session) -> None:
    """Random calls: 50,000 in virtual time, then 2,000 over real sockets, then 500 kills.

    The carriers, the vendors of real plugins, and the machine fail in turn; 500 phones are
    killed in the middle of their calls. A seed after ``--`` repeats one run.
    """
    install(session, *PACKAGES.values(), tools=TOGETHER)
    session.run("python", "-m", "core.tests.call.soak.run", *session.posargs)
    session.run("python", "-m", "tests.faults.run", *session.posargs)
    session.run("python", "-m", "tests.faults.kills", *session.posargs)


@nox.session(default=False)
def doors(session: nox.Session) -> None:
    """What strangers and callers can do to a server, beside one honest call, as figures."""
    install(session, *PACKAGES.values(), tools=TOGETHER)
    session.run("python", "-m", "tests.doors.run", *session.posargs)


@nox.session(default=False)
def known(session: nox.Session) -> None:
    """Write what is generated from the packages: install hints, tables in README and docs."""
    install(session, *PACKAGES.values())
    for module in ("known", "readme", "providers", "reference", "records"):
        session.run("python", "-m", f"tests.{module}", *session.posargs)


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """Source archive and wheel of every package, into dist/."""
    session.install("build")
    for path in PACKAGES.values():
        session.run("python", "-m", "build", "--outdir", "dist", str(path))


@nox.session
def first_page(session: nox.Session) -> None:
    """The wheels of the first page, in an environment of their own, take a call."""
    session.install("uv")
    wheels = str(HERE / "dist" / "first-page")
    for name in FIRST_PAGE:
        session.run("uv", "build", "-q", "--wheel", "--out-dir", wheels, str(PACKAGES[name]))
    # By name, as the page says; the folder is an index beside the public one.
    named = [f"{name}==0.1.0" for name in FIRST_PAGE]
    session.install("--find-links", wheels, "--force-reinstall", *named)
    session.run("python", "-P", "tests/first_page.py")


def install(
    session: nox.Session, *packages: Path, extras: bool = True, tools: list[str] | None = None
) -> None:
    """Install *packages* and the packages of this repository they need, all editable.

    One call: a plugin's requirement on another package is met by the folder beside it.
    """
    tested = {*packages, CORE} if extras else set()
    wanted = closure(packages, tested)
    named = [str(path) + (f"[{extra(path)}]" if path in tested else "") for path in wanted]
    session.install(*TOOLS, *(tools or []), *(word for name in named for word in ("-e", name)))


def closure(packages: Iterable[Path], tested: set[Path]) -> list[Path]:
    """*packages* and all of this repository that they need, each once; packages form circles.

    Of those that are *tested*, what their tests need is needed too.
    """
    wanted: dict[Path, None] = {}
    waiting = [*packages]
    while waiting:
        path = waiting.pop()
        if path not in wanted:
            wanted[path] = None
            waiting += requirements(path, path in tested)
    return list(wanted)


def requirements(path: Path, tested: bool) -> Iterator[Path]:
    """The packages of this repository that *path* names; for its tests, too, when *tested*."""
    project = tomllib.loads((HERE / path / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project.get("optional-dependencies", {}).get(extra(path), ()) if tested else ()
    for requirement in (*project.get("dependencies", ()), *extras):
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        if name in PACKAGES:
            yield PACKAGES[name]


def extra(path: Path) -> str:
    """The extra that holds what the tests of *path* need."""
    return "testing" if path == CORE else "test"


def fits(session: nox.Session, benchmark: Path, flags: list[str]) -> bool:
    """Run *benchmark*; is every figure within its budget?"""
    try:
        session.run("python", str(benchmark.relative_to(HERE)), *flags)
    except nox.command.CommandFailed:
        return False
    return True


if __name__ == "__main__":
    nox.main()
