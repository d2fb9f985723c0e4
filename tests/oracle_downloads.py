"""The oracle, third part: sizes, completeness and downloads (DESIGN.md section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from oracle_events import Event, Policy


@dataclass(frozen=True)
class Size:
    """What the size of an object is taken to be, and on what that rests."""

    sizes: tuple[int, ...]
    basis: str | None  # "declared" | "content-range" | "content-length" | "inferred" | None
    spans: Mapping[int, tuple[int, int] | None]  # when each size was seen first and last; None: always

    @classmethod
    def seen(cls, sightings: Sequence[tuple[int, int]], basis: str) -> Size:
        """The sizes of (size, time) pairs."""
        times: dict[int, list[int]] = {}
        for size, at in sightings:
            times.setdefault(size, []).append(at)
        return cls(tuple(sorted(times)), basis, {size: (min(ats), max(ats)) for size, ats in times.items()})


# DESIGN 5: "The size is the declared one, else the Content-Range total or content length of 200s, else inferred: an
# exact body size delivered by 200s to at least three clients (a compressed variant has its own such size). Which of
# these was used is stated per object."
# docs/decisions/size-of-an-object.md
def size_of(transfers: Sequence[Event], declared: int | None) -> Size:
    """The sizes of one object, from its transfers: the first source that says anything."""
    if declared is not None:
        return Size((declared,), "declared", {declared: None})
    totals = [(t.range_total, t.started) for t in transfers if t.status == 206 and t.range_total is not None]
    lengths = [(size, t.started) for t in transfers if t.status == 200 and (size := own_size(t)) is not None]
    if totals or lengths:
        return Size.seen(totals + lengths, "content-range" if totals else "content-length")
    receivers: dict[int, set[str]] = {}
    seen: list[tuple[int, int]] = []
    for t in transfers:
        exact = t.status == 200 and t.bytes_kind == "body_sent" and not t.aborted
        if exact and t.bytes is not None:
            seen.append((t.bytes, t.started))
            receivers.setdefault(t.bytes, set()).add(t.client or "")
    inferred = [(size, at) for size, at in seen if len(receivers[size]) >= 3]
    return Size.seen(inferred, "inferred") if inferred else Size((), None, {})


def own_size(transfer: Event) -> int | None:
    """The size of the version that this very response was part of, where it says so."""
    if transfer.status == 206 or transfer.content_length is None:
        return transfer.range_total  # some logs name the object's size on every line
    return transfer.content_length


# docs/decisions/size-of-an-object.md
def size_for(transfer: Event, known: Size) -> int | None:
    """The size that one response is measured by.

    The declared one; else what the response itself says; else, for a whole response, the size it equals to the byte;
    else, of the sizes that are not too small for it, the one in force at its time, or the nearest in time, and of
    several the largest.
    """
    if known.basis == "declared":
        return known.sizes[0]
    own = own_size(transfer)
    if own is not None:
        return own
    if transfer.status != 206 and transfer.bytes_kind == "body_sent" and transfer.bytes in known.sizes:
        return transfer.bytes
    distances = {}
    fitting = {size for size in known.sizes if not is_too_small(size, transfer)}
    for size in fitting or set(known.sizes):
        span = known.spans[size]
        first, last = span or (transfer.started, transfer.started)
        distances[size] = max(first - transfer.started, transfer.started - last, 0)
    nearest = min(distances.values(), default=None)
    return max((size for size in distances if distances[size] == nearest), default=None)


def is_too_small(size: int, transfer: Event) -> bool:
    """A response cannot be a copy of less than it carried."""
    if transfer.status == 206:
        return transfer.range_end is not None and size <= transfer.range_end
    return transfer.bytes_kind == "body_sent" and transfer.bytes is not None and size < transfer.bytes


# docs/decisions/sessions.md
def version_of(transfer: Event, known: Size) -> int | None:
    """The version a response belongs to: the complete size it names, else the size that it is measured by."""
    own = own_size(transfer)
    return size_for(transfer, known) if own is None else own


# DESIGN 5: "the bytes delivered (the union of ranges where the log has them, else their sum, which is only an upper
# limit and says so)"
# docs/decisions/bytes-delivered.md
def delivered_bytes(transfer: Event, known: Size) -> int | None:
    """What one response delivered at most: the bytes logged, no more than it was meant to hold."""
    if transfer.status != 206:
        meant = size_for(transfer, known)
    elif transfer.range_start is not None and transfer.range_end is not None:
        meant = transfer.range_end - transfer.range_start + 1
    else:
        meant = transfer.content_length
    if meant is None:
        return transfer.bytes
    if transfer.aborted:  # the client left early: at least the last byte is missing
        meant -= 1
    return meant if transfer.bytes is None else min(transfer.bytes, meant)


def delivered_span(transfer: Event, known: Size) -> tuple[int, int] | None:
    """First byte and the one after the last that this transfer delivered, where the log tells; None where not."""
    length = delivered_bytes(transfer, known)
    start = 0 if transfer.status != 206 else transfer.range_start
    if length is None or start is None:
        return None
    size = size_for(transfer, known)
    return start, start + length if size is None else min(start + length, size)  # beyond the size, nothing counts


def coverage(transfers: Sequence[Event], known: Size) -> int:
    """How many bytes the transfers delivered, at most: the union of the ranges, and the sum of those without one."""
    unplaced = [t for t in transfers if t.status == 206 and t.range_start is None]
    spans = [span for t in transfers if (span := delivered_span(t, known)) is not None]
    return measure(spans) + sum(delivered_bytes(t, known) or 0 for t in unplaced)


def measure(spans: Iterable[tuple[int, int]]) -> int:
    """The length of the union of spans."""
    total, reached = 0, None
    for start, end in sorted(spans):
        begin = start if reached is None else max(start, reached)
        total += max(0, end - begin)
        reached = end if reached is None else max(end, reached)
    return total


def proven(transfer: Event) -> bool:
    """Does the log count what was sent?"""
    return transfer.bytes_kind in ("body_sent", "total_sent") and transfer.bytes is not None


# DESIGN 5: "*Full*: the bytes delivered […] cover the object's size. *Partial*: they do not. *Undetermined*: the size
# is unknown, or the log records `response_size`." "Header-inclusive bytes equal to or above the size count as full,
# with that caveat."
# docs/decisions/completeness.md
def completeness(transfers: Sequence[Event], known: Size) -> str:
    """Bytes of unknown kind prove that a copy is partial, never that it is full; a response size proves nothing."""
    sizes = [size for t in transfers if (size := size_for(t, known)) is not None]
    if not sizes or any(t.bytes_kind == "response_size" for t in transfers):
        return "undetermined"
    if any(delivered_bytes(t, known) is None for t in transfers):
        return "undetermined"
    if coverage(transfers, known) < max(sizes):
        return "partial"
    return "full" if all(proven(t) for t in transfers) else "undetermined"


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
def is_aborted_200(transfer: Event, known: Size) -> bool:
    """One 200 that the log flags as aborted, or that delivered less than the object has."""
    if transfer.status == 206:
        return False
    size, delivered = size_for(transfer, known), delivered_bytes(transfer, known)
    short = size is not None and delivered is not None and delivered < size
    return transfer.aborted or (transfer.bytes_kind != "response_size" and short)


# DESIGN 5: "each 200 is a download of its own"; "206 responses of a client and object, each less than `session_gap`
# idle after the last, are one download; a 206 that continues an aborted 200 joins it; once the session holds every
# byte, a range that starts over begins the next download"; "Ranges of different versions of an object (its size
# changed) are never joined."
# docs/decisions/sessions.md
def downloads_of(transfers: Sequence[Event], known: Size, policy: Policy) -> list[Download]:
    """The downloads of one client (address and agent) and one object, in time order."""
    downloads: list[Download] = []
    for version in {version_of(t, known) for t in transfers}:
        same = sorted((t for t in transfers if version_of(t, known) == version), key=lambda t: t.order)
        downloads += downloads_of_version(same, known, policy)
    for download in downloads:
        download.completeness = completeness(download.transfers, known)
    return fold_repeats(downloads, policy.repeat_within_us, known)


def downloads_of_version(transfers: Sequence[Event], known: Size, policy: Policy) -> list[Download]:
    """Walk through the ranges and the 200s that were cut short; a whole 200 stands alone and disturbs nothing."""
    session: Download | None = None
    last_end = 0
    chain = [t for t in transfers if t.status == 206 or is_aborted_200(t, known)]
    downloads = [new_download(transfer) for transfer in transfers if transfer not in chain]
    for transfer, following in zip(chain, [*chain[1:], None], strict=False):
        if transfer.status != 206:
            alone = new_download(transfer)
            downloads.append(alone)
            if following is not None and continues(following, transfer, policy):
                session, last_end = alone, max(last_end, transfer.ended)
            continue
        idle_too_long = transfer.started - last_end >= policy.session_gap_us
        if session is None or idle_too_long or (transfer.range_start == 0 and holds_all(session, known)):
            session = new_download(transfer)
            downloads.append(session)
        else:
            session.transfers.append(transfer)
        last_end = max(last_end, transfer.ended)
    return downloads


def new_download(transfer: Event) -> Download:
    """A download that begins with this transfer."""
    return Download(transfer.client, transfer.agent, transfer.object or "", [transfer])


def continues(following: Event, cut_short: Event, policy: Policy) -> bool:
    """Is the next of the chain a range that goes on with a 200 cut short?"""
    soon = following.started - cut_short.ended < policy.session_gap_us
    return following.status == 206 and following.range_start != 0 and soon


def holds_all(session: Download, known: Size) -> bool:
    """Do the ranges of the session, where they are logged, cover the object?"""
    spans = [span for t in session.transfers if (span := delivered_span(t, known)) is not None]
    sizes = [size for t in session.transfers if (size := size_for(t, known)) is not None]
    return bool(sizes) and measure(spans) >= max(sizes)


# DESIGN 5: "`repeat_within` > 0 folds repeats of the same client and object (COUNTER's double-click rule is 30 s)"
# docs/decisions/repeats.md
def fold_repeats(downloads: Sequence[Download], repeat_within: int, known: Size) -> list[Download]:
    """A download that starts within `repeat_within` of the start of the one before is the same one again."""
    in_order = sorted(downloads, key=lambda d: d.order)
    if repeat_within <= 0:
        return in_order
    folded: list[Download] = []
    last_start = 0
    for download in in_order:
        started = download.started
        if folded and started - last_start <= repeat_within:
            kept = folded[-1]
            kept.transfers = kept.transfers + download.transfers
            kept.completeness = completeness(kept.transfers, known)
        else:
            folded.append(download)
        last_start = started
    return folded


# DESIGN 5: "*clients that hold a full copy*: the union of all that one client received over the whole window, since
# separate parts may assemble one."
# docs/decisions/full-copies.md
def holds_full_copy(transfers: Sequence[Event], downloads: Sequence[Download], known: Size) -> bool:
    """Does what one client received of one object add up to all of one version of it?"""
    if any(download.completeness == "full" for download in downloads):
        return True
    sure = [t for t in transfers if proven(t) and delivered_span(t, known) is not None]
    for size in {size_for(t, known) for t in sure} - {None}:
        spans = [span for t in sure if size_for(t, known) == size and (span := delivered_span(t, known)) is not None]
        if size is not None and measure(spans) >= size:
            return True
    return False
