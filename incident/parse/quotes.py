"""A block of lines cut at its quotes by the CSV reader, and the pieces at their own marks: a layout's fast half.

Nothing is quoted in the CSV reader's sense, so that each physical line is one row, blank ones too. A row is believed
only where the lengths of the pieces and the quotes between them add up to the length of its line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from incident.parse.layout import NUMBER, Part, Slot

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Split:
    """A block split into raw values, lazily: one row per physical line."""

    frame: pl.LazyFrame
    columns: Mapping[str, pl.Expr]  # raw value per source; null where the row has none
    proven: pl.Expr  # the split is right, given the length
    length: pl.Expr  # Int64: what the line's length must be for the split to be right


def read_quoted(data: bytes, width: int) -> tuple[list[str], pl.LazyFrame]:
    """Cut each line at its quotes into `width` pieces; `_n` is what the line's length must be if that was all."""
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
    return names, frame


def split_segments(
    frame: pl.LazyFrame,
    names: list[str],
    segments: list[list[Part]],
    columns: dict[str, pl.Expr],
    proofs: list[pl.Expr],
) -> pl.LazyFrame | None:
    """Cut each piece at its own marks, adding to `columns` and `proofs`; None where marks alone cannot do it."""
    for name, parts in zip(names, segments, strict=False):
        done = _split_segment(frame, name, parts, columns, proofs)
        if done is None:
            return None
        frame = done
    return frame


def cut_at_quotes(parts: tuple[Part, ...]) -> list[list[Part]]:
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
    if len(marks) != len(names) - 1:
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
    # a comma at the end: the list goes on behind the blank
    lists = [columns[slot.name].str for slot in names if slot.kind == "list"]
    proofs.extend(~text.ends_with(",") & ~text.contains(" |,,") for text in lists)
    last = names[-1]
    if behind and last.kind not in {"flex", "int"} and last.regex is None:
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
