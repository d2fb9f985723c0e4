"""The oracle, first part: what is read from the definition (DESIGN.md section 2), and events (section 3)."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SECOND = 1_000_000

# What a line says besides where it stands; equal in two lines only when their text is.
LINE_COLUMNS = (
    "ts_us",
    "duration_us",
    "peer_ip",
    "peer_port",
    "forwarded_for",
    "user_name",
    "method",
    "host",
    "path",
    "query",
    "protocol",
    "status",
    "bytes_sent",
    "content_length",
    "range_start",
    "range_end",
    "range_total",
    "content_type",
    "referer",
    "user_agent",
    "cache_status",
    "request_id",
    "aborted",
    "inner_hop",
    "rest_hash",
)

# --- what goes in ---


@dataclass(frozen=True)
class Reading:
    """What the format of some lines says its fields mean."""

    ts_kind: str = "unknown"  # "start" | "end" | "unknown"
    bytes_kind: str = "unknown"  # "body_sent" | "total_sent" | "response_size" | "unknown"
    range_kind: str | None = None  # "response" | "request" | None


@dataclass(frozen=True)
class Item:
    """One evidence item: its events hold the columns of an event, absent ones being null."""

    path: str
    vantage: str | None
    events: Sequence[Mapping[str, Any]]
    readings: Sequence[Reading] = (Reading(),)
    clock_offset_us: int = 0
    content_sha256: str | None = None


@dataclass(frozen=True)
class Policy:
    """The counting rules' parameters; the defaults are those of DESIGN.md section 2."""

    session_gap_us: int = 600 * SECOND
    repeat_within_us: int = 0
    min_bytes: int = 3
    max_interruption_us: int = 300 * SECOND
    match_within_us: int = 5 * SECOND


@dataclass(eq=False)
class Event:
    """One event as the rules see it: derived times, client, object."""

    evidence: str
    line: int
    vantage: str | None
    line_key: tuple[Any, ...]
    started: int
    ended: int
    client: str | None
    by_proxy: bool
    agent: str | None
    method: str | None
    host: str | None
    object: str | None
    query: str | None
    status: int | None
    bytes: int | None
    bytes_kind: str
    content_length: int | None
    range_kind: str | None
    range_start: int | None
    range_end: int | None
    range_total: int | None
    request_id: str | None
    aborted: bool
    inner: bool

    @property
    def where(self) -> tuple[str, int]:
        """The line this event stands in."""
        return self.evidence, self.line

    @property
    def order(self) -> tuple[int, int, str, int]:
        """Time order, with every tie broken (docs/decisions/order-of-events.md)."""
        return self.started, self.ended, self.evidence, self.line


# --- section 2: the definition ---


def span_us(text: str | int) -> int:
    """`"10m"` → 600,000,000; an integer is microseconds already."""
    if isinstance(text, int):
        return text
    units = {"us": 1, "ms": 1000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86400 * SECOND}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)\s*(us|ms|s|m|h|d)", text))


def policy_of(definition: Mapping[str, Any]) -> Policy:
    """The [policy] table, with the defaults for what it leaves out."""
    given = definition.get("policy", {})
    spans = {
        f"{name}_us": span_us(given[name])
        for name in ("session_gap", "repeat_within", "max_interruption", "match_within")
        if name in given
    }
    return Policy(**spans, **({"min_bytes": given["min_bytes"]} if "min_bytes" in given else {}))


# DESIGN 2: "globs on the normalised path: * stays within a segment, ** does not"
# docs/decisions/globs.md
def glob_matches(glob: str, path: str) -> bool:
    """Is the whole path what the glob describes?"""
    pattern = ""
    for part in re.split(r"(?<=/)(\*\*/)|(\*+)", glob):
        if part is None:
            continue
        if part == "*":
            pattern += "[^/]*"
        elif part == "**/":
            pattern += "(.*/)?"
        elif part.startswith("**"):
            pattern += ".*"
        else:
            pattern += re.escape(part)
    return re.fullmatch(pattern, path, re.DOTALL) is not None


# DESIGN 2: "hosts = [] # optional; also: regex, query (regex), methods = ["GET"]"
# docs/decisions/data-set-matching.md
def belongs(event: Event, dataset: Mapping[str, Any]) -> bool:
    """Does the event ask for an object of this data set? Its method does not decide that; a bucket does."""
    if event.object is None:
        return False
    paths, patterns = dataset.get("paths", ()), dataset.get("regex", ())
    patterns = [patterns] if isinstance(patterns, str) else patterns
    named = any(glob_matches(glob, event.object) for glob in paths)
    named = named or any(re.search(pattern, event.object) for pattern in patterns)
    if (paths or patterns) and not named:
        return False
    hosts = [host.lower() for host in dataset.get("hosts", ())]
    if hosts and event.host is not None and event.host.lower() not in hosts:
        return False
    query = dataset.get("query")
    return query is None or re.search(query, event.query or "") is not None


# --- section 3: events ---


# DESIGN 3: "`started_at`/`ended_at` follow from `ts`, `ts_kind` and duration."
# docs/decisions/times-of-an-event.md
def started_and_ended(ts: int, ts_kind: str, duration: int | None) -> tuple[int, int]:
    """Where one end is logged and the duration is not, both ends are the logged one."""
    if ts_kind == "start":
        return ts, ts + (duration or 0)
    if ts_kind == "end":
        return ts - (duration or 0), ts
    return ts, ts


