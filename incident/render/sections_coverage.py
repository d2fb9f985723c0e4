"""The report's section on coverage: what the evidence can say of which time, and what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incident import coverage_words, words
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
    span_cell,
)
from incident.render.figure import slug
from incident.words import visible

if TYPE_CHECKING:
    from incident.records import CaseFinding
    from incident.records_coverage import ClockFinding, CoverageFinding, ItemCoverage, VantageCoverage

SILENCE_ROWS = 200
ITEM_ROWS = 500


def coverage(case: CaseFinding, found: CoverageFinding) -> Section:
    """Return the section: vantage by vantage, then items, names, pairs of records and clocks."""
    zone = case.timezone
    windows = _windows(case)
    groups = [
        *((windows,) if windows else ()),
        *(_vantage(one, zone) for one in found.vantages),
        Group("coverage-items", "Items that were not read whole, or not every line", (), (_items(found, zone),)),
    ]
    if found.series:
        said = tuple(visible(one.sentence) for one in found.series)
        groups.append(Group("coverage-series", "Names that follow each other", said))
    if found.pairings:
        said = tuple(f"{visible(one.dataset)}: {visible(one.sentence)}" for one in found.pairings)
        groups.append(Group("coverage-pairs", "Requests that should stand in two logs", said))
    if found.clocks:
        said = tuple(visible(one.sentence) for one in found.clocks)
        groups.append(
            Group("coverage-clocks", "Clocks", said, tuple(_clock(one, zone) for one in found.clocks if one.effects))
        )
    return Section("coverage", "Coverage of the evidence", tuple(groups))


def _windows(case: CaseFinding) -> Group | None:
    """What the logs cannot show while a data set may have been open."""
    rows = [
        Row(
            f"coverage-window-{slug(dataset.dataset)}-{number}-{place}",
            (
                Cell(visible(dataset.title)),
                Cell(words.number(number)),
                Cell(meanings.GAP_KINDS[one.kind], visible(one.vantage)),
                moment_cell(one.start_us, case.timezone),
                moment_cell(one.end_us, case.timezone),
                Cell("a lower limit" if one.at_least else "not touched"),
                Cell(visible(one.clause)),
            ),
        )
        for dataset in case.datasets
        for number, window in enumerate(dataset.windows, 1)
        for place, one in enumerate(window.unlogged, 1)
    ]
    if not rows:
        return None
    made = Table(
        id="coverage-windows-table",
        caption="What the logs cannot show between the outermost bounds of an exposure window.",
        columns=(
            Column("Data set", "w"), Column("Window", "n"), Column("What"), Column("From", "m"), Column("To", "m"),
            Column("The count is"), Column("In words", "w"),
        ),
        rows=tuple(rows),
    )  # fmt: skip
    return Group("coverage-windows", "Within the exposure windows", (), (made,))


def _vantage(one: VantageCoverage, zone: str) -> Group:
    anchor = f"coverage-{slug(one.vantage)}"
    held = (
        f"{words.counted(one.items, 'item')}, {words.counted(one.events, 'event')}, "
        f"{words.counted(one.rejected, 'rejected line')}"
    )
    said = [f"{held}; from {words.when(one.first_us, zone)} to {words.when(one.last_us, zone)}."]
    said += [
        f"Of {words.number(share.distinct)} {share.family} addresses {words.number(share.zeroed)} end in zeros: "
        f"{meanings.ANONYMISED[share.anonymised]}."
        for share in one.addresses
    ]
    said.append(visible(one.model))
    spans = Table(
        id=f"{anchor}-spans",
        caption="What this log can say of which time.",
        columns=(Column("From", "m"), Column("To", "m"), Column("Length", "n"), Column("Answer", "w")),
        rows=tuple(
            Row(
                f"{anchor}-span-{number}",
                (
                    moment_cell(span.start_us, zone),
                    moment_cell(span.end_us, zone),
                    span_cell(span.end_us - span.start_us),
                    Cell(span.answer.replace("_", " "), meanings.ANSWERS[span.answer]),
                ),
            )
            for number, span in enumerate(one.spans[:SILENCE_ROWS], 1)
        ),
        left_out=left_out(len(one.spans), min(len(one.spans), SILENCE_ROWS), "spans", "incident coverage --json"),
    )
    return Group(anchor, f"The log of {visible(one.vantage)}", tuple(said), (spans, _silences(one, zone, anchor)))


def _silences(one: VantageCoverage, zone: str, anchor: str) -> Table:
    rows = [
        Row(
            f"{anchor}-silence-{number}",
            (
                moment_cell(silence.start_us, zone),
                moment_cell(silence.end_us, zone),
                number_cell(silence.expected_lines),
                Cell(coverage_words.odds(silence.by_chance) if silence.improbable else "not improbable"),
                Cell(visible(silence.sentence), visible(" ".join(silence.because))),
            ),
        )
        for number, silence in enumerate(one.silences[:SILENCE_ROWS], 1)
    ]
    rows += [
        Row(
            f"{anchor}-errors-{number}",
            (
                moment_cell(spell.start_us, zone),
                moment_cell(spell.end_us, zone),
                number_cell(spell.lines),
                Cell("errors"),
                Cell(visible(spell.sentence)),
            ),
        )
        for number, spell in enumerate(one.errors[:SILENCE_ROWS], 1)
    ]
    return Table(
        id=f"{anchor}-silences",
        caption="Silences, with what was to be expected of them, and spells of errors, with their lines.",
        columns=(
            Column("From", "m"), Column("To", "m"), Column("Lines expected, or there", "n"),
            Column("By chance at most"), Column("In words", "w"),
        ),
        rows=tuple(rows),
        left_out=left_out(
            len(one.silences), min(len(one.silences), SILENCE_ROWS), "silences", "incident coverage --json"
        ),
    )  # fmt: skip


def _items(found: CoverageFinding, zone: str) -> Table:
    troubled = [one for one in found.items if _troubled(one)]
    shown = troubled[:ITEM_ROWS]
    rows = [
        Row(
            f"coverage-item-{slug(one.path)}",
            (
                Cell(visible(one.path), visible(one.vantage, none="")),
                Cell(one.status, visible(one.problem, none="")),
                number_cell(one.events),
                number_cell(one.rejected),
                number_cell(one.untimed),
                moment_cell(one.first_us, zone),
                moment_cell(one.last_us, zone),
            ),
        )
        for one in shown
    ]
    return Table(
        id="coverage-items-table",
        caption="Evidence items with a problem, rejected lines, lines without a time, or shortened addresses.",
        columns=(
            Column("Item", "o"), Column("Status", "w"), Column("Events", "n"), Column("Rejected", "n"),
            Column("Without time", "n"), Column("First event", "m"), Column("Last event", "m"),
        ),
        rows=tuple(rows),
        sortable=True,
        left_out=left_out(len(troubled), len(shown), "items", "incident coverage"),
        empty="Every item was read whole, every line of it.",
    )  # fmt: skip


def _troubled(one: ItemCoverage) -> bool:
    cut = any(share.anonymised != "no" for share in one.addresses)
    return one.status not in {"ingested", "repeat"} or bool(one.rejected or one.untimed or cut)


def _clock(one: ClockFinding, zone: str) -> Table:
    anchor = f"coverage-clock-{slug(one.vantage)}-{slug(one.against)}"
    return Table(
        id=anchor,
        caption=f"Bounds that rest on {visible(one.vantage)}, and where the suggested correction would put them.",
        columns=(
            Column("Data set"), Column("Window", "n"), Column("Bound"), Column("Stands at", "m"),
            Column("Would stand at", "m"),
        ),
        rows=tuple(
            Row(
                f"{anchor}-{number}",
                (
                    Cell(visible(each.dataset)),
                    number_cell(each.window),
                    Cell(each.bound.replace("_", " ")),
                    moment_cell(each.bound_us, zone),
                    moment_cell(each.would_be_us, zone),
                ),
            )
            for number, each in enumerate(one.effects, 1)
        ),
    )  # fmt: skip
