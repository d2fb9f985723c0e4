"""From a block of lines to rows of the case file, each with its item, and the totals per item."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from incident.evidence import MAX_LINE

if TYPE_CHECKING:
    from incident.evidence import Block, Spoiled
    from incident.parse import Batch, Parser

_LONGEST = 2**31 - 1  # what byte_length can say of a line
_REJECTS: dict[str, pl.DataType] = {
    "line_no": pl.Int64(),
    "byte_offset": pl.Int64(),
    "byte_length": pl.Int32(),
    "reason": pl.String(),
    "raw": pl.Binary(),
}


@dataclass(frozen=True, slots=True)
class Used:
    """A reading as one item used it."""

    of_parser: int  # its number in Parser.readings
    events: int
    first_line: int  # the first line that became an event by it


@dataclass(slots=True)
class Tally:
    """What an item's lines came to, and which readings parsed them, by their numbers in the item."""

    lines: int = 0
    events: int = 0
    rejected: int = 0
    first_ts_us: int | None = None
    last_ts_us: int | None = None
    readings: dict[int, Used] = field(default_factory=dict)

    @property
    def skipped(self) -> int:
        """Blank lines, comments and headers."""
        return self.lines - self.events - self.rejected

    def add(self, other: Tally) -> None:
        """Count a later part of the same item in."""
        self.lines += other.lines
        self.events += other.events
        self.rejected += other.rejected
        self.first_ts_us = _least(self.first_ts_us, other.first_ts_us)
        self.last_ts_us = _most(self.last_ts_us, other.last_ts_us)
        for number, used in other.readings.items():
            before = self.readings.get(number, Used(used.of_parser, 0, used.first_line))
            self.readings[number] = Used(
                used.of_parser, before.events + used.events, min(before.first_line, used.first_line)
            )


def _least(a: int | None, b: int | None) -> int | None:
    return min((value for value in (a, b) if value is not None), default=None)


def _most(a: int | None, b: int | None) -> int | None:
    return max((value for value in (a, b) if value is not None), default=None)


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines that are parsed by one call: of one item, or of several small ones in one block.

    The block counts lines and bytes on through its items; `lines_before` and `bytes_before` bring each back to its own.
    """

    evidence_ids: tuple[int, ...]
    block: Block
    parser: Parser
    state: object
    lines_before: tuple[int, ...] = (0,)
    bytes_before: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Rows:
    """What lines became, and the totals per item. The frames name each row's item, or else all are `evidence_id`'s."""

    events: pl.DataFrame
    rejects: pl.DataFrame
    tallies: dict[int, Tally]
    evidence_id: int | None = None


class UnbalancedError(RuntimeError):
    """A parser lost or invented lines: the law that every line is accounted for would not hold."""


def parsed(piece: Piece) -> Rows:
    """Parse a piece and give every row its item, its line number and its offset there.

    Raises:
        UnbalancedError: if events, rejects and skipped lines do not add up to the lines of the block.
    """
    batch = piece.parser.parse(piece.block, piece.state)
    total = len(piece.block.starts)
    if batch.events.height + batch.rejects.height + batch.skipped != total:
        raise UnbalancedError(
            f"{total} lines became {batch.events.height} events, {batch.rejects.height} rejects"
            f" and {batch.skipped} skipped lines"
        )
    if len(piece.evidence_ids) == 1:
        number = piece.evidence_ids[0]
        return Rows(batch.events, batch.rejects, {number: _tally(total, batch)}, number)
    events, rejects = _sent(piece, batch.events), _sent(piece, batch.rejects)
    tallies = _tallies(piece, events, rejects)
    return Rows(_renumbered(events, tallies), rejects, tallies)


def _tally(lines: int, batch: Batch) -> Tally:
    """Count the lines of a single item. Its readings keep the parser's numbers."""
    events = batch.events
    first, last = events["ts_us"].min(), events["ts_us"].max()
    used = events.group_by("reading").agg(pl.len(), pl.col("line_no").min())
    return Tally(
        lines,
        events.height,
        batch.rejects.height,
        first if isinstance(first, int) else None,
        last if isinstance(last, int) else None,
        {reading: Used(reading, count, line_no) for reading, count, line_no in used.iter_rows()},
    )


def spoiled_rows(evidence_id: int, lines: list[Spoiled]) -> Rows:
    """Make rejects of lines that no parser may see."""
    rows = [
        (line.line_no, line.byte_offset, min(line.byte_length, _LONGEST), line.reason, line.raw[:MAX_LINE])
        for line in lines
    ]
    rejects = pl.DataFrame(rows, schema=_REJECTS, orient="row")
    return Rows(pl.DataFrame(), rejects, {evidence_id: Tally(lines=len(rows), rejected=len(rows))}, evidence_id)


def skipped_rows(evidence_id: int, lines: int) -> Rows:
    """Count the lines of an item that holds only blank lines and comments."""
    return Rows(pl.DataFrame(), pl.DataFrame(), {evidence_id: Tally(lines=lines)}, evidence_id)


def _sent(piece: Piece, frame: pl.DataFrame) -> pl.DataFrame:
    """Put each row's item in front of it, and bring line number and offset back to that item's own."""
    lines_before, bytes_before = np.array(piece.lines_before), np.array(piece.bytes_before)
    line_no = frame["line_no"].to_numpy()
    which = np.searchsorted(lines_before, line_no - 1, side="right") - 1
    return frame.with_columns(
        pl.Series("line_no", line_no - lines_before[which]),
        pl.Series("byte_offset", frame["byte_offset"].to_numpy() - bytes_before[which]),
    ).select(pl.Series("evidence_id", np.array(piece.evidence_ids, np.int32)[which]), pl.all())


def _tallies(piece: Piece, events: pl.DataFrame, rejects: pl.DataFrame) -> dict[int, Tally]:
    """Count per item. The readings of items that share a parser are numbered anew in each, in order of first use."""
    total = len(piece.block.starts)
    lines = np.diff([*piece.lines_before, total]).tolist()
    tallies = {no: Tally(lines=count) for no, count in zip(piece.evidence_ids, lines, strict=True)}
    groups = events.group_by("evidence_id", "reading").agg(
        pl.len(), pl.col("ts_us").min().alias("first"), pl.col("ts_us").max().alias("last"), pl.col("line_no").min()
    )
    for evidence_id, reading, count, first, last, line_no in groups.sort("evidence_id", "line_no").iter_rows():
        tally = tallies[evidence_id]
        tally.events += count
        tally.first_ts_us = _least(tally.first_ts_us, first)
        tally.last_ts_us = _most(tally.last_ts_us, last)
        tally.readings[len(tally.readings)] = Used(reading, count, line_no)
    for evidence_id, count in rejects.group_by("evidence_id").len().iter_rows():
        tallies[evidence_id].rejected += count
    return tallies


def _renumbered(events: pl.DataFrame, tallies: dict[int, Tally]) -> pl.DataFrame:
    changed = [
        (evidence_id, used.of_parser, own)
        for evidence_id, tally in tallies.items()
        for own, used in tally.readings.items()
        if own != used.of_parser
    ]
    if not changed:
        return events
    schema = {"evidence_id": pl.Int32, "reading": pl.Int16, "own": pl.Int16}
    table = pl.DataFrame(changed, schema=schema, orient="row")
    joined = events.join(table, on=["evidence_id", "reading"], how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("own", "reading").alias("reading")).drop("own")
