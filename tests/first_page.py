"""The first page is true: what its line installs takes a call by its twelve lines.

Run it where only wheels are installed (``nox -s first_page``): Twilio, Deepgram, OpenAI and
ElevenLabs are their doubles, everything else is what a user has.
"""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import types
from pathlib import Path
from typing import Any

import patter
from patter.audio.formats import MULAW_8K
from patter.env import preset, standing_in
from patter_testing import Caller
from patter_testing.doubles.vendor_double import KEY
from patter_testing.doubles.vendor_sound import read_back
from patter_testing.simulation import simulating
from patter_twilio.double import TwilioDouble

README = Path(__file__).parents[1] / "README.md"
ASKS = "please tell me the opening hours on friday"
ANSWER = "The tool said: five to eleven"
PATIENCE_S = 20.0
POLL_MS = 400


def first_agent() -> types.ModuleType:
    """The module that the first block of README is."""
    found = re.search(r"^```python\n(.*?)^```$", README.read_text("utf-8"), re.M | re.S)
    assert found, "README begins with an agent"
    module = types.ModuleType("bistro")
    exec(compile(found[1], str(README), "exec"), module.__dict__)
    return module


async def heard_by_a_caller(bistro: Any) -> str:
    """What somebody hears who calls the agent of *bistro* and asks once."""
    phone = bistro.phone
    double = TwilioDouble(numbers=(phone.phone_number,), public_host="bistro.example")
    async with double.open() as vendor, asyncio.TaskGroup() as tasks:
        phone.carrier, phone.tunnel, phone.webhook_url = vendor.carrier(), None, "bistro.example"
        async with simulating(phone, bistro.agent, lines=[ASKS]) as simulation:
            print(*simulation.parts, sep="\n")
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            vendor.reaches(f"http://127.0.0.1:{port}")
            serving = tasks.create_task(phone.serve(simulation.agent, port=port))
            await phone.ready
            call = vendor.rings(caller="+15550107788")
            await call.up()
            await Caller(call.leg).says(ASKS)
            heard = ""
            async with asyncio.timeout(PATIENCE_S):
                while ANSWER not in heard:
                    await Caller(call.leg).waits(POLL_MS)
                    heard = read_back(b"".join(s.leg.heard() for s in call.streams), MULAW_8K)
            await call.hangs_up()
            await phone.disconnect()
            assert await serving, "a call had to be cut"
    return heard


def main() -> int:
    """Take one call; 0 when the caller was answered by the tool."""
    where = Path(patter.__file__)
    assert "site-packages" in where.parts, f"a wheel is wanted, not {where}"
    preset("TWILIO_ACCOUNT_SID", "AC" + "0" * 32)
    preset("TWILIO_AUTH_TOKEN", KEY)
    with standing_in(KEY):
        bistro = first_agent()
    heard = asyncio.run(heard_by_a_caller(bistro))
    print(f"the caller heard: {heard}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
