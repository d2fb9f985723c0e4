"""What the logs cannot show within a period: for a window's sentence, and for "at least" before a count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incident import coverage_words
from incident.records_coverage import Overlap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from incident.records_coverage import CoverageFinding, MissingMember, VantageCoverage


MINUTE = 60_000_000
APART_US = 60 * MINUTE
UNCOUNTED = ("missing_log", "before", "after", "late")
"""While these last, requests may have been made that no count holds; in an outage there was nothing to take."""


def overlap(start: int | None, end: int | None, low: int, high: int) -> bool:
    """Whether a span, if both its ends are known, shares time with another."""
    return start is not None and end is not None and start < high and end > low


def overlaps(
    finding: CoverageFinding, start_us: int, end_us: int, *, zone: str, vantages: Iterable[str] | None = None
) -> tuple[Overlap, ...]:
    """What the logs cannot show between two times, both included: for the sentence of a window or a count.

    `vantages`: those that matter, by default all. Where one begins later or ends earlier by more than an hour, that
    is named.
    """
    wanted = set(vantages) if vantages is not None else {vantage.vantage for vantage in finding.vantages}
    found = []
    for vantage in finding.vantages:
        if vantage.vantage not in wanted or vantage.first_us is None or vantage.last_us is None:
            continue
        spans = [(one.kind, one.start_us, one.end_us) for one in vantage.silences if one.improbable and one.kind]
        spans += [("errors", spell.start_us, spell.end_us + 1) for spell in vantage.errors]
        found += [
            _named(kind, vantage.vantage, low, high, zone)
            for kind, low, high in spans
            if overlap(low, high, start_us, end_us + 1)
        ]
        if vantage.first_us - start_us > APART_US:
            found.append(_named("before", vantage.vantage, start_us, min(vantage.first_us, end_us), zone))
        if end_us - vantage.last_us > APART_US:
            found.append(_named("after", vantage.vantage, max(vantage.last_us, start_us), end_us, zone))
        if vantage.late_us and end_us > vantage.last_us - vantage.late_us:
            low = max(vantage.last_us - vantage.late_us, vantage.first_us, start_us)
            found.append(_named("late", vantage.vantage, low, max(vantage.last_us, low), zone))
    names = {item.path: item.vantage for item in finding.items}
    for one in finding.series:
        for member in one.missing:
            name = names.get(one.first)
            if name is not None and name in wanted and overlap(member.start_us, member.end_us, start_us, end_us + 1):
                found.append(_member(member, name, certain=one.certain))
    for item in finding.items:
        reaches = item.last_us is None or item.last_us >= start_us
        if item.status == "truncated" and item.vantage is not None and item.vantage in wanted and reaches:
            clause = f"the evidence item {item.path} could not be read to its end"
            found.append(Overlap("cut_item", item.vantage, item.last_us, None, at_least=True, clause=clause))
    return tuple(found)


def _member(member: MissingMember, vantage: str, *, certain: bool) -> Overlap:
    """A missing member whose neighbours follow each other within a minute held next to nothing."""
    if member.start_us is None or member.end_us is None:
        raise AssertionError("only a member whose time is bounded overlaps anything")
    clause = coverage_words.member_clause(member.name, vantage, certain=certain)
    held = certain and member.end_us - member.start_us > MINUTE
    return Overlap("missing_member", vantage, member.start_us, member.end_us, at_least=held, clause=clause)


def _named(kind: str, vantage: str, start_us: int, end_us: int, zone: str) -> Overlap:
    return Overlap(
        kind,
        vantage,
        start_us,
        end_us,
        kind in UNCOUNTED,
        coverage_words.clause(kind, vantage, start_us, end_us, zone),
    )


def answer(vantage: VantageCoverage, at_us: int) -> str:
    """What a vantage can say of one time: one of ANSWERS. Where it is "log" and has no request, there was none."""
    if vantage.last_us is not None and at_us == vantage.last_us:
        return "late" if vantage.late_us else "log"
    return next((span.answer for span in vantage.spans if span.start_us <= at_us < span.end_us), "no_log")
