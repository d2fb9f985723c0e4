"""Separated columns: named by the page, or by the file's own #Fields.

A separator inside a value cannot be told from one between values, so that the number of columns must be right: what the
page or #Fields says, or more where the page lets later additions pass, or one column of the page takes the surplus.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

from incident.parse.bad import BadValueError
from incident.parse.layout import Part, Slot
from incident.parse.quotes import Split, cut_at_quotes, read_quoted, split_segments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from incident.formats import Format

EXTRA = "_extra"


@lru_cache(maxsize=16)
def _cell(separator: str) -> re.Pattern[bytes]:
    mark = re.escape(separator.encode())
    return re.compile(rb'(?:"((?:[^"]|"")*)"|((?:[^"%b][^%b]*)?))(?=%b|\Z)' % (mark, mark, mark), re.DOTALL)


def cells(raw: bytes, separator: str) -> list[bytes]:
    """Split one line of CSV; a quote in a quoted value is doubled.

    Raises:
        BadValueError: a quote that does not end its value.
    """
    if b'"' not in raw:
        return raw.split(separator.encode())
    cell, found, at = _cell(separator).match, [], 0
    while True:
        match = cell(raw, at)
        if match is None:
            raise BadValueError("binary" if b"\0" in raw else "quotes")
        found.append(match[2] if match[1] is None else match[1].replace(b'""', b'"'))
        at = match.end() + 1
        if at > len(raw):
            return found


class DelimitedSplitter:
    """Splits lines at one character."""

    def __init__(
        self,
        page: Format,
        columns: tuple[str, ...],
        widths: tuple[int, ...] = (),
        constants: Mapping[str, bytes] | None = None,
    ) -> None:
        self._page = page
        self._columns = columns
        self._separator = page.separator
        self._mark = page.separator.encode()
        self._widths = frozenset(widths or (len(columns),))
        self._surplus = columns.index(page.surplus) if page.surplus in columns else None
        self._constants = dict(constants or {})
        self.names = (*columns, *((EXTRA,) if page.extra else ()), *self._constants)

    def split(self, raw: bytes) -> Sequence[bytes | None]:
        """Return the raw value of each column.

        Raises:
            BadValueError: too few or too many.
        """
        parts: list[bytes | None] = list(self._parts(raw))
        if self._page.extra:
            over = [part for part in parts[len(self._columns) :] if part is not None]
            parts = [*parts[: len(self._columns)], self._mark.join(over) if any(over) else None]
        return [*parts, *self._constants.values()]

    def _parts(self, raw: bytes) -> list[bytes | None]:
        parts = cells(raw, self._separator) if self._page.quoted else raw.split(self._mark)
        wanted = len(self._columns)
        if len(parts) > wanted and self._surplus is not None:
            over = len(parts) - wanted
            held = self._mark.join(parts[self._surplus : self._surplus + over + 1])
            parts = [*parts[: self._surplus], held, *parts[self._surplus + over + 1 :]]
        if len(parts) > wanted and not self._page.extra and self._separator == " ":
            parts = _realigned(parts, wanted)
        if len(parts) in self._widths:
            return [*parts, *([None] * (wanted - len(parts)))]
        if len(parts) > wanted and self._page.extra:
            return list(parts)
        raise BadValueError("binary" if b"\0" in raw else "columns")

    def reached(self, raw: bytes) -> str | None:
        """Return the last column that a line with too few still has."""
        count = len(raw.split(self._mark))
        return self._columns[min(count, len(self._columns)) - 1]

    def frame(self, data: bytes) -> Split | None:
        """Split a block of lines at once; lines of another width than its first are left to `split`."""
        first = data[: data.find(b"\n")].removesuffix(b"\r")
        if self._page.quoted and b'"' in data:
            return self._quoted_frame(data, first)
        width = len(first.split(self._mark))
        if width not in self._widths and not (self._page.extra and width > len(self._columns)):
            width = max(self._widths)
        names = [f"_c{index}" for index in range(width)]
        frame = pl.scan_csv(
            data, has_header=False, separator=self._separator, quote_char=None, encoding="utf8-lossy",
            schema=dict.fromkeys([*names, "_more"], pl.String), truncate_ragged_lines=True, missing_columns="insert",
            extra_columns="ignore", empty_string_is_null=False,
        )  # fmt: skip
        length = pl.sum_horizontal(pl.col(name).str.len_bytes().cast(pl.Int64) for name in names) + (width - 1)
        last = pl.col(names[-1])
        if b"\r" in data:
            length -= last.str.ends_with("\r").cast(pl.Int64)
            frame = frame.with_columns(length.alias("_n"), last.str.strip_suffix("\r"))
        else:
            frame = frame.with_columns(length.alias("_n"))
        columns = {
            name: pl.col(f"_c{index}") if index < width else pl.lit(None, pl.String)
            for index, name in enumerate(self._columns)
        }
        if self._page.extra:
            over = names[len(self._columns) :]
            joined = pl.concat_str(over, separator=self._separator) if over else pl.lit(None, pl.String)
            filled = pl.any_horizontal(pl.col(name) != "" for name in over) if over else pl.lit(value=False)
            columns[EXTRA] = pl.when(filled).then(joined)
        columns |= {name: pl.lit(value.decode()) for name, value in self._constants.items()}
        return Split(frame, columns, pl.lit(value=True), pl.col("_n"))

    def _quoted_frame(self, data: bytes, first: bytes) -> Split | None:
        """Split a block of CSV at once: lines that have quotes where the first has them are a line layout."""
        layout = _learn(first, self._separator)
        if layout is None or len(layout) not in self._widths:
            return None
        parts: list[Part] = []
        for index, is_quoted in enumerate(layout):
            front = (self._separator if index else "") + ('"' if is_quoted else "")
            parts += [front] if front else []
            parts.append(Slot(f"_c{index}"))
            if is_quoted:
                parts.append('"')
        names, frame = read_quoted(data, len(segments := cut_at_quotes(_merged(parts))))
        columns: dict[str, pl.Expr] = {}
        proofs: list[pl.Expr] = []
        done = split_segments(frame, names, segments, columns, proofs)
        if done is None:
            return None
        # between quotes the separator may stand; outside of them it would be one value more
        proofs.extend(
            ~columns[f"_c{index}"].str.contains(self._separator, literal=True)
            for index, is_quoted in enumerate(layout)
            if not is_quoted
        )
        nothing = pl.lit(None, pl.String)
        found = {name: columns.get(f"_c{index}", nothing) for index, name in enumerate(self._columns)}
        if self._page.extra:
            found[EXTRA] = nothing
        found |= {name: pl.lit(value.decode()) for name, value in self._constants.items()}
        return Split(done, found, pl.all_horizontal(proofs).fill_null(value=False), pl.col("_n"))


def _learn(line: bytes, separator: str) -> list[bool] | None:
    """Return which values of a line stand in quotes; None where a quote stands within one."""
    rest, found = line, []
    mark = separator.encode()
    while True:
        if rest.startswith(b'"'):
            end = rest.find(b'"', 1)
            if end < 0:
                return None
            found.append(True)
            rest = rest[end + 1 :]
        else:
            end = rest.find(mark)
            value = rest if end < 0 else rest[:end]
            if b'"' in value:
                return None
            found.append(False)
            rest = rest[len(value) :]
        if not rest:
            return found
        if not rest.startswith(mark):
            return None
        rest = rest[len(mark) :]


def _merged(parts: list[Part]) -> tuple[Part, ...]:
    """Join literals that stand side by side."""
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return tuple(merged)


def _realigned(parts: list[bytes], wanted: int) -> list[bytes]:
    """Mend a row with too many blanks: quoted values that hold some, or IIS's user name with one in front."""
    joined: list[bytes] = []
    opened = False
    for part in parts:
        if opened:
            joined[-1] += b" " + part
        else:
            joined.append(part)
        begins = not opened and part.startswith(b'"')
        opened = (opened or begins) and not (part.endswith(b'"') and (len(part) > 1 or not begins))
    if len(joined) == wanted:
        return joined
    return [part for part in parts if part]
