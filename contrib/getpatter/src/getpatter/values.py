"""A value of the documents that nothing else here needs."""

from __future__ import annotations

import attrs


@attrs.frozen
class CallEvent:
    """Which call something happened in; *direction* is ``inbound`` or ``outbound``."""

    call_id: str
    caller: str = ""
    callee: str = ""
    direction: str = ""
