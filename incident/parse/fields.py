"""Fields: what each kind of value accepts, and how it converts. Bytes in, column values out.

This is the definition of right for values. The fast path takes shortcuts only where these functions would say the same,
and calls them for all else. docs/formats.md lists the kinds.
"""

from __future__ import annotations

import hashlib
import html
import ipaddress
import re
import socket
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from incident.parse import times
from incident.parse.bad import BadValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from incident.formats import Condition, Field, Format

Value = str | int | bool | None
Values = tuple[Value, ...]
Undo = Callable[[bytes], bytes]

# columns that the fields with several columns fill; "residue" is what could not be taken apart and must not be lost
OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "request": ("method", "host", "path", "query", "protocol", "residue"),
    "url": ("host", "path", "query"),
    "peer": ("peer_ip", "peer_port"),
    "range": ("range_start", "range_end", "range_total"),
    "time": ("ts_us",),
}

_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_ESCAPED = {
    b'"': b'"', b"\\": b"\\", b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"v": b"\v", b"f": b"\f", b"a": b"\a",
}  # fmt: skip
_HOST_NAME = re.compile(r"(?=[^.]*[A-Za-z]|.*\.[^.]*[A-Za-z])[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")
_METHOD = re.compile(rb"[A-Za-z][A-Za-z0-9_-]{0,31}")
_PROTOCOL = re.compile(rb"HTTP/\d(?:\.\d+)?")
_ABSOLUTE = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]{0,20})://([^/?#]*)(.*)", re.DOTALL)
_DIGITS = re.compile(rb"(\d{1,19})(?:\.0+)?")
_SPAN_SUFFIX = re.compile(rb"([\d.eE+-]+?)(ns|us|\xc2\xb5s|ms|s|m|h)?")
_RANGE = re.compile(rb"(?:bytes[ =])?(\d{1,18})-(\d{1,18})?(?:/(\d{1,18}|\*))?")
_WHOLE = re.compile(rb"bytes \*/(\d{1,18})")
_SUFFIX_US = {
    b"ns": Decimal("0.001"), b"us": Decimal(1), b"\xc2\xb5s": Decimal(1), b"ms": Decimal(1_000),
    b"s": Decimal(1_000_000), b"m": Decimal(60_000_000), b"h": Decimal(3_600_000_000),
}  # fmt: skip
_UNIT_US = {"s": Decimal(1_000_000), "ms": Decimal(1_000), "us": Decimal(1), "ns": Decimal("0.001")}
_NO_STATUS = frozenset({b"000", b"0", b"-", b"-1", b""})
MAX_INT = (1 << 63) - 1
# a pick that leaves nothing behind but marks
_MARKS_ONLY = re.compile(r"(?:\(\?s\))?\^?(?:\\[^\w]|[^\w.\\*+?()\[\]{}|^$])*\(\.[*+]\)\$?")


def text_of(raw: bytes) -> str:
    r"""Decode UTF-8; a byte that is none becomes \xhh, so that nothing is lost or guessed."""
    return raw.decode("utf-8", "backslashreplace")


def unescape(raw: bytes) -> bytes:
    r"""Undo what servers escape in quoted fields: Apache's \" \\ \n \t \xhh, nginx's \xHH."""
    if b"\\" not in raw:
        return raw
    return _ESCAPE.sub(_unescaped, raw)


def _unescaped(match: re.Match[bytes]) -> bytes:
    if match[1] is not None:
        return bytes((int(match[1], 16),))
    if match[2] is not None:
        return chr(int(match[2], 16)).encode("utf-8", "backslashreplace")
    return _ESCAPED.get(match[3], match[0])


@lru_cache(maxsize=1 << 16)
def address(raw: bytes) -> str | None:
    """Return the canonical text of an address, or a host name as it stands; None for a socket without one."""
    text = text_of(raw)
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if ":" in bare and "." not in bare and "%" not in bare:
        # The C library knows plain IPv6 ten times as fast as ipaddress; what has dots in it either way is left to that.
        try:
            canonical = socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, bare))
        except (OSError, ValueError):
            canonical = "."
        if "." not in canonical:
            return canonical
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        if text.startswith("unix:"):
            return None
        if len(text) <= 253 and _HOST_NAME.fullmatch(text):
            return text
        raise BadValueError("address") from None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(found)


def peer(raw: bytes) -> tuple[str | None, int | None]:
    """Return address and port of ip, ip:port, [ipv6]:port."""
    if raw.startswith(b"[") and b"]:" in raw:
        head, _, tail = raw.rpartition(b":")
        return address(head), port(tail)
    if raw.count(b":") == 1:
        head, _, tail = raw.partition(b":")
        return address(head), port(tail)
    return address(raw), None


def port(raw: bytes) -> int | None:
    """Return a TCP port."""
    if not raw.isdigit() or len(raw) > 5 or int(raw) > 65_535:
        raise BadValueError("port")
    return int(raw)


def host(raw: bytes) -> str:
    """Return a host in lower case without its port."""
    text = text_of(raw).lower()
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    head, colon, tail = text.rpartition(":")
    return head if colon and ":" not in head and (tail.isdigit() or not tail) else text


