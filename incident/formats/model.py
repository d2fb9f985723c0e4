"""What a format page says, checked: frozen records. This module knows no format by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from incident.records import EVENT_COLUMNS

SHAPES = ("pattern", "delimited", "json")
ESCAPES = ("backslash", "none")
HEADERS = ("none", "w3c", "names")
DECODINGS = ("none", "url", "plus", "html")
VANTAGES = ("edge", "origin")

# what a field of a page may be called: an event column, or one of these, which fill several columns
VIRTUAL = ("time", "request", "url", "peer", "range")
DERIVED = ("evidence_id", "reading", "line_no", "byte_offset", "byte_length", "rest_hash")
TARGETS = (*VIRTUAL, *(column.name for column in EVENT_COLUMNS if column.name not in DERIVED))

KINDS = (
    "text", "ip", "peer", "port", "host", "status", "size", "time", "duration", "request", "url", "path", "query",
    "range", "flag",
)  # fmt: skip
UNITS = ("auto", "s", "ms", "us", "ns", "suffix")

DEFAULT_KIND = {
    "time": "time", "ts_us": "time", "request": "request", "url": "url", "peer": "peer", "range": "range",
    "peer_ip": "ip", "peer_port": "port", "host": "host", "status": "status", "bytes_sent": "size",
    "content_length": "size", "range_start": "size", "range_end": "size", "range_total": "size",
    "duration_us": "duration", "path": "path", "query": "query", "aborted": "flag", "inner_hop": "flag",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Condition:
    """One source and what it must be: one of `values`; `negated`: none of them. "~…" is a regular expression."""

    source: str
    values: tuple[str, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Field:
    """How one field of the page is filled: from which sources, by which conversion."""

    to: str
    kind: str
    sources: tuple[str, ...] = ()
    # "first" of the sources that is there, "join" with a blank between, "sum", "between": from one time to another
    how: str = "first"
    unit: str = "s"
    format: str | None = (
        None  # a time's pattern in strftime's letters; None: ISO 8601, or an epoch where a unit is named
    )
    zone: str | None = None
    decode: str = "none"
    missing: tuple[str, ...] | None = None  # None: the page's
    zero: tuple[str, ...] = ()  # marks that mean 0
    pick: str | None = None  # a regular expression; its first group is the value
    prefix: str | None = None  # put in front of a value that does not begin with it
    mapping: Mapping[str, str] | None = None
    const: str | None = None
    when: tuple[tuple[Condition, ...], ...] = ()  # any of these, each all of its conditions


@dataclass(frozen=True, slots=True)
class Signature:
    """What lines or heads must show, beyond fitting, before the format is believed."""

    line: str | None = None
    head: str | None = None
    keys: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """What changes once the server that wrote the lines is known."""

    ts_kind: str | None
    bytes_kind: str | None
    proof: tuple[str, ...] = ()  # regular expressions: a line that fits one was written by this server


@dataclass(frozen=True, slots=True)
class Sample:
    """A line and what it must become; `expect` None: the line must be rejected, for `reject`."""

    line: str
    expect: Mapping[str, object] | None
    reject: str | None = None
    before: tuple[str, ...] = ()  # header lines in front of it
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """One format page, checked."""

    name: str
    title: str
    source: str
    checked: date | None
    vantage: str | None
    shape: str
    ts_kind: str
    bytes_kind: str
    range_kind: str | None = None
    missing: tuple[str, ...] = ("-",)
    limits: tuple[str, ...] = ()
    best_effort: bool = False  # its vendor does not promise that every request is logged
    escape: str = "none"
    layout: str | None = None
    also: tuple[str, ...] = ()  # other layouts of the same records, tried in order where `layout` does not fit
    slots: Mapping[str, str] = field(default_factory=dict)  # what values of a layout look like, by the slot's name
    extra: bool = False  # columns or text after the last one named are let pass
    separator: str = " "
    columns: tuple[str, ...] = ()
    widths: tuple[int, ...] = ()
    header: str = "none"
    quoted: bool = False  # values may stand in quotes, as in CSV
    surplus: str | None = None  # the column that may hold the separator itself
    comment: str | None = None
    utc_when: str | None = None  # a header line that fits proves that times without a zone are UTC
    fields: tuple[Field, ...] = ()
    only: tuple[Condition, ...] = ()  # a line that does not hold all of these is another record
    detect: Signature = Signature()
    servers: Mapping[str, Server] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()
    # of an item, not of a page: the user's directive that the format was made from, the wrappers around each line
    # (the outermost first), and whether its lines are JSON records that line ends do not part
    directive: str | None = None
    wrapped: tuple[str, ...] = ()
    records: bool = False

    def settled(self, server: str | None) -> Format:
        """Return the format as it is once its server is known."""
        known = self.servers.get(server or "")
        if known is None:
            return self
        return replace(self, ts_kind=known.ts_kind or self.ts_kind, bytes_kind=known.bytes_kind or self.bytes_kind)
