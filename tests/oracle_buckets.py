"""The oracle, second part: vantages and buckets (DESIGN.md section 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from oracle_events import Event, is_in

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


# DESIGN 4: "An origin event whose peer is a trusted proxy is `other_vantage` where an edge event of the same client,
# object and method overlaps it in time, within `match_within` (one edge event absorbs one origin event; a shared
# request id decides at once)."
# docs/decisions/edge-and-origin.md
def vantage_pairs(events: Sequence[Event], repeated: set[Event], match_within: int) -> list[tuple[Event, Event]]:
    """(edge event, origin event) of one request each: as many as possible, earlier origin events before later ones."""
    alive = sorted((e for e in events if e not in repeated and not e.inner), key=lambda e: e.order)
    edges = [e for e in alive if e.vantage == "edge"]
    origins = [e for e in alive if e.vantage == "origin" and e.by_proxy]
    pairs = []
    for origin in list(origins):
        for edge in edges:
            if origin.request_id is not None and origin.request_id == edge.request_id:
                pairs.append((edge, origin))
                edges.remove(edge)
                origins.remove(origin)
                break
    fitting = {origin: [edge for edge in edges if may_be_one_request(edge, origin, match_within)] for origin in origins}
    return pairs + largest_pairing(origins, fitting)


def may_be_one_request(edge: Event, origin: Event, match_within: int) -> bool:
    """Same client address, object and method, known on both sides; in time no further apart than `match_within`."""
    return (
        origin.client is not None
        and origin.client == edge.client
        and origin.object == edge.object
        and (origin.method is None or edge.method is None or origin.method == edge.method)
        and edge.started - origin.ended <= match_within
        and origin.started - edge.ended <= match_within
    )


def largest_pairing(origins: Sequence[Event], fitting: Mapping[Event, list[Event]]) -> list[tuple[Event, Event]]:
    """No pairing has more pairs; of the largest, the one whose origin events come first, then whose edge events do."""
    chosen: list[Event] = []
    for origin in origins:
        if all_can_pair([*chosen, origin], fitting, set()):
            chosen.append(origin)
    pairs: list[tuple[Event, Event]] = []
    taken: set[Event] = set()
    for position, origin in enumerate(chosen):
        for edge in fitting[origin]:
            if edge not in taken and all_can_pair(chosen[position + 1 :], fitting, taken | {edge}):
                pairs.append((edge, origin))
                taken.add(edge)
                break
    return pairs


def all_can_pair(origins: Sequence[Event], fitting: Mapping[Event, list[Event]], taken: set[Event]) -> bool:
    """Can each origin event have an edge event of its own, none of them taken? (Augmenting paths.)"""
    partner: dict[Event, Event] = {}

    def seat(origin: Event, tried: set[Event]) -> bool:
        for edge in fitting[origin]:
            if edge in taken or edge in tried:
                continue
            tried.add(edge)
            if edge not in partner or seat(partner[edge], tried):
                partner[edge] = origin
                return True
        return False

    return all(seat(origin, set()) for origin in origins)


# DESIGN 4: "In this order; the first that applies takes the event"
# docs/decisions/statuses.md, docs/decisions/inner-rows.md
def bucket(
    event: Event,
    *,
    repeated: set[Event],
    absorbed: set[Event],
    internal: Sequence[str],
    methods: Sequence[str],
    min_bytes: int,
) -> str:
    """What became of one matching request."""
    status = event.status
    rules: tuple[tuple[str, bool], ...] = (
        ("duplicate", event in repeated),
        ("other_vantage", event in absorbed or event.inner),
        ("internal", is_in(event.client, internal)),
        ("method", event.method is not None and event.method not in methods),
        ("not_modified", status == 304),
        ("redirect", status is not None and 300 <= status < 400),
        ("denied", status is not None and 400 <= status < 500 and status not in (408, 429, 499)),
        ("throttled", status in (408, 429)),
        ("error", status is not None and status >= 500),
        ("aborted", status is None or status == 499 or status < 200),
        ("probe", status == 206 and is_shorter(content(event), min_bytes)),
        ("empty", status in (204, 205) or is_shorter(content(event), 1)),
    )
    return next((name for name, applies in rules if applies), "counted")


# DESIGN 4: "Where the log counts headers into bytes, the content length decides if present; otherwise the bytes are
# taken as they are."
# docs/decisions/content-of-a-response.md
def content(event: Event) -> int | None:
    """How much content the response carried, as far as the log tells; None where it does not."""
    if event.method == "HEAD":
        return 0
    if event.content_length is not None and (event.bytes_kind == "total_sent" or event.bytes is None):
        return event.content_length
    ranged = event.range_kind == "response" and event.range_start is not None and event.range_end is not None
    if event.bytes_kind == "total_sent" and ranged:
        return event.range_end - event.range_start + 1  # the range of the response says what it carried
    return event.bytes


def is_shorter(length: int | None, limit: int) -> bool:
    """An unknown length is not known to be short."""
    return length is not None and length < limit


# DESIGN 4: "Matched pairs also measure the clocks: their median offset is reported per vantage pair, and never applied
# by itself."
# docs/decisions/edge-and-origin.md
def vantage_clocks(offsets: Sequence[int]) -> list[dict[str, Any]]:
    """The one pair of vantages there is, with the median of its offsets (origin start less edge start)."""
    if not offsets:
        return []
    return [{"edge": "edge", "origin": "origin", "pairs": len(offsets), "median_offset_us": median(offsets)}]