def status(raw: bytes) -> int | None:
    """Return a status; what servers write where there was none is None."""
    if raw in _NO_STATUS:
        return None
    if len(raw) == 3 and raw.isdigit() and raw[0] != 0x30:
        return int(raw)
    raise BadValueError("status")


def size(raw: bytes) -> int:
    """Return a count of bytes."""
    match = _DIGITS.fullmatch(raw)
    if match is None or int(match[1]) > MAX_INT:
        raise BadValueError("size")
    return int(match[1])


def duration(raw: bytes, unit: str) -> int | None:
    """Return microseconds, rounded half to even; a negative span is none (-1: it never came to that)."""
    scale = _UNIT_US.get(unit)
    number = raw
    if scale is None:
        match = _SPAN_SUFFIX.fullmatch(raw)
        if match is None:
            raise BadValueError("duration")
        number, scale = match[1], _SUFFIX_US[match[2] or b"s"]
    try:
        value = Decimal(number.decode("ascii"))
    except (InvalidOperation, UnicodeDecodeError) as error:
        raise BadValueError("duration") from error
    if not value.is_finite() or value.adjusted() > 15:
        raise BadValueError("duration")
    return None if value < 0 else int((value * scale).to_integral_value())


def as_is(raw: bytes) -> bytes:
    """Undo nothing: the format escapes nothing."""
    return raw


def path_query(raw: bytes, undo: Undo) -> tuple[str, str | None]:
    """Split at the first question mark."""
    head, mark, tail = raw.partition(b"?")
    return text_of(undo(head)), text_of(undo(tail)) if mark else None


def url(raw: bytes, undo: Undo) -> tuple[str | None, str | None, str | None]:
    """Return host, path and query of an absolute URL, a path with query, or what else a request may aim at."""
    match = _ABSOLUTE.fullmatch(raw)
    if match is None:
        return None, *path_query(raw, undo)
    path, query = path_query(match[3], undo)
    name = host(match[2].rpartition(b"@")[2]) if match[2] else None
    return name, path or "/", query


def request(raw: bytes, undo: Undo) -> Values:
    """Take a request line apart: method from the left, protocol from the right if it is one, the rest is the target.

    What is no request line at all (TLS on a plain port, scanners) keeps every part null; the residue holds it.
    """
    nothing: Values = (None, None, None, None, None)
    tokens = raw.split(b" ")
    if len(tokens) < 2 or not _METHOD.fullmatch(tokens[0]):
        return (*nothing, text_of(raw) or None)
    method, last = tokens[0].decode("ascii"), tokens[-1]
    protocol = last.decode("ascii") if _PROTOCOL.fullmatch(last) else None
    target = b" ".join(tokens[1:-1] if protocol else tokens[1:])
    if not target:
        return (method, None, None, None, protocol, None)
    if method == "CONNECT" and not target.startswith(b"/") and b"://" not in target:
        return (method, host(undo(target)), None, None, protocol, text_of(target))
    name, path, query = url(target, undo)
    return (method, name, path, query, protocol, None)


def byte_range(raw: bytes) -> tuple[int | None, int | None, int | None]:
    """Read a Content-Range or a single Range; what a client may have made up is never worth a reject."""
    if match := _RANGE.fullmatch(raw):
        total = int(match[3]) if match[3] and match[3] != b"*" else None
        return int(match[1]), int(match[2]) if match[2] else None, total
    if match := _WHOLE.fullmatch(raw):
        return None, None, int(match[1])
    return None, None, None


def line_hash(raw: bytes) -> int:
    """Return 64 bits that two equal texts share, on every machine and in every version."""
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "little", signed=True)


def line_hashes(texts: Iterable[bytes]) -> bytes:
    """Return the hashes of many texts, eight bytes each, lowest byte first."""
    blake = hashlib.blake2b
    return b"".join([blake(text, digest_size=8).digest() for text in texts])


def plus_to_space(raw: bytes) -> bytes:
    """Undo what IIS does to blanks. It leaves a real + alone: where two meet or one follows "(", that one was real."""
    return re.sub(rb"(?<!\()\+(\+?)", rb" \1", raw)


def percent_once(raw: bytes) -> bytes:
    """Undo exactly one layer of percent-encoding."""
    return unquote_to_bytes(raw)


def _html(raw: bytes) -> bytes:
    return html.unescape(text_of(raw)).encode("utf-8", "surrogatepass")


_DECODERS: Mapping[str, Callable[[bytes], bytes]] = {"url": percent_once, "plus": plus_to_space, "html": _html}


def holds(condition: Condition, raw: bytes | None) -> bool:
    """Tell whether a value is what the condition says; one that is not there never is."""
    if raw is None:
        return False
    hit = any(
        re.search(text[1:].encode(), raw) is not None if text.startswith("~") else text.encode() == raw
        for text in condition.values
    )
    return hit != condition.negated


