"""What the application does with a call: say something, hand it over; and what is kept of it."""

from __future__ import annotations

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.call.history import History, HistoryRow
from patter.call.plan import Phrases
from patter.errors import InputError, PatterConfigError
from patter.observe.events import ErrorEvent
from patter.providers.carrier import TransferRequest
from patter.providers.llm import ToolRequest
from patter_testing import FakeCarrier, FakeLLM, Reply, lab
from patter_testing.fakes.carrier import Order

from .plans import plan

TARGET = "+15550188000"
ROWS = st.builds(
    HistoryRow,
    st.sampled_from(["caller", "agent", "tool"]),
    st.integers(0, 9),
    st.text(max_size=8),
    st.integers(0, 9_999),
    st.booleans(),
    st.none() | st.builds(ToolRequest, st.text(max_size=3), st.text(max_size=3), st.just("{}")),
)


@pytest.mark.virtual_time
async def test_an_announcement_waits_for_the_floor_and_is_remembered() -> None:
    llm = FakeLLM(replies=("From five to eleven, every day.", "Gladly."))
    async with lab(plan(llm)) as call:
        await call.caller.says("when are you open")
        await call.caller.hears_the_agent_begin()
        await call.session.control.say("Your taxi is here.")
        assert await call.listens() == "From five to eleven, every day.Your taxi is here."
        await call.says("thank you")
    assert "Your taxi is here." in [m.text for m in llm.requests[-1].messages]


@pytest.mark.virtual_time
async def test_a_transfer_follows_what_is_said_and_ends_with_the_caller() -> None:
    asks = Reply(
        text="I will put you through.",
        tools=(ToolRequest("t", "transfer_call", f'{{"number": "{TARGET}"}}'),),
    )
    made = plan(FakeLLM(replies=(asks, Reply())), system_prompt=f"A person is at {TARGET}.")
    async with lab(made) as call:
        assert await call.says("a person please") == "I will put you through."
        await call.caller.waits(2_000)
        assert call.carrier.orders == [Order("transfer", "", TARGET)]
    assert call.summary is not None and call.summary.outcome == "completed"


@attrs.frozen(kw_only=True)
class Refusing(FakeCarrier):
    """A carrier that cannot reach anybody."""

    async def transfer(self, carrier_call_id: str, request: TransferRequest) -> None:
        raise RuntimeError(f"{request.target} does not answer")


@pytest.mark.virtual_time
async def test_a_transfer_that_fails_gives_the_caller_back() -> None:
    llm = FakeLLM(replies=("Yes, I am here.",))
    async with lab(plan(llm), carrier=Refusing()) as call:
        await call.caller.waits(500)
        await call.session.control.transfer(TARGET)
        assert await call.listens() == Phrases().transfer_failed
        assert await call.says("are you there") == "Yes, I am here."
    [error] = call.of(ErrorEvent)
    assert error.where == "transfer" and error.fix


@pytest.mark.virtual_time
async def test_transfers_go_only_where_they_may_and_can() -> None:
    weak = FakeCarrier(can=attrs.evolve(FakeCarrier().can, warm_transfer=False))
    allowed = plan(transfer_allowed=lambda target: target == TARGET)
    async with lab(allowed, carrier=weak) as call:
        control = call.session.control
        with pytest.raises(PatterConfigError, match="not allowed"):
            await control.transfer("+15550188001")
        with pytest.raises(InputError, match="is not an E"):
            await control.transfer("the boss")
        with pytest.raises(PatterConfigError, match="warm transfer"):
            await control.transfer(TARGET, mode="warm")
        await call.caller.waits(1_000)
    assert call.carrier.orders == []


@given(st.lists(ROWS, max_size=12), st.integers(1, 8))
def test_a_checkpoint_is_json_and_restores_the_newest_rows(
    rows: list[HistoryRow], limit: int
) -> None:
    history = History(200)
    for row in rows:
        history.add(row)
    kept = orjson.loads(orjson.dumps(history.checkpoint()))
    assert History.restored(kept).rows == rows
    assert History.restored(kept, limit).rows == rows[-limit:]


@given(st.lists(ROWS, max_size=12), st.integers(1, 8))
def test_a_history_keeps_the_newest_rows(rows: list[HistoryRow], limit: int) -> None:
    history = History(limit)
    for row in rows:
        history.add(row)
    assert history.rows == rows[-limit:]


def test_a_history_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="limit"):
        History(0)
    with pytest.raises(InputError):
        History.restored({"v": 99, "rows": []})
