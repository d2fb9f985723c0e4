"""A reader: one page (with one set of columns) at work. `line` is the definition of right; `rows` is the same, fast."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from incident.evidence import MAX_LINE
from incident.parse.bad import BadValueError
from incident.parse.fields import Converter, holds, line_hash, line_hashes
from incident.parse.jsonlines import JsonSplitter
from incident.parse.vector import Hints, chosen, condition_holds, flag, shortcut, type_of
from incident.records import EVENT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from incident.formats import Format
    from incident.parse.fields import Value
    from incident.parse.quotes import Split

_POLARS = {"int16": pl.Int16, "int32": pl.Int32, "int64": pl.Int64, "text": pl.String, "bool": pl.Boolean}
EVENTS: dict[str, type[pl.DataType]] = {c.name: _POLARS[c.type] for c in EVENT_COLUMNS if c.name != "evidence_id"}
_OFFSET = re.compile(rb"(?<=[\d ])([+-](?:[01]\d|2[0-3]):?[0-5]\d)$")
VALUES = tuple(name for name in EVENTS if name not in {"reading", "line_no", "byte_offset", "byte_length"})
REJECTS: dict[str, type[pl.DataType]] = {
    "line_no": pl.Int64, "byte_offset": pl.Int64, "byte_length": pl.Int32, "reason": pl.String, "raw": pl.Binary,
}  # fmt: skip


OTHER = "other-record"


@dataclass(frozen=True, slots=True)
class Found:
    """What the fast path can vouch for: events with the lines they stand on, and lines that are other records."""

    events: list[tuple[NDArray[np.int64], pl.DataFrame]]
    others: NDArray[np.int64]


class Splitter(Protocol):
    """Turns a line, or a block of lines, into raw values by name."""

    names: tuple[str, ...]

    def split(self, raw: bytes) -> Sequence[bytes | None]:
        """Return the raw values in the order of `names`, or raise BadValueError."""

    def frame(self, data: bytes) -> Split | None:
        """Split a block at once; None if that cannot be done."""

    def reached(self, raw: bytes) -> str | None:
        """Return the last name that still fits a line that does not."""


class Reader:
    """Reads lines with one page and one splitter."""

    def __init__(self, page: Format, splitter: Splitter, zone: str | None) -> None:
        self.page = page
        self.splitter = splitter
        self.names = splitter.names
        place = {name: index for index, name in enumerate(self.names)}
        present = [
            field for field in page.fields
            if field.const is not None or any(source in place for source in field.sources)
        ]  # fmt: skip
        # a field of one column comes before those that fill several: what it says of its column goes first
        self.converters = sorted(
            (Converter(field, page, zone) for field in present), key=lambda one: len(one.outputs) > 1
        )
        self._slots = [tuple(place[s] for s in one.sources if s in place) for one in self.converters]
        used = {source for one in self.converters if one.takes_all for source in one.sources}
        self.unmapped = tuple(name for name in self.names if name not in used)
        self._rest = tuple(place[name] for name in self.unmapped)
        # a condition on "a|b" asks the first of them that is there
        self._only = tuple(
            (condition, tuple(place[name] for name in condition.source.split("|") if name in place))
            for condition in page.only
        )
        self._missing = frozenset(mark.encode() for mark in page.missing)
        # of an object, the keys that no column holds are known line by line only: the whole line stands for them
        self.hash_line = page.shape == "json"

    @property
    def can_each(self) -> bool:
        """Whether a block can be read at once though its lines are of many shapes."""
        return isinstance(self.splitter, JsonSplitter)

    def line(self, raw: bytes) -> dict[str, Value]:
        """Read one line.

        Raises:
            BadValueError: with the slug of the reject.
        """
        if len(raw) > MAX_LINE:
            raise BadValueError("too-long")
        values = self.splitter.split(raw)
        for condition, places in self._only:
            if not holds(condition, next((values[i] for i in places if values[i] is not None), None)):
                raise BadValueError(OTHER)
        event: dict[str, Value] = dict.fromkeys(VALUES)
        residue: list[bytes] = []
        for converter, places in zip(self.converters, self._slots, strict=True):
            if converter.field.kind == "flag":
                found: tuple[Value, ...] = (converter.flag({self.names[i]: values[i] for i in places}),)
            else:
                short = converter.field.how != "first" and len(places) < len(converter.sources)
                found = converter(None if short else converter.choose([values[i] for i in places]))
            for name, value in zip(converter.outputs, found, strict=True):
                if name == "residue":
                    if value is not None:
                        residue.append(str(value).encode())
                elif event[name] is None:
                    event[name] = value
        if event["ts_us"] is None:
            raise BadValueError("no-timestamp")
        event["rest_hash"] = self._rest_hash(raw, [values[i] for i in self._rest], residue)
        return event

    def _rest_hash(self, raw: bytes, unmapped: list[bytes | None], residue: list[bytes]) -> int | None:
        if self.hash_line:
            return line_hash(raw)
        rest = b""
        if any(value is not None and value not in self._missing for value in unmapped):
            rest = b"\x1f".join(value or b"" for value in unmapped)
        for value in residue:
            rest += b"\x1e" + value
        return line_hash(rest) if rest else None

    def rows(
        self, data: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64], *, each: bool = False
    ) -> Found | None:
        """Read the lines of a block at once, those that it can vouch for; None if none at all.

        each: the splitter goes line by line, where lines are too unlike each other.
        """
        splitter = self.splitter
        if each:
            split = splitter.frame_each(data) if isinstance(splitter, JsonSplitter) else None
        else:
            split = splitter.frame(data)
        if split is None:
            return None
        frame, selected = (
            split.frame.with_columns(_proven=split.proven),
            [split.length.alias("_length"), pl.col("_proven")],
        )
        proven = pl.col("_proven")
        valid = _is_utf8(data)
        hints = self._hints(data, starts, ends)
        for index, converter in enumerate(self.converters):
            if converter.field.kind == "flag":
                selected.append(flag(converter, split.columns).alias(f"{index}:{converter.field.to}"))
                continue
            if converter.field.const is None and not any(source in split.columns for source in converter.sources):
                continue  # none of its sources is in these lines
            # the chosen value may be null: then it is missing, and so are the outputs
            frame = frame.with_columns(chosen(converter, split.columns).alias(f"_raw{index}"))
            raw = pl.col(f"_raw{index}")
            short = shortcut(converter, raw, hints[index], f"_{index}")
            for stage in short.stages:
                frame = frame.with_columns(**stage)
            frame = frame.with_columns(short.plain.alias(f"_plain{index}"))
            selected += [
                value.cast(type_of(name)).alias(f"{index}:{name}")
                for name, value in short.values.items()
                if name != "residue"
            ]
            selected.append(pl.when(~pl.col(f"_plain{index}") & proven).then(raw).alias(f"_left{index}"))
            if not valid:
                selected.append(raw.str.contains("\ufffd", literal=True).fill_null(value=False).alias(f"_bad{index}"))
        names = [name for name in (one.meta.output_name() for one in selected) if name.startswith("_left")]
        rest = [] if self.hash_line else [split.columns[name] for name in self.unmapped]
        if rest:
            held = pl.any_horizontal(
                value.is_not_null() & ~value.is_in([mark.decode() for mark in sorted(self._missing)]) for value in rest
            )
            joined = pl.concat_str([value.fill_null("") for value in rest], separator="\x1f")
            selected.append(pl.when(held & (joined != "")).then(joined).alias("_rest"))
        if self._only:
            conditions = [
                condition_holds(one, _first([split.columns.get(self.names[i]) for i in places]))
                for one, places in self._only
            ]
            selected.append(pl.all_horizontal(conditions).fill_null(value=False).alias("_wanted"))
        done = (
            frame.select(selected)
            .with_columns(_whole=pl.all_horizontal(pl.col(name).is_null() for name in names))
            .collect(engine="streaming")
        )
        if done.height != len(starts):
            return None
        good = done["_proven"].to_numpy() & (done["_length"].to_numpy() == ends - starts)
        if not valid:
            for column in [name for name in done.columns if name.startswith("_bad")]:
                good = good & ~done[column].to_numpy()
            if "_rest" in done.columns:
                good = good & ~done["_rest"].str.contains("\ufffd", literal=True).fill_null(value=False).to_numpy()
        if b"\r" in data:
            # the CSV reader takes a lone CR for nothing
            codes = np.frombuffer(data, np.uint8)
            returns = np.flatnonzero(codes == 13)
            lone = returns[codes[returns + 1] != 10]
            good = good.copy()
            good[np.searchsorted(starts, lone, side="right") - 1] = False
        others = np.zeros(0, np.int64)
        if self._only:
            wanted = done["_wanted"].to_numpy()
            others = np.flatnonzero(good & ~wanted)
            good = good & wanted
        whole = done["_whole"].to_numpy()
        pieces = []
        for chosen_rows, careful in ((good & whole, False), (good & ~whole, True)):
            rows = np.flatnonzero(chosen_rows)
            if len(rows):
                part = done if len(rows) == done.height else done.filter(pl.Series(chosen_rows))
                lines = (
                    [data[s:e] for s, e in zip(starts[rows].tolist(), ends[rows].tolist(), strict=True)]
                    if self.hash_line
                    else None
                )
                events, fine = self._finish(part, lines, careful=careful)
                pieces.append((rows[fine], events))
        return Found(pieces, others)

    def _finish(
        self, done: pl.DataFrame, lines: list[bytes] | None, *, careful: bool
    ) -> tuple[pl.DataFrame, NDArray[np.bool_]]:
        """Bring the columns together; `careful`: some values are left over and go through the converters."""
        good = np.ones(done.height, dtype=bool)
        residues: list[pl.Series] = []
        columns: dict[str, list[pl.Series]] = {}
        for index, converter in enumerate(self.converters):
            if f"{index}:{converter.outputs[0]}" not in done.columns:
                continue
            parts = {name: done[f"{index}:{name}"] for name in converter.outputs if name != "residue"}
            if careful and f"_left{index}" in done.columns:
                left = done[f"_left{index}"]
                if left.null_count() < len(left):
                    good &= _careful(converter, left, parts, residues)
            if converter.field.const is not None:
                value = converter(None)[0]
                parts = {name: _constant(value, type_of(name), done.height) for name in parts}
            for name, series in parts.items():
                columns.setdefault(name, []).append(series)
        final: dict[str, pl.Series] = {}
        for name, several in columns.items():
            series = several[0]
            for other in several[1:]:
                if series.null_count() == len(series):
                    series = other
                elif series.null_count() and other.null_count() < len(other):
                    series = series.zip_with(series.is_not_null(), other)
            final[name] = series
        time = final.get("ts_us")
        good &= time.is_not_null().to_numpy() if time is not None else False
        if lines is not None:
            final["rest_hash"] = pl.Series(np.frombuffer(line_hashes(lines), "<i8"))
        else:
            final["rest_hash"] = _rest_column(done, residues)
        frame = pl.DataFrame(
            {name: final[name] if name in final else _constant(None, EVENTS[name], done.height) for name in VALUES}
        )
        return (frame if good.all() else frame.filter(pl.Series(good))), good

    def _hints(self, data: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> list[Hints]:
        """Return, for each converter, what lines spread over the block show of its values."""
        offsets: list[Counter[str]] = [Counter() for _ in self.converters]
        absolute = [False for _ in self.converters]
        spread = np.unique(np.linspace(0, len(starts) - 1, 64).astype(np.int64)).tolist() if len(starts) else []
        asked = [
            (index, one, places)
            for index, (one, places) in enumerate(zip(self.converters, self._slots, strict=True))
            if one.field.kind in {"time", "url", "request"}
            and (one.field.how == "first" or len(places) == len(one.sources))
        ]
        for line in spread if asked else []:
            try:
                values = self.splitter.split(data[starts[line] : ends[line]])
            except BadValueError:
                continue
            for index, one, places in asked:
                raw = one.picked(one.choose([values[i] for i in places]))
                if raw is None:
                    continue
                if one.field.kind != "time":
                    absolute[index] |= b"://" in raw
                elif match := _OFFSET.search(raw):
                    offsets[index][match[1].decode()] += 1
        return [
            Hints(tuple(offset for offset, _ in seen.most_common(4)), far)
            for seen, far in zip(offsets, absolute, strict=True)
        ]


def _first(columns: list[pl.Expr | None]) -> pl.Expr | None:
    there = [column for column in columns if column is not None]
    return pl.coalesce(there) if there else None


def _constant(value: Value, dtype: type[pl.DataType], height: int) -> pl.Series:
    return pl.Series([value], dtype=dtype).new_from_index(0, height)


def _rest_column(done: pl.DataFrame, residues: list[pl.Series]) -> pl.Series:
    """Hash what the columns do not hold, once per distinct text."""
    rest = done["_rest"] if "_rest" in done.columns else _constant(None, pl.String, done.height)
    for residue in residues:
        if residue.null_count() < len(residue):
            joined = rest.fill_null("") + "\x1e" + residue
            rest = joined.zip_with(residue.is_not_null(), rest)
    if rest.null_count() == len(rest):
        return _constant(None, pl.Int64, done.height)
    distinct = rest.drop_nulls().unique()
    hashes = pl.Series(np.frombuffer(line_hashes(text.encode() for text in distinct.to_list()), "<i8"))
    return rest.replace_strict(distinct, hashes, default=None, return_dtype=pl.Int64)


def _careful(
    converter: Converter, left: pl.Series, parts: dict[str, pl.Series], residues: list[pl.Series]
) -> NDArray[np.bool_]:
    """Put the left-over values of a column through the converter, once each; return which rows it accepted."""
    distinct = left.drop_nulls().unique()
    rows = []
    refused = []
    for text in distinct.to_list():
        try:
            rows.append(converter(text.encode()))
        except BadValueError:
            rows.append((None,) * len(converter.outputs))
            refused.append(text)
    todo = left.is_not_null()
    position = left.replace_strict(
        distinct, pl.Series(range(len(distinct)), dtype=pl.UInt32), default=None, return_dtype=pl.UInt32
    )
    for place, name in enumerate(converter.outputs):
        values = pl.Series([row[place] for row in rows], dtype=type_of(name)).gather(position.fill_null(0))
        if name == "residue":
            residues.append(values.zip_with(todo, pl.Series([None], dtype=pl.String).new_from_index(0, len(values))))
        else:
            parts[name] = values.zip_with(todo, parts[name])
    if not refused:
        return np.ones(len(left), dtype=bool)
    return ~left.is_in(refused).fill_null(value=False).to_numpy()


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
