"""The programs that an ingest is measured against: what runs, and what it found."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.measure import Run

_ALL_PANELS = (
    "VISITORS", "REQUESTS", "REQUESTS_STATIC", "NOT_FOUND", "HOSTS", "OS", "BROWSERS", "VISIT_TIMES", "VIRTUAL_HOSTS",
    "REFERRERS", "REFERRING_SITES", "KEYPHRASES", "STATUS_CODES", "REMOTE_USER", "CACHE_STATUS", "GEO_LOCATION",
    "MIME_TYPE", "TLS_TYPE",
)  # fmt: skip
_KEPT = ("VISITORS", "REQUESTS", "HOSTS", "STATUS_CODES")

_DUCKDB = r"""
import sys, duckdb
con = duckdb.connect("peer.duckdb")
con.execute("set threads = 2")
con.execute('''create table event as
    select regexp_extract(line,
        '^(\S+) (\S+) (\S+) \[([^\]]+)\] "(\S+) ([^" ?]*)\??([^" ]*) ?([^"]*)" (\d{3}) (\d+|-) "([^"]*)" "([^"]*)"$',
        ['ip', 'ident', 'user', 'ts', 'method', 'path', 'query', 'protocol', 'status', 'bytes', 'referer', 'agent']) e
    from read_csv(?, columns = {'line': 'varchar'}, delim = '\n', quote = '', escape = '', header = false,
        auto_detect = false, encoding = 'latin-1', strict_mode = false)''', [sys.argv[1]])
print(con.execute("select count(*) from event where e.status <> ''").fetchone()[0])
"""

_POLARS = r"""
import sys, polars as pl
pattern = (r'^(?P<ip>\S+) (?P<ident>\S+) (?P<user>\S+) \[(?P<ts>[^\]]+)\] "(?P<method>\S+) (?P<path>[^" ?]*)'
    r'\??(?P<query>[^" ]*) ?(?P<protocol>[^"]*)" (?P<status>\d{3}) (?P<bytes>\d+|-)'
    r' "(?P<referer>[^"]*)" "(?P<agent>[^"]*)"$')
lines = pl.scan_csv(sys.argv[1], has_header=False, separator="\x01", quote_char=None, schema={"line": pl.String},
    encoding="utf8-lossy", truncate_ragged_lines=True, extra_columns="ignore")
lines.select(pl.col("line").str.extract_groups(pattern).struct.unnest()).sink_parquet("peer.parquet")
print(pl.scan_parquet("peer.parquet").select(pl.col("status").count()).collect().item())
"""


@dataclass(frozen=True)
class Peer:
    """A program, and how to learn from its output how many events it found; None: it does not say."""

    name: str
    argv: Callable[[Path], list[str]]
    events: Callable[[Run, Path], int | None]


def available() -> list[Peer]:
    """Return the peers that this machine has."""
    found = [
        Peer("DuckDB, regexp_extract into a table", lambda log: [sys.executable, "-c", _DUCKDB, str(log)], _said),
        Peer("Polars, one regex into Parquet", lambda log: [sys.executable, "-c", _POLARS, str(log)], _said),
    ]
    mawk = shutil.which("mawk")
    if mawk:
        program = "{n++; s+=$10} END {print n, s}"
        found.append(Peer("mawk, count and one sum", lambda log: [mawk, program, str(log)], lambda *_: None))
    goaccess = shutil.which("goaccess")
    if goaccess:
        version, jobs = _goaccess(goaccess)
        base = [goaccess, "--log-format=COMBINED", "--no-global-config", "--no-progress", "-o", "peer.json", *jobs]
        fewer = [f"--ignore-panel={panel}" for panel in _ALL_PANELS if panel not in _KEPT]
        name = " ".join([f"GoAccess {version}", *jobs])
        found += [
            Peer(f"{name}, 4 panels", lambda log: [*base, *fewer, str(log)], _goaccess_events),
            Peer(f"{name}, all panels", lambda log: [*base, str(log)], _goaccess_events),
        ]
    return found


def _goaccess(program: str) -> tuple[str, list[str]]:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"\d+(\.\d+)+", said)
    helped = subprocess.run([program, "--help"], capture_output=True, text=True, check=False).stdout
    return version[0] if version else "of unknown version", ["--jobs=2"] if "--jobs" in helped else []


def _goaccess_events(_: Run, work: Path) -> int | None:
    general = json.loads((work / "peer.json").read_text())["general"]
    return int(general["valid_requests"])


def _said(run: Run, _: Path) -> int | None:
    return int(run.said.split()[-1])
