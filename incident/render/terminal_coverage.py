"""Coverage for people at a terminal: what each vantage can say of a time, and what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from incident import words
from incident.render import meanings
from incident.render.terminal_parts import VERY_WIDE, heading, pairs, table, title
from incident.words import visible

if TYPE_CHECKING:
    from rich.console import Console

    from incident.records import CaseFinding
    from incident.records_coverage import ClockFinding, CoverageFinding, ItemCoverage, VantageCoverage

SPANS_SHOWN = 12


def coverage(out: Console, case: CaseFinding, found: CoverageFinding, *, everything: bool = False) -> None:
    """Show what the evidence covers and what it cannot show; `everything`: also each item that gives no cause."""
    title(out, case)
    for vantage in found.vantages:
        _vantage(out, vantage, case.timezone)
    if not found.vantages:
        out.print("No line of the evidence was read as a request: the logs cover nothing.\n")
    _items(out, found, case.timezone, everything=everything)
    for name, sentences in (
        ("Series of names", [one.sentence for one in found.series]),
        ("Requests that should stand in two logs", [f"{one.dataset}: {one.sentence}" for one in found.pairings]),
    ):
        if sentences:
            _say(out, name, sentences)
    for clock in found.clocks:
        _clock(out, clock, case.timezone)
    for dataset in case.datasets:
        heading(out, dataset.dataset, dataset.title)
        for number, window in enumerate(dataset.windows, 1):
            clauses = [f"window {number}: {one.clause}" for one in window.unlogged]
            _say(out, None, clauses or [f"window {number}: nothing is known that the logs would not show"])
        _say(out, None, [dataset.sentence])


def _vantage(out: Console, one: VantageCoverage, zone: str) -> None:
    heading(out, one.vantage, one.vantage)
    rows = [
        ("items", words.number(one.items)),
        ("lines", f"{words.number(one.events)} events, {words.number(one.rejected)} rejected"),
        ("first event", words.short(one.first_us, zone)),
        ("last event", words.short(one.last_us, zone)),
    ]
    for span in one.spans[:SPANS_SHOWN]:
        times = f"{words.short(span.start_us, zone)} to {words.short(span.end_us, zone)}"
        rows.append((span.answer.replace("_", " "), f"{times}: {meanings.ANSWERS[span.answer]}"))
    if len(one.spans) > SPANS_SHOWN:
        rows.append(("", f"{words.counted(len(one.spans) - SPANS_SHOWN, 'more span')}; --json has all"))
    for share in one.addresses:
        cut = f"{words.number(share.zeroed)} of {words.number(share.distinct)} {share.family} addresses end in zeros"
        rows.append(("addresses", f"{cut}: {meanings.ANONYMISED[share.anonymised]}"))
    if one.late_us:
        rows.append(("delay", f"records may come {words.span(one.late_us)} late, as the vendor says"))
    rows += [("limit", visible(limit)) for _, limit in one.limits]
    out.print(pairs(rows))
    silences = [" ".join((silence.sentence, *silence.because)) for silence in one.silences]
    _say(out, "Silences", [*silences, one.model])
    if one.errors:
        _say(out, "Errors", [spell.sentence for spell in one.errors])


def _say(out: Console, name: str | None, sentences: list[str]) -> None:
    if name:
        out.print(Text(f"  {name}", style="dim"))
    for sentence in sentences:
        out.print(Padding(Text(visible(sentence)), (0, 0, 0, 2)))
    out.print()


def _damaged(one: ItemCoverage) -> bool:
    cut = any(share.anonymised != "no" for share in one.addresses)
    return one.status not in {"ingested", "repeat"} or bool(one.rejected or one.untimed or cut)


def _items(out: Console, found: CoverageFinding, zone: str, *, everything: bool) -> None:
    shown = [one for one in found.items if everything or _damaged(one)]
    whole = len(found.items) - len(shown)
    wide = out.width >= VERY_WIDE
    made = table(
        ("item", "left"),
        ("vantage", "left"),
        ("events", "right"),
        ("rejected", "right"),
        ("first event", "right"),
        *((("last event", "right"), ("status", "left")) if wide else (("status", "left"),)),
    )
    for one in shown:
        notes = [] if one.status == "ingested" else [one.status]
        notes += [one.problem] if one.problem else []
        notes += [f"{words.number(one.untimed)} without a time"] if one.untimed else []
        notes += [
            f"{share.family}: {meanings.ANONYMISED[share.anonymised]}"
            for share in one.addresses
            if share.anonymised != "no"
        ]
        made.add_row(
            visible(one.path),
            visible(one.vantage),
            words.number(one.events),
            words.number(one.rejected),
            words.short(one.first_us, zone),
            *((words.short(one.last_us, zone),) if wide else ()),
            visible("; ".join(notes)),
        )
    if shown:
        out.print(made)
    if whole:
        were = "was" if whole == 1 else "were"
        out.print(f"{words.counted(whole, 'item')} {were} read whole, without a rejected line; --all shows them too.")
    out.print()


def _clock(out: Console, one: ClockFinding, zone: str) -> None:
    _say(out, f"The clocks of {one.vantage} and {one.against}", [one.sentence])
    if not one.effects:
        return
    made = table(("data set", "left"), ("window", "right"), ("bound", "left"), ("is", "right"), ("would be", "right"))
    for effect in one.effects:
        made.add_row(
            visible(effect.dataset),
            words.number(effect.window),
            effect.bound.replace("_", " "),
            words.short(effect.bound_us, zone),
            words.short(effect.would_be_us, zone),
        )
    out.print(made)
    out.print()
