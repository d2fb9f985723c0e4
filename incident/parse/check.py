"""A page proves itself: each of its samples must become what the page says, on both paths."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from incident.errors import FormatPageError, TimezoneError
from incident.evidence import Block
from incident.formats import load
from incident.parse import Settings
from incident.parse.engine import ItemParser

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from incident.formats import Format, Sample


def load_checked(folder: Path | None = None) -> Mapping[str, Format]:
    """Read all pages and try the samples of those from the user's folder; the tool's own are tried by its tests.

    Raises:
        FormatPageError: a page is not what a page must be, or a sample does not become what the page says.
    """
    pages = load(folder)
    if folder is not None:
        own = load()
        for name, page in pages.items():
            if page is not own.get(name) and page != own.get(name):
                check(page)
    return pages


def check(page: Format) -> None:
    """Try the samples of a page.

    Raises:
        FormatPageError: naming the sample, the column, what was expected and what came.
    """
    for number, sample in enumerate(page.samples, start=1):
        where = f"{page.name}, sample {number}: {sample.line[:80]}"
        settings = Settings(timezone=sample.timezone)
        block = block_of([*(line.encode() for line in sample.before), sample.line.encode()])
        for fast in (False, True):
            try:
                parser = ItemParser((page,), settings, fast=fast, fewest=1)
                batch = parser.parse(block, parser.prepare(block))
            except TimezoneError as error:
                raise FormatPageError(
                    f"sample {number} cannot be read: {error.what}", where=where, next_step='add timezone = "…" to it'
                ) from error
            rows = batch.events.rows(named=True)
            refused = batch.rejects["reason"].to_list()
            _compare(page, sample, where, rows, refused)


def _compare(page: Format, sample: Sample, where: str, rows: list[dict[str, object]], refused: list[str]) -> None:
    if sample.expect is None:
        if rows or refused != [sample.reject]:
            came = "an event" if rows else ", ".join(refused) or "nothing"
            raise FormatPageError(
                f'{page.name}: the sample should be rejected for "{sample.reject}", and became {came}', where=where,
                next_step="mend the page, or what the sample says",
            )  # fmt: skip
        return
    if not rows:
        raise FormatPageError(
            f"{page.name}: the sample does not fit its own page ({', '.join(refused)})", where=where,
            next_step="mend the page, or the sample's line",
        )  # fmt: skip
    for column, wanted in sample.expect.items():
        value = iso(rows[0]["ts_us"]) if column == "ts" else rows[0][column]
        if value != wanted:
            raise FormatPageError(
                f"{page.name}: {column} is {value!r}, and the sample says {wanted!r}", where=where,
                next_step="mend the page, or what the sample says",
            )  # fmt: skip


def iso(micros: object) -> str | None:
    """Return a time as samples write it: seconds, and a fraction only where there is one."""
    if not isinstance(micros, int):
        return None
    return (
        datetime.fromtimestamp(micros // 1_000_000, UTC)
        .replace(microsecond=micros % 1_000_000)
        .isoformat()
        .replace("+00:00", "Z")
    )


def block_of(lines: Sequence[bytes]) -> Block:
    """Make a block of a few lines, each without its line end."""
    lengths = np.array([len(line) for line in lines], dtype=np.int64)
    ends = np.cumsum(lengths + 1) - 1
    return Block(b"".join(line + b"\n" for line in lines), 1, 0, ends - lengths, ends)
