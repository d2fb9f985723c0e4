"""The text work before counting: paths made comparable, and which data sets an address belongs to.

Everything here works on distinct values; what leaves it is canonical text and numbers.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from incident.globs import compile_glob
from incident.records import DatasetRule

_ESCAPED = "incident-percent"


def _escape_bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(f"%{byte:02X}" for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_ESCAPED, _escape_bytes)
_HEX = frozenset("0123456789abcdefABCDEF")


def percent_decode(path: str) -> str:
    """Undo percent-encoding once; a % that starts no escape stays. Bytes that are no UTF-8 stay escaped, in capitals.

    Source: RFC 3986, 2.1 and 2.4 (never decode twice).
    """
    if "%" not in path:
        return path
    raw = path.encode("utf-8", "backslashreplace")
    out = bytearray()
    i = 0
    while i < len(raw):
        if raw[i] == 0x25 and i + 2 < len(raw) and chr(raw[i + 1]) in _HEX and chr(raw[i + 2]) in _HEX:
            out.append(int(raw[i + 1 : i + 3], 16))
            i += 3
        else:
            out.append(raw[i])
            i += 1
    return out.decode("utf-8", _ESCAPED)


def normalise_path(path: str) -> str:
    """The path as the server resolves it: decoded once, `//` collapsed, dot segments resolved, case kept.

    Source: RFC 3986, 5.2.4 and 6.2.2.
    """
    if "%" not in path and "//" not in path and "/." not in path:
        return path
    decoded = percent_decode(path)
    if not decoded.startswith("/"):
        return decoded  # the asterisk of OPTIONS, or what is no path at all
    segments: list[str] = []
    parts = decoded.split("/")
    for part in parts:
        if part in {"", "."}:
            continue
        if part == "..":
            if segments:
                segments.pop()
            continue
        segments.append(part)
    ends_in_folder = parts[-1] in {"", ".", ".."} and segments
    return "/" + "/".join(segments) + ("/" if ends_in_folder else "")


@dataclass(frozen=True, slots=True)
class Matcher:
    """One data set's patterns, compiled."""

    number: int
    globs: tuple[re.Pattern[str], ...]
    regexes: tuple[re.Pattern[str], ...]
    hosts: frozenset[str]
    query: re.Pattern[str] | None

    @classmethod
    def of(cls, number: int, rule: DatasetRule) -> Matcher:
        """Compile a checked rule."""
        return cls(
            number=number,
            globs=tuple(compile_glob(glob) for glob in rule.paths),
            regexes=tuple(re.compile(text) for text in rule.regex),
            hosts=frozenset(host.lower() for host in rule.hosts),
            query=re.compile(rule.query) if rule.query is not None else None,
        )

    def takes(self, host: str | None, path: str) -> bool:
        """Whether a request for this host and normalised path belongs here.

        A log that records no host cannot be filtered by host: such a request is not left out.
        """
        if self.hosts and host is not None and host not in self.hosts:
            return False
        if not self.globs and not self.regexes:
            return True
        return any(glob.fullmatch(path) for glob in self.globs) or any(regex.search(path) for regex in self.regexes)


def match_targets(
    matchers: Iterable[Matcher], targets: Iterable[tuple[str | None, str]]
) -> Iterator[tuple[int, str | None, str, str]]:
    """Yield (data set number, host, path as logged, normalised path) for each data set that takes a target."""
    compiled = tuple(matchers)
    for host, path in targets:
        normal = normalise_path(path)
        for matcher in compiled:
            if matcher.takes(host, normal):
                yield matcher.number, host, path, normal
