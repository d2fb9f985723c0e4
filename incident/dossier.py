"""All that a case holds of one address: its whole visit in order, with the line of each request."""

from __future__ import annotations

import ipaddress
from collections import Counter, defaultdict
from typing import Any

import duckdb
import polars as pl

from incident import site
from incident.clients import VISIT_GAP_US, agent_classes, fill_visit_rule
from incident.enrich import Databases
from incident.errors import UsageError
from incident.network import Network, Networks, label_of, load_labels, network_64, parse_address
from incident.records import CaseDefinition
from incident.records_chronology import LineRef
from incident.records_clients import Dossier, DossierDownload, DossierLine, Match, NetworkFacts
from incident.store import sql_text

AS_LOGGED = (
    "vantage", "address", "peer_ip", "peer_port", "forwarded_for", "method", "host", "path", "query", "status",
    "bytes_sent", "range_start", "range_end", "referer", "user_agent",
)  # fmt: skip


def dossier(
    con: duckdb.DuckDBPyConnection, definition: CaseDefinition, address: str, *, most: int | None = None
) -> Dossier:
    """Every line of an address, or of all addresses of a network, over all events; `model.apply` came before.

    `most` bounds the lines that are handed back, not those that are counted.

    Raises:
        UsageError: if the text is neither an address nor a network.
    """
    network = network_named(address)
    name = str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)
    site.fill_identities(con, definition)
    fill_visit_rule(con)
    seen = [client for (client,) in con.execute("select distinct address from site_identity order by all").fetchall()]
    mine = [client for client in seen if (found := parse_address(client)) and _holds(network, found)]
    site.put_rows(con, "dossier_address", [(client,) for client in mine], {"address": pl.String})
    site.put_rows(con, "dossier_most", [(most if most is not None else 2**62,)], {"most": pl.Int64})
    site.take(con, "852_dossier")
    agents, total = _agents(con)
    labels = load_labels(definition.labels) if definition.labels else ()
    with Databases(definition.geoip) as databases:
        facts = databases.facts(name) if mine or databases.used else NetworkFacts()
    classes = agent_classes({agent for agent, _ in agents})
    return Dossier(
        address=name,
        label=label_of(name.partition("/")[0], labels),
        network=facts,
        network_64=str(network) if "/" in name else network_64(name),
        internal=network.network_address in Networks(definition.internal),
        addresses=len(mine),
        visits=_number(con, "select count(*) from (select distinct address, visit_no from dossier) d"),
        lines_total=total,
        lines=_lines(con),
        downloads=_downloads(con),
        agents=agents,
        agent_classes=tuple(hit for agent, _ in agents for hit in classes[agent]),
        claimed_lines=_claimed(con, network),
        visit_gap_us=VISIT_GAP_US,
    )


def network_named(text: str) -> Network:
    """Read an address or a network; a single address is the network of it alone.

    Raises:
        UsageError: if the text is neither.
    """
    address = parse_address(text) if "/" not in text else None
    try:
        return ipaddress.ip_network(str(address) if address is not None else text.strip(), strict=False)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no address and no network", next_step="write 192.0.2.7, 2001:db8::7, or 192.0.2.0/24"
        ) from error


def _holds(network: Network, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return network.version == address.version and address in network


def _number(con: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(con.execute(query).fetchall()[0][0])


def _agents(con: duckdb.DuckDBPyConnection) -> tuple[tuple[tuple[str, int], ...], int]:
    rows = con.execute(
        "select coalesce(user_agent, ''), count(*) as lines from dossier group by coalesce(user_agent, '') "
        "order by lines desc, 1"
    ).fetchall()
    return tuple((agent, lines) for agent, lines in rows), sum(lines for _, lines in rows)


def _lines(con: duckdb.DuckDBPyConnection) -> tuple[DossierLine, ...]:
    paths = dict(con.execute("select evidence_id, path from evidence").fetchall())
    matches: dict[int, list[Match]] = defaultdict(list)
    rows = con.execute(sql_text("853_dossier_match")).fetchall()
    begins = site.lines_of(con, {(item, line_no) for _, _, _, item, line_no in rows if item is not None})
    for place, dataset, bucket, item, line_no in rows:
        matches[place].append(Match(dataset, bucket, begins[item, line_no] if item is not None else None))
    visits: dict[tuple[str, int], int] = {}

    def line(row: dict[str, Any]) -> DossierLine:
        # Visits are numbered in the order in which they begin, over all addresses.
        visit = visits.setdefault((row["address"], row["visit_no"]), len(visits) + 1)
        return DossierLine(
            visit=visit,
            at_us=row["started_us"],
            source=LineRef(paths[row["evidence_id"]], row["line_no"], row["byte_offset"]),
            matches=tuple(matches[row["place"]]),
            **{name: row[name] for name in AS_LOGGED},
        )

    query = "select * from dossier where place <= (select most from dossier_most) order by place"
    return tuple(line(row) for row in site.dicts(con, query))


def _downloads(con: duckdb.DuckDBPyConnection) -> tuple[DossierDownload, ...]:
    rows = site.dicts(con, sql_text("854_dossier_download"))
    lines = site.lines_of(con, {(row["evidence_id"], row["line_no"]) for row in rows})
    return tuple(
        DossierDownload(
            dataset=row["name"],
            object=row["object"],
            client_ip=row["client_ip"],
            started_us=row["started_us"],
            ended_us=row["ended_us"],
            completeness=row["completeness"],
            transfers=row["transfers"],
            bytes_sent=row["bytes_sent"],
            user_agent=row["user_agent"],
            source=lines[row["evidence_id"], row["line_no"]],
        )
        for row in rows
    )


def _claimed(con: duckdb.DuckDBPyConnection, network: Network) -> int:
    """Lines whose forwarded-for names the address, but came from a peer that is not believed."""
    chains = Counter[str]()
    for chain, lines in con.execute(
        "select e.forwarded_for, count(*) from event e join site_identity s on s.peer_ip = coalesce(e.peer_ip, '') "
        "and s.forwarded_for = e.forwarded_for where e.forwarded_for not in ('', '-') and not s.proxied "
        "group by e.forwarded_for order by all"
    ).fetchall():
        chains[chain] += lines
    return sum(
        lines
        for chain, lines in chains.items()
        if any((hop := parse_address(each)) is not None and _holds(network, hop) for each in chain.split(","))
    )
