"""The page of that name, run: in a fresh clone, command by command, with what must be seen.

    python tests/first_ten_minutes.py [NUMBER ...]

It needs a network for pip, and clones what is committed here. The first failure ends it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHECK = re.compile(
    r"^### (\d+)\. ([^\n]*)\n(.*?)^```sh\n(.*?)^```\n\n```text\n(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(
    r"[Aa]s `([\w.]+)`[^`]*?:\n(?:[^`]*?:\n)?\n```(?:python|text)\n(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LIMIT_S = 600.0
STOP_S = 30.0
KEPT = re.compile(r"PATH$|HOME$|LANG$|TMPDIR$|SYSTEMROOT$|(PIP|UV|SSL|REQUESTS|HTTPS?)_", re.I)
"""What of the environment a fresh machine has, too: where its packages come from, and no key."""
ACTIVATE = "[ -d .venv ] && . .venv/bin/activate; "


@dataclass(frozen=True)
class Check:
    """One check: what is typed, and what must be seen. *stays*: Ctrl-C ends it."""

    number: int
    title: str
    command: str
    seen: tuple[str, ...]
    status: int
    stays: bool

    def missing(self, printed: str) -> list[str]:
        """What of it was not printed."""
        return [each for each in self.seen if each not in printed]


def checks() -> list[Check]:
    """Those of the page, in order."""
    page = (ROOT / "docs" / "first-ten-minutes.md").read_text(encoding="utf-8")
    return list(_checks(page))


def _checks(page: str) -> Iterator[Check]:
    for number, title, prose, command, seen in CHECK.findall(page):
        status = re.search(r"Exit status (\d)", prose)
        yield Check(
            int(number),
            title,
            command.strip(),
            tuple(seen.strip().splitlines()),
            int(status[1]) if status else 0,
            "Ctrl-C ends it" in prose,
        )


def files() -> Mapping[str, str]:
    """What a reader of README and tutorial has saved, by name."""
    readme = PYTHON.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    tutorial = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    return {"bistro.py": readme[0], "test_bistro.py": readme[1], **dict(NAMED.findall(tutorial))}


def save(folder: Path) -> None:
    """Write `files` into *folder*."""
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")


def run(check: Check, folder: Path, env: Mapping[str, str], shell: str = "bash") -> list[str]:
    """Type the command of *check* in *folder*; what was wrong, nothing if all was seen."""
    process = subprocess.Popen(
        [shell, "-c", ACTIVATE + check.command],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        printed = _read(process, check)
        if check.stays:
            os.killpg(process.pid, signal.SIGINT)
        printed += process.communicate(timeout=STOP_S if check.stays else LIMIT_S)[0].decode()
    except subprocess.TimeoutExpired:
        return [f"it did not end within {STOP_S:g} s of Ctrl-C"]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    wrong = [f"not seen: {each}" for each in check.missing(printed)]
    if not check.stays and process.returncode != check.status:
        wrong.append(f"exit status {process.returncode}, not {check.status}")
    return [*wrong, printed] if wrong else []


def _read(process: subprocess.Popen[bytes], check: Check) -> str:
    """What a process that stays has printed once all was seen, or once it has ended."""
    printed = ""
    assert process.stdout is not None
    while check.stays and check.missing(printed):
        line = process.stdout.readline().decode()
        if not line:
            break
        printed += line
    return printed


def main(words: list[str]) -> int:
    """Run the checks named by their numbers, or all, in a fresh clone; 0 if all was seen."""
    shell = "zsh" if shutil.which("zsh") else "bash"
    wanted = {int(word) for word in words}
    env = {name: value for name, value in os.environ.items() if KEPT.match(name)}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "patter"
        subprocess.run(["git", "clone", "-q", ROOT, folder], check=True, timeout=LIMIT_S)
        save(folder)
        for check in checks():
            if wanted and check.number not in wanted:
                continue
            began = time.monotonic()
            used = "bash" if check.number % 2 else shell
            wrong = run(check, folder, {**env, "XDG_DATA_HOME": f"{made}/data"}, used)
            took = time.monotonic() - began
            print(f"{'FAIL' if wrong else 'ok':4} {check.number:2}. {check.title}  {took:.0f} s")
            if wrong:
                print(*wrong, sep="\n")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
