"""The client addresses: what each took, what it is called, how it came, and what else it asked for."""

from __future__ import annotations

import hashlib
import ipaddress
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import duckdb
import polars as pl

from incident import agents, findings, site
from incident.enrich import Databases
from incident.network import label_of, load_labels, network_64, parse_address
from incident.records import CaseDefinition, Policy
from incident.records_chronology import LineRef
from incident.records_clients import (
    AgentClass,
    AgentListUsed,
    ClientDetail,
    ClientsFinding,
    DatasetClients,
    NetworkFinding,
    Unbelieved,
)
from incident.store import sql_text
from incident.words import counted, exact_span

VISIT_GAP_US = 30 * 60 * 1_000_000
SHARED_AGENTS = 5
SHARED_AT_ONCE = 3
MOST_REFERRERS = 5
MOST_EXAMPLES = 20

Labels = Sequence[tuple[Any, str]]


def clients_finding(
    con: duckdb.DuckDBPyConnection,
    definition: CaseDefinition,
    *,
    datasets: Collection[str] | None = None,
    since_us: int | None = None,
    until_us: int | None = None,
) -> ClientsFinding:
    """Every address that downloaded, by data set; `model.apply` came before. Nobody is left out by class.

    Raises:
        DefinitionError: if the file of labels or a MaxMind-format file cannot be used.
    """
    findings.ask(con, since_us, until_us)
    site.fill_identities(con, definition)
    site.fill_referrers(con, definition)
    fill_visit_rule(con)
    site.take(con, "850_visit_line")
    labels = load_labels(definition.labels) if definition.labels else ()
    around = _around(con)
    names = {n: rule for n, rule in enumerate(definition.datasets) if datasets is None or rule.name in datasets}
    unbelieved = [row for row in site.dicts(con, sql_text("844_unbelieved")) if row["dataset_id"] in names]
    shown = _examples(unbelieved)
    lines = site.lines_of(con, {(row["evidence_id"], row["line_no"]) for row in shown})
    with Databases(definition.geoip) as databases:
        described = _Describer(con, definition.policy, labels, databases, around)
        found = tuple(
            described.dataset(number, rule.name, rule.title or rule.name, unbelieved) for number, rule in names.items()
        )
    return ClientsFinding(
        datasets=found,
        agent_lists=agent_lists(),
        databases=databases.used,
        visit_gap_us=VISIT_GAP_US,
        shared_rule=(
            f"Shared egress is likely behind an address from which {SHARED_AGENTS} or more user agents downloaded, or "
            f"{SHARED_AT_ONCE} or more within {exact_span(definition.policy.session_gap_us)}."
        ),
        unbelieved=tuple(_unbelieved(row, names[row["dataset_id"]].name, lines) for row in shown),
        unbelieved_lines=_unbelieved_lines(con),
        trusted_proxies=bool(definition.trusted_proxies),
        since_us=since_us,
        until_us=until_us,
    )


def fill_visit_rule(con: duckdb.DuckDBPyConnection) -> None:
    """Tell the SQL how long an address may be idle within a visit."""
    site.put_rows(con, "visit_rule", [(VISIT_GAP_US,)], {"visit_gap_us": pl.Int64})


def agent_lists() -> tuple[AgentListUsed, ...]:
    """The published lists in use, with what tells their edition."""
    return tuple(
        AgentListUsed(
            name=each.name,
            version=each.version,
            newest_entry=agents.newest_entry(each.name),
            patterns=len(each.patterns),
            sha256=hashlib.sha256("\n".join(each.patterns).encode()).hexdigest(),
        )
        for each in agents.published_lists()
    )


def agent_classes(user_agents: Collection[str]) -> Mapping[str, tuple[AgentClass, ...]]:
    """Why each user agent counts as automated; () for those that do not."""
    distinct = sorted(user_agents)
    return {
        agent: tuple(AgentClass(hit.list, hit.version, hit.pattern, agent) for hit in hits)
        for agent, hits in zip(distinct, agents.listings(distinct), strict=True)
    }


