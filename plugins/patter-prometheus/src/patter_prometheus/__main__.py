"""``python -m patter_prometheus alerts`` and ``... dashboard`` print the files of this package."""

from __future__ import annotations

import sys

from patter_prometheus import ALERTS, DASHBOARD

FILES = {"alerts": ALERTS, "dashboard": DASHBOARD}


def main(words: list[str]) -> int:
    """Print the file that is named."""
    if len(words) != 1 or words[0] not in FILES:
        print(f"usage: python -m patter_prometheus {' | '.join(FILES)}", file=sys.stderr)
        return 2
    sys.stdout.write(FILES[words[0]].read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
