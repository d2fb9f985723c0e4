"""The oracle, third part: sizes, completeness and downloads (DESIGN.md section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from oracle_events import Event, Policy


@dataclass(frozen=True)
class Size:
    """What the size of an object is taken to be, and on what that rests."""

    sizes: tuple[int, ...]
    basis: str | None  # "declared" | "content-range" | "content-length" | "inferred" | None


# DESIGN 5: "The size is the declared one, else the Content-Range total or content length of 200s, else inferred: an
# exact body size delivered by 200s to at least three clients (a compressed variant has its own such size). Which of
# these was used is stated per object."
# docs/decisions/size-of-an-object.md
def size_of(transfers: Sequence[Event], declared: int | None) -> Size:
    """The sizes of one object, from its transfers: the first source that says anything."""
    if declared is not None:
        return Size((declared,), "declared")
    totals = {t.range_total for t in transfers if t.status == 206 and t.range_total is not None}
    if totals:
        return Size(tuple(sorted(totals)), "content-range")
    lengths = {t.content_length for t in transfers if t.status == 200 and t.content_length is not None}
    if lengths:
        return Size(tuple(sorted(lengths)), "content-length")
    receivers: dict[int, set[str]] = {}
    for t in transfers:
        exact = t.status == 200 and t.bytes_kind == "body_sent" and not t.aborted
        if exact and t.bytes is not None and t.client is not None:
            receivers.setdefault(t.bytes, set()).add(t.client)
    inferred = {size for size, clients in receivers.items() if len(clients) >= 3}
    return Size(tuple(sorted(inferred)), "inferred") if inferred else Size((), None)


def own_size(transfer: Event) -> int | None:
    """The size of the version that this very response was part of, where it says so."""
    if transfer.status == 206:
        return transfer.range_total
    return transfer.content_length if transfer.status == 200 else None


def sizes_for(transfers: Iterable[Event], known: Size) -> tuple[int, ...]:
    """The sizes that may be meant: the declared one, else what these responses say themselves, else the object's."""
    own = {own_size(t) for t in transfers} - {None}
    if known.basis != "declared" and own:
        return tuple(sorted(size for size in own if size is not None))
    return known.sizes


# DESIGN 5: "the bytes delivered (the union of ranges where the log has them, else their sum, which is only an upper
# limit and says so)"
# docs/decisions/bytes-delivered.md
def delivered_span(transfer: Event) -> tuple[int, int] | None:
    """First byte and the one after the last that this transfer delivered, where the log tells; None where not."""
    length = transfer.bytes
    if transfer.status != 206:
        return None if length is None else (0, length)  # a 200 starts at the first byte
    if transfer.range_start is None:
        return None
    if transfer.range_end is not None and (length is not None or transfer.range_kind != "request"):
        logged = transfer.range_end - transfer.range_start + 1
        length = logged if length is None else min(length, logged)
    return None if length is None else (transfer.range_start, transfer.range_start + length)


def coverage(transfers: Iterable[Event], size: int) -> int:
    """How many of an object's `size` bytes the transfers delivered, at most."""
    spans, without_range = [], 0
    for transfer in transfers:
        span = delivered_span(transfer)
        if span is not None:
            spans.append((span[0], min(span[1], size)))
        else:
            without_range += transfer.bytes or 0
    return measure(spans) + without_range


def measure(spans: Iterable[tuple[int, int]]) -> int:
    """The length of the union of spans."""
    total, reached = 0, None
    for start, end in sorted(spans):
        begin = start if reached is None else max(start, reached)
        total += max(0, end - begin)
        reached = end if reached is None else max(end, reached)
    return total


# DESIGN 5: "*Full*: the bytes delivered […] cover the object's size. *Partial*: they do not. *Undetermined*: the size
# is unknown, or the log records `response_size`."
# docs/decisions/completeness.md
def completeness(transfers: Sequence[Event], known: Size) -> str:
    """Full, partial or undetermined; where several sizes may be meant and they disagree, undetermined."""
    sizes = sizes_for(transfers, known)
    answers = {completeness_for_size(transfers, size) for size in sizes}
    if len(answers) == 1:
        return answers.pop()
    only = transfers[0]
    if len(transfers) == 1 and only.status != 206 and only.bytes_kind == "body_sent" and only.bytes in sizes:
        return "full"  # the exact size of one variant is a copy of that variant
    return "undetermined"


# DESIGN 5: "Header-inclusive bytes equal to or above the size count as full, with that caveat."
# docs/decisions/completeness.md
def completeness_for_size(transfers: Sequence[Event], size: int) -> str:
    """Bytes of unknown kind prove that a copy is partial, never that it is full; a response size proves nothing."""
    measured = [t for t in transfers if t.bytes is not None or delivered_span(t) is not None]
    sure = [t for t in measured if t.bytes_kind in ("body_sent", "total_sent")]
    if sure and coverage(sure, size) >= size:
        return "full"
    if len(measured) < len(transfers) or any(t.bytes_kind == "response_size" for t in transfers):
        return "undetermined"
    return "undetermined" if coverage(transfers, size) >= size else "partial"


