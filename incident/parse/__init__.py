"""Parsing: from blocks of physical lines to events, rejects and a count of skipped lines, as a format page says.

`make` gives the parser that ingest uses. `make_reference` gives the plain one, line by line, that defines what is
right; tests hold the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from incident.evidence import Block
    from incident.formats import Format
    from incident.records import Reading


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user says about an item; None: nothing."""

    format: str | None = None
    log_format: str | None = None
    timezone: str | None = None
    server: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What a block became: events.height + rejects.height + skipped is the number of its lines.

    Events of the fast path come first, in line order, then those of the careful path, in line order.
    """

    events: pl.DataFrame
    rejects: pl.DataFrame
    skipped: int


class Parser(Protocol):
    """Reads the blocks of one item."""

    def prepare(self, block: Block) -> object:
        """Carry what earlier lines said (such as #Fields) to this block. Called in file order."""

    def parse(self, block: Block, state: object) -> Batch:
        """Read a prepared block. May run for two blocks at once."""

    @property
    def readings(self) -> Sequence[Reading]:
        """How lines were read so far."""


def make(page: Format, settings: Settings, others: Sequence[Format] = ()) -> Parser:
    """Return the parser for an item. Lines that `page` rejects are tried with `others`, in order.

    Raises:
        TimezoneError: the times carry no zone and the settings name none.
        DirectiveError: the settings' log_format cannot be read.
    """
    from incident.parse.engine import ItemParser  # noqa: PLC0415  # polars is slow to load

    return ItemParser((page, *others), settings, fast=True)


def make_reference(page: Format, settings: Settings, others: Sequence[Format] = ()) -> Parser:
    """Return the plain parser: the definition of right."""
    from incident.parse.engine import ItemParser  # noqa: PLC0415

    return ItemParser((page, *others), settings, fast=False)
