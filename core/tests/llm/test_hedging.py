"""Which model answers when several may: races, hedges and their cap, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random

import attrs
import pytest

from patter import (
    AllProvidersFailedError,
    AuthenticationError,
    FallbackLLMProvider,
    PatterConfigError,
    PatterConnectionError,
    RateLimitError,
)
from patter.llm.hedging import LATEST_MS, MARGIN, SHARE, HedgeBudget
from patter.llm.race import ModelReport
from patter.providers.availability import REFUSED_MS, availability_of
from patter.providers.context import CallContext
from patter.providers.llm import (
    LLM,
    DoneChunk,
    LLMChunk,
    LLMRequest,
    Message,
    SourcedUsage,
    TextChunk,
    UsageChunk,
)
from patter_testing import FakeLLM, Reply

pytestmark = pytest.mark.virtual_time
REQUEST = LLMRequest(messages=(Message("user", "hello"),), call=CallContext(call_id="c1"))
BUSY = RateLimitError("too many requests", fix="wait", retry_after_ms=60_000)
REFUSED = AuthenticationError("the vendor refused the key (401)", fix="export A_KEY")


@attrs.define(eq=False)
class Timed:
    """A model whose first word comes after the next of *firsts_ms*; it notes who was cancelled."""

    word: str
    firsts_ms: list[float]
    asked: int = 0
    cancelled: int = 0

    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        first_ms = self.firsts_ms[self.asked % len(self.firsts_ms)]
        self.asked += 1
        complete = False
        try:
            yield UsageChunk(input_tokens=7)
            await asyncio.sleep(first_ms / 1_000)
            yield TextChunk(self.word)
            complete = True
            yield DoneChunk()
        finally:
            self.cancelled += not complete


async def begins(llm: LLM) -> tuple[str, float]:
    """What the reply to one request says, and after how many milliseconds it began."""
    clock = asyncio.get_running_loop().time
    asked_s, began_s, text = clock(), 0.0, ""
    async for chunk in llm.stream(REQUEST):
        if isinstance(chunk, TextChunk) and chunk.text:
            began_s, text = began_s or clock(), text + chunk.text
    return text, (began_s - asked_s) * 1_000


def about(said: tuple[str, float]) -> tuple[str, int]:
    return said[0], round(said[1])


def reports(llm: FallbackLLMProvider) -> tuple[LLM, list[ModelReport]]:
    noted: list[ModelReport] = []
    return llm.in_call(noted.append), noted


async def test_a_model_later_than_nearly_ever_is_hedged_and_the_slower_one_cancelled() -> None:
    first = Timed("first", [200.0] * 40 + [900.0])
    second = Timed("second", [250.0])
    llm = FallbackLLMProvider([first, second], hedge=True)
    for _ in range(40):
        assert about(await begins(llm)) == ("first", 200)
    assert second.asked == 0
    in_call, noted = reports(llm)
    text, began_ms = await begins(in_call)
    assert (text, second.asked, first.cancelled) == ("second", 1, 1)
    assert began_ms == pytest.approx(200 * MARGIN + 250, abs=5)
    assert [(each.name[1] or each.name[0], each.what) for each in noted] == [
        ("timed", "hedged"),
        ("timed", "took_over"),
    ]
    assert availability_of(first).usable, "later than usual is not dead"


async def test_the_first_may_still_win_against_its_hedge() -> None:
    first, second = Timed("first", [200.0] * 40 + [350.0]), Timed("second", [400.0])
    llm = FallbackLLMProvider([first, second], hedge=True)
    for _ in range(40):
        await begins(llm)
    assert (await begins(llm))[0] == "first"
    assert (second.asked, second.cancelled) == (1, 1)


@pytest.mark.parametrize("share", [0.01, 0.1])
async def test_hedges_cost_no_more_than_their_share(share: float) -> None:
    """Of each hundred answers four, one after the other, are late."""
    first, second = Timed("first", [200.0] * 96 + [900.0] * 4), Timed("second", [10.0])
    llm = FallbackLLMProvider([first, second], hedge=share)
    for _ in range(600):
        await begins(llm)
    assert 0 < second.asked <= share * 600


async def test_hedging_takes_the_tail_off_and_asks_little_more() -> None:
    random = Random(7)
    usual = [random.lognormvariate(5.7, 0.25) for _ in range(1_500)]
    firsts = [each if random.random() > 0.04 else 950.0 for each in usual]
    seconds = [random.lognormvariate(5.7, 0.25) for _ in range(200)]

    async def tail(hedge: bool) -> tuple[float, int]:
        second = Timed("second", seconds)
        llm = FallbackLLMProvider([Timed("first", firsts), second], hedge=hedge)
        waits = sorted([(await begins(llm))[1] for _ in range(1_500)])
        return waits[int(0.98 * len(waits))], second.asked

    (plain_ms, _), (hedged_ms, asked) = await tail(False), await tail(True)
    assert plain_ms > 900 and hedged_ms < 850
    assert asked <= SHARE * 1_500


async def test_nothing_is_hedged_before_the_model_is_known() -> None:
    first, second = Timed("first", [600.0]), Timed("second", [10.0])
    llm = FallbackLLMProvider([first, second], hedge=True)
    for _ in range(15):
        assert (await begins(llm))[0] == "first"
    assert second.asked == 0


async def test_without_hedge_only_a_late_model_gets_company() -> None:
    first, second = Timed("first", [900.0]), Timed("second", [10.0])
    llm = FallbackLLMProvider([first, second])
    assert (await begins(llm))[0] == "first" and second.asked == 0
    late = FallbackLLMProvider([Timed("late", [60_000.0]), second])
    assert about(await begins(late)) == ("second", 1_010)


async def test_a_model_that_is_always_slow_is_waited_for_once_that_is_known() -> None:
    slow, second = Timed("slow", [1_800.0]), Timed("second", [900.0])
    llm = FallbackLLMProvider([slow, second], recovery_interval_s=0)
    words = [(await begins(llm))[0] for _ in range(12)]
    assert words[-1] == "slow" and second.asked < 12


async def test_a_dead_model_is_waited_for_no_longer_than_the_bound() -> None:
    first, second = Timed("first", [3_500.0]), Timed("second", [1.0])
    known = availability_of(first)
    for _ in range(50):
        known.took(3_500)
    text, began_ms = await begins(FallbackLLMProvider([first, second]))
    assert about((text, began_ms)) == ("first", 3_500) and began_ms < LATEST_MS


async def test_what_a_cancelled_model_used_is_told_as_its_own() -> None:
    llm = FallbackLLMProvider(
        [Timed("late", [60_000.0]), Timed("second", [10.0])], names=[("a", "x"), ("b", "y")]
    )
    used = [each async for each in llm.stream(REQUEST) if isinstance(each, SourcedUsage)]
    assert [(each.source[0], each.input_tokens) for each in used] == [("a", 7), ("b", 7)]


def test_a_budget_never_lends() -> None:
    budget = HedgeBudget(0.1)
    spent = 0
    for request in range(1, 1_001):
        budget.note_request()
        spent += budget.spend()
        assert spent <= request * 0.1 + 1e-6
    assert spent == 100


# --- what is remembered


async def test_a_dead_model_is_skipped_until_one_request_tries_it_again() -> None:
    first, second = Timed("first", [60_000.0]), Timed("second", [10.0])
    llm = FallbackLLMProvider([first, second], recovery_interval_s=30)
    await begins(llm)
    for _ in range(20):
        assert about(await begins(llm)) == ("second", 10)
    assert first.asked == 1
    await asyncio.sleep(30)
    both = await asyncio.gather(*(begins(llm) for _ in range(5)))
    assert first.asked == 2, "only one of the five had to try it"
    assert sorted(round(ms) for _, ms in both)[:4] == [10] * 4
    first.firsts_ms = [20.0]
    await asyncio.sleep(31)
    assert (await begins(llm))[0] == "first"
    assert [each["available"] for each in llm.get_availability()] == [True, True]


@pytest.mark.parametrize(("error", "for_s"), [(REFUSED, REFUSED_MS / 1_000), (BUSY, 60)])
async def test_what_does_not_pass_soon_is_left_alone_for_longer(
    error: AuthenticationError | RateLimitError, for_s: float
) -> None:
    first = FakeLLM(replies=(Reply(fails=error),))
    llm = FallbackLLMProvider([first, FakeLLM(replies=("Yes.",))], recovery_interval_s=5)
    await begins(llm)
    (state, _) = llm.get_availability()
    assert (state["available"], state["reason"]) == (False, error.message)
    assert state["recovers_in_s"] == pytest.approx(for_s, abs=0.1)
    await asyncio.sleep(for_s - 1)
    await begins(llm)
    assert len(first.requests) == 1
    await asyncio.sleep(2)
    await begins(llm)
    assert len(first.requests) == 2


async def test_when_all_are_unavailable_all_are_tried_once() -> None:
    models = [FakeLLM(replies=(Reply(fails=REFUSED), "Yes."), model=name) for name in "ab"]
    llm = FallbackLLMProvider(models)
    with pytest.raises(AllProvidersFailedError) as caught:
        await begins(llm)
    assert (caught.value.code, len(caught.value.failures)) == ("AUTH", 2)
    assert [each["available"] for each in llm.get_availability()] == [False, False]
    assert (await begins(llm))[0] == "Yes."


async def test_destroy_forgets_and_aclose_closes() -> None:
    closed: list[str] = []

    @attrs.frozen(kw_only=True)
    class Closes(FakeLLM):
        async def aclose(self) -> None:
            closed.append(self.model)
            raise RuntimeError("whatever")

    first = Closes(replies=(Reply(fails=REFUSED), "Yes."))
    llm = FallbackLLMProvider([first, Closes(model="b")])
    await begins(llm)
    llm.destroy()
    assert [each["available"] for each in llm.get_availability()] == [True, True]
    await llm.aclose()
    assert closed == ["fake", "b"]


async def test_complete_stream_yields_the_text_alone() -> None:
    llm = FallbackLLMProvider([FakeLLM(replies=("Good evening to you.",))])
    rows: list[Message | dict[str, str]] = [
        Message("system", "Be brief."),
        {"role": "user", "content": "hello"},
    ]
    pieces = [piece async for piece in llm.complete_stream(rows)]
    assert "".join(pieces) == "Good evening to you."
    (model,) = llm.providers
    assert isinstance(model, FakeLLM)
    assert [row.text for row in model.requests[0].messages] == ["Be brief.", "hello"]


def test_what_makes_no_sense_is_a_value_error_with_a_fix() -> None:
    wrongs: tuple[Callable[[], object], ...] = (
        lambda: FallbackLLMProvider([]),
        lambda: FallbackLLMProvider([FakeLLM()], hedge=1.5),
        lambda: FallbackLLMProvider([FakeLLM()], max_retry_per_provider=-1),
        lambda: FallbackLLMProvider([FakeLLM()], recovery_interval_s=-1),
        lambda: FallbackLLMProvider(["nosuch/model"]),
    )
    for wrong in wrongs:
        with pytest.raises(PatterConfigError) as caught:
            wrong()
        assert caught.value.fix
        assert isinstance(caught.value, ValueError)


async def test_a_broken_connection_is_tried_again_as_often_as_set() -> None:
    lost = PatterConnectionError("gone", fix="wait")
    for retries in (0, 1, 3):
        first = FakeLLM(replies=(Reply(fails=lost),), model=f"m{retries}")
        llm = FallbackLLMProvider([first, FakeLLM()], max_retry_per_provider=retries)
        assert (await begins(llm))[0] == "Yes."
        assert len(first.requests) == 1 + retries
