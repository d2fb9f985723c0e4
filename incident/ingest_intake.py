"""The reading half of an ingest: decides what becomes of each source, and hands its lines to the parsers.

All that depends on order happens here, in one thread, in the order of the paths: ids, repeats, carried parser state. So
a run gives the same case however its threads fall.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from incident.errors import TimezoneError
from incident.evidence import Block, Opened, Source, Spoiled, joined, stored_sha256
from incident.ingest_pieces import Piece, Rows, parsed, skipped_rows, spoiled_rows
from incident.ingest_recognise import HEAD_BYTES, Recognised, says_nothing
from incident.parse import Settings
from incident.records import EvidenceItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from incident.ingest_recognise import Recogniser
    from incident.parse import Parser
    from incident.records import EvidenceRule

SMALL_BYTES = 4 << 20  # content up to this size shares a transaction with its neighbours, and where it can, a block
BUNDLE_BYTES = 16 << 20
BUNDLE_ITEMS = 1000
_READ = ("ingested", "truncated")  # statuses of items whose lines are in the case


@dataclass(frozen=True, slots=True)
class Begin:
    """A transaction begins; what was read from the items of `forget` before is void."""

    sources: tuple[Source, ...]
    forget: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of the transaction's items, perhaps still on their way through a parser."""

    rows: Future[Rows] | Rows
    stored_bytes: int  # read for them since the last message


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of an item but its totals."""

    item: EvidenceItem
    parser: Parser | None = None
    stands: bool = False  # it is in the case already, as it is


@dataclass(frozen=True, slots=True)
class End:
    """The transaction ends. `void`: nothing of it is kept, only the entries are."""

    entries: tuple[Entry, ...]
    stored_bytes: int
    void: bool = False


Message = Begin | Lines | End


@dataclass(frozen=True, slots=True)
class _Part:
    """The lines of one item of a bundle."""

    number: int
    found: Recognised
    lines: list[Block | Spoiled]

    @property
    def blocks(self) -> list[Block]:
        """Return what a parser sees."""
        return [one for one in self.lines if isinstance(one, Block)]

    @property
    def is_whole(self) -> bool:
        """Whether the lines are one block from the first line on, behind which another item's may stand."""
        return len(self.blocks) == 1 and self.blocks[0].first_line == 1


@dataclass(slots=True)
class _Bundle:
    """Small items that go into the case together."""

    sources: list[Source] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    forget: list[int] = field(default_factory=list)
    lines: list[_Part] = field(default_factory=list)
    content: int = 0
    stored: int = 0

    def add(self, source: Source, entry: Entry) -> None:
        self.sources.append(source)
        self.entries.append(entry)
        self.stored += source.bytes


