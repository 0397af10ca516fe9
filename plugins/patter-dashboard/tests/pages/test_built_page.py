"""What is shipped of the page is what its sources give, and asks nobody else for anything."""

from __future__ import annotations

import re
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2]
WEB = PACKAGE / "web"
PAGE = PACKAGE / "src" / "patter_dashboard" / "page"
NODE = shutil.which("node")


def source_digest() -> str:
    """The digest that `build.mjs` writes into the script."""
    files = [path for path in (WEB / "src").rglob("*") if path.is_file()]
    names = sorted(
        [path.relative_to(WEB).as_posix() for path in files] + ["build.mjs", "package.json"]
    )
    digest = sha256()
    for name in names:
        digest.update(name.encode() + b"\0" + (WEB / name).read_bytes() + b"\0")
    return digest.hexdigest()


def test_the_shipped_script_is_of_these_sources() -> None:
    shipped = (PAGE / "app.js").read_text(encoding="utf-8")
    assert f"Sources {source_digest()}." in shipped.partition("\n")[0], "npm run build"
    assert (PAGE / "index.html").read_bytes() == (WEB / "src" / "index.html").read_bytes()


@pytest.mark.skipif(
    NODE is None or not (WEB / "node_modules").is_dir(),
    reason="the page's bundler is not installed: npm install --no-package-lock in web/",
)
def test_a_new_build_is_the_shipped_one_byte_for_byte() -> None:
    assert NODE is not None
    check = [NODE, "build.mjs", "--check"]
    ran = subprocess.run(check, cwd=WEB, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_page_is_three_files_that_name_no_other_host() -> None:
    assert {path.name for path in PAGE.iterdir()} == {"index.html", "app.js", "style.css"}
    for path in PAGE.iterdir():
        hosts = set(re.findall(r"https?://[^\s\"'`)]+", path.read_text(encoding="utf-8")))
        # The names of XML namespaces are no addresses: nothing is asked there.
        assert all(host.startswith("http://www.w3.org/") for host in hosts), (path.name, hosts)


def test_the_page_has_no_inline_script_or_style_and_fits_a_slow_line() -> None:
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    assert "style=" not in html
    assert re.findall(r"<script[^>]*>(?!</script>)", html) == []
    assert sum(path.stat().st_size for path in PAGE.iterdir()) < 200_000
