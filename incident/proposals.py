"""Data sets to propose where nobody has defined any: objects that look like data someone could take."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import duckdb

from incident.matching import normalise_path

PAGE_ENDINGS = (
    ".html", ".htm", ".php", ".asp", ".aspx", ".jsp", ".js", ".mjs", ".css", ".map", ".png", ".jpg", ".jpeg",
    ".gif", ".svg", ".ico", ".webp", ".avif", ".woff", ".woff2", ".ttf", ".eot", ".mp4", ".webm", ".mp3",
    ".txt", ".rss", ".atom", ".webmanifest",
)  # fmt: skip
DATA_ENDINGS = (
    ".csv", ".tsv", ".xlsx", ".xls", ".ods", ".json", ".jsonl", ".ndjson", ".geojson", ".parquet", ".sql",
    ".dump", ".bak", ".db", ".sqlite", ".mdb", ".accdb", ".sav", ".dta", ".sas7bdat", ".shp", ".gdb", ".kmz",
    ".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar", ".pst", ".mbox", ".pdf", ".doc",
    ".docx", ".xml", ".hyper", ".tde", ".twbx",
)  # fmt: skip
LARGE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class DatasetProposal:
    """One object that may be exposed data."""

    path: str
    requests: int  # that got content
    peers: int  # distinct peers that got content
    largest_bytes: int | None
    first_us: int
    last_us: int


def propose(con: duckdb.DuckDBPyConnection, most: int) -> tuple[DatasetProposal, ...]:
    """Objects with a data file's name, or large ones that are no page, by the number of peers that fetched them."""
    found: dict[str, list[tuple[int, int, int | None, int, int]]] = defaultdict(list)
    for path, *figures in con.execute(
        "select path, count(*), count(distinct peer_ip), max(bytes_sent), min(ts_us), max(ts_us) from event "
        "where status in (200, 206) and (method = 'GET' or method is null) and path is not null "
        "and coalesce(bytes_sent, 1) > 0 group by path order by path"
    ).fetchall():
        found[normalise_path(path)].append(tuple(figures))
    proposals = []
    for path, parts in found.items():
        lower = path.lower()
        largest = max((size for _, _, size, _, _ in parts if size is not None), default=None)
        data = lower.endswith(DATA_ENDINGS)
        if not data and (lower.endswith((*PAGE_ENDINGS, "/")) or largest is None or largest < LARGE_BYTES):
            continue
        proposals.append(
            DatasetProposal(
                path=path,
                requests=sum(part[0] for part in parts),
                # Peers of several spellings of one path may be the same: the largest figure is what is certain.
                peers=max(part[1] for part in parts),
                largest_bytes=largest,
                first_us=min(part[3] for part in parts),
                last_us=max(part[4] for part in parts),
            )
        )
    proposals.sort(key=lambda proposal: (-proposal.peers, -proposal.requests, proposal.path))
    return tuple(proposals[:most])
