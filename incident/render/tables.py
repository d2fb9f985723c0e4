"""The report's tables as rows of ready text: nothing is left to a template but to set them.

Each row has an anchor that stays the same as long as what it names does.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from incident import words
from incident.render import meanings
from incident.render.cells import Cell, Column, Row, Table, left_out, moment_cell, number_cell, range_cell, span_cell
from incident.render.figure import slug

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from incident.records import (
        CaseFinding,
        ClientFinding,
        DatasetFinding,
        EvidenceItem,
        ObjectFinding,
        Policy,
        WindowFinding,
    )

# a browser stays quick with this many rows; what is beyond is said, with the command that lists it
CLIENT_ROWS = 500
OBJECT_ROWS = 500
EVIDENCE_ROWS = 2000


def downloads(dataset: DatasetFinding, anchor: str) -> Table:
    """Return the counts of downloads and addresses, each with its meaning."""
    rows = (
        ("downloads", "Downloads", dataset.downloads, "Acquisition attempts that carried content, in full or in part."),
        ("full", "of which in full", dataset.downloads_full, "The bytes delivered cover the object's size."),
        (
            "partial",
            "of which in part",
            dataset.downloads_partial,
            "The bytes delivered do not cover the object's size.",
        ),
        (
            "undetermined",
            "of which undetermined",
            dataset.downloads_undetermined,
            "The object's size is unknown, or the log does not record what was sent.",
        ),
        (
            "automated",
            "by automated clients",
            dataset.downloads_automated,
            "Included above. The user agent is on a published list of robots and tools.",
        ),
        ("addresses", "Unique IP addresses", dataset.unique_ips, "Distinct client addresses; not people."),
        (
            "addresses-automated",
            "of which with automated clients",
            dataset.unique_ips_automated,
            "Included above.",
        ),
        (
            "full-copy",
            "Clients that hold a full copy",
            dataset.clients_full_copy,
            "All that one client received over the whole time covers an object's size: parts may assemble a copy.",
        ),
        (
            "origin-unmatched",
            "Counted at the origin alone",
            dataset.origin_unmatched,
            "Requests that came through the edge, whose edge record is missing.",
        ),
    )
    return Table(
        id=f"{anchor}-downloads",
        caption="Downloads and addresses.",
        columns=(Column("Count of"), Column("Number", "n"), Column("Meaning", "w")),
        rows=tuple(
            Row(f"{anchor}-downloads-{key}", (Cell(name), number_cell(count), Cell(meaning)), key == "downloads")
            for key, name, count, meaning in rows
        ),
    )


def buckets(dataset: DatasetFinding, anchor: str) -> Table:
    """Return what became of each matching request; the buckets add up to the requests."""
    rows = [
        Row(
            f"{anchor}-bucket-{name}",
            (Cell(name.replace("_", " ")), number_cell(count), Cell(meanings.BUCKETS.get(name, ""))),
        )
        for name, count in dataset.buckets.items()
    ]
    total = (
        Cell("requests"),
        number_cell(dataset.requests),
        Cell("Every request for the data set is in exactly one bucket."),
    )
    return Table(
        id=f"{anchor}-buckets",
        caption="What became of each request. The first bucket that applies takes it; nothing is left out.",
        columns=(Column("Bucket"), Column("Requests", "n"), Column("Meaning", "w")),
        rows=(*rows, Row(f"{anchor}-bucket-total", total, total=True)),
    )


def objects(dataset: DatasetFinding, anchor: str, zone: str) -> Table:
    """Return the objects of a data set, with what their sizes rest on."""
    shown = dataset.objects[:OBJECT_ROWS]
    return Table(
        id=f"{anchor}-objects",
        caption="Objects: what was asked for, what was taken, and what the size rests on.",
        columns=(
            Column("Object", "o"),
            Column("Downloads", "n"),
            Column("Full", "n"),
            Column("Part", "n"),
            Column("Undet.", "n"),
            Column("Unique IPs", "n"),
            Column("Hold a full copy", "n"),
            Column("Size", "w"),
            Column("First and last download", "t"),
        ),
        rows=tuple(Row(f"{anchor}-object-{slug(one.object)}", _object(one, zone)) for one in shown),
        sortable=True,
        left_out=left_out(
            len(dataset.objects), len(shown), "objects", f"incident summary --json --dataset {dataset.dataset}"
        ),
    )


def windows(found: Sequence[WindowFinding], anchor: str, zone: str, caption: str) -> Table:
    """Return exposure windows with both bounds, in the case's zone and in UTC."""
    several = any(window.object is not None for window in found)
    rows = []
    for number, window in enumerate(found, 1):
        cells = (
            Cell(words.visible(window.object) if several else words.number(number)),
            moment_cell(window.opened_after_us, zone),
            moment_cell(window.first_seen_us, zone),
            moment_cell(window.last_seen_us, zone),
            moment_cell(window.closed_by_us, zone),
            span_cell(window.confirmed_us),
            span_cell(window.unavailable_us),
            span_cell(window.longest_us),
            number_cell(window.interruptions),
        )
        rows.append(Row(f"{anchor}-{number}", cells))
    return Table(
        id=anchor,
        caption=caption,
        columns=(
            Column("Object" if several else "Window", "o" if several else ""),
            Column("Last seen closed before", "m"),
            Column("First seen open", "m"),
            Column("Last seen open", "m"),
            Column("First seen closed after", "m"),
            Column("Confirmed open", "n"),
            Column("Unavailable", "n"),
            Column("Longest", "n"),
            Column("Interruptions", "n"),
        ),
        rows=tuple(rows),
        sortable=several,
        empty="The logs show no moment at which the data set could be fetched.",
    )


