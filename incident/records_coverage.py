"""What is said of the evidence itself: how far it reaches, where it is silent, whose clock is off.

Times are integer microseconds since 1970-01-01 UTC and end in `_us`; None is "the log does not say".
"""

from __future__ import annotations

from dataclasses import dataclass

ANSWERS = ("log", "no_log", "outage", "late")
"""What a vantage can say of a time: there is a log (and where it has no request, there was none); there is none; it was
silent around errors; what it has may still be incomplete, because records come late.
"""

SILENCE_KINDS = ("missing_log", "outage")

GAP_KINDS = ("missing_log", "outage", "errors", "missing_member", "before", "after", "late", "cut_item")


@dataclass(frozen=True, slots=True)
class AddressShare:
    """How many distinct addresses of one family end where anonymising would cut them."""

    family: str  # "IPv4": last octet 0; "IPv6": last 64 bits 0
    distinct: int
    zeroed: int
    anonymised: str  # "no" | "partly" | "yes"


@dataclass(frozen=True, slots=True)
class ItemCoverage:
    """One evidence item: what it holds, and what of it could not be used."""

    path: str
    vantage: str | None
    status: str
    problem: str | None
    events: int
    rejected: int
    skipped: int
    first_us: int | None  # with the definition's clock_offset
    last_us: int | None
    untimed: int  # events whose line has no time
    addresses: tuple[AddressShare, ...]


@dataclass(frozen=True, slots=True)
class SilenceFinding:
    """A stretch of a vantage without any line. The bounds are the lines before and after it."""

    vantage: str
    start_us: int
    end_us: int
    expected_lines: int  # rounded down
    compared_days: int  # the same clock time on so many other days; 0: the hours before and after
    compared_stretches: int  # other stretches like it whose lines were compared with what was expected of them
    least_percent: int | None  # the emptiest of them held this much of its expectation
    by_chance: float  # how many such silences an undamaged log like this would show; never below 1e-12
    improbable: bool
    kind: str | None  # one of SILENCE_KINDS; None for a silence that is not improbable
    proven: bool  # the kind rests on another record, not on the pattern of this one alone
    because: tuple[str, ...]  # sentences
    sentence: str


@dataclass(frozen=True, slots=True)
class ErrorSpell:
    """A run of minutes in which the vantage served mostly errors (5xx)."""

    vantage: str
    start_us: int
    end_us: int
    lines: int
    failed: int
    sentence: str


@dataclass(frozen=True, slots=True)
class MissingMember:
    """A member that a series of names lacks; its time is bounded by what its neighbours hold."""

    name: str  # parts that nobody can know stand as *
    after: str | None  # the member before it, in order of time
    before: str | None
    start_us: int | None
    end_us: int | None


@dataclass(frozen=True, slots=True)
class SeriesFinding:
    """Like names that differ in a number or a date, and the members missing between first and last."""

    series: str
    counted_by: str  # "number" | "minute" | "hour" | "day" | "month"
    step: int  # in that unit
    present: int
    first: str
    last: str
    missing_count: int
    missing: tuple[MissingMember, ...]  # the first hundred
    certain: bool  # False: no file may mean that nobody asked
    sentence: str


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open span of time and what a vantage can say of it: one of ANSWERS."""

    start_us: int
    end_us: int
    answer: str


@dataclass(frozen=True, slots=True)
class VantageCoverage:
    """What one vantage's evidence covers."""

    vantage: str
    items: int
    events: int
    rejected: int
    first_us: int | None
    last_us: int | None
    spans: tuple[Span, ...]  # from first to last
    silences: tuple[
        SilenceFinding, ...
    ]  # in order of time; where none is improbable, the largest stands here to show it
    errors: tuple[ErrorSpell, ...]
    addresses: tuple[AddressShare, ...]
    limits: tuple[tuple[str, str], ...]  # (format title, what its vendor says the log does not promise)
    late_us: int  # how late its records may come; 0: not said
    sampled: tuple[str, ...]  # the limits that speak of sampling
    model: str  # which comparison was used and what it assumes, in words for counsel


@dataclass(frozen=True, slots=True)
class PairingFinding:
    """One data set's requests that should stand in two logs and stand in one."""

    dataset: str
    pairs: int
    origin_without_edge: int  # came through a trusted proxy; no edge record of it
    edge_without_origin: int  # a cache miss at a time the origin's evidence covers; no origin record of it
    edge_misses: int  # cache misses at such times, in all
    sentence: str


@dataclass(frozen=True, slots=True)
class BoundEffect:
    """A bound of an exposure window that rests on a vantage whose clock is off, and where it would move."""

    dataset: str
    window: int  # counting from 1, in order of time
    bound: str  # opened_after | first_seen | last_seen | closed_by
    bound_us: int
    would_be_us: int


@dataclass(frozen=True, slots=True)
class ClockFinding:
    """How the clock of one vantage stands to that of another, from requests that both logged."""

    vantage: str  # behind the proxy
    against: str
    pairs: int
    unpaired: int  # requests behind the proxy without a partner
    offset_us: int | None  # median of start here less start there; None: too few pairs
    lower_us: int | None  # lower and upper quartile, by nearest rank
    upper_us: int | None
    drift_us_per_day: int | None  # None: none that the pairs would show
    beyond_match_within: bool  # found by the wider search: pairing itself could not see it
    first_us: int | None  # of the pairs
    last_us: int | None
    suggestion: (
        str | None
    )  # a clock_offset for `vantage`, as the definition writes it; None: within the clocks' resolution
    effects: tuple[BoundEffect, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """Something that the logs cannot show within a period, as a clause that a sentence can carry."""

    kind: str  # one of GAP_KINDS
    vantage: str
    start_us: int | None
    end_us: int | None
    at_least: bool  # requests may be missing from the count
    clause: str


@dataclass(frozen=True, slots=True)
class CoverageFinding:
    """What the evidence of a case covers, and what it cannot show."""

    vantages: tuple[VantageCoverage, ...]
    items: tuple[ItemCoverage, ...]
    series: tuple[SeriesFinding, ...]
    pairings: tuple[PairingFinding, ...]
    clocks: tuple[ClockFinding, ...]