def address(text: str) -> str | None:
    """The canonical text of an address, without port or brackets; None for what is no address."""
    text = text.strip()
    bracketed = re.fullmatch(r"\[([^\]]*)\](:\d+)?", text)
    with_port = re.fullmatch(r"([\d.]+):\d+", text)
    if bracketed:
        text = bracketed.group(1)
    elif with_port:
        text = with_port.group(1)
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(parsed)


def is_in(text: str | None, networks: Iterable[str]) -> bool:
    """Does the address lie in one of the networks? A host name or nothing lies in none."""
    canonical = None if text is None else address(text)
    if canonical is None:
        return False
    parsed = ipaddress.ip_address(canonical)
    return any(parsed in ipaddress.ip_network(network) for network in networks)


# DESIGN 3: "The peer, unless the peer is a trusted proxy: then the right-most address of the forwarded-for chain that
# is not itself trusted. A forwarded-for header from an untrusted peer is recorded, never believed."
# docs/decisions/client-address.md
def client_address(peer: str | None, forwarded_for: str | None, trusted: Sequence[str]) -> str | None:
    """The client's address, in canonical text; the peer's own text where the server logged a name."""
    peer_text = None if peer is None else address(peer) or peer
    if not is_in(peer, trusted):
        return peer_text
    for hop in reversed((forwarded_for or "").split(",")):
        hop_address = address(hop)
        if hop_address is not None and not is_in(hop_address, trusted):
            return hop_address
    return peer_text


# DESIGN 3: "Percent-decode once, collapse `//`, resolve dot segments, keep case. (`/data//%63cw_1.csv` is
# `/data/ccw_1.csv`.)"
# docs/decisions/normalised-path.md
def normalised_path(path: str | None) -> str | None:
    """Bytes that are no UTF-8 once decoded stay escaped, in capitals: different bytes stay different objects."""
    if path is None:
        return None
    decoded = b""
    for part in re.split(r"(%[0-9A-Fa-f]{2})", path):
        decoded += bytes([int(part[1:], 16)]) if re.fullmatch(r"%[0-9A-Fa-f]{2}", part) else part.encode()
    text = ""
    while decoded:
        try:
            text, decoded = text + decoded.decode(), b""
        except UnicodeDecodeError as error:
            text += decoded[: error.start].decode()
            text += "".join(f"%{byte:02X}" for byte in decoded[error.start : error.end])
            decoded = decoded[error.end :]
    if not text.startswith("/"):
        return text  # the asterisk of OPTIONS, or no path at all
    kept: list[str] = []
    segments = re.sub("/+", "/", text).split("/")[1:]
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")  # "/a/." and "/a/b/.." name the folder "/a/"
    return "/" + "/".join(kept)


def events_of(items: Sequence[Item], trusted: Sequence[str]) -> list[Event]:
    """All events of the evidence, in the order of its paths and lines.

    DESIGN 3: "A file whose decompressed content was ingested already (same SHA-256 of content) is recorded as a repeat
    and adds no events."
    """
    events: list[Event] = []
    seen: set[str] = set()
    for item in sorted(items, key=lambda one: one.path):
        if item.content_sha256 is not None and item.content_sha256 in seen:
            continue
        if item.content_sha256 is not None:
            seen.add(item.content_sha256)
        events += [event_of(item, row, trusted) for row in sorted(item.events, key=lambda row: row["line_no"])]
    return events


def event_of(item: Item, row: Mapping[str, Any], trusted: Sequence[str]) -> Event:
    """One row of an item, with the times and the client that follow from it."""
    reading = item.readings[row.get("reading") or 0]
    started, ended = started_and_ended(row["ts_us"] + item.clock_offset_us, reading.ts_kind, row.get("duration_us"))
    return Event(
        evidence=item.path,
        line=row["line_no"],
        vantage=item.vantage,
        line_key=tuple(row.get(column) for column in LINE_COLUMNS),
        started=started,
        ended=ended,
        client=client_address(row.get("peer_ip"), row.get("forwarded_for"), trusted),
        by_proxy=is_in(row.get("peer_ip"), trusted),
        agent=row.get("user_agent") or "",  # none and an empty one are one agent
        method=row.get("method"),
        host=row.get("host"),
        object=normalised_path(row.get("path")),
        query=row.get("query"),
        status=row.get("status"),
        bytes=row.get("bytes_sent"),
        bytes_kind=reading.bytes_kind,
        content_length=row.get("content_length"),
        range_kind=reading.range_kind,
        range_start=row.get("range_start"),
        range_end=row.get("range_end"),
        range_total=row.get("range_total"),
        request_id=row.get("request_id"),
        aborted=row.get("aborted") is True,
        inner=row.get("inner_hop") is True,
    )


# DESIGN 3: "Within a vantage, a line's true multiplicity is its *largest* multiplicity in any one file; events beyond
# it are `duplicate`. Where the format has a request id, equal ids are duplicates, across files and within one."
# docs/decisions/duplicates.md
def duplicates(events: Sequence[Event]) -> set[Event]:
    """The events that repeat another, in the order of paths and lines: the first copies stay."""
    kept: Counter[tuple[Any, ...]] = Counter()
    beyond: set[Event] = set()
    for event in sorted(events, key=lambda one: one.where):
        if event.request_id is not None:
            same: tuple[Any, ...] = ("id", event.vantage, event.inner, event.request_id, event.client, event.object)
            true_multiplicity = 1
        else:
            same = ("line", event.vantage, event.line_key)
            in_files = Counter(
                other.evidence
                for other in events
                if other.vantage == event.vantage and other.line_key == event.line_key
            )
            true_multiplicity = max(in_files.values())
        if kept[same] < true_multiplicity:
            kept[same] += 1
        else:
            beyond.add(event)
    return beyond
