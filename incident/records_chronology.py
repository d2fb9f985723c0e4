"""The records of the reconstructed timeline: frozen, without behaviour."""

from __future__ import annotations

from dataclasses import dataclass

from incident.records import DeclaredEvent, Outage

SURENESS = ("exact", "bound", "inferred", "declared")


@dataclass(frozen=True, slots=True)
class LineRef:
    """Where in the evidence a statement stands."""

    path: str  # of the evidence item
    line_no: int
    byte_offset: int  # of the line, in the decompressed item


@dataclass(frozen=True, slots=True)
class Milestone:
    """One entry of the chronology."""

    time_us: int
    kind: str  # a slug; docs/chronology.md lists them
    label: str  # for counsel; holds no text of the logs but the host of a referrer
    sure: str  # "exact" | "bound" | "inferred" | "declared"
    because: str
    datasets: tuple[str, ...] = ()  # empty: the whole site
    source: LineRef | None = None  # the line that shows it; None: declared, or shown by no one line
    until_us: int | None = None  # the end, where it is a span (a gap, a bin)
    declared_by: str | None = None  # for declared events: who said so
    client_ip: str | None = None
    object: str | None = None
    value: int | None = None  # downloads of a bin, the how-manieth address, errors of a crash


@dataclass(frozen=True, slots=True)
class ReferrerFinding:
    """How one outside site led visitors here; `None`: never."""

    host: str
    first_us: int  # from when the data may have been open, where that is known; else in the whole log
    source: LineRef
    first_at_data_us: int | None  # the first request for a data set that names it
    data_source: LineRef | None
    datasets: tuple[str, ...]
    lines: int
    addresses: int
    downloading_addresses: int  # addresses it led here that downloaded at that time or later
    earlier_lines: int  # before the data can have been open


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What the logs hold against a declared event."""

    kind: str  # a slug; docs/chronology.md lists them
    declared: DeclaredEvent
    dataset: str | None  # None: the whole site
    count: int
    first_us: int
    last_us: int
    furthest_us: int  # the largest distance in time between the declared event and one of these lines
    source: LineRef  # the first of them
    label: str


@dataclass(frozen=True, slots=True)
class CrashFinding:
    """A spell in which one vantage answered mostly with errors."""

    vantage: str
    start_us: int
    end_us: int | None  # None: the log shows no recovery
    errors: int
    answers: int
    addresses: int
    paths: int
    start_source: LineRef
    end_source: LineRef | None


@dataclass(frozen=True, slots=True)
class PeriodsFinding:
    """The four periods that must not be confused, for one data set."""

    dataset: str
    published_us: int | None  # declared
    reachable: tuple[Outage, ...]  # the exposure windows, first to last seen open
    accessed: Outage | None  # first to last download
    known: tuple[int | None, int | None]  # declared: first alert, takedown


@dataclass(frozen=True, slots=True)
class OwnHost:
    """A host that is the site's own, so that it is no outside referrer."""

    host: str
    because: str


@dataclass(frozen=True, slots=True)
class ChronologyFinding:
    """The reconstructed timeline of a case."""

    milestones: tuple[Milestone, ...]  # by time
    contradictions: tuple[Contradiction, ...]
    referrers: tuple[ReferrerFinding, ...]  # by first arrival
    crashes: tuple[CrashFinding, ...]
    periods: tuple[PeriodsFinding, ...]
    own_hosts: tuple[OwnHost, ...]
    referrers_unlisted: int  # outside referrers that have no milestone of their own
    outages_brief: int  # outages of data sets that are too brief for a milestone; the windows keep them
