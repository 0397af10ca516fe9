"""What LMNT charges for a character beyond those that a plan includes.

From lmnt.com/pricing as recorded by API Evangelist (github.com/api-evangelist/lmnt, finops, June
2026), read in November 2026: 0.05 for 1,000 characters on the Indie plan, 0.045 on Pro, 0.035 on
Premium. The first is here, since a plan is not known; set another with ``pricing=``. Models that
LMNT has withdrawn, such as aurora, have no price.
"""

from __future__ import annotations

from patter.observe.pricing import Price

PRICES = tuple(
    Price(kind="tts", provider=name, model="blizzard", unit="characters", usd=0.05, per=1_000)
    for name in ("lmnt", "lmnt-rest")
)
