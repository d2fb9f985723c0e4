"""Evidence → detect → parse → store: from paths to a case in which every line is an event, a reject or skipped.

One thread reads, two parse, this one writes; between them stand queues of one, so that memory stays bounded. An item
goes into the case in one transaction, or, if it is small, in one with its neighbours.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import duckdb

from incident import store
from incident.errors import CaseError, EvidenceError
from incident.evidence import find_sources
from incident.ingest_intake import Begin, End, Entry, Intake, Lines, Message
from incident.ingest_pieces import Rows, Tally
from incident.ingest_recognise import Recogniser
from incident.listing import evidence_rules
from incident.parse.check import load_checked

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from incident.records import CaseDefinition, EvidenceItem, Reading

MEMORY = "256MB"  # for DuckDB's own buffers: more makes an ingest no faster (measured), only larger
PARSERS = 2  # more wait for each other in Polars, whose own threads do the work


class Progress(Protocol):
    """Who wants to know how far an ingest is. Called from the thread that called `ingest`."""

    def begin(self, items: int, total_bytes: int) -> None:
        """Hear how much there is in all, before the first item."""

    def started(self, path: str, size: int) -> None:
        """Hear that an item begins."""

    def advanced(self, done_bytes: int, lines: int) -> None:
        """Hear how many more stored bytes and lines are done."""

    def ended(self, item: EvidenceItem) -> None:
        """Hear what an item has become."""


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of every item that the paths hold, in the order of their paths; `unchanged` of them stood already."""

    items: tuple[EvidenceItem, ...]
    unchanged: int

    @property
    def lines(self) -> int:
        """All lines; events, rejected and skipped ones add up to it."""
        return sum(item.lines for item in self.items)

    @property
    def events(self) -> int:
        """Parsed lines."""
        return sum(item.events for item in self.items)

    @property
    def rejected(self) -> int:
        """Lines that no format could read."""
        return sum(item.rejected for item in self.items)

    @property
    def skipped(self) -> int:
        """Blank lines, comments and headers."""
        return sum(item.skipped for item in self.items)

    @property
    def whole(self) -> bool:
        """Whether all evidence could be read to its end."""
        return all(item.status in {"ingested", "repeat"} for item in self.items)


def ingest(
    case: Path,
    paths: Sequence[Path],
    definition: CaseDefinition,
    *,
    progress: Progress | None = None,
    threads: int | None = None,
    memory: str | None = None,
) -> IngestResult:
    """Read what the paths hold into the case file; what is there already is not read twice.

    threads parse (2); memory, such as "1GB", is what DuckDB may take. A kill at any moment leaves the case as it was
    before the items in hand, and the next run goes on from there.

    Raises:
        EvidenceError: a path does not exist, or the paths hold no file.
        CaseError: the case file cannot be opened or written.
    """
    no_evidence = [case, case.with_name(case.name + ".wal"), definition.path, definition.labels, *definition.geoip]
    no_evidence.append(definition.formats)
    sources = find_sources(paths, exclude=[path for path in no_evidence if path is not None])
    if not sources:
        raise EvidenceError(
            "there is no file to ingest",
            where=", ".join(map(str, paths)),
            next_step="name the folder that holds the logs",
        )
    recogniser = Recogniser(load_checked(definition.formats))
    con = store.open_case(case, memory=memory or MEMORY, threads=1)
    try:
        writer = _Writer(con, progress)
        with ThreadPoolExecutor(threads or PARSERS, "parse") as parsers:
            intake = Intake(store.items(con), evidence_rules(definition), recogniser, parsers.submit)
            if progress is not None:
                progress.begin(len(sources), sum(source.bytes for source in sources))
            with closing(_ahead(intake.messages(sources))) as messages:
                for message in messages:
                    writer.take(message)
        items = sorted(writer.done, key=lambda item: (item.path, item.evidence_id))
        return IngestResult(tuple(items), writer.unchanged)
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise CaseError(
            f"the case file cannot be written: {str(error).splitlines()[0]}",
            where=str(case),
            next_step="make room on the disk or give more with --memory, then ingest again: it goes on from here",
        ) from error
    finally:
        con.close()


