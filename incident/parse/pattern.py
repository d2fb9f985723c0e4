"""Line layouts: one regular expression for the careful path, a split at the quotes and then at the blanks for the fast.

The fast split proves itself per row: the lengths of the pieces and the quotes between them must add up to the length of
the physical line. A row that fails the proof is read by the regular expression.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from incident.errors import FormatPageError
from incident.parse import times
from incident.parse.bad import BadValueError
from incident.parse.layout import Part, Slot, parse_layout, regexes, slots
from incident.parse.quotes import Split, cut_at_quotes, read_quoted, split_segments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from incident.formats import Format

_TIME_LIKE = re.compile(rb"\d\d[:.]\d\d[:.]\d\d|\d{10}")
_REST = "_extra"


class PatternSplitter:
    """Splits the lines of a layout."""

    def __init__(self, page: Format) -> None:
        self._page = page
        self._parts = _with_times(parse_layout(page.layout or "", page.name), page)
        escaped = page.escape == "backslash"
        self._regexes = regexes(self._parts, escaped=escaped, extra=page.extra)
        try:
            self._match = re.compile("".join(self._regexes).encode(), re.DOTALL).fullmatch
        except re.error as error:
            raise FormatPageError(
                f"layout: {error}", where=page.name, next_step="check the layout and its time format"
            ) from error
        self.names = tuple(slot.name for slot in slots(self._parts)) + ((_REST,) if page.extra else ())
        self._quotes = sum(part.count('"') for part in self._parts if isinstance(part, str))
        self._escaped = escaped
        self._segments = cut_at_quotes(self._parts)

    def split(self, raw: bytes) -> Sequence[bytes | None]:
        """Return the raw value of each slot.

        Raises:
            BadValueError: the line does not fit.
        """
        match = self._match(raw)
        if match is None:
            raise BadValueError(self._reason(raw))
        return match.groups()

    def reached(self, raw: bytes) -> str | None:
        """Return the last slot that still fits a line that does not; None where not even the first does."""
        last, so_far = None, ""
        for part, regex in zip(self._parts, self._regexes, strict=False):
            so_far += regex
            if re.match(so_far.encode(), raw, re.DOTALL) is None:
                break
            if isinstance(part, Slot):
                last = part.name
        return last

    def _reason(self, raw: bytes) -> str:
        if b"\0" in raw:
            return "binary"
        if not _TIME_LIKE.search(raw):
            return "no-timestamp"
        bare = re.sub(rb"\\.", b"", raw, flags=re.DOTALL) if self._escaped else raw
        return "quotes" if bare.count(b'"') != self._quotes else "fields"

    def frame(self, data: bytes) -> Split | None:
        """Split a block of lines at once; None where the layout does not allow it."""
        own = len(self._segments)
        if self._page.extra and self._segments[-1]:
            return None  # without a quote at its end, nothing tells the last value from what follows it
        width = own
        if self._page.extra:
            # what follows may hold quotes too: as many as in the block's first line; other lines take the careful path
            width = max(own, min(own + 32, data[: data.find(b"\n")].count(b'"') + 1))
        names, frame = read_quoted(data, width)
        columns: dict[str, pl.Expr] = {}
        proofs: list[pl.Expr] = []
        if self._page.extra:
            tail = pl.concat_str(names[own - 1 :], separator='"').alias("_tail")
            frame = frame.with_columns(tail)
            over = pl.col("_tail")
            proofs.append((over == "") | over.str.starts_with(" ") | over.str.starts_with("\t"))
            columns[_REST] = pl.when(over != "").then(over.str.slice(1))
        segments = self._segments[:-1] if self._page.extra else self._segments
        done = split_segments(frame, names, segments, columns, proofs)
        if done is None:
            return None
        if self._escaped:
            # a backslash in front of a quote: that quote does not end the value
            proofs.extend(~pl.col(name).str.ends_with("\\") for name in names[1:own:2])
            # and in front of a mark between two values
            proofs.extend(
                ~pl.col(name).str.contains("\\", literal=True)
                for name, parts in zip(names[1:own:2], segments[1::2], strict=False)
                if sum(isinstance(part, Slot) for part in parts) > 1
            )
        return Split(done, columns, pl.all_horizontal(proofs).fill_null(value=False), pl.col("_n"))


def _with_times(parts: tuple[Part, ...], page: Format) -> tuple[Part, ...]:
    """Give the slots of times their look: it tells where a user name with blanks ends."""
    found: dict[str, times.Pattern] = {}
    for field in page.fields:
        if field.kind == "time" and field.format not in {None, "epoch"} and len(field.sources) == 1 and not field.pick:
            found[field.sources[0]] = times.pattern(field.format or "")
    return tuple(
        replace(part, regex=found[part.name].regex, width=found[part.name].width)
        if isinstance(part, Slot) and part.name in found
        else part
        for part in parts
    )
