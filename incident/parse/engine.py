"""The parser of one item: hands each line to the reader in force, and what that one cannot read to the next."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import polars as pl

from incident.errors import TimezoneError
from incident.parse import Batch
from incident.parse.bad import BadValueError
from incident.parse.delimited import DelimitedSplitter
from incident.parse.headers import Headers, Names
from incident.parse.jsonlines import JsonSplitter
from incident.parse.pattern import PatternSplitter
from incident.parse.reader import EVENTS, OTHER, REJECTS, VALUES, Reader, Splitter
from incident.parse.wrappers import Peeled, flat, peel
from incident.records import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from incident.evidence import Block
    from incident.formats import Format
    from incident.parse import Settings
    from incident.parse.fields import Value

# Polars takes bytes that begin like gzip, zlib or zstd for compressed ones, and would unpack a hostile line.
_LOOKS_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")
_NEWLINE = b"\n"
FEWEST = 150  # lines: fewer are read sooner one by one than a block is set up
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of a block that are read alike: their indexes (None: all), and the readers to try, by reading number."""

    rows: NDArray[np.int64] | None
    chain: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What `prepare` found out about a block."""

    groups: tuple[Group, ...]
    skipped: NDArray[np.bool_] | None  # comment and header lines
    inner: Peeled  # the lines as they are read: without their wrappers


class ItemParser:
    """Reads the blocks of one item with one page, and with others what that page rejects."""

    def __init__(self, pages: Sequence[Format], settings: Settings, *, fast: bool, fewest: int = FEWEST) -> None:
        self._fast = fast
        self._fewest = fewest
        self._settings = settings
        self._lock = threading.Lock()
        self._readers: list[Reader] = []
        self._readings: list[Reading] = []
        self._used: dict[int, int] = {}
        self._zone = checked_zone(settings.timezone)
        self._pages = tuple(page.settled(settings.server) for page in pages)
        named = next((page for page in self._pages if page.header == "names"), None)
        self._headers: Headers | Names | None = None
        if any(page.header == "w3c" for page in self._pages):
            self._headers = Headers()
        elif named is not None:
            self._headers = Names(named)
        self._comment = next((page.comment for page in self._pages if page.comment), None)
        self._by_header: dict[tuple[object, ...], int] = {}
        # per page: its reading, where no header decides
        self._fixed = tuple(
            self._add(page, self._splitter(page), page.directive, 1, self._zone)
            if page.header == "none" or page.columns
            else None
            for page in self._pages
        )

    @staticmethod
    def _splitter(page: Format) -> Splitter:
        if page.shape == "pattern":
            return PatternSplitter(page)
        if page.shape == "json":
            return JsonSplitter(page)
        return DelimitedSplitter(page, page.columns, page.widths)

    def _add(self, page: Format, splitter: Splitter, fields: str | None, first_line: int, zone: str | None) -> int:
        """Register a reading; return its number."""
        reader = Reader(page, splitter, zone)
        zones = {one.zone for one in reader.converters if one.unzoned()}
        if None in zones:
            raise TimezoneError(
                f"the times of {page.title} carry no zone",
                where=page.name,
                next_step='say which it is: timezone = "America/Los_Angeles" in the [[evidence]] table of the item',
            )
        self._readers.append(reader)
        self._readings.append(
            Reading(
                reading=len(self._readings),
                format=page.name,
                fields=fields,
                ts_kind=page.ts_kind,
                bytes_kind=page.bytes_kind,
                range_kind=page.range_kind,
                zone=next(iter(zones), None),
                first_line=first_line,
            )
        )
        return len(self._readings) - 1

    @property
    def readings(self) -> Sequence[Reading]:
        """How lines were read so far; the numbers of readings that were not used are left out."""
        with self._lock:
            return [
                replace(one, first_line=self._used.get(one.reading, one.first_line))
                for one in self._readings
                if one.reading in self._used or one.reading == 0
            ]

    @property
    def width(self) -> int:
        """How many values a line of the first format has: one that has more is the more specific."""
        return len(self._readers[0].names) if self._readers else 0

    def reached(self, raw: bytes) -> str | None:
        """Return the last value that still fits a line that does not."""
        return self._readers[0].splitter.reached(raw) if self._readers else None

    def prepare(self, block: Block) -> object:
        """Decide which lines are read by which readers."""
        inner = Peeled(flat(block) if self._pages[0].records else block, None, 0)
        if self._pages[0].wrapped:
            inner = peel(inner.block, self._pages[0].wrapped)
        groups, skipped = self._groups(inner.block)
        return State(groups, skipped, inner)

    def _groups(self, block: Block) -> tuple[tuple[Group, ...], NDArray[np.bool_] | None]:
        comment = self._comment
        skipped = None
        if comment is not None and len(block.starts):
            skipped = np.frombuffer(block.data, np.uint8)[block.starts] == ord(comment)
            skipped &= block.ends > block.starts
            for index in opening_lines(block):
                start = int(block.starts[index])
                skipped[index] |= block.data.startswith(BOM + comment.encode(), start)
        if isinstance(self._headers, Names):
            skipped = self._name_rows(block, self._headers, skipped)
        if self._headers is None:
            return (Group(None, self._chain(1)),), skipped
        return self._prepare_headers(block, skipped)

    @staticmethod
    def _name_rows(block: Block, names: Names, skipped: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        """Mark the rows of names: in front of each item, and wherever the same row stands again."""
        marked = np.zeros(len(block.starts), dtype=bool) if skipped is None else skipped
        lines = set(names.lines)
        for index in opening_lines(block):
            line = block.data[block.starts[index] : block.ends[index]].removeprefix(BOM)
            if names.is_header(line):
                lines.add(line)
                marked[index] = True
        for line in lines:
            at = block.data.find(line)
            while at >= 0:
                index = int(np.searchsorted(block.starts, at, side="right")) - 1
                marked[index] |= block.starts[index] == at and block.ends[index] == at + len(line)
                at = block.data.find(line, at + len(line))
        return marked

    def _prepare_headers(
        self, block: Block, skipped: NDArray[np.bool_] | None
    ) -> tuple[tuple[Group, ...], NDArray[np.bool_] | None]:
        """Walk the header lines of a block in order: each run of rows is read with the columns then in force."""
        headers = self._headers
        if headers is None or skipped is None:
            return (), skipped
        rows: dict[tuple[int, ...], list[NDArray[np.int64]]] = {}
        marks = sorted({*np.flatnonzero(skipped).tolist(), *block.restarts, len(block.starts)})
        begin = 0
        for mark in marks:
            if mark > begin:
                chain = self._chain(block.first_line + begin)
                rows.setdefault(chain, []).append(np.arange(begin, mark, dtype=np.int64))
            begin = mark
            if mark in block.restarts:
                headers.clear()
            if mark < len(block.starts) and skipped[mark]:
                headers.read(block.data[block.starts[mark] : block.ends[mark]].removeprefix(BOM))
                begin = mark + 1
        return tuple(Group(np.concatenate(some), chain) for chain, some in rows.items()), skipped

    def _chain(self, line: int) -> tuple[int, ...]:
        """Return the readings to try in order, given the header now in force; `line` is the first one read so."""
        headers = self._headers
        chain = []
        for page, fixed in zip(self._pages, self._fixed, strict=True):
            if headers is None or page.header != headers.kind or headers.columns is None:
                if fixed is not None:
                    chain.append(fixed)
                continue
            key = (page.name, *headers.key(page))
            if key not in self._by_header:
                splitter = DelimitedSplitter(page, headers.columns, constants=headers.constants())
                zone = headers.zone(page) or self._zone
                self._by_header[key] = self._add(page, splitter, " ".join(headers.columns), line, zone)
            chain.append(self._by_header[key])
        return tuple(chain)

    def parse(self, block: Block, state: object) -> Batch:
        """Read a prepared block."""
        if not isinstance(state, State):
            raise TypeError("parse wants what prepare returned")
        work = _Work(state.inner, block)
        lines = len(work.block.starts)
        skipped = np.zeros(lines, dtype=bool) if state.skipped is None else state.skipped.copy()
        for group in state.groups:
            rows = np.arange(lines) if group.rows is None else group.rows
            if state.skipped is not None:
                rows = rows[~skipped[rows]]
            self._read(work, group.chain, rows, skipped)
        with self._lock:
            for reading, line in work.first_lines.items():
                self._used[reading] = min(line, self._used.get(reading, line))
        return Batch(work.events(), work.rejects(), int(skipped.sum()) + state.inner.joined)

    def _read(self, work: _Work, chain: tuple[int, ...], rows: NDArray[np.int64], skipped: NDArray[np.bool_]) -> None:
        reasons: dict[int, str] = {}
        for position, reading in enumerate(chain):
            if not len(rows):
                break
            reader = self._readers[reading]
            left = rows
            refused, each = [rows[:0]], False
            while self._fast and len(left) >= self._fewest:
                # lines may come in a few shapes; each try learns the shape of the first line that is left
                before = len(left)
                left, others = self._read_fast(work, reader, reading, left, each=each)
                refused.append(others)
                if each or (not reader.can_each and before - len(left) < max(1, before // 5)):
                    break
                # objects of many shapes are taken one by one
                each = before - len(left) < max(1, before // 5)
            failed = np.concatenate(refused).tolist()
            if position == 0:
                reasons.update(dict.fromkeys(failed, OTHER))
            for index in left.tolist():
                if position == 0 and not work.raw(index).strip():
                    skipped[index] = True
                    continue
                try:
                    work.add(reading, index, reader.line(work.raw(index)))
                except BadValueError as error:
                    failed.append(index)
                    # what the page meant for the item says of the line counts, not what the others say
                    if position == 0:
                        reasons[index] = error.reason
            rows = np.array(sorted(failed), dtype=np.int64)
        for index in rows.tolist():
            if not chain and not work.raw(index).strip():
                skipped[index] = True
            else:
                work.reject(index, reasons.get(index, "no-fields"))

    def _read_fast(
        self, work: _Work, reader: Reader, reading: int, rows: NDArray[np.int64], *, each: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Read what the fast path can vouch for; return the lines that are left, and those that are other records."""
        block = work.block
        wanted = None
        if 5 * len(rows) > 4 * len(block.starts):
            data, starts, ends = block.data, block.starts, block.ends
            wanted = np.zeros(len(starts), dtype=bool)
            wanted[rows] = True
        else:
            lines = [
                block.data[s:e] for s, e in zip(block.starts[rows].tolist(), block.ends[rows].tolist(), strict=True)
            ]
            data = _NEWLINE.join(lines) + _NEWLINE
            ends = np.cumsum(block.ends[rows] - block.starts[rows] + 1) - 1
            starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1))
        if data.startswith(_LOOKS_PACKED):
            return rows, rows[:0]
        try:
            found = reader.rows(data, starts, ends, each=each)
        except pl.exceptions.PolarsError:
            found = None  # whatever Polars cannot do, the plain path can
        if found is None:
            return rows, rows[:0]
        marked = work.marked()
        left = np.zeros(len(block.starts), dtype=bool)
        left[rows] = True
        for places, events in found.events:
            numbers = places if wanted is not None else rows[places]
            keep = wanted[numbers] if wanted is not None else np.ones(len(numbers), dtype=bool)
            if marked:
                keep &= ~np.isin(numbers, marked)
            left[numbers[keep]] = False
            work.add_many(reading, numbers[keep], events if keep.all() else events.filter(pl.Series(keep)))
        others = found.others if wanted is not None else rows[found.others]
        others = others[left[others]]
        if marked:
            others = others[~np.isin(others, marked)]
        left[others] = False
        return np.flatnonzero(left), others