def spells(dataset: DatasetFinding, anchor: str, zone: str) -> Table:
    """Return outages and interruptions inside the windows."""
    found = [(o.start_us, o.end_us, "outage") for w in dataset.windows for o in w.outages]
    found += [(o.start_us, o.end_us, "interruption") for w in dataset.windows for o in w.interrupted]
    return Table(
        id=f"{anchor}-spells",
        caption="Outages and interruptions inside the windows.",
        columns=(Column("Kind"), Column("From", "m"), Column("To", "m"), Column("Length", "n")),
        rows=tuple(
            Row(
                f"{anchor}-spell-{number}",
                (Cell(kind), moment_cell(start, zone), moment_cell(end, zone), span_cell(end - start)),
            )
            for number, (start, end, kind) in enumerate(sorted(found), 1)
        ),
    )


def clients(dataset: DatasetFinding, anchor: str, zone: str) -> Table:
    """Return the client addresses, those first that the findings name first."""
    shown = dataset.clients[:CLIENT_ROWS]
    return Table(
        id=f"{anchor}-clients",
        caption="Client addresses. An address is not a person.",
        columns=(
            Column("Address"),
            Column("Network"),
            Column("Downloads", "n"),
            Column("Full", "n"),
            Column("Part", "n"),
            Column("Undet.", "n"),
            Column("Holds full copy"),
            Column("Requests", "n"),
            Column("Objects", "n"),
            Column("Agents", "n"),
            Column("Automated"),
            Column("Bytes sent", "n"),
            Column("First and last request", "t"),
        ),
        rows=tuple(Row(f"{anchor}-client-{slug(one.client_ip)}", _client(one, zone)) for one in shown),
        sortable=True,
        left_out=left_out(
            len(dataset.clients), len(shown), "addresses", f"incident clients --dataset {dataset.dataset}"
        ),
    )


def evidence(case: CaseFinding) -> Table:
    """Return the ledger: every evidence item, with its digest and where its lines went."""
    shown = case.evidence[:EVIDENCE_ROWS]
    return Table(
        id="evidence-ledger",
        caption="Every file as received. Lines = events + rejected + skipped, except for repeats, which add nothing.",
        columns=(
            Column("Item", "n"),
            Column("Path, and SHA-256 of the file", "h"),
            Column("Status"),
            Column("Format, vantage"),
            Column("Bytes", "n"),
            Column("Lines", "n"),
            Column("Events", "n"),
            Column("Rejected", "n"),
            Column("Skipped", "n"),
            Column("First and last time", "t"),
        ),
        rows=tuple(Row(f"evidence-{item.evidence_id}", _item(item, case.timezone)) for item in shown),
        sortable=True,
        left_out=left_out(len(case.evidence), len(shown), "items", "incident evidence"),
    )


