"""The report's sections on the client addresses: each with what is known of it, its networks, and who took several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incident import words
from incident.render.cells import (
    Cell,
    Column,
    Group,
    Row,
    Section,
    Table,
    left_out,
    number_cell,
    range_cell,
    source_cell,
)
from incident.render.figure import slug
from incident.words import visible

if TYPE_CHECKING:
    from incident.records import CaseFinding
    from incident.records_clients import (
        ClientDetail,
        ClientsFinding,
        DatasetClients,
        NetworkFacts,
        NetworkFinding,
        OverlapFinding,
    )

CLIENT_ROWS = 500
NETWORK_ROWS = 100
ACQUIRER_ROWS = 200
KINDS = {
    "label": "Label", "asn": "Autonomous system", "country": "Country", "ipv4-24": "IPv4 /24", "ipv6-64": "IPv6 /64",
}  # fmt: skip


def addresses(found: DatasetClients, anchor: str, zone: str) -> tuple[Table, ...]:
    """Return the tables of one data set's addresses: the figures side by side, the addresses, their networks."""
    return (
        _figures(found, anchor),
        _clients(found, anchor, zone),
        _networks(found.networks, found.dataset, anchor, zone),
    )


def _figures(found: DatasetClients, anchor: str) -> Table:
    rows = (
        ("addresses", "Unique IP addresses", found.unique_ips, "Distinct client addresses; not people."),
        (
            "folded",
            "with IPv6 by network",
            found.unique_ips_folded,
            "Each IPv6 /64 taken as one: a single host may use any number of its addresses (RFC 8981).",
        ),
        ("networks-64", "IPv6 networks of /64", found.unique_64, "Among these addresses."),
        ("unlisted", "with agents on no list", found.unique_ips_human, "A user agent says what it likes."),
        ("listed", "with listed agents", found.unique_ips_automated, "On a published list of robots and tools."),
        ("shared", "likely shared", found.shared_egress, "Several clients are likely behind one address."),
        ("nobody", "downloads without an address", found.without_address, "Their log names none."),
        (
            "unbelieved",
            "requests with a forwarded-for that was not believed",
            found.unbelieved,
            f"From {words.counted(found.unbelieved_peers, 'peer')} that are no trusted proxy; counted as the peer.",
        ),
    )
    return Table(
        id=f"{anchor}-address-figures",
        caption="Addresses, counted in more than one way.",
        columns=(Column("Count of"), Column("Number", "n"), Column("Meaning", "w")),
        rows=tuple(
            Row(f"{anchor}-address-{key}", (Cell(name), number_cell(count), Cell(meaning)), key == "addresses")
            for key, name, count, meaning in rows
        ),
    )


def _clients(found: DatasetClients, anchor: str, zone: str) -> Table:
    shown = found.clients[:CLIENT_ROWS]
    return Table(
        id=f"{anchor}-clients",
        caption="Client addresses. An address is not a person.",
        columns=(
            Column("Address", "w"), Column("Downloads", "n"), Column("Full", "n"), Column("Part", "n"),
            Column("Holds full copy"), Column("Objects", "n"), Column("Agents", "w"), Column("Bytes sent", "n"),
            Column("First and last download", "t"), Column("Referrers, and other lines in its visits", "w"),
        ),
        rows=tuple(Row(f"{anchor}-client-{slug(one.client_ip)}", _client(one, zone)) for one in shown),
        sortable=True,
        left_out=left_out(len(found.clients), len(shown), "addresses", f"incident clients --dataset {found.dataset}"),
    )  # fmt: skip


