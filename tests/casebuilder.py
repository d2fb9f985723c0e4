"""A small case, written event by event: for tests that know by hand what must come out.

    case = Case(evidence=("edge/a.log", "origin/a.log"))
    case.hit("edge/a.log", at(12, 0, 5), "192.0.2.1", status=403)
    con = case.connect()
    model.apply(con, definition(...))

Times are whole seconds since the epoch, or floats of them; lines are numbered in the order in which they are written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb
import polars as pl

from incident import store
from incident.records import EVENT_COLUMNS, CaseDefinition, DatasetRule, EvidenceRule

SECOND = 1_000_000
DAY_ONE = 1_714_521_600  # 2024-05-01T00:00:00Z
TYPES = {"int16": pl.Int16, "int32": pl.Int32, "int64": pl.Int64, "text": pl.String, "bool": pl.Boolean}
SCHEMA = {column.name: TYPES[column.type] for column in EVENT_COLUMNS}
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0"
LINE_BYTES = 100


def at(hour: int, minute: int = 0, second: float = 0, *, day: int = 1) -> float:
    """Seconds since the epoch of a time in May 2024, UTC."""
    return DAY_ONE + (day - 1) * 86_400 + hour * 3600 + minute * 60 + second


def us(seconds: float) -> int:
    """Microseconds of seconds."""
    return round(seconds * SECOND)


def definition(**changes: Any) -> CaseDefinition:
    """Two vantages, one data set "ccw" under /data/ccw_*; anything can be changed."""
    said: dict[str, Any] = {
        "evidence": (EvidenceRule("edge/*", vantage="edge"), EvidenceRule("origin/*", vantage="origin")),
        "datasets": (DatasetRule("ccw", paths=("/data/ccw_*",), sizes={"/data/ccw_1.csv": 1000}),),
    }
    return CaseDefinition(**said | changes)


@dataclass
class Case:
    """Events of several evidence items."""

    evidence: tuple[str, ...] = ("edge/a.log",)
    ts_kind: str = "start"
    bytes_kind: str = "body_sent"
    rows: list[dict[str, Any]] = field(default_factory=list)

    def hit(
        self,
        item: str,
        when: float,
        ip: str | None,
        path: str = "/data/ccw_1.csv",
        *,
        status: int | None = 200,
        size: int | None = 1000,
        **more: Any,
    ) -> int:
        """Write one event and return its line number."""
        number = self.evidence.index(item)
        line_no = sum(row["evidence_id"] == number for row in self.rows) + 1
        row: dict[str, Any] = dict.fromkeys(SCHEMA)
        row |= {
            "evidence_id": number, "reading": 0, "line_no": line_no, "byte_offset": (line_no - 1) * LINE_BYTES,
            "byte_length": LINE_BYTES - 1, "ts_us": us(when), "peer_ip": ip, "method": "GET", "path": path,
            "status": status, "bytes_sent": size, "user_agent": BROWSER,
        }  # fmt: skip
        unknown = set(more) - set(SCHEMA)
        assert not unknown, f"an event has no {unknown}"
        self.rows.append(row | more)
        return line_no

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Return a case in memory that holds the events."""
        con = duckdb.connect(":memory:")
        con.execute(store.sql_text("10_schema"))
        for number, path in enumerate(self.evidence):
            lines = sum(row["evidence_id"] == number for row in self.rows)
            con.execute(
                "insert into evidence values (?, ?, '/evidence', ?, ?, 1, 1, 'none', 'combined', 'by hand', 'origin', "
                "null, null, 'ingested', null, null, ?, ?, 0, 0, null, null, '{}', 'test')",
                [number, path, f"sha-{path}", f"content-{path}", lines, lines],
            )
            con.execute(
                "insert into reading values (?, 0, 'combined', null, ?, ?, 'response', null, 1)",
                [number, self.ts_kind, self.bytes_kind],
            )
        frame = pl.DataFrame(self.rows, schema=SCHEMA)
        con.register("written", frame)
        con.execute("insert into event select * from written")
        con.unregister("written")
        return con
