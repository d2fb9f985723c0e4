"""Two cases, or two states of one: which figures moved, by how much, and which items and lines moved them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl

from incident import findings, listing, site
from incident.compare_definition import definition_changes
from incident.records import CaseDefinition, CaseFinding, DatasetFinding, EvidenceItem
from incident.records_chronology import LineRef
from incident.records_compare import (
    Cause,
    Comparison,
    DownloadChange,
    DownloadOnly,
    FigureChange,
    ItemChange,
    SentenceChange,
    ShareChange,
    Side,
)
from incident.store import sql_text

MOST_DOWNLOADS = 1000
KEY = ("dataset", "client_ip", "user_agent", "object", "started_us", "nth")
_OUTCOME = ("ended_us", "completeness", "transfers", "bytes_sent", "size")
_ITEM_FACTS = (
    "sha256", "content_sha256", "format", "vantage", "server", "status", "lines", "events", "rejected", "skipped",
    "first_ts_us", "last_ts_us",
)  # fmt: skip
_FIGURES = (
    "records", "requests", "downloads", "downloads_full", "downloads_partial", "downloads_undetermined",
    "downloads_automated", "unique_ips", "unique_ips_automated", "clients_full_copy", "origin_unmatched",
    "first_download_us", "last_download_us",
)  # fmt: skip
_BOUNDS = (
    "opened_after_us", "first_seen_us", "last_seen_us", "closed_by_us", "confirmed_us", "unavailable_us", "longest_us",
    "interruptions",
)  # fmt: skip


@dataclass(frozen=True)
class _State:
    """All that is compared of one side."""

    finding: CaseFinding
    items: Sequence[EvidenceItem]
    downloads: pl.DataFrame
    shares: Mapping[tuple[str, str], tuple[int, int, int]]


def compare(
    con_a: duckdb.DuckDBPyConnection,
    definition_a: CaseDefinition,
    con_b: duckdb.DuckDBPyConnection,
    definition_b: CaseDefinition,
    *,
    most: int = MOST_DOWNLOADS,
) -> Comparison:
    """Hold b against a. The two may be one case under two definitions; it is left counted by the second.

    `most` bounds the downloads that are listed of each kind, not those that are counted.
    """
    same_case = con_a is con_b or _file_of(con_a) == _file_of(con_b) != ""
    if same_case:
        b = _state(con_b, definition_b)
        a = _state(con_a, definition_a)
        # a's tables stand: ask them first, then count by b's definition again.
        only_b = _only(b, a, con_a, "b", most)
        findings.case_finding(con_b, definition_b)
        only_a = _only(a, b, con_b, "a", most)
    else:
        a, b = _state(con_a, definition_a), _state(con_b, definition_b)
        only_a, only_b = _only(a, b, con_b, "a", most), _only(b, a, con_a, "b", most)
    changed = _changed(a, b)
    keys = definition_changes(definition_a, definition_b)
    figures = tuple(_figures(a.finding, b.finding))
    items = tuple(_items(a.items, b.items))
    shares = tuple(_shares(a, b))
    return Comparison(
        a=_side(a.finding),
        b=_side(b.finding),
        same=not (figures or items or shares or only_a.total or only_b.total or changed),
        figures=figures,
        sentences=tuple(_sentences(a.finding, b.finding)),
        definition=tuple(key for key in keys if not key.key.startswith("policy.")),
        policy=tuple(key for key in keys if key.key.startswith("policy.")),
        items=items,
        shares=shares,
        causes=(*only_a.causes, *only_b.causes),
        only=(*only_a.listed, *only_b.listed),
        only_a_total=only_a.total,
        only_b_total=only_b.total,
        changed=tuple(changed[:most]),
        changed_total=len(changed),
    )


def _file_of(con: duckdb.DuckDBPyConnection) -> str:
    rows = con.execute("select path from duckdb_databases() where database_name = current_database()").fetchall()
    return (rows[0][0] or "") if rows else ""


def _state(con: duckdb.DuckDBPyConnection, definition: CaseDefinition) -> _State:
    finding = findings.case_finding(con, definition)
    return _State(
        finding=finding,
        items=listing.as_defined(listing.evidence_items(con), definition),
        downloads=con.sql(sql_text("870_compare_download")).pl(),
        shares={(row[0], row[1]): tuple(row[2:]) for row in con.execute(sql_text("872_item_share")).fetchall()},
    )


def _side(finding: CaseFinding) -> Side:
    return Side(
        case=finding.case,
        version=finding.version,
        config_sha256=finding.config_sha256,
        manifest_sha256=finding.manifest_sha256,
        policy=finding.policy.name,
    )


# --- figures ----------------------------------------------------------------------------------------------------------


def _figures(a: CaseFinding, b: CaseFinding) -> list[FigureChange]:
    moved = _moved(None, _totals(a), _totals(b))
    sets_a, sets_b = {each.dataset: each for each in a.datasets}, {each.dataset: each for each in b.datasets}
    for name in {**sets_a, **sets_b}:
        moved += _moved(name, _of_dataset(sets_a.get(name)), _of_dataset(sets_b.get(name)))
    return moved


def _moved(dataset: str | None, a: Mapping[str, int | None], b: Mapping[str, int | None]) -> list[FigureChange]:
    found = []
    for figure in {**a, **b}:
        one, two = a.get(figure), b.get(figure)
        if one != two:
            found.append(
                FigureChange(dataset, figure, one, two, two - one if one is not None and two is not None else None)
            )
    return found


def _totals(finding: CaseFinding) -> dict[str, int | None]:
    total = listing.totals(finding.evidence)
    return {
        name: getattr(total, name)
        for name in ("items", "repeats", "lines", "events", "rejected", "skipped", "first_ts_us", "last_ts_us")
    }


def _of_dataset(found: DatasetFinding | None) -> dict[str, int | None]:
    if found is None:
        return {}
    figures: dict[str, int | None] = {name: getattr(found, name) for name in _FIGURES}
    figures |= {f"buckets.{bucket}": count for bucket, count in found.buckets.items()}
    figures["windows"] = len(found.windows)
    for number, window in enumerate(found.windows, 1):
        figures |= {f"windows.{number}.{name}": getattr(window, name) for name in _BOUNDS}
    return figures


def _sentences(a: CaseFinding, b: CaseFinding) -> list[SentenceChange]:
    said_a, said_b = (
        {each.dataset: each.sentence for each in a.datasets},
        {each.dataset: each.sentence for each in b.datasets},
    )
    names = {**said_a, **said_b}
    return [
        SentenceChange(name, said_a.get(name), said_b.get(name))
        for name in names
        if said_a.get(name) != said_b.get(name)
    ]


# --- evidence ---------------------------------------------------------------------------------------------------------


def _items(a: Sequence[EvidenceItem], b: Sequence[EvidenceItem]) -> list[ItemChange]:
    by_path_a, by_path_b = {each.path: each for each in a}, {each.path: each for each in b}
    gone = [each for each in a if each.path not in by_path_b]
    new = [each for each in b if each.path not in by_path_a]
    found = []
    for item in gone:
        moved = next((each for each in new if item.content_sha256 and each.content_sha256 == item.content_sha256), None)
        if moved is None:
            found.append(ItemChange(item.path, "only-a", None, _facts(item, None)))
        else:
            new.remove(moved)
            found.append(ItemChange(item.path, "moved", moved.path, _facts(item, moved)))
    found += [ItemChange(item.path, "only-b", None, _facts(None, item)) for item in new]
    for path, item in by_path_a.items():
        fields = _facts(item, by_path_b[path]) if path in by_path_b else ()
        if fields:
            found.append(ItemChange(path, "changed", None, fields))
    return sorted(found, key=lambda each: (each.path, each.change))


def _facts(a: EvidenceItem | None, b: EvidenceItem | None) -> tuple[tuple[str, str | None, str | None], ...]:
    found = []
    for name in _ITEM_FACTS:
        one, two = _text(getattr(a, name, None)), _text(getattr(b, name, None))
        if one != two:
            found.append((name, one, two))
    return tuple(found)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _shares(a: _State, b: _State) -> list[ShareChange]:
    found = []
    for path, dataset in sorted({*a.shares, *b.shares}):
        one, two = a.shares.get((path, dataset), (0, 0, 0)), b.shares.get((path, dataset), (0, 0, 0))
        if one != two:
            found.append(ShareChange(path, dataset, one[0], two[0], one[1], two[1], one[2], two[2]))
    return found


# --- downloads --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Only:
    total: int
    causes: tuple[Cause, ...]
    listed: tuple[DownloadOnly, ...]


def _only(mine: _State, other: _State, other_con: duckdb.DuckDBPyConnection, side: str, most: int) -> _Only:
    """The downloads that the other side lacks, and what became of their first lines there."""
    rows = mine.downloads.join(other.downloads.select(KEY), on=KEY, how="anti", nulls_equal=True).sort(KEY)
    there = _same_items(mine.items, other.items)
    site.put(
        other_con,
        "asked_line",
        rows.select(
            pl.int_range(pl.len(), dtype=pl.Int64).alias("row_no"),
            "dataset",
            pl.col("item").replace_strict(there, default=None, return_dtype=pl.Int32).alias("evidence_id"),
            "line_no",
            "byte_offset",
        ),
    )
    reasons = [_reason(row) for row in site.dicts(other_con, sql_text("871_compare_line"))]
    known = {each.dataset for each in other.finding.datasets}
    listed, causes = [], Counter[tuple[str, str]]()
    for number, (row, reason) in enumerate(zip(rows.iter_rows(named=True), reasons, strict=True)):
        slug = reason if row["dataset"] in known else "no-data-set"
        causes[row["dataset"], slug] += 1
        if number < most:
            listed.append(
                DownloadOnly(
                    side=side,
                    dataset=row["dataset"],
                    client_ip=row["client_ip"],
                    user_agent=row["user_agent"],
                    object=row["object"],
                    started_us=row["started_us"],
                    ended_us=row["ended_us"],
                    completeness=row["completeness"],
                    source=LineRef(row["item"], row["line_no"], row["byte_offset"]),
                    reason=slug,
                )
            )
    told = tuple(Cause(side, dataset, slug, count) for (dataset, slug), count in sorted(causes.items()))
    return _Only(rows.height, told, tuple(listed))


def _same_items(mine: Sequence[EvidenceItem], other: Sequence[EvidenceItem]) -> dict[str, int]:
    """By path here: the item there that has the same content, else the one that has the same path (a log that grew)."""
    read = [each for each in other if each.status != "repeat"]
    by_content = {each.content_sha256: each.evidence_id for each in reversed(read) if each.content_sha256}
    by_path = {each.path: each.evidence_id for each in read}
    found = {}
    for item in mine:
        number = by_content.get(item.content_sha256) if item.content_sha256 else None
        number = by_path.get(item.path) if number is None else number
        if number is not None:
            found[item.path] = number
    return found


def _reason(row: Mapping[str, Any]) -> str:
    """What became of a line on the other side, as a slug."""
    if not row["has_item"]:
        return "no-item"
    if not row["has_event"] or not row["same_place"]:
        return "no-line"
    if row["bucket"] is None:
        return "no-match"
    if row["bucket"] != "counted":
        return f"bucket-{row['bucket'].replace('_', '-')}"
    if not row["is_member"]:
        return "policy-no-transfer"
    if not row["is_counted"]:
        return "policy-left-out"
    return "counted-otherwise" if row["begins"] else "part-of-another"


def _changed(a: _State, b: _State) -> list[DownloadChange]:
    both = a.downloads.join(b.downloads, on=KEY, how="inner", suffix="_b", nulls_equal=True).sort(KEY)
    columns = (*_OUTCOME, "item", "line_no")
    differing = both.filter(pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_b")) for name in columns))
    return [
        DownloadChange(
            dataset=row["dataset"],
            client_ip=row["client_ip"],
            user_agent=row["user_agent"],
            object=row["object"],
            started_us=row["started_us"],
            source_a=LineRef(row["item"], row["line_no"], row["byte_offset"]),
            source_b=LineRef(row["item_b"], row["line_no_b"], row["byte_offset_b"]),
            fields=tuple(
                (name, _text(row[name]), _text(row[f"{name}_b"])) for name in columns if row[name] != row[f"{name}_b"]
            ),
        )
        for row in differing.iter_rows(named=True)
    ]