class Intake:
    """Walks through sources and tells the writer, message by message, what to do."""

    def __init__(
        self,
        known: Iterable[EvidenceItem],
        rule_of: Callable[[str, str], EvidenceRule],
        recogniser: Recogniser,
        submit: Callable[[Callable[[Piece], Rows], Piece], Future[Rows]],
    ) -> None:
        self._rule_of = rule_of
        self._recogniser = recogniser
        self._submit = submit
        self._by_location: dict[str, list[EvidenceItem]] = {}
        self._by_content: dict[str, EvidenceItem] = {}
        self._by_size: dict[int | None, list[EvidenceItem]] = {}
        self._next_id = 1
        for item in known:
            self._next_id = max(self._next_id, item.evidence_id + 1)
            self._remember(item)

    def messages(self, sources: Iterable[Source]) -> Iterator[Message]:
        """Yield what becomes of the sources, one transaction after the other."""
        bundle = _Bundle()
        for source in sources:
            before = self._seen_before(source)
            entry = self._without_reading(source, before)
            if entry is not None:
                bundle.add(source, entry)
                continue
            with Opened(source) as opened:
                head = opened.head(max(SMALL_BYTES + 1, HEAD_BYTES))
                large = len(head) > SMALL_BYTES
                if large or bundle.content + len(head) > BUNDLE_BYTES or len(bundle.sources) >= BUNDLE_ITEMS:
                    yield from self._end(bundle)
                    bundle = _Bundle()
                if large:
                    yield from self._large(opened, head, before)
                else:
                    self._small(bundle, opened, head, before)
        yield from self._end(bundle)

    def _large(self, opened: Opened, head: bytes, before: EvidenceItem | None) -> Iterator[Message]:
        """Read one item in blocks, in a transaction of its own."""
        number = self._next_id if before is None else before.evidence_id
        found = self._recogniser.recognise(head, self._settings(opened.source, before), opened.source.path)
        parser = self._recogniser.parser(found) if found.format else None
        yield Begin((opened.source,), () if before is None else (before.evidence_id,))
        taken = 0
        if parser is None:
            opened.drain()
        else:
            try:
                for part in opened.blocks(cutter=found.cutter()):
                    rows: Future[Rows] | Rows
                    if isinstance(part, Block):
                        rows = self._submit(parsed, Piece((number,), part, parser, parser.prepare(part)))
                    else:
                        rows = spoiled_rows(number, [part])
                    yield Lines(rows, opened.taken - taken)
                    taken = opened.taken
            except TimezoneError as error:  # a later header took the zone away
                found = Recognised(found.settings, None, f"{error.what}; {error.next_step}")
                opened.drain()
        known = self._known_content(opened, before)
        entry = known or Entry(self._new_item(opened, found, before), parser)
        yield End((entry,), opened.source.bytes - taken, void=entry.item.status not in _READ)

    def _small(self, bundle: _Bundle, opened: Opened, head: bytes, before: EvidenceItem | None) -> None:
        """Read one item whole and lay it to its neighbours."""
        source = opened.source
        parts = list(opened.blocks())
        entry = self._known_content(opened, before)
        if entry is None:
            found = self._recogniser.recognise(head, self._settings(source, before), source.path)
            if found.format is not None and found.format.records:
                parts = found.records(head, cut_off=opened.problem is not None)
            if found.format is None and says_nothing(head):
                found = replace(found, because=None)
            entry = Entry(self._new_item(opened, found, before))
            if before is not None:
                bundle.forget.append(before.evidence_id)
            if entry.item.status in _READ and parts:
                bundle.lines.append(_Part(entry.item.evidence_id, found, parts))
                bundle.content += len(head)
        bundle.add(source, entry)

    def _end(self, bundle: _Bundle) -> Iterator[Message]:
        """Send a bundle: blocks of several items joined, so that one call parses many of them."""
        if not bundle.sources:
            return
        yield Begin(tuple(bundle.sources), tuple(bundle.forget))
        parsers: dict[int, Parser] = {}
        refused: dict[int, str] = {}
        groups = deque(_groups(bundle.lines))
        while groups:
            group = groups.popleft()
            try:
                pieces = self._pieces(group)
            except TimezoneError as error:
                if len(group) == 1:
                    refused[group[0].number] = f"{error.what}; {error.next_step}"
                else:
                    groups.extend([part] for part in group)
                continue
            for piece in pieces:
                parsers.update((number, piece.parser) for number in piece.evidence_ids)
                yield Lines(self._submit(parsed, piece), 0)
        for part in bundle.lines:
            yield from _unparsed(part, refused)
        entries = (self._completed(entry, parsers, refused) for entry in bundle.entries)
        yield End(tuple(entries), bundle.stored)

    def _pieces(self, group: list[_Part]) -> list[Piece]:
        """Return the blocks of a group, joined into one where there are several items."""
        parser = self._recogniser.parser(group[0].found)
        if len(group) == 1:
            return [Piece((group[0].number,), block, parser, parser.prepare(block)) for block in group[0].blocks]
        blocks = [block for part in group for block in part.blocks]
        lines = accumulate((len(block.starts) for block in blocks[:-1]), initial=0)
        content = accumulate((len(block.data) for block in blocks[:-1]), initial=0)
        block = joined(blocks)
        state = parser.prepare(block)
        return [Piece(tuple(part.number for part in group), block, parser, state, tuple(lines), tuple(content))]

    # --- what is in the case already ----------------------------------------------------------------------------------

    def _remember(self, item: EvidenceItem) -> None:
        self._by_location.setdefault(_location(item), []).append(item)
        if item.status in _READ and item.content_bytes and item.content_sha256:
            self._by_content.setdefault(item.content_sha256, item)
            self._by_size.setdefault(item.bytes, []).append(item)

    def _seen_before(self, source: Source) -> EvidenceItem | None:
        """Return the item that this file, as it lies there now, has become before."""
        there = self._by_location.get(source.location, [])
        if any(item.bytes == source.bytes and item.sha256 for item in there):
            sha256 = stored_sha256(source)
            for item in there:
                if sha256 is not None and item.sha256 == sha256:
                    return item
        return next((item for item in there if item.sha256 is None), None)  # it could not be opened then

    def _without_reading(self, source: Source, before: EvidenceItem | None) -> Entry | None:
        """Settle what can be settled by the hash of the stored bytes alone."""
        if before is not None:
            return Entry(before, stands=True) if self._stands(before, source) else None
        if source.member_no is not None or source.bytes <= SMALL_BYTES or source.bytes not in self._by_size:
            return None
        sha256 = stored_sha256(source)
        for item in self._by_size[source.bytes]:
            if item.sha256 == sha256 and not item.compression.startswith("zip:"):
                return Entry(self._repeat(source, item, replace(item, problem=None)))
        return None

    def _stands(self, item: EvidenceItem, source: Source) -> bool:
        """Tell whether reading the item again could change nothing."""
        if item.status == "repeat":
            return True
        place = _place(source, item)
        same = item.settings == _as_json(self._settings_of(*place))
        return item.status in _READ and same and place == (item.root, item.path)

    def _known_content(self, opened: Opened, before: EvidenceItem | None) -> Entry | None:
        """Find an item just read to be one that stands, or the repeat of another."""
        source = opened.source
        if before is None:  # standard input has no size to go by beforehand
            for item in self._by_location.get(source.location, ()):
                if item.sha256 == opened.sha256 and self._stands(item, source):
                    return Entry(item, stands=True)
        original = self._by_content.get(opened.content_sha256 or "")
        if original is None or (before is not None and original.evidence_id == before.evidence_id):
            return None
        as_read = replace(
            original, sha256=opened.sha256, bytes=opened.stored_bytes, compression=opened.compression,
            problem=opened.problem,
        )  # fmt: skip
        return Entry(self._repeat(source, original, as_read, before))

    def _repeat(
        self, source: Source, original: EvidenceItem, as_read: EvidenceItem, before: EvidenceItem | None = None
    ) -> EvidenceItem:
        item = replace(
            as_read, evidence_id=self._number(before), path=source.path, root=str(source.root), status="repeat",
            repeat_of=original.evidence_id, lines=0, events=0, rejected=0, skipped=0, first_ts_us=None,
            last_ts_us=None, settings=_as_json(self._settings_of(*_place(source, None))),
        )  # fmt: skip
        self._remember(item)
        return item

    # --- what is new --------------------------------------------------------------------------------------------------

    def _settings(self, source: Source, before: EvidenceItem | None) -> Settings:
        return self._settings_of(*_place(source, before))

    def _settings_of(self, root: str, path: str) -> Settings:
        rule = self._rule_of(root, path)
        return Settings(rule.format, rule.log_format, rule.timezone, rule.server)

    def _number(self, before: EvidenceItem | None) -> int:
        if before is not None:
            return before.evidence_id
        self._next_id += 1
        return self._next_id - 1

    def _new_item(self, opened: Opened, found: Recognised, before: EvidenceItem | None) -> EvidenceItem:
        source, problem = opened.source, opened.problem
        root, path = _place(source, before)
        if problem is not None and not opened.content_bytes:
            status = "unreadable"
        elif found.format is None and found.because is not None and opened.content_bytes:
            status, problem = "unrecognised", "; ".join(part for part in (found.because, problem) if part)
        elif problem is not None:
            status = "truncated"
        else:
            status, problem = "ingested", None if before is not None else self._changed(source)
        page = found.format if status in _READ else None
        item = EvidenceItem(
            evidence_id=self._number(before),
            path=path,
            root=root,
            sha256=opened.sha256,
            content_sha256=opened.content_sha256,
            bytes=opened.stored_bytes,
            content_bytes=opened.content_bytes,
            compression=opened.compression,
            format=page.name if page else None,
            detected_by=found.because if page else None,
            vantage=page.vantage if page else None,
            server=found.server if page else None,
            server_because=found.server_because if page else None,
            status=status,
            problem=problem,
            repeat_of=None,
            lines=0,
            events=0,
            rejected=0,
            skipped=0,
            first_ts_us=None,
            last_ts_us=None,
            settings=_as_json(self._settings(source, before)),
        )
        self._remember(item)
        return item

    def _completed(self, entry: Entry, parsers: dict[int, Parser], refused: dict[int, str]) -> Entry:
        """Add to an entry of a bundle what became known when its lines were put together."""
        item = entry.item
        if item.evidence_id not in refused:
            return replace(entry, parser=parsers.get(item.evidence_id))
        self._by_content.pop(item.content_sha256 or "", None)
        return Entry(
            replace(
                item, status="unrecognised", problem=refused[item.evidence_id], format=None, detected_by=None,
                vantage=None, server=None, server_because=None,
            )
        )  # fmt: skip

    def _changed(self, source: Source) -> str | None:
        """Say so where the file of an item has changed; lines that both hold are duplicates, which counting finds."""
        earlier = [item for item in self._by_location.get(source.location, ()) if item.status in _READ]
        if not earlier or source.is_stdin:
            return None
        return f"the file has changed since it was ingested as item {earlier[-1].evidence_id}; both are kept"


