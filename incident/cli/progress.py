"""What an ingest shows while it runs: bytes, lines, rate and time left, on stderr when that is a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from incident.words import number, visible

if TYPE_CHECKING:
    from types import TracebackType

    from incident.records import EvidenceItem

NAME_WIDTH = 28


class Bar:
    """A progress bar over all items; it implements `ingest.Progress` and is a context manager."""

    def __init__(self, *, shown: bool) -> None:
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("{task.fields[lines]} lines", markup=False),
            TimeRemainingColumn(),
            console=Console(stderr=True, highlight=False, markup=False, emoji=False),
            transient=True,
            disable=not shown,
        )
        self._task = self._bar.add_task("", total=None, lines="0")
        self._lines = 0
        self._bytes = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, items: int, total_bytes: int) -> None:
        """Say how much there is in all, before the first item."""
        del items
        self._bar.update(self._task, total=total_bytes)

    def started(self, path: str, size: int) -> None:
        """Say that an item begins."""
        del size
        name = visible(path)
        self._bar.update(
            self._task, description=name if len(name) <= NAME_WIDTH else f"…{name[-NAME_WIDTH + 1 :]}", refresh=False
        )

    def advanced(self, done_bytes: int, lines: int) -> None:
        """Say that more of the item, as received, and so many more lines are done."""
        self._bytes += done_bytes
        self._lines += lines
        self._bar.update(self._task, completed=self._bytes, lines=number(self._lines))

    def ended(self, item: EvidenceItem) -> None:
        """Say that an item is done."""
        del item


def on_terminal(*, quiet: bool) -> Bar:
    """Return the bar, which shows nothing where nobody watches."""
    return Bar(shown=not quiet and sys.stderr.isatty())