def _around(con: duckdb.DuckDBPyConnection) -> Mapping[str, tuple[int, int, tuple[tuple[str, int], ...]]]:
    """By address: visits that took data, lines for anything else in them, the most frequent paths of those."""
    paths: dict[str, list[tuple[str, int]]] = defaultdict(list)
    totals: dict[str, tuple[int, int]] = {}
    for client_ip, visits, other_lines, path, lines in con.execute(sql_text("851_visit_other")).fetchall():
        totals[client_ip] = (visits, other_lines)
        if path is not None:
            paths[client_ip].append((path, lines))
    return {client: (visits, lines, tuple(paths[client])) for client, (visits, lines) in totals.items()}


class _Describer:
    """Puts together what several queries say of the same addresses."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        policy: Policy,
        labels: Labels,
        databases: Databases,
        around: Mapping[str, tuple[int, int, tuple[tuple[str, int], ...]]],
    ) -> None:
        self.labels, self.databases, self.around = labels, databases, around
        self.totals: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for number, *row in con.execute(sql_text("63_client_total")).fetchall():
            self.totals[number].append(tuple(row))
        self.agents: dict[tuple[int, str], list[tuple[str, bool, int]]] = defaultdict(list)
        for number, client_ip, agent, automated, downloads in con.execute(sql_text("840_client_agent")).fetchall():
            self.agents[number, client_ip].append((agent, automated, downloads))
        self.referrers: dict[tuple[int, str], list[tuple[str, int]]] = defaultdict(list)
        for number, client_ip, host, requests in con.execute(sql_text("841_client_referrer")).fetchall():
            self.referrers[number, client_ip].append((host, requests))
        ports = con.execute(sql_text("842_client_port")).fetchall()
        self.ports = {(number, client_ip): count for number, client_ip, count in ports}
        self.shared = {
            client_ip: _shared(in_all, at_once, policy.session_gap_us)
            for client_ip, in_all, at_once in con.execute(sql_text("843_shared")).fetchall()
        }
        self.classes = agent_classes({agent for of in self.agents.values() for agent, automated, _ in of if automated})
        self.known: dict[str, tuple[str | None, Any]] = {}

    def dataset(self, number: int, name: str, title: str, unbelieved: Sequence[Mapping[str, Any]]) -> DatasetClients:
        clients = tuple(self._client(number, row) for row in self.totals.get(number, ()) if row[0])
        nobody = sum(row[2] for row in self.totals.get(number, ()) if not row[0])
        mine = [row for row in unbelieved if row["dataset_id"] == number]
        of_agents = {client.client_ip: self.agents[number, client.client_ip] for client in clients}
        return DatasetClients(
            dataset=name,
            title=title,
            unique_ips=len(clients),
            unique_ips_folded=len({client.network_64 or client.client_ip for client in clients}),
            unique_64=len({client.network_64 for client in clients if client.network_64}),
            unique_ips_human=sum(any(not automated for _, automated, _ in of) for of in of_agents.values()),
            unique_ips_automated=sum(client.automated for client in clients),
            shared_egress=sum(client.shared_egress for client in clients),
            without_address=nobody,
            unbelieved=sum(row["requests"] for row in mine),
            unbelieved_peers=len(mine),
            clients=clients,
            networks=networks_of(clients),
        )

    def _client(self, number: int, row: tuple[Any, ...]) -> ClientDetail:
        (
            client_ip,
            requests,
            downloads,
            full,
            partial,
            undetermined,
            holds,
            objects,
            count,
            automated,
            sent,
            first,
            last,
        ) = row
        of_agents = self.agents[number, client_ip]
        visits, other_lines, other_paths = self.around.get(client_ip, (0, 0, ()))
        shared = self.shared.get(client_ip)
        if client_ip not in self.known:
            self.known[client_ip] = (
                label_of(client_ip.partition("/")[0], self.labels),
                self.databases.facts(client_ip),
            )
        label, network = self.known[client_ip]
        return ClientDetail(
            client_ip=client_ip,
            label=label,
            network=network,
            network_64=client_ip if "/" in client_ip else network_64(client_ip),
            requests=requests,
            downloads=downloads,
            full=full,
            partial=partial,
            undetermined=undetermined,
            holds_full_copy=holds,
            objects=objects,
            bytes_sent=sent,
            first_us=first,
            last_us=last,
            agents=count,
            agent=of_agents[0][0],
            automated=automated,
            agent_classes=tuple(hit for agent, listed, _ in of_agents if listed for hit in self.classes[agent]),
            source_ports=self.ports.get((number, client_ip), 0),
            shared_egress=shared is not None,
            shared_because=shared,
            referrers=tuple(self.referrers[number, client_ip][:MOST_REFERRERS]),
            visits=visits,
            other_lines=other_lines,
            other_paths=other_paths,
        )


def _shared(in_all: int, at_once: int, session_gap_us: int) -> str | None:
    if in_all >= SHARED_AGENTS:
        return f"{counted(in_all, 'user agent')} downloaded from it"
    if at_once >= SHARED_AT_ONCE:
        return f"{counted(at_once, 'user agent')} downloaded from it within {exact_span(session_gap_us)}"
    return None


# --- networks ---------------------------------------------------------------------------------------------------------


def networks_of(clients: Sequence[ClientDetail]) -> tuple[NetworkFinding, ...]:
    """The addresses grouped by label, AS, country, IPv4 /24 and IPv6 /64; within a kind, most downloads first."""
    found: list[NetworkFinding] = []
    for kind, network_of in _NETWORKS.items():
        groups: dict[tuple[str, str | None], list[ClientDetail]] = defaultdict(list)
        for client in clients:
            network = network_of(client)
            if network is not None:
                groups[network].append(client)
        of_kind = [_network(kind, network, members) for network, members in groups.items()]
        found += sorted(of_kind, key=lambda each: (-each.downloads, -each.addresses, each.network, each.name or ""))
    return tuple(found)


def _of_label(client: ClientDetail) -> tuple[str, str | None] | None:
    return (client.label, None) if client.label else None


def _of_asn(client: ClientDetail) -> tuple[str, str | None] | None:
    return (f"AS{client.network.asn}", client.network.organisation) if client.network.asn is not None else None


def _of_country(client: ClientDetail) -> tuple[str, str | None] | None:
    return (client.network.country, None) if client.network.country else None


def _of_24(client: ClientDetail) -> tuple[str, str | None] | None:
    address = parse_address(client.client_ip) if "/" not in client.client_ip else None
    if address is None or address.version != 4:
        return None
    return str(ipaddress.ip_network((address, 24), strict=False)), None


def _of_64(client: ClientDetail) -> tuple[str, str | None] | None:
    return (client.network_64, None) if client.network_64 else None


_NETWORKS: Mapping[str, Callable[[ClientDetail], tuple[str, str | None] | None]] = {
    "label": _of_label,
    "asn": _of_asn,
    "country": _of_country,
    "ipv4-24": _of_24,
    "ipv6-64": _of_64,
}


def _network(kind: str, network: tuple[str, str | None], members: Sequence[ClientDetail]) -> NetworkFinding:
    return NetworkFinding(
        kind=kind,
        network=network[0],
        name=network[1],
        addresses=len(members),
        downloads=sum(each.downloads for each in members),
        full=sum(each.full for each in members),
        partial=sum(each.partial for each in members),
        undetermined=sum(each.undetermined for each in members),
        addresses_full_copy=sum(each.holds_full_copy for each in members),
        first_us=min((each.first_us for each in members if each.first_us is not None), default=None),
        last_us=max((each.last_us for each in members if each.last_us is not None), default=None),
    )


# --- forwarded-for that was not believed ------------------------------------------------------------------------------


def _examples(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list(rows[:MOST_EXAMPLES])


def _unbelieved(row: Mapping[str, Any], dataset: str, lines: Mapping[site.Place, LineRef]) -> Unbelieved:
    return Unbelieved(
        dataset=dataset,
        peer_ip=row["peer_ip"],
        forwarded_for=row["forwarded_for"],
        at_us=row["started_us"],
        source=lines[row["evidence_id"], row["line_no"]],
    )


def _unbelieved_lines(con: duckdb.DuckDBPyConnection) -> int:
    rows = con.execute(
        "select count(*) from event e join site_identity s on s.peer_ip = coalesce(e.peer_ip, '') "
        "and s.forwarded_for = e.forwarded_for where e.forwarded_for not in ('', '-') and not s.proxied"
    ).fetchall()
    return int(rows[0][0])
