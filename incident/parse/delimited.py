"""Separated columns: named by the page, or by the file's own #Fields.

A separator inside a value cannot be told from one between values, so that the number of columns must be right: what the
page or #Fields says, or more where the page lets later additions pass, or one column of the page takes the surplus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from incident.parse.bad import BadValueError
from incident.parse.quotes import Split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from incident.formats import Format

EXTRA = "_extra"


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
        parts: list[bytes] = raw.split(self._mark)
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