def _client(one: ClientDetail, zone: str) -> tuple[Cell, ...]:
    classes = "; ".join(f"{hit.list} {hit.version}" for hit in one.agent_classes)
    agent = visible(one.agent) or "no user agent"
    several = f" and {words.number(one.agents - 1)} more" if one.agents > 1 else ""
    paths = ", ".join(f"{visible(path)} ({words.number(lines)})" for path, lines in one.other_paths)
    about = (visible(one.label, none=""), network_words(one.network), visible(one.shared_because, none=""))
    others = f"{words.counted(one.other_lines, 'other line')} in {words.counted(one.visits, 'visit')}"
    listed = f"; automated: {visible(classes)}" if one.automated else ""
    return (
        Cell(visible(one.client_ip), "; ".join(each for each in about if each)),
        number_cell(one.downloads),
        number_cell(one.full),
        number_cell(one.partial),
        Cell("yes" if one.holds_full_copy else "no"),
        number_cell(one.objects),
        Cell(words.number(one.agents), f"{agent}{several}{listed}", str(one.agents)),
        Cell(words.short_bytes(one.bytes_sent), words.number(one.bytes_sent), str(one.bytes_sent)),
        range_cell(one.first_us, one.last_us, zone),
        Cell(
            ", ".join(f"{visible(host)} ({words.number(requests)})" for host, requests in one.referrers),
            f"{others}: {paths}" if paths else others,
        ),
    )


def network_words(found: NetworkFacts) -> str:
    """Return "AS64500 Example Fibre, US"; empty where nothing is known."""
    system = f"AS{found.asn}" if found.asn is not None else ""
    network = " ".join(each for each in (system, visible(found.organisation, none="")) if each)
    return ", ".join(each for each in (network, visible(found.country, none="")) if each)


def _networks(found: tuple[NetworkFinding, ...], dataset: str, anchor: str, zone: str) -> Table:
    shown = found[:NETWORK_ROWS]
    return Table(
        id=f"{anchor}-networks",
        caption="The same addresses by network. An address stands in a row of each kind.",
        columns=(
            Column("Network", "w"), Column("Kind"), Column("Addresses", "n"), Column("Downloads", "n"),
            Column("Full", "n"), Column("Part", "n"), Column("Addresses with a full copy", "n"),
            Column("First and last download", "t"),
        ),
        rows=tuple(
            Row(
                f"{anchor}-network-{one.kind}-{slug(one.network)}-{number}",
                (
                    Cell(visible(one.network), visible(one.name, none="")),
                    Cell(KINDS[one.kind]),
                    number_cell(one.addresses),
                    number_cell(one.downloads),
                    number_cell(one.full),
                    number_cell(one.partial),
                    number_cell(one.addresses_full_copy),
                    range_cell(one.first_us, one.last_us, zone),
                ),
            )
            for number, one in enumerate(shown, 1)
        ),
        sortable=True,
        left_out=left_out(len(found), len(shown), "networks", f"incident clients --json --dataset {dataset}"),
        empty="There is no address.",
    )  # fmt: skip


def sources(found: ClientsFinding, zone: str) -> Section:
    """Return the section on what classes, names and believed addresses rest on."""
    lists = Table(
        id="agent-lists",
        caption="Published lists of automated user agents.",
        columns=(Column("List"), Column("Version"), Column("Newest entry"), Column("Patterns, and their SHA-256", "h")),
        rows=tuple(
            Row(
                f"agent-list-{slug(one.name)}",
                (
                    Cell(visible(one.name)),
                    Cell(visible(one.version)),
                    Cell(visible(one.newest_entry, none="the list has no dates")),
                    Cell(words.number(one.patterns), one.sha256),
                ),
            )
            for one in found.agent_lists
        ),
    )
    files = Table(
        id="geoip-files",
        caption="Files that name networks and countries. Ownership on the day of the build need not be that of the "
        "day of the download.",
        columns=(Column("File, and its SHA-256", "h"), Column("Type"), Column("Built", "m")),
        rows=tuple(
            Row(
                f"geoip-{number}",
                (
                    Cell(visible(one.file), one.sha256),
                    Cell(visible(one.type)),
                    Cell(words.when(one.build_us, zone), words.iso(one.build_us)),
                ),
            )
            for number, one in enumerate(found.databases, 1)
        ),
        empty="The case definition names none.",
    )
    said = [found.shared_rule, f"A visit ends where an address is idle for {words.exact_span(found.visit_gap_us)}."]
    if found.unbelieved_lines and not found.trusted_proxies:
        said.append(
            "The case definition names no trusted proxies, though lines carry a forwarded-for: if a CDN stood before "
            "the site, its addresses stand for its visitors here."
        )
    groups = [Group("clients-lists", "Lists, files and rules", tuple(said), (lists, files))]
    if found.unbelieved:
        groups.append(
            Group("clients-unbelieved", "Forwarded-for headers that were not believed", (), (_unbelieved(found),))
        )
    return Section("clients", "What is known of the addresses, and from where", tuple(groups))


