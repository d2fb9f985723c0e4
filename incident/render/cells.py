"""What the report is made of: sections, groups, and tables with columns, cells and rows of ready text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from incident import words

if TYPE_CHECKING:
    from incident.records_chronology import LineRef


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head and its kind, which the style sheet knows.

    "n" number, "t" short time, "m" moment, "o" object, "w" words, "h" with a digest, "" plain.
    """

    head: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text, a smaller line under it, and what it sorts by if that is not its text."""

    text: str
    under: str = ""
    sort: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row with its anchor."""

    id: str
    cells: tuple[Cell, ...]
    total: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table, ready to be set."""

    id: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    sortable: bool = False
    left_out: str = ""
    empty: str = "There is none."


@dataclass(frozen=True, slots=True)
class Group:
    """A part of a section: its heading, sentences, then tables."""

    anchor: str
    heading: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the report that is not about one data set alone."""

    anchor: str
    title: str
    groups: tuple[Group, ...]


def source_cell(source: LineRef | None) -> Cell:
    """Return where a line stands: item and line, with the byte offset under it."""
    if source is None:
        return Cell("")
    return Cell(f"{words.visible(source.path)}:{source.line_no}", f"byte {words.number(source.byte_offset)}")


def number_cell(value: int | None) -> Cell:
    """Return a number, sorted as one."""
    return Cell(words.number(value), "", "" if value is None else str(value))


def span_cell(us: int | None) -> Cell:
    """Return a span, exactly."""
    return Cell(words.exact_span(us), "", "" if us is None else str(us))


def moment_cell(us: int | None, zone: str) -> Cell:
    """Return a time in the case's zone, with UTC under it."""
    return Cell(words.when(us, zone), words.iso_or(us, ""), words.iso_or(us, ""))


def range_cell(first: int | None, last: int | None, zone: str) -> Cell:
    """Return two times, one under the other."""
    return Cell(words.short(first, zone), words.short(last, zone), words.iso_or(first, ""))


def left_out(found: int, shown: int, what: str, command: str) -> str:
    """Say how many rows the table leaves out, and how to see them all."""
    if found <= shown:
        return ""
    return (
        f"The first {words.number(shown)} of {words.number(found)} {what} are shown; "
        f"{words.number(found - shown)} are left out here. All of them: {words.visible(command)}"
    )
