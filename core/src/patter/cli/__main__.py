"""``python -m patter.cli`` is ``patter``."""

import sys

from patter.cli import main

sys.exit(main())