def _groups(parts: list[_Part]) -> list[list[_Part]]:
    """Put together the items that one parser can read in one block."""
    groups: dict[object, list[_Part]] = {}
    for part in parts:
        if part.found.format is not None and part.blocks:
            groups.setdefault(part.found.key if part.is_whole else part.number, []).append(part)
    return list(groups.values())


def _unparsed(part: _Part, refused: dict[int, str]) -> Iterator[Lines]:
    """Yield what no parser sees of an item: spoiled lines, and all lines where there are only blanks and comments."""
    if part.number in refused:
        return
    spoiled = [one for one in part.lines if isinstance(one, Spoiled)]
    if spoiled:
        yield Lines(spoiled_rows(part.number, spoiled), 0)
    if part.found.format is None:
        yield Lines(skipped_rows(part.number, sum(len(block.starts) for block in part.blocks)), 0)


def _location(item: EvidenceItem) -> str:
    return f"{item.root}/{item.path}"


def _place(source: Source, before: EvidenceItem | None) -> tuple[str, str]:
    """Return root and path of an item: of all folders it was ever ingested with, the outermost."""
    if before is not None and len(before.path) >= len(source.path):
        return before.root, before.path
    return str(source.root), source.path


def _as_json(settings: Settings) -> str:
    """Write down what decides how lines are read; the server does not: the definition is asked again when counting."""
    said = {"format": settings.format, "log_format": settings.log_format, "timezone": settings.timezone}
    return json.dumps({key: value for key, value in said.items() if value is not None}, sort_keys=True)
