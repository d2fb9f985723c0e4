"""The records that travel through the house: frozen, without behaviour.

Columns, evidence and definition are what the stages hand to each other; findings are what `render` shows.
Times are integer microseconds since 1970-01-01 UTC and end in `_us`; sizes are bytes; spans are half-open unless a
bound is an observation. `None` is "the log does not say", which is never the same as 0 or "".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from incident.records_coverage import CoverageFinding, Overlap

# --- events -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an event: its name here, its type, its name in the Elastic Common Schema, what it means."""

    name: str
    type: str  # "int16" | "int32" | "int64" | "text" | "bool"
    ecs: str | None
    meaning: str


EVENT_COLUMNS: tuple[Column, ...] = (
    Column("evidence_id", "int32", None, "the evidence item the line stands in"),
    Column("reading", "int16", None, "which reading of the item (format, fields) parsed the line; counts from 0"),
    Column("line_no", "int64", "log.file.line", "physical line, counting from 1 in the decompressed item"),
    Column("byte_offset", "int64", "log.offset", "first byte of the line in the decompressed item, from 0"),
    Column("byte_length", "int32", None, "bytes of the line without its line end"),
    Column("ts_us", "int64", "@timestamp", "the logged time in UTC, before any clock_offset; see ts_kind"),
    Column("duration_us", "int64", "event.duration", "from request start to end"),
    Column("peer_ip", "text", "source.ip", "TCP peer, canonical text; a host name where the server logged one"),
    Column("peer_port", "int32", "source.port", "TCP port of the peer"),
    Column("forwarded_for", "text", "network.forwarded_ip", "X-Forwarded-For as received, never believed here"),
    Column("user_name", "text", "user.name", "authenticated user"),
    Column("method", "text", "http.request.method", "request method as sent"),
    Column("host", "text", "url.domain", "host the client asked for, without port, lower case"),
    Column("path", "text", "url.path", "path as the client sent it (server's escapes undone), still percent-encoded"),
    Column("query", "text", "url.query", "query without its ?; empty if the ? stood alone"),
    Column("protocol", "text", "http.version", "protocol token, e.g. HTTP/1.1"),
    Column("status", "int16", "http.response.status_code", "final status; null for 000, 0, - and none"),
    Column("bytes_sent", "int64", "http.response.bytes", "bytes as logged; what they include: bytes_kind"),
    Column("content_length", "int64", None, "Content-Length of the response"),
    Column("range_start", "int64", None, "first byte of the range, from 0"),
    Column("range_end", "int64", None, "last byte of the range, inclusive"),
    Column("range_total", "int64", None, "complete length named by Content-Range"),
    Column("content_type", "text", "http.response.mime_type", "Content-Type of the response"),
    Column("referer", "text", "http.request.referrer", "Referer as sent"),
    Column("user_agent", "text", "user_agent.original", "User-Agent as sent"),
    Column("cache_status", "text", None, "the cache's own word: Hit, MISS, …"),
    Column("request_id", "text", "http.request.id", "the server's unique id of the request"),
    Column("aborted", "bool", None, "the log says that the client left early; null where the format cannot say"),
    Column("inner_hop", "bool", None, "a further row of a request already logged (shield, sub-request); null = no"),
    Column("rest_hash", "int64", None, "hash of what the line holds beyond these columns; null: nothing"),
)

TS_KINDS = ("start", "end", "unknown")
BYTES_KINDS = ("body_sent", "total_sent", "response_size", "unknown")
RANGE_KINDS = ("response", "request")

ITEM_STATUSES = ("ingested", "repeat", "truncated", "unreadable", "unrecognised")