class Converter:
    """One field of a page, ready to convert: from the raw values of its sources to the values of its columns."""

    def __init__(self, field: Field, page: Format, zone: str | None) -> None:
        self.field = field
        self.sources = field.sources
        self.zero = frozenset(z.encode() for z in field.zero)
        missing = page.missing if field.missing is None else field.missing
        self.missing = frozenset(mark.encode() for mark in missing) - self.zero
        many = field.to in OUTPUTS or field.kind in {"request", "url"}
        self.outputs = OUTPUTS[field.kind] if many else (field.to,)
        self.nothing: Values = (None,) * len(self.outputs)
        self.undo: Undo = unescape if page.escape == "backslash" else as_is
        self._pick = re.compile(field.pick.encode()) if field.pick else None
        self._map = {k.encode(): v.encode() for k, v in field.mapping.items()} if field.mapping is not None else None
        self._prefix = field.prefix.encode() if field.prefix else None
        self._decode = _DECODERS.get(field.decode)
        self.zone = field.zone if field.zone not in {None, "ask"} else zone
        self.pattern = (
            times.pattern(field.format) if field.kind == "time" and field.format not in {None, "epoch"} else None
        )
        self._one = self._reader()

    @property
    def takes_all(self) -> bool:
        """Whether nothing of its sources stays out of its columns."""
        return self.field.pick is None or _MARKS_ONLY.fullmatch(self.field.pick) is not None

    def unzoned(self) -> bool:
        """Tell whether this is a time whose zone is not known from its text."""
        if self.field.kind != "time" or self.field.format == "epoch":
            return False
        return self.field.zone == "ask" or (self.pattern is not None and not self.pattern.zoned)

    def choose(self, raws: Sequence[bytes | None]) -> bytes | None:
        """Make one raw value of those of several sources."""
        if self.field.how == "first":
            for raw in raws:
                if raw is not None and raw not in self.missing:
                    return raw
            return None
        if any(raw is None or raw in self.missing for raw in raws):
            return None
        return (b" " if self.field.how == "join" else b"\x1f").join(raw for raw in raws if raw is not None)

    def picked(self, raw: bytes | None) -> bytes | None:
        """Return the part of a value that the page picks."""
        if self._pick is None or raw is None:
            return raw
        match = self._pick.search(raw)
        return None if match is None else match[1]

    def __call__(self, raw: bytes | None) -> Values:
        """Convert one raw value; None is a value that is not there.

        Raises:
            BadValueError: with the slug of the reject.
        """
        if self.field.const is not None:
            raw = self.field.const.encode()
        if raw is None or raw in self.missing:
            return self.nothing
        if raw in self.zero:
            return (0,)
        picked = self.picked(raw)
        if picked is None:
            return self.nothing
        raw = picked
        if self._map is not None:
            mapped = self._map.get(raw)
            if mapped is None:
                return self.nothing
            raw = mapped
        if self._decode is not None:
            raw = self._decode(raw)
        if self._prefix is not None and not raw.startswith(self._prefix):
            raw = self._prefix + raw
        return self._one(raw)

    def flag(self, raws: Mapping[str, bytes | None]) -> bool | None:
        """Tell whether any group of conditions holds; None where no source is there at all."""
        if all(raws.get(source) is None for source in self.sources):
            return None
        hit = any(all(holds(condition, raws.get(condition.source)) for condition in group) for group in self.field.when)
        return (True if hit else None) if self.field.to == "inner_hop" else hit

    def _reader(self) -> Callable[[bytes], Values]:
        kind, field, undo = self.field.kind, self.field, self.undo
        if field.how == "sum":
            return lambda raw: (self._sum(raw),)
        if field.how == "between":
            return lambda raw: (self._between(raw),)
        if kind == "time":
            if self.pattern is not None:
                form = self.pattern
                return lambda raw: (times.read_pattern(raw, form, self.zone),)
            if field.format == "epoch":
                return lambda raw: (times.read_epoch(raw, field.unit, self.zone),)
            return lambda raw: (times.read_iso(raw, self.zone),)
        if kind == "peer":
            return peer if field.to == "peer" else lambda raw: (peer(raw)[0],)
        if kind == "duration":
            return lambda raw: (duration(raw, field.unit),)
        if kind in {"path", "query", "text"}:
            return lambda raw: (text_of(undo(raw)),)
        if kind == "url":
            return lambda raw: url(raw, undo)
        if kind == "request":
            return lambda raw: request(raw, undo)
        if kind == "range":
            return byte_range
        if kind == "flag":
            return lambda raw: (raw == b"true",)
        single: Mapping[str, Callable[[bytes], Value]] = {
            "ip": address, "port": port, "host": host, "status": status, "size": size,
        }  # fmt: skip
        convert = single[kind]
        return lambda raw: (convert(raw),)

    def _between(self, raw: bytes) -> int | None:
        """Return the span from one time to another; a negative one is none."""
        try:
            begun, ended = (times.read_epoch(part, self.field.unit, self.zone) for part in raw.split(b"\x1f"))
        except BadValueError as error:
            raise BadValueError("duration") from error
        return ended - begun if ended >= begun else None

    def _sum(self, raw: bytes) -> int | None:
        if self.field.kind != "duration":
            return sum(size(part) for part in raw.split(b"\x1f"))
        parts = [duration(part, self.field.unit) for part in raw.split(b"\x1f")]
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None