def events(case: CaseFinding) -> Table:
    """Return the declared events."""
    return Table(
        id="declared-events",
        caption="Events declared in the case definition. They come from elsewhere and move no finding.",
        columns=(Column("Time", "m"), Column("Event", "w"), Column("Kind"), Column("Data set"), Column("Source", "w")),
        rows=tuple(
            Row(
                f"declared-{number}",
                (
                    moment_cell(event.time_us, case.timezone),
                    Cell(words.visible(event.label)),
                    Cell(meanings.EVENT_KINDS.get(event.kind or "", words.visible(event.kind))),
                    Cell(words.visible(event.dataset, none="all")),
                    Cell(words.visible(event.source, none="not named")),
                ),
            )
            for number, event in enumerate(sorted(case.events, key=lambda e: e.time_us), 1)
        ),
    )


def policy(rules: Policy) -> Table:
    """Return the counting rules' settings, each with its meaning."""
    rows = []
    for one in fields(rules):
        value = getattr(rules, one.name)
        name, meaning = meanings.POLICY.get(one.name, (one.name.replace("_", " "), ""))
        rows.append(
            Row(f"policy-{one.name.replace('_', '-')}", (Cell(name), Cell(_setting(one.name, value)), Cell(meaning)))
        )
    return Table(
        id="policy",
        caption="The policy in force.",
        columns=(Column("Setting"), Column("Value"), Column("Meaning", "w")),
        rows=tuple(rows),
    )


def _setting(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return words.exact_span(value) if name.endswith("_us") else words.number(value)
    return words.visible(value) if isinstance(value, str) else words.NOTHING


def _object(one: ObjectFinding, zone: str) -> tuple[Cell, ...]:
    basis = meanings.BASES.get(one.size_basis or "", words.visible(one.size_basis, none="the logs do not name it"))
    sizes = "; ".join(words.bytes_of(size) for size in one.sizes) or "unknown"
    return (
        Cell(words.visible(one.object), f"{words.counted(one.requests, 'request')}"),
        number_cell(one.downloads),
        number_cell(one.full),
        number_cell(one.partial),
        number_cell(one.undetermined),
        number_cell(one.unique_ips),
        number_cell(one.clients_full_copy),
        Cell(sizes, basis, str(max(one.sizes, default=0))),
        range_cell(one.first_download_us, one.last_download_us, zone),
    )


def _client(one: ClientFinding, zone: str) -> tuple[Cell, ...]:
    return (
        Cell(words.visible(one.client_ip)),
        Cell(words.visible(one.label)),
        number_cell(one.downloads),
        number_cell(one.full),
        number_cell(one.partial),
        number_cell(one.undetermined),
        Cell("yes" if one.holds_full_copy else "no"),
        number_cell(one.requests),
        number_cell(one.objects),
        number_cell(one.agents),
        Cell("yes" if one.automated else "no"),
        number_cell(one.bytes_sent),
        range_cell(one.first_us, one.last_us, zone),
    )


def _item(item: EvidenceItem, zone: str) -> tuple[Cell, ...]:
    status = meanings.STATUSES.get(item.status, "")
    return (
        Cell(str(item.evidence_id), "", str(item.evidence_id)),
        Cell(words.visible(item.path), words.visible(item.sha256, none="no digest: the file could not be read")),
        Cell(words.visible(item.status), words.visible(item.problem, none=status)),
        Cell(words.visible(item.format), words.visible(item.vantage, none="")),
        Cell(words.number(item.bytes), "", "" if item.bytes is None else str(item.bytes)),
        number_cell(item.lines),
        number_cell(item.events),
        number_cell(item.rejected),
        number_cell(item.skipped),
        range_cell(item.first_ts_us, item.last_ts_us, zone),
    )


def anchors(names: Iterable[str]) -> dict[str, str]:
    """Return an anchor for each data set."""
    return {name: f"dataset-{slug(name)}" for name in names}
