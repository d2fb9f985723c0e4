"""What a case file holds before anything is counted: items, how they were read, and what could not be."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from incident.globs import compile_glob
from incident.records import EvidenceItem, EvidenceRule, EvidenceTotals, Reading, RejectCount, RejectLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import duckdb

    from incident.records import CaseDefinition

_ITEM_COLUMNS = ", ".join(column.name for column in fields(EvidenceItem))
_READING_COLUMNS = ", ".join(column.name for column in fields(Reading))


def evidence_items(con: duckdb.DuckDBPyConnection) -> tuple[EvidenceItem, ...]:
    """Return every item, in the order of its path."""
    rows = con.execute(f"select {_ITEM_COLUMNS} from evidence order by path, evidence_id").fetchall()
    return tuple(EvidenceItem(*row) for row in rows)


def totals(items: Iterable[EvidenceItem]) -> EvidenceTotals:
    """Return what items come to."""
    of = tuple(items)
    return EvidenceTotals(
        items=len(of),
        repeats=sum(item.status == "repeat" for item in of),
        lines=sum(item.lines for item in of),
        events=sum(item.events for item in of),
        rejected=sum(item.rejected for item in of),
        skipped=sum(item.skipped for item in of),
        first_ts_us=min((item.first_ts_us for item in of if item.first_ts_us is not None), default=None),
        last_ts_us=max((item.last_ts_us for item in of if item.last_ts_us is not None), default=None),
    )


def as_defined(items: Iterable[EvidenceItem], definition: CaseDefinition) -> tuple[EvidenceItem, ...]:
    """Return the items with vantage and server as the definition's first fitting [[evidence]] table has them."""
    rule_of = evidence_rules(definition)
    defined = []
    for item in items:
        rule = rule_of(item.root, item.path)
        vantage = rule.vantage or item.vantage or ("origin" if item.format else None)
        defined.append(replace(item, vantage=vantage, server=rule.server or item.server))
    return tuple(defined)


def clock_offsets(items: Iterable[EvidenceItem], definition: CaseDefinition) -> Mapping[int, int]:
    """Return what the definition adds to the times of each item, in microseconds, by evidence_id."""
    rule_of = evidence_rules(definition)
    return {item.evidence_id: rule_of(item.root, item.path).clock_offset_us for item in items}


def evidence_rules(definition: CaseDefinition) -> Callable[[str, str], EvidenceRule]:
    """Return what finds the [[evidence]] table of an item, by its root and path.

    The first whose glob fits its path in the ingested folder counts. Where none does, because only a part of the folder
    was ingested, the names of the folders above come in front, one by one.
    """
    compiled = [(compile_glob(rule.match), rule) for rule in definition.evidence]
    nothing_said = EvidenceRule(match="")

    def rule_of(root: str, path: str) -> EvidenceRule:
        place = path
        for above in (None, *reversed(Path(root).resolve().parts[1:])):
            place = place if above is None else f"{above}/{place}"
            found = next((rule for glob, rule in compiled if glob.fullmatch(place)), None)
            if found is not None:
                return found
        return nothing_said

    return rule_of


def grouped(items: Iterable[EvidenceItem]) -> Mapping[tuple[str, str], EvidenceTotals]:
    """Return the totals of each format and status, in that order; the format "" is none."""
    groups: dict[tuple[str, str], list[EvidenceItem]] = {}
    for item in items:
        groups.setdefault((item.format or "", item.status), []).append(item)
    return {key: totals(groups[key]) for key in sorted(groups)}


def readings(con: duckdb.DuckDBPyConnection) -> Mapping[int, tuple[Reading, ...]]:
    """Return how each item was read, by evidence_id."""
    found: dict[int, list[Reading]] = {}
    rows = con.execute(f"select evidence_id, {_READING_COLUMNS} from reading order by evidence_id, reading").fetchall()
    for evidence_id, *row in rows:
        found.setdefault(evidence_id, []).append(Reading(*row))
    return {evidence_id: tuple(of_item) for evidence_id, of_item in found.items()}


def roots(con: duckdb.DuckDBPyConnection) -> tuple[Path, ...]:
    """Return the folders that were ingested."""
    return tuple(Path(root) for (root,) in con.execute("select distinct root from evidence order by root").fetchall())


def known_definitions(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Return the SHA-256 of every definition that was applied to the case, in the order of first use."""
    return tuple(sha256 for (sha256,) in con.execute("select sha256 from definition order by applied_no").fetchall())


def reject_counts(con: duckdb.DuckDBPyConnection) -> tuple[RejectCount, ...]:
    """Return how often each reason befell each item."""
    rows = con.execute(
        """
        select e.path, r.reason, count(*) as lines
        from reject r join evidence e using (evidence_id)
        group by e.path, e.evidence_id, r.reason
        order by e.path, e.evidence_id, lines desc, r.reason
        """
    ).fetchall()
    return tuple(RejectCount(*row) for row in rows)


def rejects(con: duckdb.DuckDBPyConnection, item: int | None = None) -> Iterator[RejectLine]:
    """Yield the rejected lines of one item, or of all, in file order, without holding them all."""
    cursor = con.cursor()
    cursor.execute(
        """
        select e.path, r.line_no, r.byte_offset, r.reason, r.raw
        from reject r join evidence e using (evidence_id)
        where ?::integer is null or r.evidence_id = ?::integer
        order by e.path, r.evidence_id, r.line_no
        """,
        [item, item],
    )
    while rows := cursor.fetchmany(1000):
        for row in rows:
            yield RejectLine(*row)
