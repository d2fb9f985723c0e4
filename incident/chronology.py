"""The reconstructed timeline: what the logs show, with its lines, beside what was declared, with its declarers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import duckdb

from incident import site, words
from incident.contradictions import contradictions
from incident.milestones import (
    Facts,
    Lines,
    acquisitions,
    crash_milestones,
    crash_of,
    line_of,
    outages,
    rates,
    windows,
)
from incident.records import CaseDefinition, DeclaredEvent, Outage
from incident.records_chronology import (
    ChronologyFinding,
    Milestone,
    PeriodsFinding,
    ReferrerFinding,
)

MOST_OTHER_REFERRERS = 25
"""Outside pages that led to no data have milestones only up to so many; the table of referrers holds all."""

Gap = tuple[int, int, str, str]
"""(start_us, end_us, kind, label) of a span for which logs are missing, from the coverage findings."""


def chronology_finding(
    con: duckdb.DuckDBPyConnection,
    definition: CaseDefinition,
    gaps: Sequence[Gap] = (),
    *,
    datasets: Collection[str] | None = None,
) -> ChronologyFinding:
    """Reconstruct what happened when; `model.apply` came before. `datasets` chooses what is asked for."""
    con.execute(
        "create or replace temp table open_bound as select case when count(opened_after_us) = count(*) "
        "then min(opened_after_us) end as from_us from exposure_window where window_no = 1"
    )
    site.fill_identities(con, definition)
    own_hosts = site.fill_referrers(con, definition)
    for step in ("800_arrival", "810_site_minute", "811_failing_run"):
        site.take(con, step)
    facts = Facts.gather(con, definition, datasets)
    lines = site.lines_of(con, facts.places())
    referrers = _referrers(con, facts, lines)
    told, unlisted = _told_referrers(referrers)
    crashes = tuple(crash_of(row, lines) for row in facts.crashes)
    found = [
        *windows(facts, lines),
        *acquisitions(facts, lines),
        *rates(facts, lines),
        *outages(facts, lines),
        *crash_milestones(crashes),
        *(_referrer_milestone(referrer, facts) for referrer in told),
        *(_gap_milestone(gap) for gap in gaps),
        *(_declared_milestone(event) for event in definition.events if facts.wants(event.dataset)),
    ]
    return ChronologyFinding(
        milestones=tuple(sorted(found, key=_in_order)),
        contradictions=contradictions(con, definition, crashes, datasets),
        referrers=referrers,
        crashes=crashes,
        periods=tuple(_periods(con, definition, facts)),
        own_hosts=own_hosts,
        referrers_unlisted=unlisted,
        outages_brief=sum(row["brief"] for row in facts.outages),
    )


def _gap_milestone(gap: Gap) -> Milestone:
    start_us, end_us, kind, label = gap
    return Milestone(
        time_us=start_us,
        until_us=end_us,
        kind=kind,
        label=label,
        sure="inferred",
        because="The coverage section says how this was found.",
    )


def _in_order(milestone: Milestone) -> tuple[Any, ...]:
    source = milestone.source
    return (
        milestone.time_us,
        milestone.kind,
        milestone.datasets,
        (source.path, source.line_no) if source else ("", 0),
        milestone.label,
    )


# --- how word spread --------------------------------------------------------------------------------------------------


def _referrers(con: duckdb.DuckDBPyConnection, facts: Facts, lines: Lines) -> tuple[ReferrerFinding, ...]:
    reached: dict[str, list[int]] = {}
    for host, number in con.execute(
        "select distinct a.host, r.dataset_id from arrival a join request r "
        "on r.evidence_id = a.evidence_id and r.line_no = a.line_no order by all"
    ).fetchall():
        reached.setdefault(host, []).append(number)
    found = []
    for row in facts.referrers:
        source = line_of(row, lines)
        if source is None:
            raise AssertionError("an arrival is a line")
        found.append(
            ReferrerFinding(
                host=row["host"],
                first_us=row["first_us"],
                source=source,
                first_at_data_us=row["first_at_data_us"],
                data_source=line_of(row, lines, "data_"),
                datasets=tuple(facts.names[n] for n in reached.get(row["host"], ()) if n in facts.names),
                lines=row["lines"],
                addresses=row["addresses"],
                downloading_addresses=row["downloading_addresses"],
                earlier_lines=row["earlier_lines"],
            )
        )
    return tuple(found)


def _told_referrers(referrers: Sequence[ReferrerFinding]) -> tuple[list[ReferrerFinding], int]:
    """Those with a milestone: all that led to data or to a downloading address, and the busiest of the others."""
    led = [each for each in referrers if each.first_at_data_us is not None or each.downloading_addresses]
    others = sorted((each for each in referrers if each not in led), key=lambda each: (-each.addresses, each.host))
    return led + others[:MOST_OTHER_REFERRERS], len(others[MOST_OTHER_REFERRERS:])


def _referrer_milestone(referrer: ReferrerFinding, facts: Facts) -> Milestone:
    because = (
        f"{words.counted(referrer.addresses, 'address', 'addresses')} arrived from there in "
        f"{words.counted(referrer.lines, 'line')}; {words.number(referrer.downloading_addresses)} of them downloaded "
        "then or later."
    )
    if referrer.earlier_lines:
        because += (
            f" {words.counted(referrer.earlier_lines, 'line')} named it before the data can have been open; "
            "this is the first after that."
        )
    return Milestone(
        time_us=referrer.first_us,
        kind="first-arrival",
        label=f"First visitor from {words.visible(referrer.host)}",
        datasets=referrer.datasets if facts.names else (),
        source=referrer.source,
        sure="exact",
        because=because,
        value=referrer.addresses,
    )


# --- what was declared ------------------------------------------------------------------------------------------------


def _declared_milestone(event: DeclaredEvent) -> Milestone:
    by = event.source or "the case definition"
    return Milestone(
        time_us=event.time_us,
        kind=f"declared-{event.kind or 'note'}",
        label=event.label,
        datasets=(event.dataset,) if event.dataset else (),
        declared_by=by,
        sure="declared",
        because=f"Declared by {by}; no bound in the logs is moved by it.",
    )


def _periods(con: duckdb.DuckDBPyConnection, definition: CaseDefinition, facts: Facts) -> list[PeriodsFinding]:
    windows: dict[int, list[Outage]] = {}
    for number, first, last in con.execute(
        "select dataset_id, first_seen_us, last_seen_us from exposure_window order by dataset_id, first_seen_us"
    ).fetchall():
        windows.setdefault(number, []).append(Outage(first, last))
    accessed = {
        number: Outage(first, last)
        for number, first, last in con.execute(
            "select dataset_id, min(started_us), max(ended_us) from download group by dataset_id order by dataset_id"
        ).fetchall()
    }

    def declared(kind: str, name: str) -> int | None:
        times = [e.time_us for e in definition.events if e.kind == kind and e.dataset in {None, name}]
        return min(times) if times else None

    return [
        PeriodsFinding(
            dataset=name,
            published_us=declared("published", name),
            reachable=tuple(windows.get(number, ())),
            accessed=accessed.get(number),
            known=(declared("alerted", name), declared("taken_down", name)),
        )
        for number, name in facts.names.items()
    ]
