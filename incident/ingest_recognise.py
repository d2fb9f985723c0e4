"""How an item will be read: its format, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from incident.detect import detect, record_lines
from incident.errors import TimezoneError
from incident.evidence import BLOCK_BYTES, Block, Spoiled
from incident.evidence_lines import LineCutter
from incident.evidence_records import RecordCutter, holds_records
from incident.parse import Settings, make

if TYPE_CHECKING:
    from collections.abc import Mapping

    from incident.detect import Detection
    from incident.formats import Format
    from incident.parse import Parser

HEAD_BYTES = 1 << 20  # of the content
SKETCH_LINES = 8
_RUN = re.compile(r"[0-9a-fA-F]*\d[0-9a-fA-F]*|[A-Z0-9]{4,}")


@dataclass(frozen=True, slots=True)
class Recognised:
    """What the first lines of an item say; without a format, `because` is why there is none."""

    settings: Settings
    format: Format | None
    because: str | None
    server: str | None = None
    server_because: str | None = None
    others: tuple[Format, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """Items of one key are read alike, by one parser."""
        page = self.format
        held = () if page is None else (page.name, page.wrapped, page.records)
        return (*held, self.settings, *(other.name for other in self.others))

    def cutter(self, size: int = BLOCK_BYTES) -> RecordCutter | None:
        """Return what cuts the item at its records; None where its lines are lines."""
        return RecordCutter(size) if self.format is not None and self.format.records else None

    def records(self, content: bytes, *, cut_off: bool) -> list[Block | Spoiled]:
        """Cut a whole item at its records."""
        cutter = RecordCutter(len(content) + 1)
        return [*cutter.feed(content), *cutter.finish(cut_off=cut_off)]


def says_nothing(content: bytes) -> bool:
    """Tell whether a whole item holds nothing but blank lines and comments, as the log of a quiet hour does."""
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return all(line.startswith(b"#") or not line.strip() for line in lines)


class Recogniser:
    """Tries the formats on heads of items, and makes their parsers."""

    def __init__(self, formats: Mapping[str, Format]) -> None:
        self._formats = formats
        self._near: dict[tuple[str, bytes, Settings], Detection] = {}

    def recognise(self, head: bytes, settings: Settings, path: str) -> Recognised:
        """Return how the item that begins so is to be read."""
        head = head[:HEAD_BYTES]
        found = self._sketched(head, settings, path) or detect(head, self._formats, settings)
        if found.page is None:
            return Recognised(settings, None, found.because)
        settled = settings if settings.server or not found.server else replace(settings, server=found.server)
        recognised = Recognised(settled, found.page, found.because, found.server, found.server_because, found.others)
        problem = self._zone_problem(recognised, head)
        return recognised if problem is None else Recognised(settings, None, problem)

    @staticmethod
    def parser(found: Recognised) -> Parser:
        """Make a parser for items recognised so."""
        if found.format is None:
            raise ValueError("an item without a format has no parser")
        return make(found.format, found.settings, found.others)

    def _sketched(self, head: bytes, settings: Settings, path: str) -> Detection | None:
        """Recognise an item by its header lines, or else by a few lines spread over it, if all of them fit one format.

        CDNs and buckets write logs by the thousand, each of a few lines, and to try every format on each would take
        longer than to read them. So items of one header are read alike; without a header, what an item of a like name
        was recognised as is tried first, and the rest only if that does not fit.
        """
        if settings.format is not None or settings.log_format is not None or len(head) == HEAD_BYTES:
            return None
        records = holds_records(head)
        comments, sketch = _sketch(b"".join(line + b"\n" for line in record_lines(head)) if records else head)
        key = (_RUN.sub("#", path), comments, settings)
        near = self._near.get(key)
        if near is not None and comments:
            return near
        for formats in (None if near is None or near.page is None else self._one(near.page.name), self._formats):
            if formats is None:
                continue
            found = detect(comments + sketch, formats, settings)
            if found.page is not None and records:
                found = replace(found, page=replace(found.page, records=True))
            # what proves a server may stand in any line
            if found.page is None or found.others or found.page.servers:
                continue
            if all(one.fitted == one.tried for one in found.candidates if one.format == found.format):
                if comments:
                    found = replace(found, because=f"{found.page.title}, by its header lines")
                self._near[key] = found
                return found
        return None

    def _one(self, name: str) -> Mapping[str, Format]:
        return {name: self._formats[name]}

    def _zone_problem(self, found: Recognised, head: bytes) -> str | None:
        """Say whether a format that the user named needs a zone that nobody named. Detection sees to it itself."""
        if found.settings.format is None and found.settings.log_format is None:
            return None
        cutter = found.cutter(len(head) + 1) or LineCutter(len(head) + 1)
        parts = [*cutter.feed(head), *cutter.finish(cut_off=False)]
        try:
            parser = self.parser(found)
            for part in parts:
                if isinstance(part, Block):
                    parser.prepare(part)
        except TimezoneError as error:
            return f"{error.what}; {error.next_step}"
        return None


def _sketch(head: bytes) -> tuple[bytes, bytes]:
    """Return the comment lines of a head, and some lines spread over the rest of it."""
    lines = head.split(b"\n")
    full = [line for line in lines if line.strip() and not line.startswith(b"#")]
    if len(full) > SKETCH_LINES:
        full = [full[at] for at in np.linspace(0, len(full) - 1, SKETCH_LINES).astype(int).tolist()]
    comments = islice((line for line in lines if line.startswith(b"#")), SKETCH_LINES)
    return b"".join(line + b"\n" for line in comments), b"".join(line + b"\n" for line in full)