@dataclass(eq=False)
class Download:
    """One acquisition attempt by one client of one object."""

    client: str | None
    agent: str | None
    object: str
    transfers: list[Event] = field(default_factory=list)
    completeness: str = ""

    @property
    def started(self) -> int:
        """The start of its first transfer."""
        return min(t.started for t in self.transfers)

    @property
    def ended(self) -> int:
        """The end of its last transfer."""
        return max(t.ended for t in self.transfers)

    @property
    def order(self) -> tuple[int, int, str, int]:
        """Time order of its first transfer."""
        return min(t.order for t in self.transfers)


# DESIGN 5: "a 206 that continues an aborted 200 joins it"
# docs/decisions/sessions.md
def is_aborted_200(download: Download, known: Size) -> bool:
    """One 200 that the log flags as aborted, or that delivered less body than the object has."""
    only = download.transfers[0]
    if len(download.transfers) > 1 or only.status == 206:
        return False
    short = only.bytes_kind in ("body_sent", "total_sent") and completeness([only], known) == "partial"
    return only.aborted or short


# DESIGN 5: "Ranges of different versions of an object (its size changed) are never joined."
def is_other_version(download: Download, transfer: Event) -> bool:
    """Both sides name the size of the whole, and the sizes differ."""
    own = {own_size(t) for t in download.transfers} - {None}
    return bool(own) and own_size(transfer) is not None and own_size(transfer) not in own


# DESIGN 5: "each 200 is a download of its own"; "206 responses of a client and object, each less than `session_gap`
# idle after the last, are one download; a 206 that continues an aborted 200 joins it; once the session holds every
# byte, a range that starts over begins the next download"
# docs/decisions/sessions.md
def downloads_of(transfers: Sequence[Event], known: Size, policy: Policy) -> list[Download]:
    """The downloads of one client (address and agent) and one object, in time order."""
    downloads: list[Download] = []
    for transfer in sorted(transfers, key=lambda t: t.order):
        joined = None if transfer.status != 206 else session_for(transfer, downloads, known, policy)
        if joined is None:
            joined = Download(transfer.client, transfer.agent, transfer.object or "")
            downloads.append(joined)
        joined.transfers.append(transfer)
    for download in downloads:
        download.completeness = completeness(download.transfers, known)
    return fold_repeats(downloads, policy.repeat_within_us)


def session_for(transfer: Event, downloads: Sequence[Download], known: Size, policy: Policy) -> Download | None:
    """The download that a 206 goes on with: of those it may, the one that was heard of last."""
    for download in sorted(downloads, key=lambda d: d.transfers[-1].order, reverse=True):
        idle = transfer.started - download.ended
        if idle >= policy.session_gap_us or is_other_version(download, transfer):
            continue
        if len(download.transfers) == 1 and download.transfers[0].status != 206:
            if is_aborted_200(download, known) and transfer.range_start != 0:
                return download
            continue
        starts_over = transfer.range_start == 0
        if starts_over and completeness(download.transfers, known) == "full":
            return None
        return download
    return None


# DESIGN 5: "`repeat_within` > 0 folds repeats of the same client and object (COUNTER's double-click rule is 30 s)"
# docs/decisions/repeats.md
def fold_repeats(downloads: Sequence[Download], repeat_within: int) -> list[Download]:
    """A download that starts within `repeat_within` of the start of the one before is the same one again."""
    in_order = sorted(downloads, key=lambda d: d.order)
    if repeat_within <= 0:
        return in_order
    folded: list[Download] = []
    last_start = 0
    for download in in_order:
        if folded and download.started - last_start <= repeat_within:
            kept = folded[-1]
            kept.transfers = kept.transfers + download.transfers
            kept.completeness = most_complete(kept.completeness, download.completeness)
        else:
            folded.append(download)
        last_start = download.started
    return folded


def most_complete(one: str, other: str) -> str:
    """Of two attempts at the same copy, the better."""
    return next(name for name in ("full", "undetermined", "partial") if name in (one, other))


# DESIGN 5: "*clients that hold a full copy*: the union of all that one client received over the whole window, since
# separate parts may assemble one."
# docs/decisions/full-copies.md
def holds_full_copy(transfers: Sequence[Event], downloads: Sequence[Download], known: Size) -> bool:
    """Does what one client received of one object add up to all of one version of it?"""
    if any(download.completeness == "full" for download in downloads):
        return True
    for version in {own_size(t) for t in transfers}:
        same = [t for t in transfers if own_size(t) in (version, None)]
        if completeness(same, known) == "full":
            return True
    return False
