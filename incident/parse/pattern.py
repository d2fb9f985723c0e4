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
from incident.parse.layout import NUMBER, Part, Slot, parse_layout, regexes, slots

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from incident.formats import Format

_TIME_LIKE = re.compile(rb"\d\d[:.]\d\d[:.]\d\d|\d{10}")
_REST = "_extra"


@dataclass(frozen=True, slots=True)
class Split:
    """A block split into raw values, lazily: one row per physical line."""

    frame: pl.LazyFrame
    columns: Mapping[str, pl.Expr]  # raw value per source; null where the row has none
    proven: pl.Expr  # the split is right, given the length
    length: pl.Expr  # Int64: what the line's length must be for the split to be right


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
        self._segments = _segments(self._parts)

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
        names = [f"_s{i}" for i in range(width)]
        frame = pl.scan_csv(
            data, has_header=False, separator='"', quote_char=None, schema=dict.fromkeys([*names, "_more"], pl.String),
            encoding="utf8-lossy", truncate_ragged_lines=True, missing_columns="insert", extra_columns="ignore",
            empty_string_is_null=False,
        )  # fmt: skip
        last = pl.col(names[-1])
        length = pl.sum_horizontal(pl.col(name).str.len_bytes().cast(pl.Int64) for name in names) + (len(names) - 1)
        if b"\r" in data:
            # the line end may be CR LF; the CR is no part of the line
            length -= last.str.ends_with("\r").cast(pl.Int64)
            frame = frame.with_columns(length.alias("_n"), last.str.strip_suffix("\r"))
        else:
            frame = frame.with_columns(length.alias("_n"))
        columns: dict[str, pl.Expr] = {}
        proofs: list[pl.Expr] = []
        if self._page.extra:
            tail = pl.concat_str(names[own - 1 :], separator='"').alias("_tail")
            frame = frame.with_columns(tail)
            over = pl.col("_tail")
            proofs.append((over == "") | over.str.starts_with(" ") | over.str.starts_with("\t"))
            columns[_REST] = pl.when(over != "").then(over.str.slice(1))
        segments = self._segments[:-1] if self._page.extra else self._segments
        for index, (name, parts) in enumerate(zip(names, segments, strict=False)):
            inside = index % 2 == 1
            if inside and self._escaped:
                proofs.append(~pl.col(name).str.ends_with("\\"))
            done = _split_segment(frame, name, parts, columns, proofs)
            if done is None:
                return None
            frame = done
        return Split(frame, columns, pl.all_horizontal(proofs).fill_null(value=False), pl.col("_n"))


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


def _segments(parts: tuple[Part, ...]) -> list[list[Part]]:
    """Cut a layout at its quotes."""
    segments: list[list[Part]] = [[]]
    for part in parts:
        if isinstance(part, Slot):
            segments[-1].append(part)
            continue
        first, *others = part.split('"')
        if first:
            segments[-1].append(first)
        segments.extend([other] if other else [] for other in others)
    return segments


def _split_segment(
    frame: pl.LazyFrame, name: str, parts: list[Part], columns: dict[str, pl.Expr], proofs: list[pl.Expr]
) -> pl.LazyFrame | None:
    """Split one piece between quotes; None if that needs more than the pieces' own marks."""
    if not any(isinstance(part, Slot) for part in parts):
        proofs.append(pl.col(name) == "".join(str(part) for part in parts))
        return frame
    rest, current = list(parts), pl.col(name)
    lead = trail = 0
    behind = ""
    if isinstance(rest[0], str):
        front = str(rest.pop(0))
        lead = len(front)
        proofs.append(current.str.starts_with(front))
        current = current.str.slice(lead)
    if isinstance(rest[-1], str):
        behind = str(rest.pop())
        trail = len(behind)
        proofs.append(pl.col(name).str.ends_with(behind))
        current = current.str.head(-trail)
    if lead and trail:
        proofs.append(pl.col(name).str.len_bytes() >= lead + trail)
    fixed = rest[-1]
    if len(rest) > 1 and isinstance(fixed, Slot) and fixed.width:
        columns[fixed.name] = current.str.tail(fixed.width)
        current = current.str.head(-fixed.width)
        behind = str(rest[-2])
        del rest[-2:]
        proofs.append(current.str.ends_with(behind))
        current = current.str.head(-len(behind))
    names = [part for part in rest if isinstance(part, Slot)]
    marks = [part for part in rest if isinstance(part, str)]
    if len(marks) != len(names) - 1 or any(slot.kind == "flex" for slot in names[:-1]):
        return None
    base = f"{name}_c"
    if len(names) == 1:
        columns[names[0].name] = current
    elif len(set(marks)) == 1 and len(marks[0]) == 1 and not any(slot.kind == "pad" for slot in names):
        frame = frame.with_columns(current.str.splitn(marks[0], len(names)).alias(base))
        for index, slot in enumerate(names):
            columns[slot.name] = pl.col(base).struct.field(f"field_{index}")
        proofs.append(columns[names[-1].name].is_not_null())
    else:
        frame = _one_by_one(frame, base, current, names, marks, columns, proofs)
    proofs.extend(columns[slot.name].str.contains(f"^{NUMBER}$") for slot in names if slot.kind == "int")
    last = names[-1]
    if behind and last.kind != "flex" and behind[0] not in marks and last.regex is None and last.kind != "int":
        proofs.append(~columns[last.name].str.contains(behind[0], literal=True))
    elif last.kind == "pad":
        columns[last.name] = columns[last.name].str.strip_chars_start(" ")
    return frame


def _one_by_one(
    frame: pl.LazyFrame, base: str, current: pl.Expr, names: list[Slot], marks: list[str],
    columns: dict[str, pl.Expr], proofs: list[pl.Expr],
) -> pl.LazyFrame:  # fmt: skip
    for index, slot in enumerate(names):
        if slot.kind == "pad":
            current = current.str.strip_chars_start(" ")
        if index == len(marks):
            columns[slot.name] = current
            proofs.append(current.is_not_null())
            break
        column = f"{base}{index}"
        frame = frame.with_columns(current.str.splitn(marks[index], 2).alias(column))
        columns[slot.name] = pl.col(column).struct.field("field_0")
        current = pl.col(column).struct.field("field_1")
        if len(marks[index]) > 1:
            proofs.append(~columns[slot.name].str.contains(marks[index][0], literal=True))
    return frame
