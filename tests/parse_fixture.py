"""Blocks of lines, and the comparison that holds the fast path to the plain one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from incident.evidence import Block
from incident.formats import Format
from incident.parse import Batch, Settings
from incident.parse.engine import ItemParser

SHARED = Path(__file__).resolve().parents[2] / "shared" / "formats" / "samples"
OWN = Path(__file__).parent / "samples"


def blocks_of(data: bytes, *, size: int = 1 << 30, restarts: tuple[int, ...] = ()) -> list[Block]:
    """Cut bytes into blocks of whole lines, as evidence does."""
    terminated = data.endswith(b"\n") or not data
    text = data if terminated else data + b"\n"
    blocks, at, line = [], 0, 1
    while at < len(text):
        end = text.find(b"\n", min(at + size, len(text)) - 1) + 1
        part = text[at:end]
        codes = np.frombuffer(part, np.uint8)
        newlines = np.flatnonzero(codes == 10).astype(np.int64)
        starts = np.concatenate((np.zeros(1, np.int64), newlines[:-1] + 1))
        ends = newlines - ((newlines > starts) & (codes[np.maximum(newlines - 1, 0)] == 13))
        blocks.append(Block(part, line, at, starts, ends, terminated, restarts))
        at, line = end, line + len(newlines)
    return blocks


def read(
    data: bytes,
    page: Format,
    settings: Settings | None = None,
    *,
    fast: bool = True,
    size: int = 1 << 30,
    others: tuple[Format, ...] = (),
) -> Batch:
    """Read bytes whole, and check on the way that every line is accounted for."""
    # fewest: the fast path even where it does not pay
    parser = ItemParser((page, *others), settings or Settings(), fast=fast, fewest=1)
    events, rejects, skipped, lines = [], [], 0, 0
    for block in blocks_of(data, size=size):
        batch = parser.parse(block, parser.prepare(block))
        assert batch.events.height + batch.rejects.height + batch.skipped == len(block.starts)
        events.append(batch.events)
        rejects.append(batch.rejects)
        skipped += batch.skipped
        lines += len(block.starts)
    if not events:
        return Batch(pl.DataFrame(), pl.DataFrame(), 0)
    return Batch(pl.concat(events).sort("line_no"), pl.concat(rejects).sort("line_no"), skipped)


def assert_same(
    data: bytes, page: Format, settings: Settings | None = None, *, size: int = 1 << 30, others: tuple[Format, ...] = ()
) -> Batch:
    """Hold the fast path to the plain one; return what both say."""
    fast = read(data, page, settings, size=size, others=others)
    plain = read(data, page, settings, fast=False, size=size, others=others)
    if not fast.events.equals(plain.events):
        assert fast.events.to_dicts() == plain.events.to_dicts()
    assert fast.rejects.to_dicts() == plain.rejects.to_dicts()
    assert fast.skipped == plain.skipped
    return plain


def real_samples(*folders: str) -> list[Path]:
    """Return the real logs of some formats: those kept here, and those of the shared folder where it is at hand."""
    found = []
    for folder in folders:
        for home in (OWN, SHARED):
            found += [
                path
                for path in sorted((home / folder).glob("*"))
                if path.suffix not in {".md", ".gz", ".json", ".jsonl", ".assert", ".csv", ".yaml", ".txt"}
            ]
    return found
