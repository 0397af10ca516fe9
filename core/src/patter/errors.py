"""Every error Patter raises on purpose: what happened, a stable code, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from patter.safe_text import safe


class ErrorCode(StrEnum):
    """The kind of an error; members equal their own name and never change meaning."""

    CONFIG = "CONFIG"
    CONNECTION = "CONNECTION"
    AUTH = "AUTH"
    TIMEOUT = "TIMEOUT"
    RATE_LIMIT = "RATE_LIMIT"
    WEBHOOK_VERIFICATION = "WEBHOOK_VERIFICATION"
    INPUT_VALIDATION = "INPUT_VALIDATION"
    PROVIDER_ERROR = "PROVIDER_ERROR"
    PROVISION = "PROVISION"
    CALL_STATE = "CALL_STATE"
    INTERNAL = "INTERNAL"


_SPOKEN_WITH_A_VOWEL = frozenset("AEFHILMNORSX")
"""Letters before whose name stands "an": an LLM, but a TTS."""

_INSTALL = "pip install "
_COMMAND = re.compile(r"export \w+(=\S+)?")
"""A fix that a shell runs as it is; one that goes on with another way is advice."""

_PASSING = frozenset({ErrorCode.CONNECTION, ErrorCode.TIMEOUT, ErrorCode.RATE_LIMIT})


class PatterError(Exception):
    """Base of all Patter errors; *fix* is one thing the reader can do.

    Both may quote what somebody else has sent. Here they lose the secrets and the control
    characters in it, so that an error may be logged, recorded, printed and sent.
    """

    code: ErrorCode = ErrorCode.INTERNAL

    def __init__(self, message: str, *, fix: str, code: ErrorCode | None = None) -> None:
        self.message, self.fix = safe(message), safe(fix)
        super().__init__(self.message)
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message}\n  fix: {self.fix}"

    @property
    def passing(self) -> bool:
        """May the same request succeed a moment later, with nothing changed?"""
        return self.code in _PASSING


class PatterConfigError(PatterError, ValueError):
    """Something has to be set, installed or written differently before this can work."""

    code = ErrorCode.CONFIG


class MissingCredential(PatterConfigError):
    """A provider was given no key, and the environment has none either."""


class NotInstalled(PatterConfigError, ImportError):
    """A package that not everybody needs is needed here, and is not installed."""


class PatterTypeError(PatterConfigError, TypeError):
    """An argument is not known, or is of the wrong type."""


class EgressError(PatterConfigError):
    """A request was to go where it may not: to this machine or its network, not the internet."""


class ToolSchemaError(PatterConfigError):
    """The parameters of a tool, its name or its handler are not what a model can call."""


class SpecError(PatterConfigError):
    """A provider string such as ``deepgram/nova-3`` could not be read or built."""


class ProviderNotFound(PatterConfigError, LookupError):
    """No enabled plugin offers the provider that was asked for."""


class ProviderConflict(PatterConfigError):
    """Two distributions offer the same provider."""


class PluginError(PatterConfigError):
    """A plugin is installed but cannot be used."""


class StartRefused(PatterConfigError):
    """An extension does not let the phone serve as it was told to; see `patter_routes`."""


class AgentError(PatterConfigError):
    """Everything wrong with an agent at once; *problems* are the single errors, in field order."""

    def __init__(self, problems: Iterable[PatterError]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        messages = "; ".join(problem.message for problem in self.problems)
        message = messages if count == 1 else f"{count} problems: {messages}"
        super().__init__(message, fix=_combined_fix(self.problems))

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return super().__str__()
        each = (f"  {problem.message}\n    fix: {problem.fix}" for problem in self.problems)
        return "\n".join([f"{len(self.problems)} problems:", *each])


class AgentTypeError(AgentError, TypeError):
    """Among what is wrong with an agent is a value of the wrong type."""


class InputError(PatterError, ValueError):
    """A value that came from outside does not have the shape it must have."""

    code = ErrorCode.INPUT_VALIDATION


class CallStateError(PatterError):
    """The call is not where this can be done."""

    code = ErrorCode.CALL_STATE


class WebhookVerificationError(PatterError):
    """A request does not prove who sent it."""

    code = ErrorCode.WEBHOOK_VERIFICATION


class PatterConnectionError(PatterError, ConnectionError):
    """Somebody else's service, or the network, failed; it may work a moment later."""

    code = ErrorCode.CONNECTION