def opening_lines(block: Block) -> list[int]:
    """Return the lines of a block that open an item."""
    first = [0] if block.first_line == 1 and len(block.starts) else []
    return [*first, *(index for index in block.restarts if index < len(block.starts))]


class _Work:
    """What a block has become so far."""

    def __init__(self, inner: Peeled, block: Block) -> None:
        self.block = inner.block  # what is read
        self._rows = inner.rows
        self._physical = block  # where it stands
        self._opening = frozenset(opening_lines(self.block))
        self.first_lines: dict[int, int] = {}
        self._frames: list[pl.DataFrame] = []
        self._events: list[tuple[Value, ...]] = []
        self._rejects: list[tuple[int, int, int, str, bytes]] = []

    def raw(self, index: int) -> bytes:
        block = self.block
        raw = block.data[block.starts[index] : block.ends[index]]
        return raw.removeprefix(BOM) if index in self._opening else raw

    def marked(self) -> list[int]:
        """Return the lines that begin with a byte order mark, which is no part of them."""
        block = self.block
        return [i for i in self._opening if block.data.startswith(BOM, int(block.starts[i]))]

    def _place(self, index: int) -> tuple[int, int, int]:
        block = self._physical
        row = index if self._rows is None else int(self._rows[index])
        start, end = int(block.starts[row]), int(block.ends[row])
        return block.first_line + row, block.offset + start, end - start

    def _seen(self, reading: int, line: int) -> None:
        self.first_lines[reading] = min(line, self.first_lines.get(reading, line))

    def add(self, reading: int, index: int, event: dict[str, Value]) -> None:
        place = self._place(index)
        self._seen(reading, place[0])
        self._events.append((reading, *place, *(event[name] for name in VALUES)))

    def add_many(self, reading: int, rows: NDArray[np.int64], events: pl.DataFrame) -> None:
        if not len(rows):
            return
        block = self._physical
        rows = rows if self._rows is None else self._rows[rows]
        self._seen(reading, block.first_line + int(rows[0]))
        places = pl.DataFrame(
            {
                "reading": pl.Series([reading], dtype=pl.Int16).new_from_index(0, len(rows)),
                "line_no": rows + block.first_line,
                "byte_offset": block.starts[rows] + block.offset,
                "byte_length": (block.ends[rows] - block.starts[rows]).astype(np.int32),
            }
        )
        self._frames.append(places.hstack(events))

    def reject(self, index: int, reason: str) -> None:
        block = self._physical
        row = index if self._rows is None else int(self._rows[index])
        raw = block.data[block.starts[row] : block.ends[row]]
        self._rejects.append((*self._place(index), reason, raw))

    def events(self) -> pl.DataFrame:
        frames = list(self._frames)
        if self._events or not frames:
            frames.append(pl.DataFrame(self._events, schema=EVENTS, orient="row"))
        return frames[0] if len(frames) == 1 else pl.concat(frames)

    def rejects(self) -> pl.DataFrame:
        return pl.DataFrame(self._rejects, schema=REJECTS, orient="row")


def checked_zone(name: str | None) -> str | None:
    """Return the zone's name if it is one.

    Raises:
        TimezoneError: there is no such zone.
    """
    if name is None or name == "UTC":
        return name
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise TimezoneError(
            f'there is no zone "{name}"', next_step='use a name of the IANA list, for example "America/Los_Angeles"'
        ) from error
    return name
