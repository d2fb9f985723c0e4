"""The report's sections on what happened when, and on what the count would be by other rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incident import words
from incident.render import meanings
from incident.render.cells import (
    Cell,
    Column,
    Group,
    Row,
    Section,
    Table,
    left_out,
    moment_cell,
    number_cell,
    source_cell,
    span_cell,
)
from incident.render.figure import slug
from incident.words import visible

if TYPE_CHECKING:
    from incident.records import CaseFinding
    from incident.records_chronology import ChronologyFinding, Milestone
    from incident.records_sensitivity import DatasetSensitivity, Extreme, SensitivityFinding

REFERRER_ROWS = 200
MILESTONE_ROWS = 1000


def chronology(case: CaseFinding, found: ChronologyFinding) -> Section:
    """Return the section: the timeline, what contradicts it, how word spread, the four periods."""
    zone = case.timezone
    groups = [Group("chronology-timeline", "What happened when", (), (_milestones(found, zone),))]
    if case.events:
        groups.append(Group("contradictions", "Declared events and the logs", (), (_contradictions(found, zone),)))
    groups.append(Group("chronology-word", "How word spread", _own(found), (_referrers(found, zone),)))
    if found.periods:
        said = (
            "Published and known are declared; reachable and accessed are shown by the logs.",
            "They are four periods, and none of them is another.",
        )
        groups.append(Group("chronology-periods", "Four periods", said, (_periods(case, found, zone),)))
    return Section("chronology", "Chronology", tuple(groups))


def _milestones(found: ChronologyFinding, zone: str) -> Table:
    shown = found.milestones[:MILESTONE_ROWS]
    brief = words.counted(found.outages_brief, "outage")
    note = f" {brief} of a data set too brief to be told here stand among the windows." if found.outages_brief else ""
    return Table(
        id="chronology-milestones",
        caption=f"From the logs, with the line that shows it, and as declared, with who declared it.{note}",
        columns=(
            Column("Time", "m"),
            Column("What", "w"),
            Column("Data set"),
            Column("How sure"),
            Column("Source", "o"),
        ),
        rows=tuple(Row(f"milestone-{number}", _milestone(one, zone)) for number, one in enumerate(shown, 1)),
        left_out=left_out(len(found.milestones), len(shown), "entries", "incident chronology"),
    )


def _milestone(one: Milestone, zone: str) -> tuple[Cell, ...]:
    until = f" to {words.when(one.until_us, zone)}" if one.until_us is not None else ""
    declared = f"declared: {visible(one.declared_by)}" if one.declared_by else ""
    return (
        Cell(f"{words.when(one.time_us, zone)}{until}", words.iso(one.time_us), words.iso(one.time_us)),
        Cell(visible(one.label), visible(one.because)),
        Cell(", ".join(visible(name) for name in one.datasets) or "the site"),
        Cell(one.sure, meanings.SURE[one.sure]),
        source_cell(one.source) if one.source else Cell(declared),
    )


def _contradictions(found: ChronologyFinding, zone: str) -> Table:
    rows = [
        Row(
            f"contradiction-{number}",
            (
                Cell(visible(one.declared.label), words.when(one.declared.time_us, zone)),
                Cell(visible(one.label)),
                moment_cell(one.first_us, zone),
                moment_cell(one.last_us, zone),
                span_cell(one.furthest_us),
                source_cell(one.source),
            ),
        )
        for number, one in enumerate(found.contradictions, 1)
    ]
    return Table(
        id="contradictions-table",
        caption="What the logs hold against a declared event. No bound was moved for any of them.",
        columns=(
            Column("Declared", "w"), Column("The logs", "w"), Column("First", "m"), Column("Last", "m"),
            Column("Furthest from it", "n"), Column("First line", "o"),
        ),
        rows=tuple(rows),
        empty="The logs hold nothing against the declared events.",
    )  # fmt: skip


def _own(found: ChronologyFinding) -> tuple[str, ...]:
    said = ["A Referer can be forged or withheld: an arrival shows what a browser said; its absence shows nothing."]
    if found.own_hosts:
        own = words.list_of(tuple(f"{visible(one.host)} ({one.because})" for one in found.own_hosts))
        said.append(f"Taken for the site's own, and no outsiders: {own}.")
    return tuple(said)


def _referrers(found: ChronologyFinding, zone: str) -> Table:
    shown = found.referrers[:REFERRER_ROWS]
    rows = [
        Row(
            f"referrer-{slug(one.host)}",
            (
                Cell(visible(one.host), ", ".join(visible(name) for name in one.datasets)),
                moment_cell(one.first_us, zone),
                moment_cell(one.first_at_data_us, zone),
                number_cell(one.lines),
                number_cell(one.addresses),
                number_cell(one.downloading_addresses),
                number_cell(one.earlier_lines),
                source_cell(one.source),
            ),
        )
        for one in shown
    ]
    return Table(
        id="referrers",
        caption="Outside sites whose pages led here, by first arrival.",
        columns=(
            Column("From", "w"), Column("First arrival", "m"), Column("First at the data", "m"), Column("Lines", "n"),
            Column("Addresses", "n"), Column("of which downloaded", "n"), Column("Lines before", "n"),
            Column("First line", "o"),
        ),
        rows=tuple(rows),
        sortable=True,
        left_out=left_out(len(found.referrers), len(shown), "sites", "incident chronology --all"),
        empty="No line names an outside site.",
    )  # fmt: skip


def _periods(case: CaseFinding, found: ChronologyFinding, zone: str) -> Table:
    titles = {one.dataset: one.title for one in case.datasets}

    def declared(us: int | None) -> Cell:
        return moment_cell(us, zone) if us is not None else Cell("not declared")

    rows = []
    for one in found.periods:
        reachable, accessed = one.reachable, one.accessed
        alerted, taken_down = one.known
        several = f"in {words.counted(len(reachable), 'window')}" if len(reachable) > 1 else ""
        cells = (
            Cell(visible(titles.get(one.dataset, one.dataset))),
            declared(one.published_us),
            Cell(words.between(reachable[0].start_us, reachable[-1].end_us, zone) if reachable else "never", several),
            Cell(words.between(accessed.start_us, accessed.end_us, zone) if accessed else "never"),
            declared(alerted),
            declared(taken_down),
        )
        rows.append(Row(f"periods-{slug(one.dataset)}", cells))
    return Table(
        id="periods",
        caption="For each data set.",
        columns=(
            Column("Data set", "w"), Column("Published, as declared", "m"), Column("Reachable", "w"),
            Column("Accessed", "w"), Column("Alert, as declared", "m"), Column("Takedown, as declared", "m"),
        ),
        rows=tuple(rows),
    )  # fmt: skip


def sensitivity(found: SensitivityFinding) -> Section:
    """Return the section: each data set under every rule."""
    return Section(
        "sensitivity",
        "The count by other rules",
        tuple(
            Group(
                f"sensitivity-{slug(one.dataset)}", visible(one.title), _extremes(one), (_counts(one, found.in_force),)
            )
            for one in found.datasets
        ),
    )


def _extremes(one: DatasetSensitivity) -> tuple[str, ...]:
    def named(found: Extreme) -> str:
        return f"{words.number(found.figure)} ({words.list_of(found.rules)})"

    return (
        f"Downloads: from {named(one.lowest_downloads)} to {named(one.highest_downloads)}.",
        f"Unique IP addresses: from {named(one.lowest_ips)} to {named(one.highest_ips)}.",
    )


def _counts(one: DatasetSensitivity, in_force: str) -> Table:
    anchor = f"sensitivity-{slug(one.dataset)}"

    def mark(rule: str) -> str:
        marks = ["in force"] if rule == in_force else []
        for name, low, high in (
            ("downloads", one.lowest_downloads, one.highest_downloads),
            ("addresses", one.lowest_ips, one.highest_ips),
        ):
            marks += [f"lowest {name}"] if rule in low.rules else []
            marks += [f"highest {name}"] if rule in high.rules else []
        return "; ".join(marks)

    return Table(
        id=f"{anchor}-table",
        caption="The same statements over the same events, with another policy.",
        columns=(
            Column("Rule", "w"), Column("Downloads", "n"), Column("Unique IP addresses", "n"),
            Column("What it says", "w"), Column("Source", "w"),
        ),
        rows=tuple(
            Row(
                f"{anchor}-{count.rule}",
                (
                    Cell(count.rule, mark(count.rule)),
                    number_cell(count.downloads),
                    number_cell(count.unique_ips),
                    Cell(count.says, "" if count.applies else "the evidence holds no such log"),
                    Cell(count.source),
                ),
                count.rule == in_force,
            )
            for count in one.counts
        ),
    )  # fmt: skip
