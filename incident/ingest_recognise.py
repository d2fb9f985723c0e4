"""How an item will be read: its format, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from incident.detect import detect
from incident.errors import TimezoneError
from incident.parse import Settings, make

if TYPE_CHECKING:
    from collections.abc import Mapping

    from incident.formats import Format
    from incident.parse import Parser

HEAD_BYTES = 1 << 20  # of the content


@dataclass(frozen=True, slots=True)
class Recognised:
    """What the first lines of an item say; without a format, `because` is why there is none."""

    settings: Settings
    format: Format | None
    because: str | None
    server: str | None = None
    server_because: str | None = None

    @property
    def key(self) -> tuple[str, Settings]:
        """Items of one key are read alike."""
        return (self.format.name if self.format else "", self.settings)


class Recogniser:
    """Tries the formats on heads of items, and makes their parsers."""

    def __init__(self, formats: Mapping[str, Format]) -> None:
        self._formats = formats
        self._without_zone: dict[tuple[str, Settings], str | None] = {}

    def recognise(self, head: bytes, settings: Settings) -> Recognised:
        """Return how the item that begins so is to be read."""
        found = detect(head[:HEAD_BYTES], self._formats, settings)
        if found.format is None:
            return Recognised(settings, None, found.because)
        settled = settings if settings.server or not found.server else replace(settings, server=found.server)
        page = self._formats[found.format]
        recognised = Recognised(settled, page, found.because, found.server, found.server_because)
        if recognised.key not in self._without_zone:
            self._without_zone[recognised.key] = self._zone_problem(recognised)
        problem = self._without_zone[recognised.key]
        return recognised if problem is None else Recognised(settings, None, problem)

    def parser(self, found: Recognised) -> Parser:
        """Make a parser for items recognised so."""
        if found.format is None:
            raise ValueError("an item without a format has no parser")
        return make(found.format, found.settings)

    def _zone_problem(self, found: Recognised) -> str | None:
        try:
            self.parser(found)
        except TimezoneError as error:
            return f"{error.what}; {error.next_step}"
        return None
