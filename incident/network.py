"""Addresses: who the client is behind trusted proxies, whose it is, and what it is called."""

from __future__ import annotations

import csv
import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from incident.errors import DefinitionError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=1 << 16)
def parse_address(text: str) -> Address | None:
    """Read an address as logs and headers write it: brackets, a port, a zone, or IPv4 mapped into IPv6.

    Returns None for anything that is no address ("unknown", "_hidden", a host name).
    Source: RFC 7239, 6; RFC 4291, 2.5.5.2.
    """
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


class Networks:
    """A set of networks that answers whether it holds an address."""

    def __init__(self, networks: Iterable[str]) -> None:
        """`networks` in CIDR form, checked before."""
        self.networks: tuple[Network, ...] = tuple(ipaddress.ip_network(text, strict=False) for text in networks)

    def __bool__(self) -> bool:
        return bool(self.networks)

    def __contains__(self, address: Address | None) -> bool:
        return address is not None and any(
            address.version == network.version and address in network for network in self.networks
        )


def client_of(peer: str | None, forwarded_for: str | None, trusted: Networks) -> tuple[str | None, bool]:
    """The client's address, and whether the peer was a trusted proxy.

    The client is the peer, unless the peer is a trusted proxy: then the right-most address of the forwarded-for chain
    that is not itself trusted. Where the chain holds none, the peer remains. A chain from any other peer is not
    believed.
    """
    if peer is None:
        return None, False
    if not trusted or parse_address(peer) not in trusted:
        return peer, False
    for hop in reversed((forwarded_for or "").split(",")):
        address = parse_address(hop)
        if address is not None and address not in trusted:
            return str(address), True
    return peer, True


def network_64(client: str) -> str | None:
    """The /64 that an IPv6 client belongs to; None for IPv4 and for what is no address."""
    address = parse_address(client) if ":" in client else None
    if address is None or address.version == 4:
        return None
    return str(ipaddress.ip_network((address, 64), strict=False))


def load_labels(path: Path) -> Sequence[tuple[Network, str]]:
    """Read networks.csv (columns cidr,label), the most specific network first.

    Raises:
        DefinitionError: on a row whose first cell is no network.
    """
    labels: list[tuple[Network, str]] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.reader(file), 1):
            if not row or row[0].lstrip().startswith("#") or (number == 1 and row[0].strip().lower() == "cidr"):
                continue
            try:
                network = ipaddress.ip_network(row[0].strip(), strict=False)
            except ValueError as error:
                raise DefinitionError(
                    f"{row[0]!r} is no network: {error}",
                    where=f"{path.name}, line {number}",
                    next_step='write one network and one label a line, for example 192.0.2.0/24,"Head office"',
                ) from error
            labels.append((network, row[1].strip() if len(row) > 1 else ""))
    return sorted(labels, key=lambda pair: (-pair[0].prefixlen, str(pair[0])))


def label_of(client: str, labels: Sequence[tuple[Network, str]]) -> str | None:
    """The label of the most specific network that holds the client, if any."""
    address = parse_address(client)
    if address is None:
        return None
    return next((label for network, label in labels if network.version == address.version and address in network), None)
