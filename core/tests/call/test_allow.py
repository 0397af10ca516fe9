"""No trick of writing gets a caller handed to somebody who is not on the list."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from patter.call.allow import VARIABLE, allowing, operator_allows
from patter.errors import PatterConfigError
from patter.providers.transfer_target import is_target

NUMBERS = st.from_regex(r"\A\+[1-9][0-9]{6,14}\Z")
HOSTS = st.from_regex(r"\A[a-z][a-z0-9]{0,8}(\.[a-z]{2,5}){1,2}\Z")
USERS = st.from_regex(r"\A[A-Za-z0-9._+-]{1,12}\Z")
JUNK = st.text(max_size=12)


def allows(target: str, *patterns: str) -> bool:
    allowed = allowing(patterns)
    assert allowed is not None
    return allowed(target)


@given(NUMBERS, NUMBERS)
def test_a_number_allows_itself_alone(mine: str, other: str) -> None:
    assert allows(mine, mine)
    assert allows(other, mine) is (other == mine)


@given(NUMBERS, st.integers(1, 8), NUMBERS)
def test_a_prefix_allows_what_begins_so(number: str, length: int, other: str) -> None:
    prefix = number[:length]
    assert allows(number, prefix + "*")
    assert allows(other, prefix + "*") is other.startswith(prefix)


@given(HOSTS, USERS, HOSTS)
def test_a_host_allows_its_users_alone(host: str, user: str, other: str) -> None:
    assert allows(f"sip:{user}@{host}", f"sip:*@{host}")
    assert allows(f"sip:{user}@{host.upper()}", f"sip:*@{host}")
    assert allows(f"sip:{user}@{other}", f"sip:*@{host}") is (other == host)
    assert not allows(f"sips:{user}@{host}", f"sip:*@{host}")


@given(NUMBERS, JUNK, JUNK)
def test_nothing_may_stand_before_or_behind_an_allowed_number(
    number: str, before: str, behind: str
) -> None:
    assume(before or behind)
    target = before + number + behind
    if allows(target, number):
        assert target == number
    assert not allows(target, number[:4] + "*") or (is_target(target) and target.isascii())


@given(HOSTS, USERS, JUNK, JUNK, JUNK)
def test_nothing_may_stand_around_an_allowed_host(
    host: str, user: str, before: str, between: str, behind: str
) -> None:
    target = f"{before}sip:{user}{between}@{host}{behind}"
    if allows(target, f"sip:*@{host}"):
        assert (before, behind) == ("", "") and target.isascii()
        assert not set(between) & set("@;:?/%\\ \r\n")


@pytest.mark.parametrize(
    "target",
    [
        "+4930123456\n",
        " +4930123456",
        "+4930123456 ",
        "+49 30123456",
        "+4930123456,,9",
        "+4930123456;postd=9",
        "+\u0664\u0669\u0663\u0660123456",
        "\uff0b4930123456",
        "+4930123456\u200b",
        "+4930123456\x00",
        "+4930",
        "+49301234567890123",
        "tel:+4930123456",
        "4930123456",
        "+4930123456</Number><Number>+19005550100",
        "sip:desk@pbx.example.com@evil.example",
        "sip:desk@evil.example;x=@pbx.example.com",
        "sip:desk@pbx.example.com.evil.example",
        "sip:desk@notpbx.example.com",
        "sip:desk@pbx.example.com;maddr=evil.example",
        "sip:desk@pbx.example.com:5060",
        "sip:desk@pbx.example.com?Route=evil.example",
        "sip:desk:password@pbx.example.com",
        "sip:evil.example%40pbx.example.com",
        "sip:a@evil.example%23@pbx.example.com",
        "sip:desk@pbx\u3002example\u3002com",
        "sip:desk@pbx.example.com\n",
        "sip:d\u0435sk@pbx.example.com",
        "SIP:desk@pbx.example.com",
        "sip:@pbx.example.com",
        "sip: @pbx.example.com",
        "",
    ],
)
def test_tricks_do_not_get_through(target: str) -> None:
    assert not allows(target, "+4930*", "+4930123456", "sip:*@pbx.example.com")


def test_a_port_and_parameters_are_allowed_by_naming_them() -> None:
    there = "pbx.example.com:5061;transport=tls"
    assert allows(f"sip:desk@{there}", f"sip:*@{there}")
    assert is_target("sip:100@10.0.0.1:5080") and is_target("sip:100@[2001:db8::1]")
    assert not allows("sip:desk@pbx.example.com:5062", f"sip:*@{there}")


def test_a_user_named_is_that_user_alone() -> None:
    assert allows("sip:desk@pbx.example.com", "sip:desk@PBX.example.com")
    assert not allows("sip:Desk@pbx.example.com", "sip:desk@pbx.example.com")


def test_none_allows_all_and_no_patterns_allow_nothing() -> None:
    assert allowing(None) is None
    assert not allows("+4930123456")


@pytest.mark.parametrize(
    "pattern",
    ["*", "", " ", "+", "4930*", "+49*30", "+49**", "+0*", "sip:*", "sip:*@*", "sip:*@*.example",
     "sip:d*@pbx.example.com", "+49 30*", "+\u0664*", 49, None, "+4930123456\n"],
)  # fmt: skip
def test_what_is_no_pattern_is_refused_with_a_fix(pattern: object) -> None:
    with pytest.raises(PatterConfigError, match="is not a pattern") as refused:
        allowing([pattern])  # type: ignore[list-item]
    assert "+4930*" in refused.value.fix


@given(JUNK)
def test_a_pattern_is_read_or_refused_and_nothing_else(pattern: str) -> None:
    try:
        allowed = allowing([pattern])
    except PatterConfigError:
        return
    assert allowed is not None and pattern.isascii() and pattern == pattern.strip()


@pytest.mark.parametrize("given_", ["+4930*", b"+4930*", 7])
def test_text_is_no_list_of_patterns(given_: object) -> None:
    with pytest.raises(PatterConfigError, match="transfer_allowed is a"):
        allowing(given_)  # type: ignore[arg-type]


def test_a_function_decides_by_true_alone() -> None:
    allowed = allowing(lambda target: target == "+4930123456")
    assert allowed is not None and allowed("+4930123456") and not allowed("+4930123457")
    only_truthy = allowing(lambda _target: "yes")  # type: ignore[arg-type, return-value]
    assert only_truthy is not None and not only_truthy("+4930123456")
    everything = allowing(lambda _target: True)
    assert everything is not None and not everything("+4930123456;postd=9")


def test_an_async_function_is_refused_for_its_promise_would_allow_everything() -> None:
    async def allowed(target: str) -> bool:
        return False

    with pytest.raises(PatterConfigError, match="async"):
        allowing(allowed)  # type: ignore[arg-type]


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patching:
        yield patching


def test_the_operators_list_is_read_from_the_environment(patch: pytest.MonkeyPatch) -> None:
    patch.delenv(VARIABLE, raising=False)
    assert operator_allows() is None
    patch.setenv(VARIABLE, "+4930*, sip:*@pbx.example.com")
    allowed = operator_allows()
    assert allowed is not None
    assert allowed("+4930123456") and allowed("sip:desk@pbx.example.com")
    assert not allowed("+4940123456")


@pytest.mark.parametrize("listed", [",", "+49*,", "everywhere"])
def test_an_operators_list_with_a_mistake_is_refused(
    patch: pytest.MonkeyPatch, listed: str
) -> None:
    patch.setenv(VARIABLE, listed)
    with pytest.raises(PatterConfigError, match=VARIABLE):
        operator_allows()


def test_a_star_is_every_target_and_in_a_list_it_is_none() -> None:
    everywhere = allowing("*")
    assert everywhere is not None and everywhere("+881612345678") and everywhere("sip:a@b.example")
    assert not everywhere("the boss")
    with pytest.raises(PatterConfigError, match="not a pattern"):
        allowing(["*"])
