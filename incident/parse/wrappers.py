r"""Wrappers: what carries a server's lines and adds to them. They are peeled, up to three deep, and the rest is read.

The line number and offset of an event stay those of the physical line. Where a carrier cut a long line in parts, the
event stands at the first of them, and the others are skipped; a part whose end the block does not hold stands alone.

Sources: RFC 3164, RFC 5424; rsyslog's templates; Docker's json-file and compose; Kubernetes' container runtime
interface; systemd's journal export; Elastic's Filebeat; GELF; Google Cloud Logging; CloudWatch Logs.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from incident.evidence_lines import Block, line_bounds
from incident.parse.bad import BadValueError
from incident.parse.delimited import cells
from incident.parse.jsonlines import load, look_up

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

DEEPEST = 3
BOM = b"\xef\xbb\xbf"
_ISO = rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
_TAG = rb"[^\s:\[\]{}\"]{1,64}(?:\[[^\]\s]{0,64}\])?: ?"
_COLOUR = rb"(?:\x1b\[[0-9;]{0,12}m)*"

# name → what stands in front of each line
PREFIXES: dict[str, re.Pattern[bytes]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "CRI": _ISO + rb" (?:stdout|stderr) ([FP])(?::[^ ]*)? ",
        "RFC 5424": rb"(?:\d{1,6} )?(?:<\d{1,3}>)?1 (?:-|"
        + _ISO
        + rb') \S+ \S+ \S+ \S+ (?:-|(?:\[(?:[^\]\\"\n]|\\[^\n]|"'
        rb'(?:[^"\\\n]|\\[^\n])*")*\])+) ?(?:\xef\xbb\xbf)?',
        "RFC 3164": rb"(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,9})? (?:[^\s:]{1,255} )?"
        + _TAG,
        "syslog, ISO 8601": rb"(?:<\d{1,3}>)?" + _ISO + rb" \S{1,255} (?:" + _TAG + rb"| )",
        "docker compose": _COLOUR + rb"[A-Za-z0-9][\w.-]{0,127} +\|" + _COLOUR + rb" ?" + _COLOUR,
        "CloudWatch Logs": _ISO + rb"[ \t]+",
        "CloudWatch Logs, with its stream": _ISO + rb" \S{1,512} ",
        "program": rb"(?:[\w.-]{1,64} )?[A-Za-z][\w./-]{0,63}(?:\[\d{1,9}\])?: ",
    }.items()
}
# name → where in an object the line stands; the first that is there
KEYS: dict[str, tuple[str, ...]] = {
    "docker": ("log",),
    "journald": ("MESSAGE",),
    "Elasticsearch": ("_source",),
    "Filebeat": ("event.original", "message", "fields.message"),
    "GELF": ("full_message", "short_message"),
    "Cloud Logging": ("textPayload", "jsonPayload.message"),
    "CloudWatch Logs, JSON": ("@message",),
    "Splunk": ("result._raw", "_raw"),
}
# columns of a CSV export that hold whole lines
_COLUMNS = (
    "event.original",
    "_source.event.original",
    "message",
    "_source.message",
    "@message",
    "textPayload",
    "_raw",
    "log",
    "line",
)
_CSV = "CSV, column "
_JOINING = {"CRI", "docker"}
Line = tuple[bytes | None, bool]  # what the wrapper carries, None if it is none of its lines; whether more follows


@dataclass(frozen=True, slots=True)
class Peeled:
    """The inner lines of a block, and the physical line of each."""

    block: Block
    rows: NDArray[np.int64] | None  # None: one each
    joined: int  # physical lines that are parts of another


def peel(block: Block, wrappers: Sequence[str]) -> Peeled:
    """Take the wrappers off a block, the outermost first. A line that is not wrapped stays as it is."""
    rows: NDArray[np.int64] | None = None
    whole = len(block.starts)
    for name in wrappers:
        block, kept = _peel_one(block, name)
        if kept is not None:
            rows = kept if rows is None else rows[kept]
    return Peeled(block, rows, whole - len(block.starts))


def flat(block: Block) -> Block:
    """Return a block of records with each on one line: JSON knows no line end but between values."""
    return _rebuilt([_one_line(block.data[s:e]) for s, e in _bounds(block)], block, None)


def layers(lines: list[bytes]) -> list[tuple[str, list[bytes]]]:
    """Return which wrappers could be around most of the lines, and what is in them."""
    found = []
    names = [*PREFIXES, *KEYS, *_csv(lines)]
    full = [line for line in lines if line.strip()]
    for name in names:
        cut = _cutter(name)
        inner = [cut(line)[0] for line in full[:40]]
        if not inner or sum(one is not None for one in inner) * 2 <= len(inner):
            continue
        found.append((name, _inner(lines, name)[0]))
    return found


def _csv(lines: list[bytes]) -> list[str]:
    """Return the wrapper that a CSV export is: whole lines in quotes, or a column of them that the first row names."""
    first = next((line for line in lines if line.strip()), b"").removeprefix(BOM)
    if b'"' not in first and b"," not in first and first.decode("utf-8", "replace") not in _COLUMNS:
        return []
    try:
        names = [cell.decode("utf-8", "backslashreplace") for cell in cells(first, ",")]
    except BadValueError:
        return []
    for wanted in _COLUMNS:
        if wanted in names:
            return [f"{_CSV}{names.index(wanted) + 1}"]
    return [f"{_CSV}1"] if len(names) == 1 and first.startswith(b'"') else []


def _cutter(name: str) -> Callable[[bytes], Line]:
    if name.startswith(_CSV):
        return _csv_cutter(int(name.removeprefix(_CSV)) - 1)
    if name in PREFIXES:
        return _prefix_cutter(PREFIXES[name])
    return _key_cutter(name)


def _prefix_cutter(pattern: re.Pattern[bytes]) -> Callable[[bytes], Line]:
    match, parted = pattern.match, pattern.groups

    def cut(line: bytes) -> Line:
        found = match(line)
        if found is None:
            return None, False
        return line[found.end() :], bool(parted) and found[1] == b"P"

    return cut


def _key_cutter(name: str) -> Callable[[bytes], Line]:
    paths = KEYS[name]

    def cut(line: bytes) -> Line:
        if not line.lstrip().startswith(b"{"):
            return None, False
        try:
            record = load(line)
        except BadValueError:
            return None, False
        for path in paths:
            value = record[path] if path in record else look_up(record, path) if "." in path else None
            text = _text(value)
            if text is not None:
                return text, not text.endswith(b"\n")
        return None, False

    return cut


def _csv_cutter(column: int) -> Callable[[bytes], Line]:
    def cut(line: bytes) -> Line:
        try:
            found = cells(line, ",")
        except BadValueError:
            return None, False
        if column >= len(found):
            return None, False
        value = found[column]
        if value.decode("utf-8", "replace") in _COLUMNS:
            return b"", False  # the row of names is no line of any log
        # of a single column, a line without quotes is the line itself
        return (value if column or line.startswith(b'"') else None), False

    return cut


def _text(value: object) -> bytes | None:
    """Return what a key holds as a line; systemd writes text that is no UTF-8 as an array of bytes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
    if isinstance(value, list) and len(value) == 1:
        return _text(value[0])
    if isinstance(value, list) and value and all(isinstance(one, str) and one.isdigit() for one in value):
        numbers = [int(one) for one in value]
        return bytes(numbers) if max(numbers) < 256 else None
    return None