def _unbelieved(found: ClientsFinding) -> Table:
    return Table(
        id="unbelieved",
        caption="The first of each peer; in all, "
        f"{words.counted(found.unbelieved_lines, 'line')} of the evidence carry such a header.",
        columns=(Column("Peer", "w"), Column("Claims", "w"), Column("Data set"), Column("Line", "o")),
        rows=tuple(
            Row(
                f"unbelieved-{number}",
                (
                    Cell(visible(one.peer_ip)),
                    Cell(visible(one.forwarded_for)),
                    Cell(visible(one.dataset)),
                    source_cell(one.source),
                ),
            )
            for number, one in enumerate(found.unbelieved, 1)
        ),
    )


def overlap(case: CaseFinding, found: OverlapFinding) -> Section:
    """Return the section on addresses that downloaded from several data sets."""
    both = {(one.first, one.second): one.addresses for one in found.overlaps}
    both |= {(second, first): count for (first, second), count in both.items()}
    matrix = Table(
        id="overlap-matrix",
        caption="Addresses that downloaded from both; where a data set meets itself, all of its addresses.",
        columns=(Column("Addresses of"), *(Column(visible(name), "n") for name in found.datasets)),
        rows=tuple(
            Row(
                f"overlap-{slug(first)}",
                (Cell(visible(first)), *(number_cell(both.get((first, second), 0)) for second in found.datasets)),
            )
            for first in found.datasets
        ),
    )
    several = [one for one in found.acquirers if len(one.datasets) > 1]
    shown = several[:ACQUIRER_ROWS]
    takers = Table(
        id="overlap-acquirers",
        caption="Addresses that downloaded from more than one data set, those first that took most.",
        columns=(
            Column("Address", "w"), Column("Downloads by data set", "w"), Column("Data sets", "n"),
            Column("Objects", "n"), Column("Full copy of an object of", "w"), Column("Took from all"),
            Column("First and last download", "t"),
        ),
        rows=tuple(
            Row(
                f"acquirer-{slug(one.client_ip)}",
                (
                    Cell(visible(one.client_ip), visible(one.label, none="")),
                    Cell(", ".join(f"{visible(name)} {words.number(count)}" for name, count in one.downloads.items())),
                    number_cell(len(one.datasets)),
                    number_cell(one.objects),
                    Cell(", ".join(visible(name) for name in one.full_copies) or words.NOTHING),
                    Cell("yes" if one.everything else "no", "automated" if one.automated else ""),
                    range_cell(one.first_us, one.last_us, case.timezone),
                ),
            )
            for one in shown
        ),
        sortable=True,
        left_out=left_out(len(several), len(shown), "addresses", "incident datasets --overlap --all"),
        empty="No address downloaded from more than one.",
    )  # fmt: skip
    said = (
        f"{words.counted(found.addresses, 'address', 'addresses')} downloaded from any data set.",
        f"{words.number(found.took_everything)} took from every data set that was downloaded.",
    )
    return Section("overlap", "Who took several data sets", (Group("overlap-tables", "", said, (matrix, takers)),))
