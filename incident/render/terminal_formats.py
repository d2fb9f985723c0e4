"""How a file's format was recognised, on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incident import words
from incident.render.terminal_parts import pairs, table
from incident.words import visible

if TYPE_CHECKING:
    from rich.console import Console

    from incident.explain import Explained


def explained(out: Console, found: Explained) -> None:
    """Show what was decided about one item, why, and how far each format got into the first line that failed."""
    rows = [
        ("item", visible(found.path)),
        ("format", visible(found.format) if found.format else words.NOTHING),
        ("because", visible(found.because)),
    ]
    if found.wrapped:
        rows.append(("within", visible(", ".join(found.wrapped))))
    if found.records:
        rows.append(("lines", "each JSON record counts as one"))
    if found.server:
        rows.append(("server", f"{visible(found.server)}: {visible(found.server_because or '')}"))
    if found.also:
        rows.append(("and for other lines", visible(", ".join(found.also))))
    out.print(pairs(rows))
    if not found.candidates:
        return
    made = table(
        ("candidate", "left"), ("fits", "right"), ("first failure", "left"), ("reason", "left"), ("reached", "left")
    )
    for one in found.candidates:
        failure = one.first_failure
        told = (
            ("", "", "")
            if failure is None
            else (f"line {failure.line}", failure.reason, failure.reached or words.NOTHING)
        )
        made.add_row(visible(one.format), f"{one.fitted} of {one.tried}", *(visible(text) for text in told))
    out.print(made)
    if found.untried:
        out.print(f"{found.untried} further formats: the head does not show what they ask for")
