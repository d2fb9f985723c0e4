"""Findings for people at a terminal: the sentence first, then tables that stay readable at 80 columns.

Whatever a stranger wrote into a log passes through `visible` before it is printed; nothing is read as markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from incident import words
from incident.render import meanings, tomlout
from incident.render.terminal_parts import VERY_WIDE, WIDE, Column, console, heading, pairs, table, title
from incident.words import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TextIO

    from rich.console import Console

    from incident.formats import Format
    from incident.proposals import DatasetProposal
    from incident.records import (
        CaseFinding,
        DatasetFinding,
        EvidenceItem,
        EvidenceTotals,
        Policy,
        RejectCount,
        RejectLine,
        WindowFinding,
    )

__all__ = ["console", "visible"]

WINDOWS_SHOWN = 3
_LINE_COLUMNS: tuple[Column, ...] = (
    ("lines", "right"),
    ("events", "right"),
    ("rejected", "right"),
    ("skipped", "right"),
)


def summary(out: Console, case: CaseFinding, total: EvidenceTotals) -> None:
    """Show a case: its sentences, what stands behind each, and what all of it rests on."""
    title(out, case)
    for found in case.datasets:
        _dataset_summary(out, found, case.timezone)
    _footing(out, case, total)


def evidence(out: Console, items: Sequence[EvidenceItem], total: EvidenceTotals, zone: str) -> None:
    """Show each item: how it was read, and that its lines are accounted for."""
    wide = out.width >= VERY_WIDE
    made = table(
        ("item", "left"),
        ("format", "left"),
        ("status", "left"),
        *_LINE_COLUMNS,
        *((("first event", "right"), ("last event", "right")) if wide else ()),
    )
    for item in items:
        made.add_row(
            visible(item.path),
            visible(item.format),
            visible(item.status),
            *_line_figures(item),
            *((words.short(item.first_ts_us, zone), words.short(item.last_ts_us, zone)) if wide else ()),
        )
    out.print(made)
    out.print()
    totals(out, total, zone)


def groups(out: Console, of: Mapping[tuple[str, str], EvidenceTotals], total: EvidenceTotals, zone: str) -> None:
    """Show many items at once, by format and status."""
    made = table(("format", "left"), ("status", "left"), ("items", "right"), *_LINE_COLUMNS)
    for (format_name, status), group in of.items():
        row = (visible(format_name) or words.NOTHING, visible(status), words.number(group.items))
        made.add_row(*row, *_line_figures(group))
    out.print(made)
    out.print()
    totals(out, total, zone)


def totals(out: Console, total: EvidenceTotals, zone: str) -> None:
    """Show what all items come to, as the sum that must balance."""
    lines, events, rejected, skipped = _line_figures(total)
    repeats = words.counted(total.repeats, "repeats another", "repeat others")
    rows = [
        ("items", words.number(total.items) + (f", of which {repeats}, adding no events" if total.repeats else "")),
        ("lines", f"{lines} = {events} events + {rejected} rejected + {skipped} skipped"),
    ]
    if total.first_ts_us is not None:
        rows.append(("first event", words.short(total.first_ts_us, zone)))
        rows.append(("last event", f"{words.short(total.last_ts_us, zone)}, in {zone}"))
    out.print(pairs(rows))


def proposals(out: Console, found: Sequence[DatasetProposal], zone: str) -> None:
    """Show objects that look like exposed data, as tables to paste into the case definition."""
    if not found:
        out.print(
            "No object in these logs looks like a data file: describe yours in a [[dataset]] table of incident.toml."
        )
        return
    out.print("No data set is defined yet. These objects look like data; paste what belongs into incident.toml:\n")
    out.print(tomlout.proposals(found, zone), soft_wrap=True)


def datasets(out: Console, case: CaseFinding) -> None:
    """Show each data set's objects: what was asked for, and what was taken."""
    wide = out.width >= WIDE
    title(out, case)
    for found in case.datasets:
        heading(out, found.dataset, found.title)
        made = table(
            ("object", "left"),
            ("requests", "right"),
            ("downloads", "right"),
            *((("full", "right"), ("partial", "right"), ("undetermined", "right")) if wide else ()),
            ("IPs", "right"),
            ("size", "left"),
        )
        for one in found.objects:
            sizes = ", ".join(words.short_bytes(size) for size in one.sizes)
            made.add_row(
                visible(one.object),
                words.number(one.requests),
                words.number(one.downloads),
                *((words.number(count) for count in (one.full, one.partial, one.undetermined)) if wide else ()),
                words.number(one.unique_ips),
                f"{sizes} ({visible(one.size_basis)})" if sizes and one.size_basis else sizes or words.NOTHING,
            )
        out.print(made)
        out.print()
        row = (("requests", words.number(found.requests)), ("downloads", words.number(found.downloads)))
        out.print(pairs((*row, ("unique IPs", words.number(found.unique_ips)))))


def windows(out: Console, case: CaseFinding) -> None:
    """Show each exposure window with its four bounds; then each object's own."""
    title(out, case)
    for found in case.datasets:
        heading(out, found.dataset, found.title)
        _windows(out, found.windows, case.timezone)
        if len({one.object for one in found.object_windows}) < 2:
            continue
        made = table(("object", "left"), ("first seen", "right"), ("last seen", "right"), ("confirmed", "right"))
        for one in found.object_windows:
            made.add_row(
                visible(one.object),
                words.short(one.first_seen_us, case.timezone),
                words.short(one.last_seen_us, case.timezone),
                words.span(one.confirmed_us),
            )
        out.print(made)


