"""The counting rules of DESIGN.md in plain Python: loops, dicts and sets, one small function a rule.

It is written from DESIGN.md (sections 3 to 6), never from the SQL, and imports nothing but the standard library: when
it and the tool agree on a case, two people who read the same sentences reached the same number. The sentence stands
above the function that states it; where the sentence leaves a choice, the page in docs/decisions/ is named.

Times and spans are integer microseconds, times since 1970-01-01 UTC.

    count(items, definition) -> {"datasets": [...], "vantage_pairs": [...]}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from oracle_buckets import BUCKETS, bucket, vantage_clocks, vantage_pairs
from oracle_downloads import Download, Size, downloads_of, holds_full_copy, size_of
from oracle_events import Event, Item, Policy, Reading, belongs, duplicates, events_of, is_in, policy_of
from oracle_windows import Window, union_of, windows_of

__all__ = ["BUCKETS", "Item", "Policy", "Reading", "count"]


def count(items: Sequence[Item], definition: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that is counted: one entry a data set, and the clocks of paired vantages."""
    network = definition.get("network", {})
    events = events_of(items, network.get("trusted_proxies", ()))
    counted = [count_dataset(events, dataset, definition) for dataset in definition.get("dataset", ())]
    distinct = {(p["edge"], p["origin"]): p["offset_us"] for one in counted for p in one["pairs"]}
    offsets = sorted(distinct.values())
    return {"datasets": counted, "vantage_pairs": vantage_clocks(offsets)}


def count_dataset(
    all_events: Sequence[Event], dataset: Mapping[str, Any], definition: Mapping[str, Any]
) -> dict[str, Any]:
    """One data set: `incident summary --json` with times in microseconds, then what lies behind it."""
    policy = policy_of(definition)
    events = [event for event in all_events if belongs(event, dataset)]
    repeated = duplicates(events)
    pairs = vantage_pairs(events, repeated, policy.match_within_us)
    buckets = {
        event: bucket(
            event,
            repeated=repeated,
            absorbed={origin for _, origin in pairs},
            internal=definition.get("network", {}).get("internal", ()),
            methods=dataset.get("methods", ["GET"]),
            min_bytes=policy.min_bytes,
        )
        for event in events
    }
    objects = sorted({event.object for event in events if event.object is not None})
    sizes: dict[str, Size] = {}
    downloads: list[Download] = []
    holders: set[tuple[str | None, str | None, str]] = set()
    address_holders: set[tuple[str, str]] = set()
    for name in objects:
        transfers = [e for e in events if e.object == name and buckets[e] == "counted"]
        known = sizes[name] = size_of(transfers, dataset.get("sizes", {}).get(name))
        found: list[Download] = []
        for client, own in grouped(transfers, lambda t: (t.client, t.agent)):
            of_client = downloads_of(own, known, policy)
            found += of_client
            if holds_full_copy(own, of_client, known):
                holders.add((*client, name))
        for (who,), own in grouped(transfers, lambda t: (t.client,)):
            if who is not None and holds_full_copy(own, [d for d in found if d.client == who], known):
                address_holders.add((who, name))
        downloads += found
    downloads.sort(key=lambda d: d.order)
    internal = definition.get("network", {}).get("internal", ())
    seen = [e for e in events if buckets[e] != "duplicate" and not is_in(e.client, internal)]
    object_windows = [
        window
        for name in objects
        for window in windows_of([e for e in seen if e.object == name], policy.max_interruption_us)
    ]
    by_bucket = Counter(buckets.values())
    return {
        "dataset": dataset["name"],
        "title": dataset.get("title", dataset["name"]),
        "records": dataset.get("records"),
        **figures(downloads),
        "requests": len(events),
        "buckets": {name: by_bucket[name] for name in BUCKETS},
        "windows": [window_json(window) for window in union_of(object_windows)],
        "object_windows": [{"object": w.object, **window_json(w)} for w in object_windows],
        "clients_full_copy": len({(client, agent) for client, agent, _ in holders}),
        "addresses_full_copy": len({who for who, _ in address_holders}),
        "origin_unmatched": sum(1 for e in events if e.vantage == "origin" and e.by_proxy and buckets[e] == "counted"),
        "events": {event.where: name for event, name in buckets.items()},
        "downloads_list": [download_json(download) for download in downloads],
        "objects": [
            {
                "object": name,
                "requests": sum(1 for e in events if e.object == name),
                **figures([d for d in downloads if d.object == name]),
                "sizes": list(sizes[name].sizes),
                "size_basis": sizes[name].basis,
                "clients_full_copy": sum(1 for _, _, held in holders if held == name),
                "addresses_full_copy": sum(1 for _, held in address_holders if held == name),
            }
            for name in objects
        ],
        "full_copies": sorted(holders, key=str),
        "pairs": [
            {"edge": edge.where, "origin": origin.where, "offset_us": origin.started - edge.started}
            for edge, origin in pairs
        ],
    }


# DESIGN 3: "Reachability is tested at the start, acquisition at the end."
# docs/decisions/first-and-last-download.md
def figures(downloads: Sequence[Download]) -> dict[str, Any]:
    """Downloads, addresses, and the period from the start of the first to the end of the last."""
    return {
        "downloads": len(downloads),
        **{
            f"downloads_{kind}": sum(1 for d in downloads if d.completeness == kind)
            for kind in ("full", "partial", "undetermined")
        },
        "unique_ips": len({d.client for d in downloads if d.client is not None}),
        "first_download": min((d.started for d in downloads), default=None),
        "last_download": max((d.ended for d in downloads), default=None),
    }


def window_json(window: Window) -> dict[str, Any]:
    """The keys of DESIGN 9, in microseconds, with the spans behind them."""
    return {
        "opened_after": window.opened_after,
        "first_seen": window.first_seen,
        "last_seen": window.last_seen,
        "closed_by": window.closed_by,
        "confirmed_us": window.confirmed,
        "unavailable_us": window.unavailable,
        "longest_us": window.longest,
        "interruptions": window.interruptions,
        "outages": list(window.outages),
    }


def download_json(download: Download) -> dict[str, Any]:
    """One download with the lines it rests on."""
    return {
        "client": download.client,
        "agent": download.agent,
        "object": download.object,
        "started": download.started,
        "ended": download.ended,
        "completeness": download.completeness,
        "transfers": [t.where for t in sorted(download.transfers, key=lambda t: t.order)],
    }


def grouped(events: Iterable[Event], key: Callable[[Event], Any]) -> list[tuple[Any, list[Event]]]:
    """The events by key, keys in order of appearance."""
    groups: dict[Any, list[Event]] = {}
    for event in events:
        groups.setdefault(key(event), []).append(event)
    return list(groups.items())
