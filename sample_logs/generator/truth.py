"""The truth of the case, counted from the plan: what each request was made to be, never what a log line says."""

from __future__ import annotations

import hashlib
from collections import Counter
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from .acquire import Download
from .events import CLOSED, UNAVAILABLE, Event
from .files import Item
from .holdings import COLLECTIONS
from .people import Client
from .shapes import Collection, Thing
from .story import (
    CRASH,
    LOST_FROM,
    LOST_TO,
    ORIGIN_SKEW,
    OVERLAP_FROM,
    OVERLAP_TO,
    PUBLISHED,
    RAMP,
    REFERRERS,
    RESTORED,
    SEED,
    SILENT,
    TAKEN_DOWN,
    iso,
)
from .windows import Window, holds_full_copy, object_window, union_window

BUCKETS = (
    "counted", "duplicate", "other_vantage", "internal", "method", "not_modified", "redirect", "denied", "throttled",
    "error", "aborted", "probe", "empty",
)  # fmt: skip


def truth(events: list[Event], downloads: list[Download], items: list[Item], tally: Counter[str]) -> dict[str, Any]:
    """Tell everything that the tool should find, and how often each difficulty was built in."""
    again = [event for item in items for event in item.duplicates]
    return {
        "about": "Counted from the generator's plan. Times are UTC. Everything is made up.",
        "seed": SEED,
        "datasets": [_dataset(each, events, downloads, again) for each in COLLECTIONS],
        "evidence": [_item(item) for item in items],
        "milestones": _milestones(events, downloads),
        "difficulties": dict(sorted(tally.items())),
    }


def _dataset(
    collection: Collection, events: list[Event], downloads: list[Download], again: list[Event]
) -> dict[str, Any]:
    mine = [event for event in events if event.dataset == collection.name]
    copies = [event for event in again if event.dataset == collection.name]
    taken = [each for each in downloads if each.dataset == collection.name]
    buckets = Counter(event.bucket for event in mine)
    buckets["duplicate"] += len(copies)
    sizes = {thing.path: thing.size for thing in collection.things if thing.basis}
    full_copies = holds_full_copy(taken, sizes)
    windows = {thing.path: object_window(mine, thing.path) for thing in collection.things}
    kinds = Counter(each.completeness for each in taken)
    robots = [each for each in taken if each.client.automated]
    people = [each for each in taken if not each.client.automated]
    carried = [event for each in taken for event in each.events]
    return {
        "dataset": collection.name,
        "records": collection.records,
        "requests": len(mine) + len(copies),
        "buckets": {name: buckets[name] for name in BUCKETS},
        "downloads": len(taken),
        "downloads_full": kinds["full"],
        "downloads_partial": kinds["partial"],
        "downloads_undetermined": kinds["undetermined"],
        "downloads_automated": len(robots),
        "unique_ips": _addresses(taken),
        "unique_ips_automated": _addresses(robots),
        "clients": len({each.client for each in taken}),
        "clients_full_copy": len({client for client, _ in full_copies}),
        "addresses_full_copy": len({client.ip for client, _ in full_copies}),
        "origin_unmatched": sum(each.kind.startswith("lost") for each in taken),
        "first_download": iso(min(each.start for each in taken)) if taken else None,
        "last_download": iso(max(each.end for each in taken)) if taken else None,
        "windows": [union_window(list(windows.values())).told()],
        "objects": [
            _object(thing, mine + copies, taken, full_copies, windows[thing.path]) for thing in collection.things
        ]
        + [
            {"object": path, "never_existed": True, "requests": sum(e.thing == path for e in mine + copies)}
            for path in collection.guesses
        ],
        "sensitivity": {
            "every_transfer": {"downloads": len(carried), "unique_ips": _addresses(taken)},
            "full_only": _count([each for each in taken if each.completeness == "full"]),
            "humans_only": _count(people),
            "status_200_only": {
                "downloads": sum(event.status == 200 for event in carried),
                "unique_ips": len({event.client.ip for event in carried if event.status == 200}),
            },
            "ipv6_64": {"downloads": len(taken), "unique_ips": len({_folded(each.client.ip) for each in taken})},
            "edge_only": _count([each for each in taken if each.events[0].vantage == "edge"]),
        },
        "kinds": dict(sorted(Counter(each.kind for each in taken).items())),
    }


