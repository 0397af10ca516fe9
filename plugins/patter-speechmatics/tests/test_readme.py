"""What the README shows runs."""

from __future__ import annotations

import re
import subprocess
import sys

from .test_settings import README


def test_the_examples_run() -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{code}\nassert heard == 'a table for two'"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
