"""What every answer at a terminal is made of: its title, its headings, tables that cut nothing, and pairs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal, TextIO

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from incident import words
from incident.words import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from incident.records import CaseFinding

Column = tuple[str, Literal["left", "right"]]
WIDE, VERY_WIDE = 120, 150
FIRST_COLUMN = 16


def console(stream: TextIO | None = None) -> Console:
    """Return a console that guesses nothing about what it is given; rich itself honours NO_COLOR and COLUMNS."""
    return Console(file=stream or sys.stdout, highlight=False, markup=False, emoji=False)


def title(out: Console, case: CaseFinding) -> None:
    """Show which case it is, in which zone, over which period and, where it is not the case's own, by which rule."""
    for line in (case.privilege, case.case, case.matter and f"Matter {case.matter}"):
        if line:
            out.print(Text(visible(line), style="bold"))
    shown = f"Times in {case.timezone}"
    if case.since_us is not None:
        shown += f", since {words.short(case.since_us, case.timezone)}"
    if case.until_us is not None:
        shown += f", until {words.short(case.until_us, case.timezone)}"
    out.print(shown)
    if case.policy_says:
        out.print(Text(f"Counted by the rule {visible(case.policy.name)}: {visible(case.policy_says)}"))
    out.print()


def heading(out: Console, name: str, title: str) -> None:
    """Show where a data set begins."""
    rest = f" {words.NOTHING} {visible(title)}" if title != name else ""
    out.print(Text(f"{visible(name)}{rest}", style="bold"))


def table(*columns: Column) -> Table:
    """Return a table without rows; nothing in it will be cut."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for name, justify in columns:
        # nothing is ever cut: long text folds onto the next line, and the first column keeps room for it;
        # figures and times stand at the right and stay whole
        width = None if table.columns else FIRST_COLUMN
        table.add_column(name, justify=justify, overflow="fold", no_wrap=justify == "right", min_width=width)
    return table


def pairs(rows: Iterable[tuple[str, str]], *, gap: bool = True) -> Padding:
    """Return names with what they stand for, one under another."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True, min_width=14)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, value)
    return Padding(grid, (0, 0, 1 if gap else 0, 2), expand=False)