def reject_counts(out: Console, counts: Sequence[RejectCount]) -> None:
    """Show how many lines of which item were rejected, and why."""
    if not counts:
        out.print("No line was rejected.")
        return
    made = table(("item", "left"), ("reason", "left"), ("lines", "right"))
    for one in counts:
        made.add_row(visible(one.path), visible(one.reason), words.number(one.lines))
    out.print(made)
    out.print("Each is kept whole: name an item, or give --all, to see its lines.")


def reject_lines(stream: TextIO, lines: Iterable[RejectLine]) -> None:
    """Write rejected lines one under another, as wide as they are: path:line, offset, reason, then the text."""
    for line in lines:
        text = visible(line.raw.decode("utf-8", "backslashreplace"))
        stream.write(
            f"{visible(line.path)}:{line.line_no} offset {line.byte_offset} {visible(line.reason)}\n  {text}\n"
        )


def formats(out: Console, pages: Mapping[str, Format]) -> None:
    """Show the formats that are known."""
    made = table(("name", "left"), ("title", "left"), ("vantage", "left"), ("time stamps", "left"), ("bytes", "left"))
    for page in pages.values():
        kinds = (page.ts_kind, page.bytes_kind.replace("_", " "))
        made.add_row(visible(page.name), visible(page.title), page.vantage or words.NOTHING, *kinds)
    out.print(made)


def format_page(out: Console, page: Format) -> None:
    """Show one format: where its description comes from, and what its vendor says such a log does not promise."""
    rows = [
        ("name", visible(page.name)),
        ("title", visible(page.title)),
        ("source", visible(page.source)),
        ("checked", str(page.checked) if page.checked else words.NOTHING),
        ("vantage", page.vantage or words.NOTHING),
        ("time stamps", f"the {page.ts_kind} of a request" if page.ts_kind != "unknown" else "unknown"),
        ("bytes", page.bytes_kind.replace("_", " ")),
    ]
    rows += [("limit" if index == 0 else "", visible(limit)) for index, limit in enumerate(page.limits)]
    out.print(pairs(rows))


def policy(rules: Policy) -> str:
    """Return the counting rules in one line, with the name of a rule that is not the case's own."""
    name = "" if rules.name == "headline" else f"{visible(rules.name)}: "
    return (
        f"{name}session_gap {words.compact_span(rules.session_gap_us)}, repeat_within"
        f" {words.compact_span(rules.repeat_within_us)}, min_bytes {rules.min_bytes}, max_interruption"
        f" {words.compact_span(rules.max_interruption_us)}, match_within {words.compact_span(rules.match_within_us)}"
    )


def _line_figures(of: EvidenceItem | EvidenceTotals) -> tuple[str, str, str, str]:
    return words.number(of.lines), words.number(of.events), words.number(of.rejected), words.number(of.skipped)


def _dataset_summary(out: Console, found: DatasetFinding, zone: str) -> None:
    heading(out, found.dataset, found.title)
    out.print(Text(visible(found.sentence)))
    out.print()
    number = words.number
    kinds = f"{number(found.downloads_full)} full + {number(found.downloads_partial)} partial"
    kinds += f" + {number(found.downloads_undetermined)} undetermined"
    buckets = " + ".join(f"{number(count)} {visible(name)}" for name, count in found.buckets.items() if count)
    rows = [
        ("downloads", f"{number(found.downloads)} = {kinds}"),
        ("automated", f"{words.counted(found.downloads_automated, 'download')} by automated clients"),
        ("unique IPs", f"{number(found.unique_ips)}, of which {number(found.unique_ips_automated)} automated"),
        ("full copy", f"held by {words.counted(found.clients_full_copy, 'client')} (address and user agent)"),
        ("first download", words.short(found.first_download_us, zone)),
        ("last download", words.short(found.last_download_us, zone)),
        ("requests", f"{number(found.requests)}{f' = {buckets}' if buckets else ''}"),
    ]
    out.print(pairs(rows))
    _windows(out, found.windows[:WINDOWS_SHOWN], zone)
    if len(found.windows) > WINDOWS_SHOWN:
        out.print(f"  {words.counted(len(found.windows), 'window')} in all: incident windows shows them\n")
    for caveat in found.caveats:
        out.print(pairs([("caveat", visible(caveat))], gap=False))
    if found.caveats:
        out.print()


def _windows(out: Console, found: Sequence[WindowFinding], zone: str) -> None:
    if not found:
        out.print("  no exposure window: the logs never saw an object of it open\n")
    for index, one in enumerate(found, start=1):
        rows = [
            (f"window {index}", ""),
            ("opened after", words.short(one.opened_after_us, zone, none="the log does not say")),
            ("first seen", words.short(one.first_seen_us, zone)),
            ("last seen", words.short(one.last_seen_us, zone)),
            ("closed by", words.short(one.closed_by_us, zone, none="the log does not say")),
            ("confirmed", words.span(one.confirmed_us)),
            ("at most", words.span(one.longest_us, none="the log does not say")),
        ]
        if one.unavailable_us:
            rows.append(("unavailable", words.span(one.unavailable_us)))
        if one.interruptions:
            rows.append(("interruptions", words.number(one.interruptions)))
        rows += [(meanings.GAP_KINDS[each.kind], visible(each.clause)) for each in one.unlogged]
        out.print(pairs(rows))


def _footing(out: Console, case: CaseFinding, total: EvidenceTotals) -> None:
    totals(out, total, case.timezone)
    out.print(f"policy      {policy(case.policy)}")
    out.print(f"definition  {visible(case.config_sha256, none='none')}")
    out.print(f"manifest    {visible(case.manifest_sha256)}")
    out.print(f"incident    {visible(case.version)}")