def _object(
    thing: Thing, asked: list[Event], taken: list[Download], full_copies: set[tuple[Client, str]], window: Window
) -> dict[str, Any]:
    path, basis = thing.path, thing.basis
    of_it = [each for each in taken if each.thing == path]
    kinds = Counter(each.completeness for each in of_it)
    return {
        "object": path,
        "size": thing.size if basis else None,
        "size_basis": basis,
        "requests": sum(event.thing == path for event in asked),
        "downloads": len(of_it),
        "full": kinds["full"],
        "partial": kinds["partial"],
        "undetermined": kinds["undetermined"],
        "unique_ips": _addresses(of_it),
        "clients_full_copy": sum(held == path for _, held in full_copies),
        "first_download": iso(min(each.start for each in of_it)) if of_it else None,
        "last_download": iso(max(each.end for each in of_it)) if of_it else None,
        "windows": [window.told()],
    }


def _item(item: Item) -> dict[str, Any]:
    told: dict[str, Any] = {
        "path": item.path,
        "status": "repeat" if item.repeat_of else "ingested",
        "vantage": item.path.split("/")[0],
        "content_sha256": hashlib.sha256(item.content).hexdigest(),
    }
    if item.repeat_of:
        return told | {"repeat_of": item.repeat_of, "lines": len(item.lines), "adds_events": 0}
    return told | {
        "lines": len(item.lines),
        "events": len(item.events),
        "rejected": item.rejected,
        "skipped": item.skipped,
        "duplicates": len(item.duplicates),
        "first_ts": iso(min(event.end for event in item.events)),
        "last_ts": iso(max(event.end for event in item.events)),
    }


def _milestones(events: list[Event], downloads: list[Download]) -> dict[str, Any]:
    arrivals = []
    for url, _ in REFERRERS:
        host = urlsplit(url).hostname
        led = [event for event in events if event.referer and urlsplit(event.referer).hostname == host]
        data = [event for event in led if event.dataset]
        arrivals.append({
            "referrer": host,
            "first_arrival": iso(min(event.start for event in led)),
            "first_arrival_at_data": iso(min(event.start for event in data)) if data else None,
            "requests": len(led),
        })  # fmt: skip
    first = min(downloads, key=lambda each: each.start)
    failing = [event for event in events if event.vantage == "edge" and CRASH <= event.start < RESTORED]
    silent = [event.end for event in events if event.vantage == "origin"]
    return {
        "publication": {"configured": iso(PUBLISHED), "note": "the bounds that the logs give are those of the windows"},
        "first_arrivals": arrivals,
        "first_download": {"dataset": first.dataset, "start": iso(first.start)},
        "rise": {"from": iso(RAMP), "to": iso(CRASH)},
        "crash": {
            "configured": iso(CRASH),
            "first_failure": iso(min(event.start for event in failing if event.observes == UNAVAILABLE)),
            "last_origin_line_before_silence": iso(max(end for end in silent if end < RESTORED)),
            "first_origin_line_after_silence": iso(min(end for end in silent if end >= RESTORED)),
            "origin_silent_after": iso(SILENT),
        },
        "restoration": {"configured": iso(RESTORED)},
        "takedown": {"configured": iso(TAKEN_DOWN), "first_closed": _first_closed(events)},
        "last_download": iso(max(each.end for each in downloads)),
        "origin_clock_ahead_seconds": ORIGIN_SKEW / 1000,
        "lost_edge_file": {"hour": iso(LOST_FROM), "until": iso(LOST_TO)},
        "overlap": {"from": iso(OVERLAP_FROM), "to": iso(OVERLAP_TO)},
    }


def _first_closed(events: list[Event]) -> dict[str, str]:
    found = {}
    for collection in COLLECTIONS:
        things = {thing.path for thing in collection.things}
        closed = [e.end for e in events if e.thing in things and e.observes == CLOSED and e.start > TAKEN_DOWN]
        found[collection.name] = iso(min(closed))
    return found


def _addresses(downloads: list[Download]) -> int:
    return len({each.client.ip for each in downloads})


def _count(downloads: list[Download]) -> dict[str, int]:
    return {"downloads": len(downloads), "unique_ips": _addresses(downloads)}


def _folded(ip: str) -> str:
    address = ip_address(ip)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(IPv6Address(int(address) >> 64 << 64))
    return ip