def _one_line(text: bytes) -> bytes:
    return text.replace(b"\r\n", b" ").replace(b"\n", b" ") if b"\n" in text else text


def _bounds(block: Block) -> zip[tuple[int, int]]:
    return zip(block.starts.tolist(), block.ends.tolist(), strict=True)


def _peel_one(block: Block, name: str) -> tuple[Block, NDArray[np.int64] | None]:
    lines = [block.data[s:e] for s, e in _bounds(block)]
    inner, kept = _inner(lines, name, block.restarts)
    return _rebuilt(inner, block, kept), kept


def _inner(lines: list[bytes], name: str, restarts: Sequence[int] = ()) -> tuple[list[bytes], NDArray[np.int64] | None]:
    """Return the inner lines, and where parts were joined the number of the first line of each."""
    cut = _cutter(name)
    found = [cut(line.removeprefix(BOM) if line.startswith(BOM) else line) for line in lines]
    # a docker log without any line end keeps none: then each line is whole
    joins = name in _JOINING and any(more for _, more in found) and any(text and not more for text, more in found)
    if not joins:
        return [_cleaned(line if text is None else text) for line, (text, _) in zip(lines, found, strict=True)], None
    inner: list[bytes] = []
    kept: list[int] = []
    opening = frozenset(restarts)
    held: list[bytes] = []
    for index, (line, (text, more)) in enumerate(zip(lines, found, strict=True)):
        if held and (text is None or index in opening):
            inner.append(_cleaned(b"".join(held)))
            held = []
        if text is None:
            inner.append(line)
            kept.append(index)
            continue
        if not held:
            kept.append(index)
        held.append(text)
        if not more:
            inner.append(_cleaned(b"".join(held)))
            held = []
    if held:
        inner.append(_cleaned(b"".join(held)))
    return inner, np.array(kept, dtype=np.int64)


def _cleaned(text: bytes) -> bytes:
    """Return a text as one line, without the line end that the carrier kept."""
    return _one_line(text.removesuffix(b"\n").removesuffix(b"\r"))


def _rebuilt(inner: list[bytes], block: Block, kept: NDArray[np.int64] | None) -> Block:
    data = b"\n".join(inner) + b"\n"
    if inner:
        starts, ends = line_bounds(data)
    else:
        starts = ends = np.zeros(0, np.int64)
    restarts = block.restarts
    if kept is not None and restarts:
        restarts = tuple(int(np.searchsorted(kept, at)) for at in restarts)
    # whether the first line opens the item is all that the number says here
    return Block(data, min(block.first_line, 2), 0, starts, ends, block.terminated, restarts)
