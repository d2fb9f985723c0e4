"""Header lines: a row of names in front of CSV, and those of W3C extended logs: #Fields, #Date, #Software, #GMT-Offset.

The latest of each is in force.

Source: W3C WD-logfile; IIS writes the block again after every restart, and with other fields once its settings change.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from incident.parse.bad import BadValueError
from incident.parse.delimited import cells

if TYPE_CHECKING:
    from incident.formats import Format

_LINE = re.compile(rb"#\s*([A-Za-z][A-Za-z -]*?)\s*:\s*(.*)", re.DOTALL)
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)\b")
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


class Names:
    """What the row of names in front of the values says."""

    kind = "names"

    def __init__(self, page: Format) -> None:
        self.columns: tuple[str, ...] | None = None
        self._page = page
        self.lines: set[bytes] = set()

    def clear(self) -> None:
        """Forget the names: another item begins."""
        self.columns = None

    def is_header(self, line: bytes) -> bool:
        """Tell whether a line holds names: all that the page's signature asks for."""
        try:
            names = {cell.decode("utf-8", "backslashreplace") for cell in self._cells(line)}
        except BadValueError:
            return False
        return set(self._page.detect.columns) <= names

    def read(self, line: bytes) -> None:
        """Take in a row of names."""
        self.lines.add(line)
        self.columns = _each_once([cell.decode("utf-8", "backslashreplace") for cell in self._cells(line)])

    def _cells(self, line: bytes) -> list[bytes]:
        return cells(line, self._page.separator) if self._page.quoted else line.split(self._page.separator.encode())

    @staticmethod
    def constants() -> dict[str, bytes]:
        """Return what every row has: nothing."""
        return {}

    @staticmethod
    def zone(page: Format) -> str | None:
        """Return the zone that the names prove: none."""
        del page
        return None

    def key(self, page: Format) -> tuple[object, ...]:
        """Return what makes one reading differ from another."""
        del page
        return (self.columns,)


class Headers:
    """What the header lines so far say."""

    kind = "w3c"

    def __init__(self) -> None:
        self.columns: tuple[str, ...] | None = None
        self._date: str | None = None
        self._offset: str | None = None
        self._lines: dict[str, str] = {}

    def clear(self) -> None:
        """Forget everything: another item begins."""
        self.__init__()  # type: ignore[misc]  # the very same start

    def read(self, line: bytes) -> None:
        """Take in one header line; any other comment says nothing."""
        match = _LINE.fullmatch(line.strip())
        if match is None:
            return
        name, value = match[1].decode().lower(), match[2].decode("utf-8", "backslashreplace").strip()
        self._lines[name] = line.decode("utf-8", "backslashreplace")
        if name == "fields":
            self.columns = _named(value)
        elif name == "date" and (date := _DATE.match(value)):
            self._date = date[1]
        elif name == "gmt-offset" and (offset := _OFFSET.match(value)):
            self._offset = f"{offset[1]}{offset[2]}{offset[3]}"

    def constants(self) -> dict[str, bytes]:
        """Return what every row has though it has no column of its own: the date, where rows have only a time."""
        if self.columns is None or "date" in self.columns or "time" not in self.columns or self._date is None:
            return {}
        return {"date": self._date.encode()}

    def zone(self, page: Format) -> str | None:
        """Return the zone that the header proves."""
        if self._offset is not None:
            return self._offset
        if page.utc_when and any(re.search(page.utc_when, line) for line in self._lines.values()):
            return "UTC"
        return None

    def key(self, page: Format) -> tuple[object, ...]:
        """Return what makes one reading differ from another."""
        return (self.columns, tuple(self.constants().items()), self.zone(page))


def _named(text: str) -> tuple[str, ...]:
    """Return the column names; a zero-width space that one vendor's page carries is no part of a name."""
    return _each_once([name.strip("\u200b") for name in text.split()])


def _each_once(names: list[str]) -> tuple[str, ...]:
    # a name that stands twice keeps its first column; the later one gets a name of its own
    return tuple(name if names.index(name) == i else f"{name}#{i}" for i, name in enumerate(names))
