"""The records of the client addresses: frozen, without behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from incident.records_chronology import LineRef


@dataclass(frozen=True, slots=True)
class GeoDatabase:
    """A MaxMind-format file of the user's."""

    file: str
    type: str
    build_us: int  # when its maker built it; ownership before and after may differ
    sha256: str


@dataclass(frozen=True, slots=True)
class AgentListUsed:
    """A published list of automated user agents."""

    name: str
    version: str
    newest_entry: str | None  # the list's own date of its newest entry; None: the list has no dates
    patterns: int
    sha256: str  # of its patterns, one a line


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What the user's MaxMind-format files say of an address; `None`: unknown."""

    asn: int | None = None
    organisation: str | None = None
    country: str | None = None  # ISO 3166-1 alpha-2, as the file has it


@dataclass(frozen=True, slots=True)
class AgentClass:
    """Why a user agent counts as automated."""

    list: str
    version: str
    pattern: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class ClientDetail:
    """One client address of a data set, and what can be known of it."""

    client_ip: str
    label: str | None
    network: NetworkFacts
    network_64: str | None
    requests: int
    downloads: int
    full: int
    partial: int
    undetermined: int
    holds_full_copy: bool
    objects: int
    bytes_sent: int
    first_us: int | None
    last_us: int | None
    agents: int
    agent: str  # of most of its downloads; "" where the log has none
    automated: bool
    agent_classes: tuple[AgentClass, ...]
    source_ports: int  # distinct ports of the client itself; 0: not logged, or hidden by a proxy
    shared_egress: bool
    shared_because: str | None
    referrers: tuple[tuple[str, int], ...]  # outside hosts, with the requests that named them
    visits: int  # with a download in them, over all data sets
    other_lines: int  # lines for anything else in those visits
    other_paths: tuple[tuple[str, int], ...]  # the most frequent of them


@dataclass(frozen=True, slots=True)
class NetworkFinding:
    """The addresses of one network together."""

    kind: str  # "label" | "asn" | "country" | "ipv4-24" | "ipv6-64"
    network: str
    name: str | None
    addresses: int
    downloads: int
    full: int
    partial: int
    undetermined: int
    addresses_full_copy: int
    first_us: int | None
    last_us: int | None


@dataclass(frozen=True, slots=True)
class Unbelieved:
    """A request whose forwarded-for header came from a peer that is no trusted proxy."""

    dataset: str
    peer_ip: str
    forwarded_for: str
    at_us: int | None
    source: LineRef


@dataclass(frozen=True, slots=True)
class DatasetClients:
    """Who downloaded one data set."""

    dataset: str
    title: str
    unique_ips: int
    unique_ips_folded: int  # with each IPv6 address as its /64
    unique_64: int  # IPv6 networks of 64 bits alone
    unique_ips_human: int  # of the downloads by agents on no list
    unique_ips_automated: int
    shared_egress: int  # addresses behind which several clients are likely
    without_address: int  # downloads whose log has no address
    unbelieved: int  # requests with a forwarded-for that was not believed
    unbelieved_peers: int
    clients: tuple[ClientDetail, ...]
    networks: tuple[NetworkFinding, ...]


@dataclass(frozen=True, slots=True)
class ClientsFinding:
    """The client addresses of a case."""

    datasets: tuple[DatasetClients, ...]
    agent_lists: tuple[AgentListUsed, ...]
    databases: tuple[GeoDatabase, ...]
    visit_gap_us: int
    shared_rule: str
    unbelieved: tuple[Unbelieved, ...]  # examples, the first of each peer
    unbelieved_lines: int  # over the whole site
    trusted_proxies: bool  # whether the definition names any
    since_us: int | None
    until_us: int | None


@dataclass(frozen=True, slots=True)
class Match:
    """What became of a line in one data set."""

    dataset: str
    bucket: str
    download: LineRef | None  # the line that begins the download it belongs to


@dataclass(frozen=True, slots=True)
class DossierLine:
    """One line of an address, of the whole case."""

    visit: int
    at_us: int | None
    source: LineRef
    vantage: str
    address: str
    peer_ip: str | None
    peer_port: int | None
    forwarded_for: str | None
    method: str | None
    host: str | None
    path: str | None
    query: str | None
    status: int | None
    bytes_sent: int | None
    range_start: int | None
    range_end: int | None
    referer: str | None
    user_agent: str | None
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class DossierDownload:
    """One download of the address."""

    dataset: str
    object: str
    client_ip: str
    started_us: int
    ended_us: int
    completeness: str
    transfers: int
    bytes_sent: int
    user_agent: str
    source: LineRef


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that the case holds of one address, or of one network."""

    address: str  # canonical
    label: str | None
    network: NetworkFacts
    network_64: str | None
    internal: bool
    addresses: int  # that were seen: more than one for a network
    visits: int
    lines_total: int
    lines: tuple[DossierLine, ...]  # in order of time, at most as many as asked for
    downloads: tuple[DossierDownload, ...]
    agents: tuple[tuple[str, int], ...]  # user agents with their lines
    agent_classes: tuple[AgentClass, ...]
    claimed_lines: int  # lines of others whose unbelieved forwarded-for names it
    visit_gap_us: int


@dataclass(frozen=True, slots=True)
class Acquirer:
    """What one client address took, over all data sets."""

    client_ip: str
    label: str | None
    datasets: tuple[str, ...]
    downloads: Mapping[str, int]  # by data set
    full_copies: tuple[str, ...]  # data sets of which it holds a full copy of an object
    objects: int
    automated: bool
    first_us: int
    last_us: int
    everything: bool  # it downloaded from every data set that was downloaded at all


@dataclass(frozen=True, slots=True)
class Overlap:
    """Addresses that downloaded two data sets; a data set with itself: its unique addresses."""

    first: str
    second: str
    addresses: int


@dataclass(frozen=True, slots=True)
class OverlapFinding:
    """How the data sets' takers overlap."""

    datasets: tuple[str, ...]
    overlaps: tuple[Overlap, ...]  # every pair, in the definition's order
    acquirers: tuple[Acquirer, ...]  # who took most data sets first
    objects_downloaded: int
    addresses: int  # over all data sets
    took_everything: int
