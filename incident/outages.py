"""Whether a silence is an outage or a missing log: what surrounds it, and what other records show of its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from incident.expectation import Ints

MINUTE = 60_000_000
BESIDE_US = 10 * MINUTE
"""How far from a silence errors are taken to belong to it."""

FEWEST_FAILED = 10
"""Fewer errors are no spell: a scanner provokes as many on any day."""

MOSTLY = 0.5
MUCH = 0.25
USUAL_TIMES = 5
FEWEST_SERVED = 5
"""Fewer lines of another vantage prove nothing: clocks differ, and a health check may be answered by itself."""


@dataclass(frozen=True, slots=True)
class Minute:
    """One vantage's minutes with a line, as arrays of one length, in order of time."""

    start_us: Ints
    lines: Ints
    failed: Ints
    served: Ints
    missed: Ints
    cache_known: Ints
    first_us: Ints
    last_us: Ints

    def within(self, start_us: int, end_us: int) -> slice:
        """The minutes that begin in a half-open span."""
        low, high = np.searchsorted(self.start_us, [start_us, end_us])
        return slice(int(low), int(high))


@dataclass(frozen=True, slots=True)
class Spell:
    """A run of minutes that mostly failed."""

    start_us: int
    end_us: int
    lines: int
    failed: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a silence was: its kind, whether another record proves it, and why, in sentences."""

    kind: str
    proven: bool
    because: tuple[str, ...]


def spells(minutes: Minute) -> tuple[Spell, ...]:
    """Return the runs of failing minutes, unbroken by a minute that did not fail.

    A minute fails where errors are half of its lines, and five times as frequent as in the whole log.
    """
    usual = float(np.sum(minutes.failed)) / max(float(np.sum(minutes.lines)), 1.0)
    share = minutes.failed / np.maximum(minutes.lines, 1)
    failing = (share >= MOSTLY) & ((share >= USUAL_TIMES * usual) | (usual < MUCH))
    edges = np.flatnonzero(np.diff(np.concatenate(([False], failing, [False])).astype(np.int8)))
    found = []
    for low, high in zip(edges[::2], edges[1::2], strict=True):
        failed = int(np.sum(minutes.failed[low:high]))
        if failed >= FEWEST_FAILED:
            found.append(
                Spell(
                    int(minutes.first_us[low]),
                    int(minutes.last_us[high - 1]),
                    int(np.sum(minutes.lines[low:high])),
                    failed,
                )
            )
    return tuple(found)


def verdict(
    vantage: str,
    start_us: int,
    end_us: int,
    minutes: Mapping[str, Minute],
    found: Sequence[Spell],
    *,
    between_items: tuple[str, str] | None,
    lacking: Sequence[str],
    tiers: Mapping[str, int],
) -> Verdict:
    """Say what a silence of one vantage was.

    `between_items`: it begins where one evidence item ends and ends where another begins. `lacking`: names of missing
    members whose time it holds.
    """
    own = minutes[vantage]
    inside_start, inside_end = start_us + MINUTE, end_us - MINUTE
    errors = _errors_beside(own, start_us, end_us, found)
    served, failing = [], []
    for name, other in sorted(minutes.items()):
        if name == vantage or inside_end <= inside_start:
            continue
        part = other.within(inside_start, inside_end)
        answered, failed = int(np.sum(other.served[part])), int(np.sum(other.failed[part]))
        by_cache = tiers.get(vantage, 1) > tiers.get(name, 1) and int(np.sum(other.cache_known[part])) > 0
        missed = int(np.sum(other.missed[part]))
        if by_cache and missed < FEWEST_SERVED <= answered:
            continue  # answered from the cache: says nothing of what lies behind it
        if answered >= FEWEST_SERVED and answered >= failed:
            what = (
                f"{missed:,} requests that its cache had to pass on" if by_cache else f"{answered:,} answered requests"
            )
            served.append(f"In the same time {name} logged {what}: the service was up.")
        elif failed >= FEWEST_SERVED and failed > answered:
            failing.append(f"In the same time {name} logged {failed:,} errors of {failed + answered:,} answers.")
    named = [f"By its name, {name} belongs to that time and is not among the evidence." for name in lacking]
    if between_items is not None:
        named.append(f"It lies between the end of {between_items[0]} and the beginning of {between_items[1]}.")
    if served:
        return Verdict("missing_log", proven=True, because=(*served, *named))
    if failing:
        return Verdict("outage", proven=True, because=(*failing, *errors))
    if errors:
        return Verdict("outage", proven=False, because=(*errors, *named))
    quiet = "No errors stand before or after it; the lines stop and resume as they were."
    return Verdict("missing_log", proven=bool(lacking), because=(quiet, *named))


def _errors_beside(own: Minute, start_us: int, end_us: int, found: Sequence[Spell]) -> list[str]:
    usual = float(np.sum(own.failed)) / max(float(np.sum(own.lines)), 1.0)
    said = []
    for where, low, high in (
        ("before", start_us - BESIDE_US, start_us + 1),
        ("after", end_us - MINUTE, end_us + BESIDE_US),
    ):
        part = own.within(low, high)
        failed, lines = int(np.sum(own.failed[part])), int(np.sum(own.lines[part]))
        spell = any(low <= spell.end_us and spell.start_us <= high for spell in found)
        if spell or (failed >= FEWEST_SERVED and failed >= MUCH * lines and failed >= USUAL_TIMES * usual * lines):
            said.append(f"In the ten minutes {where} it {failed:,} of {lines:,} lines are errors (5xx).")
    return said
