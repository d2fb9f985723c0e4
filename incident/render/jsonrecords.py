"""Any record as JSON, field by field: what is not in a contract of its own keeps the names of its record.

A field that ends in `_us` is a time, and loses the ending; one of SPANS is a span in seconds, and ends in `_seconds`.
Pairs get the names of PAIRS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from incident import coverage_words, words

if TYPE_CHECKING:
    from incident.render.jsonout import Json

SPANS = frozenset(
    {
        "bin_us", "confirmed_us", "unavailable_us", "longest_us", "late_us", "offset_us", "lower_us", "upper_us",
        "drift_us_per_day", "visit_gap_us", "furthest_us",
    }
)  # fmt: skip
PAIRS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("VantageCoverage", "limits"): ("format", "limit"),
    ("ClientDetail", "referrers"): ("host", "requests"),
    ("ClientDetail", "other_paths"): ("path", "lines"),
    ("Dossier", "agents"): ("user_agent", "lines"),
    ("ItemChange", "fields"): ("field", "a", "b"),
    ("DownloadChange", "fields"): ("field", "a", "b"),
    ("PeriodsFinding", "known"): ("alerted_us", "taken_down_us"),
}
NAMES: Mapping[tuple[str, str], str] = {
    ("LineRef", "line_no"): "line",
    ("LineRef", "byte_offset"): "offset",
    **{
        (kind, name): f"downloads_{name}"
        for kind in ("ClientDetail", "NetworkFinding")
        for name in ("full", "partial", "undetermined")
    },
    **{
        (kind, name): name.replace("_us", "_download")
        for kind in ("ClientDetail", "NetworkFinding")
        for name in ("first_us", "last_us")
    },
}


def record(value: object) -> Json:
    """Return a record as JSON, in the order of its fields."""
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{type(value).__name__} is no record")
    found: Json = {}
    kind = type(value).__name__
    for field in fields(value):
        name, held = field.name, getattr(value, field.name)
        if names := PAIRS.get((kind, name)):
            found[name] = _named(names, held)
        else:
            found[NAMES.get((kind, name), _key(name))] = _figure(name, held)
        if (kind, name) == ("SilenceFinding", "by_chance"):
            found["by_chance_words"] = coverage_words.odds(held) if held < 1 else "to be expected"
    return found


def _named(names: tuple[str, ...], held: tuple[Any, ...]) -> object:
    if held and isinstance(held[0], tuple):
        return [_named(names, each) for each in held]
    if not held:
        return []
    return {_key(name): _figure(name, each) for name, each in zip(names, held, strict=True)}


def _key(name: str) -> str:
    if name in SPANS:
        return name.replace("_us", "_seconds", 1)
    return name.removesuffix("_us")


def _figure(name: str, held: object) -> object:
    if isinstance(held, int) and not isinstance(held, bool) and name in SPANS:
        whole, rest = divmod(held, words.SECOND)
        return held / words.SECOND if rest else whole
    if isinstance(held, int) and not isinstance(held, bool) and name.endswith("_us"):
        return words.iso(held)
    return _plain(held)


def _plain(held: object) -> object:
    if is_dataclass(held):
        return record(held)
    if isinstance(held, tuple):
        return [_plain(each) for each in held]
    if isinstance(held, Mapping):
        return {key: _plain(each) for key, each in held.items()}
    return held
