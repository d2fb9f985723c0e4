"""The case file: one DuckDB file, opened so that it reaches for nothing else, and what is kept in it of each item."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import astuple, fields
from importlib.resources import files
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from incident import __version__
from incident.errors import CaseError
from incident.records import EvidenceItem, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SCHEMA_VERSION = "1"
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",  # extensions would be fetched from the network
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}
_ITEM_COLUMNS = tuple(field.name for field in fields(EvidenceItem))


def sql_text(name: str) -> str:
    """Return the text of `incident/sql/<name>.sql`."""
    return (files("incident") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def open_case(
    path: Path, *, read_only: bool = False, memory: str | None = None, threads: int | None = None
) -> duckdb.DuckDBPyConnection:
    """Open the case file; when writable, create it or bring it under this version's schema.

    memory (such as "256MB") and threads bound what DuckDB takes for itself.

    Raises:
        CaseError: if there is none, or it is locked, damaged, or no case file of this version.
    """
    if read_only and not path.exists():
        raise CaseError(
            "there is no case file yet",
            where=str(path),
            next_step="incident ingest FOLDER, or name the case file with --case",
        )
    try:
        con = duckdb.connect(str(path), read_only=read_only, config=_CONFIG)
    except duckdb.Error as error:
        raise _unopened(path, str(error)) from error
    try:
        con.execute("set enable_progress_bar = false")
        con.execute("set timezone = 'UTC'")
        if memory is not None:
            con.execute("pragma memory_limit = '" + memory.replace("'", "''") + "'")
        if threads is not None:
            con.execute(f"set threads = {threads:d}")
        _check_schema(con, path, read_only=read_only)
    except duckdb.Error as error:
        con.close()
        raise _unopened(path, str(error)) from error
    except CaseError:
        con.close()
        raise
    return con


def _check_schema(con: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool) -> None:
    tables = {name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()}
    if not tables and not read_only:
        with transaction(con):
            con.execute(sql_text("10_schema"))
            con.executemany(
                "insert into meta values (?, ?)",
                [("schema_version", SCHEMA_VERSION), ("created_by", f"incident {__version__}")],
            )
        return
    if "meta" not in tables:
        raise CaseError(
            "this database is no case file" if tables else "the case file is empty",
            where=str(path),
            next_step="incident ingest FOLDER, or name another file with --case",
        )
    row = con.execute("select value from meta where key = 'schema_version'").fetchone()
    if row is None or row[0] != SCHEMA_VERSION:
        raise CaseError(
            f"the case file has schema version {row[0] if row else 'none'}; this is incident {__version__},"
            f" which reads version {SCHEMA_VERSION}",
            where=str(path),
            next_step="use the version that made it, or ingest the evidence into a new case file",
        )


def _unopened(path: Path, error: str) -> CaseError:
    """Say what DuckDB's refusal means for the person."""
    if "Conflicting lock" in error or "Could not set lock" in error or "different configuration" in error:
        return CaseError(
            "another program has the case file open",
            where=str(path),
            next_step="wait for it or close it; reading is possible while nobody writes",
        )
    if "not a valid DuckDB database file" in error:
        return CaseError("this file is no case file", where=str(path), next_step="name another file with --case")
    if "Corrupt" in error or "checksum" in error:
        return CaseError(
            "the case file is damaged",
            where=str(path),
            next_step="restore a copy, or ingest the evidence into a new case file",
        )
    return CaseError(f"the case file cannot be opened: {error.splitlines()[0]}", where=str(path))


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Keep all that is done within, or nothing of it."""
    con.execute("begin")
    try:
        yield
    except BaseException:
        con.execute("rollback")
        raise
    con.execute("commit")


def insert(
    con: duckdb.DuckDBPyConnection,
    table: str,
    frame: pl.DataFrame,
    *,
    replace: bool = False,
    evidence_id: int | None = None,
) -> None:
    """Append a frame by its column names, `evidence_id` in front if given; `replace` rows of the same primary key."""
    if frame.height == 0:
        return
    columns = "*" if evidence_id is None else f"{evidence_id:d} as evidence_id, *"
    # found by its name; a registered view would live, and keep the frame alive, until the transaction ends
    incoming = _Arrow(frame)  # noqa: F841
    con.execute(f"insert {'or replace ' if replace else ''}into {table} by name select {columns} from incoming")


class _Arrow:
    """A frame that shows DuckDB its Arrow stream alone: handed over as a frame, it would be copied once more."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


def _schema(record: type[EvidenceItem | Reading]) -> dict[str, type[pl.DataType]]:
    return {field.name: pl.Int64 if "int" in str(field.type) else pl.String for field in fields(record)}


def items(con: duckdb.DuckDBPyConnection) -> list[EvidenceItem]:
    """Return every evidence item of the case, by id."""
    rows = con.execute(f"select {', '.join(_ITEM_COLUMNS)} from evidence order by evidence_id").fetchall()
    return [EvidenceItem(*row) for row in rows]


def put_items(con: duckdb.DuckDBPyConnection, found: Sequence[EvidenceItem]) -> None:
    """Write the rows of items; a row that is there already is replaced."""
    frame = pl.DataFrame([astuple(item) for item in found], schema=_schema(EvidenceItem), orient="row")
    frame = frame.with_columns(pl.lit(__version__).alias("tool_version"))
    insert(con, "evidence", frame, replace=True)


def put_readings(con: duckdb.DuckDBPyConnection, readings: Sequence[tuple[int, Reading]]) -> None:
    """Write the readings of items, each with its evidence id."""
    schema = {"evidence_id": pl.Int64} | _schema(Reading)
    frame = pl.DataFrame([(number, *astuple(reading)) for number, reading in readings], schema=schema, orient="row")
    insert(con, "reading", frame)


def forget(con: duckdb.DuckDBPyConnection, evidence_id: int) -> None:
    """Delete all that was read from an item, so that it can be read again; its row stays."""
    for table in ("event", "reject", "reading"):
        con.execute(f"delete from {table} where evidence_id = ?", [evidence_id])
