"""All findings of a case together: the counts, what the logs cover, what happened when, and who took what."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from incident import words
from incident.chronology import Gap, chronology_finding
from incident.clients import clients_finding
from incident.coverage import coverage_finding
from incident.findings import case_finding
from incident.overlap import overlap
from incident.records_whole import WholeFinding
from incident.sensitivity import sensitivity_finding

if TYPE_CHECKING:
    import duckdb

    from incident.records import CaseDefinition, Policy
    from incident.records_chronology import ChronologyFinding
    from incident.records_coverage import CoverageFinding


def whole_finding(
    con: duckdb.DuckDBPyConnection,
    definition: CaseDefinition,
    *,
    own: Policy | None = None,
    datasets: Collection[str] | None = None,
    since_us: int | None = None,
    until_us: int | None = None,
) -> WholeFinding:
    """Everything the case says under a definition; `datasets` and the half-open period choose what is asked for.

    `own`: the case's own policy, where the definition's is another.
    """
    case = case_finding(con, definition, datasets=datasets, since_us=since_us, until_us=until_us)
    return WholeFinding(
        case=case,
        chronology=chronology(con, definition, case.coverage, datasets=datasets, since_us=since_us, until_us=until_us),
        sensitivity=sensitivity_finding(
            con, definition, own=own, datasets=datasets, since_us=since_us, until_us=until_us
        ),
        clients=clients_finding(con, definition, datasets=datasets, since_us=since_us, until_us=until_us),
        overlap=overlap(con, definition, since_us=since_us, until_us=until_us),
    )


def chronology(
    con: duckdb.DuckDBPyConnection,
    definition: CaseDefinition,
    coverage: CoverageFinding | None = None,
    *,
    datasets: Collection[str] | None = None,
    since_us: int | None = None,
    until_us: int | None = None,
) -> ChronologyFinding:
    """The reconstructed timeline with the gaps of the coverage in it; the period chooses among its milestones."""
    found = coverage or coverage_finding(con, definition)
    told = chronology_finding(con, definition, gaps_of(found), datasets=datasets)
    return replace(
        told,
        milestones=tuple(
            milestone
            for milestone in told.milestones
            if (since_us is None or (milestone.until_us or milestone.time_us) >= since_us)
            and (until_us is None or milestone.time_us < until_us)
        ),
    )


def gaps_of(coverage: CoverageFinding) -> tuple[Gap, ...]:
    """The silences of each vantage that its surroundings make improbable, and the missing members among no such."""
    found: list[Gap] = []
    for vantage in coverage.vantages:
        for silence in vantage.silences:
            if silence.improbable and silence.kind == "outage":
                label = f"The service logged at the {vantage.vantage} is silent, around errors"
                found.append((silence.start_us, silence.end_us, "silence", label))
            elif silence.improbable:
                label = f"The log of the {vantage.vantage} is missing"
                found.append((silence.start_us, silence.end_us, "gap", label))
    for series in coverage.series:
        for member in series.missing:
            if not series.certain or member.start_us is None or member.end_us is None:
                continue
            inside = any(start < member.end_us and member.start_us < end for start, end, _, _ in found)
            if not inside and member.end_us - member.start_us > words.MINUTE:
                label = f"{words.visible(member.name)} is missing from the evidence"
                found.append((member.start_us, member.end_us, "gap", label))
    return tuple(sorted(found))
