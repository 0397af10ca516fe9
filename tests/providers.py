"""Write docs/providers.md from what the packages of this repository declare (``nox -s known``).

Slugs come from each ``pyproject.toml``, the rest from the class that a plugin's hook says it
returns: nothing is built, so no key is needed. ``--check`` only says whether the page is what
it should be.
"""

from __future__ import annotations

import inspect
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from patter.env import standing_in
from patter.errors import PatterError
from patter.observe.pricing import Price
from patter.plugins.catalogue import DEFAULT
from patter.plugins.kinds import kind_names
from patter.plugins.spec import ProviderSpec
from patter.providers.carrier import CarrierCapabilities

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "providers.md"
TITLES = {
    "carrier": "Carriers",
    "stt": "Speech to text",
    "tts": "Text to speech",
    "llm": "Language models",
    "vad": "Voice detection",
    "engine": "Speech to speech",
    "tunnel": "Tunnels",
    "guardrail": "Guardrails",
    "turn_detector": "Turn detection",
    "audio_filter": "Audio filters",
}
HEADS = ("provider", "package", "tier", "audio", "options", "key")
FORMATS = ("formats", "accepts", "produces")
WORDS = {
    "marks": "playback position",
    "lead_ms": "is given audio ahead, in ms",
    "latency_ms": "brings it to the caller within, in ms",
    "outbound": "outbound calls",
    "cold_transfer": "cold transfer to a number",
    "sip_transfer": "cold transfer to a SIP address",
    "warm_transfer": "warm transfer",
    "transfer_result": "fallback when nobody answers a transfer",
    "dtmf_in": "receives DTMF",
    "dtmf_out": "sends DTMF; else as tones in the audio",
    "machine_detection": "answering machine detection",
    "recording": "records calls",
    "recording_pause": "pauses recordings",
    "reconnect": "brings media back after its socket was lost",
    "price": "tells what a call cost",
}
INTRODUCTION = """# Providers

What each package declares, written by `nox -s known`. A string such as `provider/model` or
`provider?option=value` names one, an object of its class does too. Keys are taken from the
variables named here, or given to the class; they cannot be part of a string. `patter plugins`
lists what is installed, `patter explain` what a call of an agent makes of it.

No vendor of speech or language was called with a real key yet. Each of their packages is held
to a simulator of its vendor, and the simulator to the vendor's own library, Rime's to what others
wrote. Each README says what rests on documents alone. Prices are list prices, and the README
says of when and where from.
"""


@attrs.frozen
class Provider:
    """One provider: its slug, its package's tables, the class of its settings, and one of them.

    *made* is None where the slug alone is too little to make settings of.
    """

    kind: str
    slug: str
    folder: Path
    tier: str
    settings: Any
    made: Any
    prices: tuple[Price, ...]

    def declared(self, name: str) -> Any:
        """What *name* is by default; None when that depends on the settings."""
        default = _defaults(self.settings).get(name)
        found = getattr(self.settings, name, None) if default is None else default
        if inspect.isdatadescriptor(found):
            found = getattr(self.made, name, None)
        return None if callable(found) else found


