"""Line layouts: one regular expression for the careful path, a split at the quotes and then at the blanks for the fast.

The fast split proves itself per row: the lengths of the pieces and the quotes between them must add up to the length of
the physical line. A row that fails the proof is read by the regular expression.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class _Layout:
    """One layout, ready to match."""

    parts: tuple[Part, ...]
    regexes: tuple[str, ...]
    whole: re.Pattern[bytes]
    names: tuple[str, ...]
    segments: list[list[Part]]

    @property
    def quotes(self) -> int:
        """How many quotes its lines have."""
        return len(self.segments) - 1


class PatternSplitter:
    """Splits the lines of a layout, or of the several that a page has."""

    def __init__(self, page: Format) -> None:
        self._page = page
        self._escaped = page.escape == "backslash"
        self._layouts = tuple(self._layout(text) for text in (page.layout or "", *page.also))
        self.names = tuple(dict.fromkeys(name for layout in self._layouts for name in layout.names))
        self._shaped = {name: look for name, look in page.slots.items() if name in self.names}

    def _layout(self, text: str) -> _Layout:
        page = self._page
        parts = _shaped(parse_layout(text, page.name), page)
        found = tuple(regexes(parts, escaped=self._escaped, extra=page.extra, shaped=frozenset(page.slots)))
        try:
            whole = re.compile("".join(found).encode(), re.DOTALL)
        except re.error as error:
            raise FormatPageError(
                f"layout: {error}", where=page.name, next_step="check the layout, its slots and its time format"
            ) from error
        names = tuple(slot.name for slot in slots(parts)) + ((_REST,) if page.extra else ())
        return _Layout(parts, found, whole, names, cut_at_quotes(parts))

    def split(self, raw: bytes) -> Sequence[bytes | None]:
        """Return the raw value of each slot.

        Raises:
            BadValueError: the line does not fit.
        """
        for layout in self._layouts:
            match = layout.whole.fullmatch(raw)
            if match is None:
                continue
            if len(self._layouts) == 1:
                return match.groups()
            values = dict(zip(layout.names, match.groups(), strict=True))
            return [values.get(name) for name in self.names]
        raise BadValueError(self._reason(raw))

    def reached(self, raw: bytes) -> str | None:
        """Return the last slot that still fits a line that does not; None where not even the first does."""
        last, so_far = None, ""
        layout = self._layouts[0]
        for part, regex in zip(layout.parts, layout.regexes, strict=False):
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
        return "quotes" if all(bare.count(b'"') != one.quotes for one in self._layouts) else "fields"

    def frame(self, data: bytes) -> Split | None:
        """Split a block of lines at once, by the layout of the first; None where that does not allow it."""
        first = data[: data.find(b"\n")].removesuffix(b"\r")
        layout = self._layouts[0]
        if len(self._layouts) > 1:
            place = next((i for i, one in enumerate(self._layouts) if one.whole.fullmatch(first)), 0)
            if place and any(
                isinstance(part, Slot) and part.kind == "flex" for one in self._layouts for part in one.parts
            ):
                return None  # what a later layout fits, an earlier one might too
            layout = self._layouts[place]
        segments, own = layout.segments, len(layout.segments)
        extra = self._page.extra
        if extra and segments[-1]:
            return None  # without a quote at its end, nothing tells the last value from what follows it
        tail = segments[-1][-1] if segments[-1] else None
        open_end = extra or (isinstance(tail, Slot) and tail.kind == "flex")
        width = own
        if open_end:
            # what follows may hold quotes too: as many as in the block's first line; other lines take the careful path
            width = max(own, min(own + 32, first.count(b'"') + 1))
        names, frame = read_quoted(data, width)
        columns: dict[str, pl.Expr] = {}
        proofs: list[pl.Expr] = []
        cut = names[:own]
        if open_end:
            frame = frame.with_columns(pl.concat_str(names[own - 1 :], separator='"').alias("_tail"))
            cut = [*names[: own - 1], "_tail"]
        if extra:
            over = pl.col("_tail")
            proofs.append((over == "") | over.str.starts_with(" ") | over.str.starts_with("\t"))
            columns[_REST] = pl.when(over != "").then(over.str.slice(1))
            segments = segments[:-1]
        done = split_segments(frame, cut, segments, columns, proofs)
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
        for name, look in self._shaped.items():
            if name in columns:
                proofs.append(columns[name].str.contains(f"^(?:{look})$"))
        nothing = pl.lit(None, pl.String)
        columns |= {name: nothing for name in self.names if name not in columns}
        return Split(done, columns, pl.all_horizontal(proofs).fill_null(value=False), pl.col("_n"))


def _shaped(parts: tuple[Part, ...], page: Format) -> tuple[Part, ...]:
    """Give slots their looks, as the page or a time says: they tell where a user name with blanks ends."""
    found: dict[str, times.Pattern] = {}
    for field in page.fields:
        if field.kind == "time" and field.format not in {None, "epoch"} and len(field.sources) == 1 and not field.pick:
            found[field.sources[0]] = times.pattern(field.format or "")
    shaped: list[Part] = []
    for part in parts:
        if isinstance(part, Slot) and part.name in found:
            shaped.append(replace(part, regex=found[part.name].regex, width=found[part.name].width))
        elif isinstance(part, Slot) and part.name in page.slots:
            shaped.append(replace(part, regex=page.slots[part.name]))
        else:
            shaped.append(part)
    return tuple(shaped)
