"""Provider strings: read what is written, refuse what must not be in one."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import PatterError, ProviderSpec
from patter.errors import PatterConfigError, SpecError

text = st.text(st.characters(exclude_categories=["Cs"]))
specs = st.builds(
    ProviderSpec,
    st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True),
    st.none() | text.filter(bool),
    st.dictionaries(text, text),
)


@attrs.frozen(kw_only=True)
class DeepgramSTT:
    model: str = "nova-3"
    language: str = "en"
    endpointing_ms: int = attrs.field(default=300, converter=int, validator=attrs.validators.ge(0))
    api_key: str = attrs.field(default="", repr=False)
    token: str = attrs.field(default="", repr=False, metadata={"env": "DG_TOKEN"})


def build(spec: str, cls: type[Any] = DeepgramSTT) -> Any:
    return ProviderSpec.parse(spec, "stt").build(cls)


def refusal(spec: str, cls: type[Any] = DeepgramSTT) -> tuple[str, str]:
    with pytest.raises(SpecError) as caught:
        build(spec, cls)
    return caught.value.message, caught.value.fix


@given(specs)
def test_what_is_printed_is_what_is_read(spec: ProviderSpec) -> None:
    assert ProviderSpec.parse(str(spec)) == spec


@given(st.text())
def test_any_text_is_a_spec_or_an_error_with_a_fix(anything: str) -> None:
    try:
        spec = ProviderSpec.parse(anything)
    except PatterError as error:
        assert error.fix
    else:
        assert ProviderSpec.parse(str(spec)) == spec


def test_only_the_first_slash_splits() -> None:
    assert ProviderSpec.parse("openrouter/meta-llama/llama-3:8b").model == "meta-llama/llama-3:8b"


def test_model_and_options_reach_the_settings_converted() -> None:
    built = build("deepgram/flux?language=de&endpointing_ms=150")
    assert built == DeepgramSTT(model="flux", language="de", endpointing_ms=150)


@pytest.mark.parametrize(
    ("spec", "message", "fix"),
    [
        ("deepgram?langage=de", "deepgram stt has no option 'langage'", "did you mean 'language'?"),
        (
            "deepgram?zzz=1",
            "deepgram stt has no option 'zzz'",
            "use one of model, language, endpointing_ms",
        ),
        (
            "deepgram?api_key=hunter2",
            "a spec string cannot carry 'api_key'",
            "export DEEPGRAM_API_KEY",
        ),
        (
            "deepgram?apikey=hunter2",
            "a spec string cannot carry 'api_key'",
            "export DEEPGRAM_API_KEY",
        ),
        ("deepgram?token=hunter2", "a spec string cannot carry 'token'", "export DG_TOKEN"),
        (
            "deepgram?endpointing_ms=soon",
            "deepgram stt cannot use endpointing_ms='soon': "
            "invalid literal for int() with base 10: 'soon'",
            "change 'endpointing_ms'",
        ),
        (
            "deepgram/flux?model=nova-3",
            "deepgram stt has two models",
            "write deepgram/MODEL, without ?model=",
        ),
        ("deepgram?language=de&language=fr", "option 'language' is given twice", "give it once"),
        (
            "Deepgram",
            "'Deepgram' is not a valid provider name",
            "write 'deepgram': names are lower case",
        ),
        (
            "deepgram/",
            "a spec string with '/' names a model, this one does not",
            "write provider/model, or the provider alone",
        ),
    ],
)
def test_a_mistake_is_named_with_its_remedy(spec: str, message: str, fix: str) -> None:
    assert refusal(spec) == (message, fix)


@given(text.filter(bool))
def test_a_secret_given_by_mistake_is_in_no_error(secret: str) -> None:
    secret = f"s3cr3t{secret}"
    spec = str(ProviderSpec("deepgram", None, {"api_key": secret}))
    assert not any(secret in said for said in refusal(spec))


def test_a_provider_without_models_takes_none() -> None:
    @attrs.frozen
    class Energy:
        threshold_db: float = -38.0

    assert refusal("energy/loud", Energy) == ("energy stt takes no model", "write 'energy'")


def test_a_missing_option_is_asked_for() -> None:
    @attrs.frozen
    class Needy:
        voice: str

    assert refusal("needy", Needy) == ("needy stt needs 'voice'", "write 'needy?voice=...'")


def test_an_error_of_the_settings_themselves_comes_out_as_it_is() -> None:
    @attrs.frozen
    class Keyless:
        def __attrs_post_init__(self) -> None:
            raise PatterConfigError("Keyless has no api_key", fix="export KEYLESS_API_KEY")

    with pytest.raises(PatterConfigError, match="Keyless has no api_key"):
        build("keyless", Keyless)


def test_the_kind_only_explains_and_makes_no_difference() -> None:
    assert ProviderSpec.parse("deepgram", "stt") == ProviderSpec.parse("deepgram", "tts")


@attrs.frozen(kw_only=True)
class Switched:
    """Boolean options, declared in every way there is."""

    plain: bool = False
    perhaps: bool | None = None
    converted: bool = attrs.field(default=True, converter=attrs.converters.to_bool)
    text: str = "false"


@pytest.mark.parametrize("name", ["plain", "perhaps", "converted"])
@pytest.mark.parametrize(
    ("written", "meant"),
    [("false", False), ("0", False), ("no", False), ("off", False), ("true", True), ("1", True)],
)
def test_false_in_a_spec_is_not_true(name: str, written: str, meant: bool) -> None:
    assert getattr(build(f"deepgram?{name}={written}", Switched), name) is meant


@pytest.mark.parametrize("name", ["plain", "perhaps", "converted"])
@pytest.mark.parametrize("written", ["maybe", "", "2"])
def test_what_is_neither_true_nor_false_is_refused(name: str, written: str) -> None:
    assert refusal(f"deepgram?text=x&{name}={written}", Switched) == (
        f"deepgram stt cannot use {name}={written!r}: it is neither true nor false",
        f"write {name}=true or {name}=false",
    )


def test_only_what_is_declared_as_a_bool_is_read_as_one() -> None:
    assert build("deepgram?text=true", Switched).text == "true"


def test_types_that_are_no_strings_are_read_alike() -> None:
    either: Any = bool | None
    loud, soft = attrs.field(default=False, type=bool), attrs.field(default=None, type=either)
    made: Any = attrs.make_class("Made", {"loud": loud, "soft": soft})
    built = build("deepgram?loud=false&soft=true", made)
    assert (built.loud, built.soft) == (False, True)
