"""A comparison for people at a terminal: what moved between two states, and what moved it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from incident import words
from incident.render import meanings
from incident.render.terminal_parts import pairs, table
from incident.render.terminal_story import place
from incident.words import visible

if TYPE_CHECKING:
    from rich.console import Console

    from incident.records_compare import Comparison, FigureChange, Side

SHOWN = 20


def comparison(out: Console, found: Comparison, zone: str, *, everything: bool = False) -> None:
    """Show which figures differ, by how much, and which items and lines moved them."""
    out.print(Text("A and B", style="bold"))
    out.print(pairs([("A", _side(found.a)), ("B", _side(found.b))]))
    if found.same:
        out.print("No figure, no download and no item differs.")
    _keys(out, found, zone)
    _figures(out, found, zone)
    for sentence in found.sentences:
        rows = [("A says", visible(sentence.a)), ("B says", visible(sentence.b))]
        out.print(Text(visible(sentence.dataset), style="bold"))
        out.print(pairs(rows))
    _evidence(out, found)
    _downloads(out, found, zone, everything=everything)


def _side(one: Side) -> str:
    definition = f"definition {one.config_sha256[:12]}" if one.config_sha256 else "no definition"
    return f"{visible(one.case)}: {definition}, evidence {one.manifest_sha256[:12]}, policy {visible(one.policy)}"


def _said(key: str, value: str | None, zone: str) -> str | None:
    """Return a value of the definition as a person would write it; it comes as JSON."""
    if value is None or not key.endswith("_us") or not value.lstrip("-").isdigit():
        return value
    return words.short(int(value), zone) if key.endswith("time_us") else words.compact_span(int(value))


def _keys(out: Console, found: Comparison, zone: str) -> None:
    changed = (*found.definition, *found.policy)
    if not changed:
        return
    made = table(("key of the definition", "left"), ("A", "left"), ("B", "left"))
    for one in changed:
        name = visible(one.key.removesuffix("_us"))
        made.add_row(name, visible(_said(one.key, one.a, zone)), visible(_said(one.key, one.b, zone)))
    out.print(made)
    out.print()


def _figures(out: Console, found: Comparison, zone: str) -> None:
    if not found.figures:
        return
    made = table(("figure", "left"), ("A", "right"), ("B", "right"), ("B less A", "right"))
    for one in found.figures:
        name = one.figure.removesuffix("_us").replace("_", " ")
        made.add_row(f"{visible(one.dataset)}: {name}" if one.dataset else name, *figure(one, zone))
    out.print(made)
    out.print()


def figure(one: FigureChange, zone: str) -> tuple[str, str, str]:
    """Return both sides of a figure and their difference: as times, as spans or as numbers."""
    if not one.figure.endswith("_us"):
        return words.number(one.a), words.number(one.b), _signed(one.difference, span=False)
    is_span = one.figure.rpartition(".")[2] in {"confirmed_us", "unavailable_us", "longest_us"}
    a, b = ((words.exact_span(us, none=words.NOTHING) if is_span else words.short(us, zone)) for us in (one.a, one.b))
    return a, b, _signed(one.difference, span=True)


def _signed(value: int | None, *, span: bool) -> str:
    if value is None:
        return words.NOTHING
    text = words.exact_span(value) if span else words.number(value)
    return f"+{text}" if value > 0 else text


def _evidence(out: Console, found: Comparison) -> None:
    if found.items:
        made = table(("item", "left"), ("change", "left"), ("what", "left"))
        for item in found.items:
            moved = f" to {visible(item.other_path)}" if item.other_path else ""
            facts = "; ".join(f"{name} {_short(a)} → {_short(b)}" for name, a, b in item.fields)
            made.add_row(visible(item.path), f"{meanings.ITEM_CHANGES[item.change]}{moved}", visible(facts))
        out.print(made)
        out.print()
    if found.shares:
        made = table(("item", "left"), ("data set", "left"), ("requests", "right"), ("downloads begun", "right"))
        for share in found.shares:
            made.add_row(
                visible(share.path),
                visible(share.dataset),
                f"{words.number(share.requests_a)} → {words.number(share.requests_b)}",
                f"{words.number(share.downloads_a)} → {words.number(share.downloads_b)}",
            )
        out.print(made)
        out.print()


def _short(value: str | None) -> str:
    return words.NOTHING if value is None else value if len(value) < 20 else f"{value[:12]}…"


def _downloads(out: Console, found: Comparison, zone: str, *, everything: bool) -> None:
    if found.causes:
        made = table(("downloads", "right"), ("only in", "left"), ("data set", "left"), ("on the other side", "left"))
        for cause in found.causes:
            reason = meanings.reason(cause.reason)
            made.add_row(words.number(cause.downloads), cause.side.upper(), visible(cause.dataset), reason)
        out.print(made)
        out.print()
    for one in found.only if everything else found.only[:SHOWN]:
        said = f"{words.short(one.started_us, zone)} {visible(one.dataset)}, {visible(one.client_ip)}, "
        said += f"{visible(one.object)}, {one.completeness}"
        why = f"{place(one.source)}: {meanings.reason(one.reason)}"
        out.print(pairs([(f"only in {one.side.upper()}", said), ("", why)], gap=False))
    for each in found.changed if everything else found.changed[:SHOWN]:
        facts = "; ".join(f"{name} {visible(a)} → {visible(b)}" for name, a, b in each.fields)
        said = f"{words.short(each.started_us, zone)} {visible(each.dataset)}, {visible(each.client_ip)}, "
        said += visible(each.object)
        out.print(pairs([("differs", said), ("", f"{facts} ({place(each.source_a)})")], gap=False))
    total = found.only_a_total + found.only_b_total + found.changed_total
    shown = total if everything else min(len(found.only), SHOWN) + min(len(found.changed), SHOWN)
    if shown < total:
        out.print(f"and {words.number(total - shown)} more; --all shows them, --json too")