class RateLimitError(PatterConnectionError):
    """Too many requests, calls or sockets for now; *retry_after_ms* is when to come back, or 0."""

    code = ErrorCode.RATE_LIMIT

    def __init__(self, message: str, *, fix: str, retry_after_ms: float = 0) -> None:
        super().__init__(message, fix=fix)
        self.retry_after_ms = retry_after_ms


class PatterTimeoutError(PatterError, TimeoutError):
    """Something did not happen in time."""

    code = ErrorCode.TIMEOUT


class AuthenticationError(PatterError):
    """A vendor refused the credentials."""

    code = ErrorCode.AUTH


class ProvisionError(PatterError):
    """A carrier could not be set up as asked: a number, a webhook, an application."""

    code = ErrorCode.PROVISION


class ProviderError(PatterError):
    """A provider answered with something that is of no use to the call."""

    code = ErrorCode.PROVIDER_ERROR


class AllProvidersFailedError(ProviderError):
    """Every model of a list failed before it began to answer; *failures* are their errors.

    Its code is theirs where all have the same.
    """

    def __init__(self, failures: Iterable[PatterError]) -> None:
        self.failures = tuple(failures)
        messages = "; ".join(dict.fromkeys(failure.message for failure in self.failures))
        fixes = [failure.fix for failure in self.failures] or ["name a model"]
        codes = {failure.code for failure in self.failures}
        code = codes.pop() if len(codes) == 1 else None
        super().__init__(f"no model answered: {messages}", fix=fixes[0], code=code)


class PartialStreamError(ProviderError):
    """A model broke off in the middle of an answer, of which *text* had come by then.

    Its code is that of its cause.
    """

    def __init__(self, failure: PatterError, text: str) -> None:
        self.text = text
        message = f"the answer broke off: {failure.message}"
        super().__init__(message, fix=failure.fix, code=failure.code)


class InternalError(PatterError):
    """Patter, or code it was given to run, broke a promise."""

    code = ErrorCode.INTERNAL


def installs_of(problems: Iterable[PatterError]) -> str:
    """The one command that installs what is missing in several *problems*; empty for none."""
    fixes = [each.fix for each in problems if each.fix.startswith(_INSTALL)]
    names = [name for fix in fixes for name in fix.removeprefix(_INSTALL).split()]
    return _INSTALL + " ".join(dict.fromkeys(names)) if names else ""


def _combined_fix(problems: Sequence[PatterError]) -> str:
    """One line for all fixes: commands as one command, installs merged; advice after it."""
    others = dict.fromkeys(each.fix for each in problems if not each.fix.startswith(_INSTALL))
    commands = [fix for fix in others if _COMMAND.fullmatch(fix)]
    advice = [fix for fix in others if fix not in commands]
    return "; ".join(
        filter(None, [" && ".join(filter(None, [installs_of(problems), *commands])), *advice])
    )


def indefinite(word: str) -> str:
    """*word* with its indefinite article, for a message. Abbreviations are spelt, str is not.

    >>> [indefinite(word) for word in ("int", "llm", "TTS", "STTSession", "unit", "str")]
    ['an int', 'an llm', 'a TTS', 'an STTSession', 'a unit', 'a str']
    """
    spelt = word[:2].isupper() or not (set(word.lower()) & set("aeiouy") or word == "str")
    if spelt:
        vowel = word[:1].upper() in _SPOKEN_WITH_A_VOWEL
    else:
        vowel = word[:1].lower() in "aeiou" and not word.lower().startswith(("uni", "use", "one"))
    return f"{'an' if vowel else 'a'} {word}"


def nearest(name: str, names: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Which of *names* was meant; *likeness* is how like it must be, 1.0 being the same."""
    import difflib  # whoever mistypes nothing does not wait for it

    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=likeness)), None)


def did_you_mean(name: str, names: Iterable[str], otherwise: str, *, likeness: float = 0.6) -> str:
    """A fix for an unknown *name*: the one of *names* that was meant, or *otherwise*.

    >>> did_you_mean("deepgrm", ("deepgram", "openai"), "see: patter plugins")
    "did you mean 'deepgram'?"
    """
    meant = nearest(name, names, likeness=likeness)
    return otherwise if meant is None else f"did you mean {meant!r}?"
