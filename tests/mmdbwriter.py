"""Writes small MaxMind-format databases, so that no one's real data is needed in the tests.

Source: https://maxmind.github.io/MaxMind-DB/ (MaxMind DB file format specification 2.0).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MARKER = b"\xab\xcd\xefMaxMind.com"


def _control(kind: int, size: int) -> bytes:
    if size < 29:
        length, more = size, b""
    elif size < 285:
        length, more = 29, bytes([size - 29])
    else:
        length, more = 30, (size - 285).to_bytes(2, "big")
    if kind < 8:
        return bytes([kind << 5 | length]) + more
    return bytes([length, kind - 7]) + more


def _value(value: Any) -> bytes:
    if isinstance(value, str):
        raw = value.encode()
        return _control(2, len(raw)) + raw
    if isinstance(value, Mapping):
        return _control(7, len(value)) + b"".join(_value(key) + _value(of) for key, of in value.items())
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(_value(of) for of in value)
    return _number(value, 6)


def _number(value: int, kind: int) -> bytes:
    """5: 16 bits, 6: 32 bits, 9: 64 bits; leading zeros are left out."""
    raw = value.to_bytes(8, "big").lstrip(b"\0")
    return _control(kind, len(raw)) + raw


def write(
    path: Path, networks: Mapping[str, Mapping[str, Any]], *, built: int, kind: str = "Test", ip_version: int = 6
) -> Path:
    """Write a database of some networks; `built` is seconds since the epoch. IPv4 lies in ::/96."""
    nodes: list[list[int | None]] = [[None, None]]
    data = b""
    leaves: dict[tuple[int, int], int] = {}
    for text, record in networks.items():
        network = ipaddress.ip_network(text)
        width = 128 if ip_version == 6 else 32
        prefix = network.prefixlen + (96 if network.version == 4 and ip_version == 6 else 0)
        number = int(network.network_address)
        node = 0
        for place in range(prefix):
            bit = number >> (width - 1 - place) & 1
            if place == prefix - 1:
                leaves[node, bit] = len(data)
                break
            if nodes[node][bit] is None:
                nodes.append([None, None])
                nodes[node][bit] = len(nodes) - 1
            following = nodes[node][bit]
            assert following is not None
            node = following
        data += _value(record)
    count = len(nodes)
    tree = b""
    for number, sides in enumerate(nodes):
        for bit, side in enumerate(sides):
            leaf = leaves.get((number, bit))
            target = leaf + count + 16 if leaf is not None else count if side is None else side
            tree += target.to_bytes(4, "big")
    about = {
        "binary_format_major_version": _number(2, 5),
        "binary_format_minor_version": _number(0, 5),
        "build_epoch": _number(built, 9),
        "database_type": _value(kind),
        "description": _value({"en": "made for tests"}),
        "ip_version": _number(ip_version, 5),
        "languages": _value(["en"]),
        "node_count": _number(count, 6),
        "record_size": _number(32, 5),
    }
    metadata = _control(7, len(about)) + b"".join(_value(key) + value for key, value in about.items())
    path.write_bytes(tree + b"\0" * 16 + data + MARKER + metadata)
    return path