@dataclass(frozen=True, slots=True)
class Reading:
    """How some lines of an item were read: one format with one set of fields.

    A W3C item whose #Fields change has several; so has an item that mixes formats.
    """

    reading: int
    format: str
    fields: str | None  # the #Fields in force or the directive; None where the page says it all
    ts_kind: str
    bytes_kind: str
    range_kind: str | None
    zone: str | None  # the zone that was assumed because the times carry none
    first_line: int


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """One file as received (or one member of an archive), with what was found when it was read."""

    evidence_id: int
    path: str  # relative to the ingested folder, "/" between parts; a zip member is "a.zip/member"
    root: str  # the folder that was ingested
    sha256: str | None  # of the file as received
    content_sha256: str | None  # of the decompressed bytes
    bytes: int | None
    content_bytes: int | None
    compression: str  # "none" | "gzip" | "bzip2" | "xz" | "zstd", with "zip:" before it for a member of a zip
    format: str | None
    detected_by: str | None
    vantage: str | None  # as a finding: the effective one; from ingest: the format page's
    server: str | None
    server_because: str | None
    status: str
    problem: str | None  # what went wrong, in one sentence; None for "ingested"
    repeat_of: int | None
    lines: int
    events: int
    rejected: int
    skipped: int
    first_ts_us: int | None
    last_ts_us: int | None
    settings: str  # JSON: the user's format, log_format and timezone for it


@dataclass(frozen=True, slots=True)
class EvidenceTotals:
    """What several items come to; lines = events + rejected + skipped."""

    items: int
    repeats: int
    lines: int
    events: int
    rejected: int
    skipped: int
    first_ts_us: int | None
    last_ts_us: int | None


@dataclass(frozen=True, slots=True)
class RejectCount:
    """How many lines of an item were rejected for one reason."""

    path: str
    reason: str
    lines: int


@dataclass(frozen=True, slots=True)
class RejectLine:
    """One line that no format could read, whole."""

    path: str
    line_no: int
    byte_offset: int
    reason: str
    raw: bytes


# --- the case definition ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EvidenceRule:
    """One [[evidence]] table: what the user says about the items that match a glob. First match wins."""

    match: str
    vantage: str | None = None
    format: str | None = None
    log_format: str | None = None
    server: str | None = None
    timezone: str | None = None
    clock_offset_us: int = 0


@dataclass(frozen=True, slots=True)
class DatasetRule:
    """One [[dataset]] table."""

    name: str
    title: str | None = None
    paths: tuple[str, ...] = ()
    regex: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    query: str | None = None
    methods: tuple[str, ...] = ("GET",)
    records: int | None = None
    fields: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """One set of counting rules: a row of the policy table. Spans in microseconds."""

    name: str = "headline"
    session_gap_us: int = 600_000_000
    repeat_within_us: int = 0
    min_bytes: int = 3
    max_interruption_us: int = 300_000_000
    match_within_us: int = 5_000_000
    every_transfer: bool = False
    per_day: bool = False
    only_200: bool = False
    full_only: bool = False
    humans_only: bool = False
    fold_ipv6: bool = False
    count_internal: bool = False
    only_tier: int | None = None


@dataclass(frozen=True, slots=True)
class DeclaredEvent:
    """One [[event]] table: a fact from elsewhere. It is drawn beside the bounds that the log gives and moves none."""

    time_us: int
    label: str
    source: str | None = None
    kind: str | None = None  # published, alerted, outage, restored, taken_down, note
    dataset: str | None = None


@dataclass(frozen=True, slots=True)
class CaseDefinition:
    """A checked `incident.toml`. The defaults are those of a case without one."""

    path: Path | None = None
    text: str = ""
    sha256: str | None = None
    name: str | None = None
    matter: str | None = None
    prepared_by: str | None = None
    privilege: str | None = None
    timezone: str = "UTC"
    trusted_proxies: tuple[str, ...] = ()
    internal: tuple[str, ...] = ()
    labels: Path | None = None
    geoip: tuple[Path, ...] = ()
    evidence: tuple[EvidenceRule, ...] = ()
    datasets: tuple[DatasetRule, ...] = ()
    policy: Policy = Policy()
    events: tuple[DeclaredEvent, ...] = ()
    formats: Path | None = None  # a folder of the user's own format pages


# --- findings ---------------------------------------------------------------------------------------------------------

