"""Proposed data sets as TOML, ready to paste into incident.toml.

Paths come from the log, which strangers wrote: each is escaped for TOML, and its wildcards are taken literally.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from incident import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from incident.proposals import DatasetProposal

_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_WILDCARD = re.compile(r"([*?[])")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")


def proposals(found: Sequence[DatasetProposal], zone: str) -> str:
    """Return one [[dataset]] table for each proposal, with what the log says of it as a comment."""
    names: set[str] = set()
    tables = []
    for one in found:
        name = stem = _NOT_IN_NAMES.sub("-", PurePosixPath(one.path).stem).strip("-").lower() or "data"
        copies = 2
        while name in names:
            name = f"{stem}-{copies}"
            copies += 1
        names.add(name)
        addresses = words.counted(one.peers, "address", "addresses")
        requests = words.counted(one.requests, "request")
        figures = f"{requests} with content, {addresses}, largest {words.short_bytes(one.largest_bytes)}"
        tables.append(
            f"[[dataset]]\n"
            f"# {figures}\n"
            f"# {words.short(one.first_us, zone)} to {words.short(one.last_us, zone)}\n"
            f"name = {string(name)}\n"
            f"{_pattern(one.path)}\n"
        )
    return "\n".join(tables)


def string(text: str) -> str:
    """Return a TOML string; whatever could not be seen, or ends the string, stands as an escape.

    Source: TOML 1.0, string (basic strings).
    """
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if unicodedata.category(char) in {"Cc", "Cf", "Cn", "Co", "Zl", "Zp"}:
        return f"\\u{ord(char):04X}" if ord(char) < 0x10000 else f"\\U{ord(char):08X}"
    return char


def _pattern(path: str) -> str:
    if _ESCAPE.search(path):
        # it was encoded twice; a glob is refused there, since it nearly always means a mistake
        return f"regex = [{string(f'^{re.escape(path)}$')}]"
    literal = _WILDCARD.sub(r"[\1]", path)
    return f"paths = [{string(literal)}]"