def main(arguments: list[str]) -> int:
    """Write the page, or with ``--check`` return 1 when it is not what it should be."""
    wanted = generated()
    if "--check" in arguments:
        now = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        print("providers.md is", "up to date" if now == wanted else "stale: run nox -s known")
        return int(now != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def generated() -> str:
    """The whole page as it should be."""
    found = list(providers())
    sections = [
        section(kind, [each for each in found if each.kind == kind]) for kind in kind_names()
    ]
    return "\n".join([INTRODUCTION, *filter(None, sections)])


def section(kind: str, found: Sequence[Provider]) -> str:
    """The table of a kind; carriers have a second one."""
    if not found:
        return ""
    parts = [f"## {TITLES[kind]}", "", table(HEADS, [row(each) for each in found])]
    if kind == "carrier":
        parts += ["### What each can do", "", abilities(found)]
    elif rates := [rate for each in found for rate in rates_of(each)]:
        parts += ["### What they charge", "", table(("provider", "model", "for", "US$"), rates)]
    return "\n".join(parts)


def row(provider: Provider) -> list[str]:
    """What there is to know of one."""
    package = provider.folder.name
    link = f"[{package}](../{provider.folder.parent.name}/{package}/README.md)"
    fields = _fields(provider.settings)
    options = [code(field.alias) for field in fields if field.repr]
    keys = [code(field.metadata["env"]) for field in fields if "env" in field.metadata]
    cells = [code(provider.slug), link, provider.tier, audio(provider)]
    return [*cells, ", ".join(options), ", ".join(keys)]


def audio(provider: Provider) -> str:
    """The formats it takes or makes, best first."""
    found = next((told for name in FORMATS if (told := provider.declared(name))), ())
    return ", ".join(map(str, found))


def rates_of(provider: Provider) -> list[list[str]]:
    """A row a model: what is charged for, and how much."""
    units: dict[str, list[Price]] = {}
    for price in provider.prices:
        if price.kind in (provider.kind, "") and price.provider == provider.slug:
            units.setdefault(price.model, []).append(price)
    return [
        [
            code(provider.slug),
            code(model) if model else "any other",
            "<br>".join(f"{_per(each)} {each.unit.replace('_', ' ')}" for each in prices),
            "<br>".join(f"{each.usd:g}" for each in prices),
        ]
        for model, prices in units.items()
    ]


def _per(price: Price) -> str:
    return {1.0: "1", 1e3: "1,000", 1e6: "1,000,000"}.get(price.per, f"{price.per:g}")


def abilities(carriers: Sequence[Provider]) -> str:
    """Every capability there is, told by each carrier; its media; its price a minute."""
    able = [capabilities(each) for each in carriers]
    rows = [
        [WORDS[field.name], *(word(getattr(can, field.name)) for can in able)]
        for field in attrs.fields(CarrierCapabilities)
    ]
    rows.append(["media", *(audio(each) for each in carriers)])
    rows.append(["list price a minute", *(price(each) for each in carriers)])
    return table(["", *(code(each.slug) for each in carriers)], rows)


def capabilities(carrier: Provider) -> CarrierCapabilities:
    """What *carrier* can do. Raises TypeError when its class does not say."""
    can = carrier.declared("can")
    if not isinstance(can, CarrierCapabilities):
        raise TypeError(f"{carrier.settings.__name__} must say what it can as a class attribute")
    return can


def price(carrier: Provider) -> str:
    """What its plugin says a minute costs; unknown when it says nothing."""
    for each in carrier.prices:
        if (each.kind, each.provider, each.unit) == ("carrier", carrier.slug, "minutes"):
            return f"${each.usd / each.per:.4f}"
    return "unknown"


def word(value: object) -> str:
    """A capability in a cell."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; columns that are empty in every row are left out."""
    kept = [i for i in range(len(heads)) if any(row[i] for row in rows)]
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line[i] for i in kept)} |" for line in lines) + "\n"


def code(text: str) -> str:
    return f"`{text}`"


def providers() -> Iterator[Provider]:
    """Every provider of every package here, by name; one that is also a default only once."""
    found = [each for folder in ("plugins", "contrib") for each in _offered(ROOT / folder)]
    yield from sorted(found, key=lambda each: each.slug)


def _offered(folder: Path) -> Iterator[Provider]:
    for path in sorted(folder.glob("*/pyproject.toml")):
        pyproject = tomllib.loads(path.read_text(encoding="utf-8"))
        for group, entries in pyproject["project"].get("entry-points", {}).items():
            kind = group.removeprefix("patter.")
            for slug, module in entries.items() if kind in kind_names() else ():
                if slug != DEFAULT:
                    tier = pyproject["tool"]["patter"]["tier"]
                    yield Provider(kind, slug, path.parent, tier, *_told(kind, slug, module))


def _told(kind: str, slug: str, module: str) -> tuple[Any, Any, tuple[Price, ...]]:
    """The class that the plugin's hook returns for *slug*, one of it, and the plugin's prices."""
    plugin = import_module(module)
    hook = getattr(plugin, f"patter_{kind}")
    names = str(inspect.signature(hook).return_annotation).split(" | ")
    settings = getattr(import_module(module.partition(".")[0]), names[0])
    made = _made(hook, kind, slug)
    if made is not None and len(names) > 1:
        settings = type(made)
    prices = getattr(plugin, "patter_prices", tuple)
    return settings, made, tuple(prices())


def _made(hook: Callable[..., object], kind: str, slug: str) -> Any:
    """What *hook* makes of *slug* alone; None where that is too little."""
    try:
        with standing_in("a key"):
            return hook(ProviderSpec.parse(slug, kind))
    except PatterError:
        return None


def _fields(settings: Any) -> list[Any]:
    """The fields that may be given."""
    return [field for field in attrs.fields(settings) if field.init] if attrs.has(settings) else []


def _defaults(settings: Any) -> dict[str, Any]:
    if not attrs.has(settings):
        return {}
    return {
        field.name: field.default
        for field in attrs.fields(settings)
        if field.default is not attrs.NOTHING and not hasattr(field.default, "factory")
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
