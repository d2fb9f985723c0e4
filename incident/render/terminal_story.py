"""Chronology, sensitivity and comparison for people at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from incident import words
from incident.render import meanings
from incident.render.terminal_parts import WIDE, heading, pairs, table, title
from incident.words import visible

if TYPE_CHECKING:
    from rich.console import Console

    from incident.records import CaseFinding
    from incident.records_chronology import ChronologyFinding, LineRef, Milestone
    from incident.records_sensitivity import DatasetSensitivity, Extreme, SensitivityFinding

REFERRERS_SHOWN = 20


def place(source: LineRef | None) -> str:
    """Return where a line stands, as "path:line, offset n"; empty for none."""
    return "" if source is None else f"{visible(source.path)}:{source.line_no}, offset {source.byte_offset}"


def chronology(out: Console, case: CaseFinding, found: ChronologyFinding, *, everything: bool = False) -> None:
    """Show what happened when, each entry with its source and how sure it is; `everything`: also every referrer."""
    title(out, case)
    for one in found.milestones:
        _milestone(out, one, case.timezone)
    if not found.milestones:
        out.print("Nothing in the logs or the definition falls into that time.")
    out.print()
    if found.contradictions:
        out.print(Text("Contradictions between declared events and the logs", style="bold"))
        for each in found.contradictions:
            rows = [
                ("declared", f"{words.short(each.declared.time_us, case.timezone)} {visible(each.declared.label)}"),
                ("the logs", visible(each.label)),
                ("first, last", _range(each.first_us, each.last_us, case.timezone)),
                ("furthest", f"{words.span(each.furthest_us)} from the declared time"),
                ("line", place(each.source)),
            ]
            out.print(pairs(rows))
    _referrers(out, found, case.timezone, everything=everything)
    _periods(out, found, case.timezone)


def _range(first: int, last: int, zone: str) -> str:
    return f"{words.short(first, zone)}, {words.short(last, zone)}"


def _milestone(out: Console, one: Milestone, zone: str) -> None:
    until = f" to {words.short(one.until_us, zone)}" if one.until_us is not None else ""
    out.print(Text(f"{words.short(one.time_us, zone)}{until}  ({words.iso(one.time_us)}, {one.sure})", style="dim"))
    about = f" [{', '.join(one.datasets)}]" if one.datasets else ""
    lines = [f"{one.label}{about}"]
    source = place(one.source) if one.source else f"declared by {one.declared_by}" if one.declared_by else ""
    lines += [source] if source else []
    for line in lines:
        out.print(Padding(Text(visible(line)), (0, 0, 0, 2)))


def _referrers(out: Console, found: ChronologyFinding, zone: str, *, everything: bool) -> None:
    shown = found.referrers if everything else found.referrers[:REFERRERS_SHOWN]
    if not shown:
        return
    out.print(Text("How word spread: outside sites, by first arrival", style="bold"))
    made = table(
        ("from", "left"), ("first arrival", "right"), ("lines", "right"), ("addresses", "right"), ("took data", "right")
    )
    for one in shown:
        made.add_row(
            visible(one.host),
            words.short(one.first_us, zone),
            words.number(one.lines),
            words.number(one.addresses),
            words.number(one.downloading_addresses),
        )
    out.print(made)
    if len(shown) < len(found.referrers):
        out.print(f"and {words.number(len(found.referrers) - len(shown))} more; --all shows them, --json too")
    if found.own_hosts:
        own = words.list_of(tuple(visible(one.host) for one in found.own_hosts))
        out.print(Text(f"Taken for the site's own: {own}."))
    out.print()


def _periods(out: Console, found: ChronologyFinding, zone: str) -> None:
    for one in found.periods:
        heading(out, one.dataset, one.dataset)
        reachable = "; ".join(f"{_from_to(each.start_us, each.end_us, zone)}" for each in one.reachable)
        accessed = _from_to(one.accessed.start_us, one.accessed.end_us, zone) if one.accessed else words.NOTHING
        alerted, taken_down = one.known
        rows = [
            ("published", words.short(one.published_us, zone, none="not declared")),
            ("reachable", reachable or "never seen open"),
            ("accessed", accessed),
            ("known", f"{_declared(alerted, zone)} to {_declared(taken_down, zone)}"),
        ]
        out.print(pairs(rows))


def _declared(us: int | None, zone: str) -> str:
    return words.short(us, zone, none="not declared")


def _from_to(start: int, end: int, zone: str) -> str:
    return f"{words.short(start, zone)} to {words.short(end, zone)}"


def sensitivity(out: Console, case: CaseFinding, found: SensitivityFinding) -> None:
    """Show each data set under every rule, with the lowest and the highest named."""
    title(out, case)
    for one in found.datasets:
        heading(out, one.dataset, one.title)
        _counts(out, one, found.in_force)
        rows = [
            ("downloads", f"from {_extreme(one.lowest_downloads)} to {_extreme(one.highest_downloads)}"),
            ("unique IPs", f"from {_extreme(one.lowest_ips)} to {_extreme(one.highest_ips)}"),
        ]
        out.print(pairs(rows))
    out.print("Any of them stands for the case's own rule with --policy NAME, in every command that counts.")


def _counts(out: Console, one: DatasetSensitivity, in_force: str) -> None:
    wide = out.width >= WIDE
    made = table(
        ("rule", "left"),
        ("downloads", "right"),
        ("IPs", "right"),
        ("what it says", "left"),
        *((("source", "left"),) if wide else ()),
    )
    for count in one.counts:
        mark = " *" if count.rule == in_force else ""
        says = count.says if count.applies else f"{count.says}: the evidence holds no such log"
        made.add_row(
            f"{count.rule}{mark}",
            words.number(count.downloads),
            words.number(count.unique_ips),
            says if wide else f"{says} ({count.source})",
            *((count.source,) if wide else ()),
        )
    out.print(made)
    out.print(f"* in force: {meanings.IN_FORCE}\n")


def _extreme(found: Extreme) -> str:
    return f"{words.number(found.figure)} ({', '.join(found.rules)})"
