"""What the repository holds, as its tests read it: packages, modules, imports. Nothing is run."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).parents[1]
CORE = ROOT / "core"


@attrs.frozen
class Package:
    """One distribution of this repository."""

    folder: Path

    @property
    def pyproject(self) -> dict[str, Any]:
        """Its whole pyproject.toml."""
        return _read_toml(self.folder / "pyproject.toml")

    @property
    def project(self) -> dict[str, Any]:
        """Its project table."""
        table: dict[str, Any] = self.pyproject["project"]
        return table

    @property
    def name(self) -> str:
        """Its distribution name, which is its folder's too, except core's."""
        return "patter-core" if self.folder == CORE else self.folder.name

    @property
    def extras(self) -> list[str]:
        """What can be asked for beside it, its tests' needs among them."""
        return [*self.project.get("optional-dependencies", {})]

    @property
    def module(self) -> str:
        """What one imports to use it."""
        return "patter" if self.folder == CORE else self.name.replace("-", "_")

    @property
    def source(self) -> Path:
        """Where its modules are."""
        return self.folder / "src" / self.module

    def modules(self) -> list[Path]:
        """Every Python file it installs."""
        return sorted(self.source.rglob("*.py"))


@attrs.frozen
class Import:
    """One import statement's target; *late* inside a function, *typing* for the checker alone."""

    name: str
    line: int
    late: bool
    typing: bool


def plugins() -> list[Package]:
    """Every package but core."""
    found = (path for folder in ("plugins", "contrib") for path in (ROOT / folder).iterdir())
    return [Package(path) for path in sorted(found) if (path / "pyproject.toml").exists()]


def packages() -> list[Package]:
    """Every package, core first."""
    return [Package(CORE), *plugins()]


def sources() -> list[Path]:
    """Every Python file that any package installs."""
    return [path for package in packages() for path in package.modules()]


def here(path: Path) -> str:
    """*path* as seen from the root."""
    return path.relative_to(ROOT).as_posix()


def dotted(path: Path) -> str:
    """The module name of the file *path* in some ``src`` folder."""
    parts = path.with_suffix("").parts
    parts = parts[parts.index("src") + 1 :]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> Iterator[Import]:
    """What *path* imports, as full module names; names taken from a module count as it."""
    yield from _imports(tree(path), dotted(path), path.name == "__init__.py")


def tracked() -> list[str]:
    """The files under version control, or all that would be where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0 and listed.stdout:
        return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    return [here(path) for path in sorted(ROOT.rglob("*")) if path.is_file() and _kept(path)]


def _kept(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    hidden = any(part.startswith(".") and part not in {".ci", ".gitignore"} for part in parts)
    return not hidden and "__pycache__" not in parts


def _imports(root: ast.AST, module: str, package: bool) -> Iterator[Import]:
    stack: list[tuple[ast.AST, bool, bool]] = [(root, False, False)]
    while stack:
        node, late, typing = stack.pop()
        for name in _names(node, module, package):
            yield Import(name, node.lineno, late, typing)  # type: ignore[attr-defined]
        late = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        typing = typing or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        stack += [(child, late, typing) for child in ast.iter_child_nodes(node)]


def _names(node: ast.AST, module: str, package: bool) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    if node.level:
        kept = module.split(".")[: None if package and node.level == 1 else -node.level]
        base = ".".join([*kept, *([node.module] if node.module else [])])
    else:
        base = node.module or ""
    return [f"{base}.{alias.name}" for alias in node.names]


@cache
def _read_toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
