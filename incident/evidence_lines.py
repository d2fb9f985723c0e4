"""From chunks of content to numbered lines: the same lines, numbers and offsets however the chunks fell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

MAX_LINE = 1 << 20  # bytes; of a longer line the first MAX_LINE bytes are kept, as a reject
TOO_LONG = "too-long"
CUT_OFF = "cut-off"


@dataclass(frozen=True, slots=True)
class Block:
    """Whole physical lines, in file order. Every line in it is at most MAX_LINE bytes long.

    Line `i` is `data[starts[i]:ends[i]]`; its number is `first_line + i`, its place in the item `offset + starts[i]`.
    """

    data: bytes  # always ends with b"\n": one is appended to a last line without
    first_line: int  # number of the first line, from 1
    offset: int  # of data[0] in the decompressed item
    starts: NDArray[np.int64]  # start of each line in data
    ends: NDArray[np.int64]  # end of each line in data, without "\n" and without one "\r" before it
    terminated: bool = True  # False: the item ended without a line end and one was appended
    restarts: tuple[int, ...] = ()  # indexes of lines (never 0) that open another small item: carried state ends there


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A line that no parser sees: longer than MAX_LINE, or cut off where the item breaks off."""

    line_no: int
    byte_offset: int
    byte_length: int  # of the line, even where raw holds less of it
    reason: str
    raw: bytes


class LineCutter:
    """Cuts chunks into blocks. Holds no more than a block and a chunk, whatever the lines are."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._parts: list[bytes] = []  # content not yet delivered: whole lines, then the beginning of one
        self._have = 0
        self._line = 1  # number of the line at which _parts begins
        self._offset = 0  # and its place in the content
        self._long: bytes | None = None  # the kept beginning of a line that is being skipped
        self._long_length = 0
        self._tail_ends_in_cr = False

    def feed(self, chunk: bytes) -> Iterator[Block | Spoiled]:
        """Take the next chunk; yield what has become whole."""
        if self._long is not None:
            end = chunk.find(b"\n")
            if end < 0:
                self._lengthen(chunk)
                return
            self._lengthen(chunk[:end])
            yield self._end_long(terminator=1)
            chunk = chunk[end + 1 :]
        if not chunk:
            return
        self._parts.append(chunk)
        self._have += len(chunk)
        if self._have < self._size:
            return
        data = b"".join(self._parts)
        whole = data.rfind(b"\n") + 1
        if whole:
            yield from self._deliver(data if whole == len(data) else data[:whole])
        rest = data[whole:]
        self._parts, self._have = [rest] if rest else [], len(rest)
        if len(rest) > MAX_LINE + 1:  # one more, as it may be the \r of the line end
            self._parts, self._have = [], 0
            self._long, self._long_length = rest[:MAX_LINE], 0
            self._lengthen(rest)

    def finish(self, *, cut_off: bool) -> Iterator[Block | Spoiled]:
        """Yield the rest. A last line without an end is whole, unless the item broke off."""
        if self._long is not None:
            yield self._end_long(terminator=0)
            return
        data = b"".join(self._parts)
        self._parts, self._have = [], 0
        whole = data.rfind(b"\n") + 1
        if whole == len(data):
            if data:
                yield from self._deliver(data)
        elif cut_off:
            if whole:
                yield from self._deliver(data[:whole])
            rest = data[whole:]
            reason = CUT_OFF if len(rest) <= MAX_LINE else TOO_LONG
            yield Spoiled(self._line, self._offset, len(rest), reason, rest[:MAX_LINE])
        else:
            yield from self._deliver(data + b"\n", terminated=False)

    def _deliver(self, data: bytes, *, terminated: bool = True) -> Iterator[Block | Spoiled]:
        starts, ends = line_bounds(data)
        begin = 0  # line at which the next block begins
        for long in np.flatnonzero(ends - starts > MAX_LINE).tolist():
            if long > begin:
                yield self._block(data, starts, ends, begin, long)
            start, end = int(starts[long]), int(ends[long])
            raw = data[start : start + MAX_LINE]
            yield Spoiled(self._line + long, self._offset + start, end - start, TOO_LONG, raw)
            begin = long + 1
        if begin == 0:
            yield Block(data, self._line, self._offset, starts, ends, terminated)
        elif begin < len(starts):
            yield self._block(data, starts, ends, begin, len(starts), terminated=terminated)
        self._line += len(starts)
        self._offset += len(data)

    def _block(
        self,
        data: bytes,
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        begin: int,
        stop: int,
        *,
        terminated: bool = True,
    ) -> Block:
        first = int(starts[begin])
        last = int(starts[stop]) if stop < len(starts) else len(data)
        shifted = starts[begin:stop] - first, ends[begin:stop] - first
        return Block(data[first:last], self._line + begin, self._offset + first, *shifted, terminated)

    def _lengthen(self, more: bytes) -> None:
        if more:
            self._long_length += len(more)
            self._tail_ends_in_cr = more.endswith(b"\r")

    def _end_long(self, *, terminator: int) -> Spoiled:
        length = self._long_length - (1 if terminator and self._tail_ends_in_cr else 0)
        spoiled = Spoiled(self._line, self._offset, length, TOO_LONG, self._long or b"")
        self._line += 1
        self._offset += self._long_length + terminator
        self._long = None
        return spoiled


def line_bounds(data: bytes, step: int = 1 << 18) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    r"""Return where each line of data starts and ends; data ends with a line feed.

    Ends leave out the line feed and one \r before it. The search goes in steps that stay in the processor's cache.
    """
    codes = np.frombuffer(data, np.uint8)
    found = []
    for at in range(0, len(codes), step):
        feeds = np.flatnonzero(codes[at : at + step] == 10)
        feeds += at
        found.append(feeds)
    feeds = np.concatenate(found)
    starts = np.empty(len(feeds), np.int64)
    starts[0] = 0
    np.add(feeds[:-1], 1, out=starts[1:])
    # one search for \r in the whole block is cheaper than to look before every line feed
    ends = feeds - ((codes[feeds - 1] == 13) & (feeds > starts)) if b"\r" in data else feeds
    return starts, ends


def joined(blocks: Iterable[Block]) -> Block:
    """Join the blocks of several small items into one, so that one call parses them all.

    Lines count on from 1, and `restarts` says where each item but the first begins.
    """
    many = list(blocks)
    if len(many) == 1:
        return many[0]
    bytes_before = np.cumsum([0, *(len(block.data) for block in many)])
    lines_before = np.cumsum([0, *(len(block.starts) for block in many)])
    return Block(
        b"".join(block.data for block in many),
        1,
        0,
        np.concatenate([block.starts + at for block, at in zip(many, bytes_before, strict=False)]),
        np.concatenate([block.ends + at for block, at in zip(many, bytes_before, strict=False)]),
        restarts=tuple(lines_before[1:-1].tolist()),
    )
