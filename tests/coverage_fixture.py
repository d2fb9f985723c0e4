"""Cases for the coverage of evidence: events made from lines per minute, what was taken out known by construction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import polars as pl
from casebuilder import SCHEMA

from incident import store

MINUTE = 60_000_000
DAY_ONE = 28_575_360 // 1440 * 1440  # a Wednesday of May 2024, in minutes
SECOND = 1_000_000


@dataclass(frozen=True)
class Traffic:
    """Lines per minute of a log, from DAY_ONE on, and the rate they were drawn from."""

    lines: np.ndarray
    rate: np.ndarray

    def without(self, *spans: tuple[int, int]) -> Traffic:
        """The same with the minutes of some half-open spans taken out."""
        left = self.lines.copy()
        for start, end in spans:
            left[start:end] = 0
        return Traffic(left, self.rate)


def traffic(
    seed: int,
    per_day: float,
    *,
    days: int = 30,
    daily: float = 0.8,
    weekend: float = 0.6,
    hourly: float | None = 10,
    visit: int = 1,
    bursts: int = 20,
) -> Traffic:
    """Lines with a daily and a weekly cycle, bursts, unlike hours (gamma of that k), and visits of some lines each."""
    draw = np.random.default_rng(seed)
    at = np.arange(days * 1440)
    rate = 1 + daily * np.sin(at / 1440 * 2 * np.pi - 2)
    rate = rate * np.where((at // 1440) % 7 >= 5, weekend, 1.0)
    rate = rate / rate.mean() * per_day / 1440
    if hourly is not None:
        rate = rate * np.repeat(draw.gamma(hourly, 1 / hourly, days * 24), 60)
    lines = draw.poisson(rate) if visit == 1 else _visits(draw, rate, visit)
    for _ in range(bursts):
        start, length = draw.integers(0, at.size - 30), draw.integers(1, 30)
        lines[start : start + length] += draw.poisson(per_day * 0.02 * draw.exponential() / length, length)
    return Traffic(lines.astype(np.int64), rate)


def _visits(draw: np.random.Generator, rate: np.ndarray, visit: int) -> np.ndarray:
    """Visits of geometric length, a minute from line to line on average."""
    starts = np.repeat(np.arange(rate.size), draw.poisson(rate / visit))
    lengths = draw.geometric(1 / visit, starts.size)
    steps = draw.exponential(1.0, lengths.sum())
    first = np.cumsum(lengths) - lengths
    since = np.cumsum(steps) - np.repeat(np.concatenate(([0.0], np.cumsum(steps)))[first], lengths)
    when = (np.repeat(starts, lengths) + since).astype(np.int64)
    return np.bincount(when[when < rate.size], minlength=rate.size)


def seconds_of(lines: np.ndarray) -> np.ndarray:
    """Times in microseconds, spread evenly through each minute."""
    minute = np.repeat(np.arange(lines.size), lines)
    nth = np.arange(minute.size) - np.repeat(np.cumsum(lines) - lines, lines)
    return (DAY_ONE + minute) * MINUTE + nth * 60 // np.maximum(lines[minute], 1) * SECOND


def frame(times: np.ndarray, item: int = 0, **columns: object) -> pl.DataFrame:
    """Events of an item at those times; every column may be set for all, or by a sequence."""
    usual: dict[str, object] = {
        "evidence_id": item, "reading": 0, "line_no": np.arange(1, times.size + 1), "byte_offset": 0,
        "byte_length": 100,
        "ts_us": times, "peer_ip": "192.0.2.1", "method": "GET", "path": "/", "status": 200, "bytes_sent": 1000,
    }  # fmt: skip
    columns = usual | columns
    made = {}
    for name, kind in SCHEMA.items():
        value = columns.get(name)
        if isinstance(value, np.ndarray | list):
            made[name] = pl.Series(name, value, dtype=kind)
        else:
            made[name] = pl.Series(name, [value], dtype=kind).new_from_index(0, times.size)
    return pl.DataFrame(made)


def case(
    items: Mapping[str, pl.DataFrame] | Sequence[tuple[str, pl.DataFrame]],
    *,
    format_name: str = "combined",
    ts_kind: str = "start",
    status: Mapping[str, str] | None = None,
) -> duckdb.DuckDBPyConnection:
    """A case in memory: each item with its events; their evidence ids follow the order given."""
    con = duckdb.connect(":memory:")
    con.execute(store.sql_text("10_schema"))
    pairs = list(items.items()) if isinstance(items, Mapping) else list(items)
    for number, (path, events) in enumerate(pairs):
        size = events.height
        con.execute(
            "insert into evidence select $n, $path, '/logs', 's' || $n, 'c' || $n, 1, 1, 'none', $format, 'by test', "
            "$vantage, null, null, $status, null, null, $size, $size, 0, 0, $first, $last, '{}', 'x'",
            {
                "n": number, "path": path, "format": format_name, "vantage": path.partition("/")[0], "size": size,
                "status": (status or {}).get(path, "ingested"), "first": events["ts_us"].min(),
                "last": events["ts_us"].max(),
            },
        )  # fmt: skip
        con.execute(
            "insert into reading values (?, 0, ?, null, ?, 'body_sent', null, null, 1)", [number, format_name, ts_kind]
        )
        con.register("made", events.with_columns(pl.lit(number, dtype=pl.Int32).alias("evidence_id")))
        con.execute("insert into event by name select * from made")
        con.unregister("made")
    return con