class _Writer:
    """Does what the messages say, in order, and counts."""

    def __init__(self, con: duckdb.DuckDBPyConnection, progress: Progress | None) -> None:
        self._con = con
        self._progress = progress
        self._tallies: dict[int, Tally] = {}
        self.done: list[EvidenceItem] = []
        self.unchanged = 0

    def take(self, message: Message) -> None:
        """Act on one message; an error leaves the transaction to the closing of the connection, which undoes it."""
        if isinstance(message, Begin):
            self._con.execute("begin")
            for number in message.forget:
                store.forget(self._con, number)
            if self._progress is not None:
                for source in message.sources:
                    self._progress.started(source.path, source.bytes)
        elif isinstance(message, Lines):
            self._add(message.rows.result() if isinstance(message.rows, Future) else message.rows, message.stored_bytes)
        else:
            self._end(message)

    def _add(self, rows: Rows, stored_bytes: int) -> None:
        store.insert(self._con, "event", rows.events, evidence_id=rows.evidence_id)
        store.insert(self._con, "reject", rows.rejects, evidence_id=rows.evidence_id)
        for number, tally in rows.tallies.items():
            self._tallies.setdefault(number, Tally()).add(tally)
        if self._progress is not None:
            self._progress.advanced(stored_bytes, sum(tally.lines for tally in rows.tallies.values()))

    def _end(self, message: End) -> None:
        if message.void:
            self._con.execute("rollback")
            self._con.execute("begin")
            self._tallies.clear()
        items = [entry.item if entry.stands else self._counted(entry) for entry in message.entries]
        new = [item for item, entry in zip(items, message.entries, strict=True) if not entry.stands]
        store.put_items(self._con, new)
        store.put_readings(self._con, [pair for entry in message.entries for pair in self._readings(entry)])
        self._con.execute("commit")
        self._tallies.clear()
        self.done += items
        self.unchanged += len(items) - len(new)
        if self._progress is not None:
            self._progress.advanced(message.stored_bytes, 0)
            for item in items:
                self._progress.ended(item)

    def _counted(self, entry: Entry) -> EvidenceItem:
        """Return the item with its totals, and with the format that most of its events have."""
        tally = self._tallies.get(entry.item.evidence_id)
        if tally is None:
            return entry.item
        by_format: Counter[str] = Counter()
        for number, reading in self._readings(entry):
            del number
            by_format[reading.format] += tally.readings[reading.reading].events
        return replace(
            entry.item,
            format=by_format.most_common(1)[0][0] if by_format else entry.item.format,
            lines=tally.lines,
            events=tally.events,
            rejected=tally.rejected,
            skipped=tally.skipped,
            first_ts_us=tally.first_ts_us,
            last_ts_us=tally.last_ts_us,
        )

    def _readings(self, entry: Entry) -> list[tuple[int, Reading]]:
        """Return the readings that lines of the item used."""
        tally = self._tallies.get(entry.item.evidence_id)
        if tally is None or entry.parser is None:
            return []
        of_parser = {reading.reading: reading for reading in entry.parser.readings}
        return [
            (
                entry.item.evidence_id,
                replace(of_parser[used.of_parser], reading=number, first_line=used.first_line),
            )
            for number, used in sorted(tally.readings.items())
        ]


def _ahead(messages: Iterator[Message]) -> Generator[Message]:
    """Run an iterator in a thread of its own, one message ahead; what it raises is raised here."""
    waiting: queue.Queue[Message | BaseException | None] = queue.Queue(1)
    stop = threading.Event()

    def put(message: Message | BaseException | None) -> bool:
        while not stop.is_set():
            try:
                waiting.put(message, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False

    def run() -> None:
        try:
            for message in messages:
                if not put(message):
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits, whatever it is
            put(error)

    reader = threading.Thread(target=run, name="read", daemon=True)
    reader.start()
    try:
        while (message := waiting.get()) is not None:
            if isinstance(message, BaseException):
                raise message
            yield message
    finally:
        stop.set()
        reader.join(5)  # it may wait for standard input, which nobody sends any more