BUCKETS = (
    "counted",
    "duplicate",
    "other_vantage",
    "internal",
    "method",
    "not_modified",
    "redirect",
    "denied",
    "throttled",
    "error",
    "aborted",
    "probe",
    "empty",
)


@dataclass(frozen=True, slots=True)
class Outage:
    """From a first unavailable observation to the next open one, inside a window."""

    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class WindowFinding:
    """One exposure window, bounded from both sides; `None` bounds: the log does not say."""

    object: str | None  # None: the union over the data set's objects
    opened_after_us: int | None
    first_seen_us: int
    last_seen_us: int
    closed_by_us: int | None
    confirmed_us: int
    unavailable_us: int
    longest_us: int | None
    interruptions: int
    outages: tuple[Outage, ...]
    interrupted: tuple[Outage, ...] = ()  # each interruption: first closed observation to the next open one
    unlogged: tuple[Overlap, ...] = ()  # what the logs cannot show between its outermost bounds


@dataclass(frozen=True, slots=True)
class ObjectFinding:
    """One object of a data set: what was asked, what was taken, and what its size rests on."""

    object: str
    requests: int
    downloads: int
    full: int
    partial: int
    undetermined: int
    unique_ips: int
    clients_full_copy: int
    sizes: tuple[int, ...]
    size_basis: str | None  # "declared" | "content-range" | "content-length" | "inferred" | None
    first_download_us: int | None
    last_download_us: int | None


@dataclass(frozen=True, slots=True)
class ClientFinding:
    """One client address of a data set."""

    client_ip: str
    label: str | None
    requests: int
    downloads: int
    full: int
    partial: int
    undetermined: int
    holds_full_copy: bool
    objects: int
    agents: int
    automated: bool  # any of its agents is on a published list of automated clients
    bytes_sent: int
    first_us: int | None
    last_us: int | None


@dataclass(frozen=True, slots=True)
class DownloadPoint:
    """One download, as the timeline draws it."""

    start_us: int
    client_ip: str
    object: str
    completeness: str  # "full" | "partial" | "undetermined"
    automated: bool


@dataclass(frozen=True, slots=True)
class Bin:
    """What one bin of the timeline holds; the cumulative figures run to its end."""

    start_us: int
    end_us: int
    full: int
    partial: int
    undetermined: int
    cumulative_downloads: int
    cumulative_ips: int


@dataclass(frozen=True, slots=True)
class DatasetFinding:
    """Everything that is said of one data set."""

    dataset: str
    title: str
    records: int | None
    fields: tuple[str, ...]
    requests: int
    buckets: Mapping[str, int]  # every name of BUCKETS, in that order
    downloads: int
    downloads_full: int
    downloads_partial: int
    downloads_undetermined: int
    downloads_automated: int
    unique_ips: int
    unique_ips_automated: int
    clients_full_copy: int
    origin_unmatched: int  # counted origin events behind a trusted proxy whose edge record is missing
    first_download_us: int | None
    last_download_us: int | None
    windows: tuple[WindowFinding, ...]
    object_windows: tuple[WindowFinding, ...]
    objects: tuple[ObjectFinding, ...]
    clients: tuple[ClientFinding, ...]
    bin_us: int  # width of a bin
    bins: tuple[Bin, ...]
    sentence: str
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseFinding:
    """A whole case as it stands under one definition and one policy."""

    case: str
    matter: str | None
    prepared_by: str | None
    privilege: str | None
    timezone: str
    version: str
    config_sha256: str | None
    manifest_sha256: str
    policy: Policy
    evidence: tuple[EvidenceItem, ...]
    limits: tuple[tuple[str, str], ...]  # (format title, what its vendor says the log does not promise)
    datasets: tuple[DatasetFinding, ...]
    events: tuple[DeclaredEvent, ...]
    since_us: int | None
    until_us: int | None
    coverage: CoverageFinding | None = None  # None: not asked
    policy_says: str | None = None  # what the policy counts, where it is not the case's own
