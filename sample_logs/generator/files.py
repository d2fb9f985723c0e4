"""Lines into evidence items: hourly edge files, two origin rotations, and what goes wrong with such files."""

from __future__ import annotations

import gzip
import io
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from .events import Event, Ledger, by_time
from .lines import CLOUDFRONT_FIELDS, CLOUDFRONT_HEADER, edge_line, origin_line
from .story import DISTRIBUTION_ID, HOUR, OVERLAP_FROM, OVERLAP_TO, SEED


@dataclass(slots=True)
class Item:
    """One evidence item: its bytes line by line, and what each line is."""

    path: str
    lines: list[bytes] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    duplicates: list[Event] = field(default_factory=list)  # those of its events that stand elsewhere too
    rejected: int = 0
    skipped: int = 0
    repeat_of: str | None = None
    level: int = 9
    unterminated: bool = False

    def add(self, event: Event, text: str, *, duplicate: bool = False) -> None:
        """Add a line that is an event."""
        self.lines.append(text.encode())
        self.events.append(event)
        if duplicate:
            self.duplicates.append(event)

    def reject(self, raw: bytes, place: int | None = None) -> None:
        """Add a line that no parser should make sense of."""
        self.lines.insert(len(self.lines) if place is None else place, raw)
        self.rejected += 1

    def skip(self, raw: bytes, place: int | None = None) -> None:
        """Add a blank or comment line."""
        self.lines.insert(len(self.lines) if place is None else place, raw)
        self.skipped += 1

    @property
    def content(self) -> bytes:
        """The item, decompressed."""
        return b"\n".join(self.lines) + (b"" if self.unterminated else b"\n")

    @property
    def data(self) -> bytes:
        """The item as it lies on the disk; a gzip member carries neither a name nor a time."""
        if not self.path.endswith(".gz"):
            return self.content
        buffer = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", compresslevel=self.level, fileobj=buffer, mtime=0) as stream:
            stream.write(self.content)
        return buffer.getvalue()


def edge_items(ledger: Ledger) -> list[Item]:
    """Two files an hour, three in a busy one; some rows come an hour late, some come twice."""
    rng = Random(f"{SEED}:edge files")
    hours: dict[int, list[Event]] = defaultdict(list)
    edge = by_time(event for event in ledger.events if event.vantage == "edge")
    final = max(event.end for event in edge) // HOUR
    for event in edge:
        late = rng.random() < 0.015 and event.end // HOUR < final
        ledger.tally["late_edge_rows"] += late
        hours[event.end // HOUR + late].append(event)
    items: list[Item] = []
    for hour, events in sorted(hours.items()):
        moment = datetime.fromtimestamp(0, UTC) + timedelta(hours=hour)
        files = [
            Item(f"edge/{DISTRIBUTION_ID}.{moment:%Y-%m-%d-%H}.{rng.getrandbits(32):08x}.gz")
            for _ in range(3 if len(events) > 900 else 2)
        ]
        for item in files:
            for header in CLOUDFRONT_HEADER:
                item.skip(header.encode())
        order = sorted((n + rng.randrange(12), n) for n in range(len(events)))  # near the order of time, not in it
        for _, n in order:
            item = files[rng.randrange(len(files))]
            item.add(events[n], edge_line(events[n]))
        items += files
    _redeliver(items, rng, ledger.tally)
    _damage_edge(items, rng, ledger.tally)
    items.append(_repeat(items, ledger.tally))
    return items


def _redeliver(items: list[Item], rng: Random, tally: Counter[str]) -> None:
    """Rows delivered again: in the next hour's file, and now and then in the same one. Their request ids are equal."""
    originals = list(items)
    for number in range(6, len(originals) - 4, 5):
        source, target = originals[number], originals[number + 3]
        for event in rng.sample(source.events, min(9, len(source.events))):
            target.add(event, edge_line(event), duplicate=True)
            tally["redelivered_edge_rows"] += 1
    for number in (17, 40):
        item = originals[number]
        for event in rng.sample([e for e in item.events if e.dataset], 3):
            item.add(event, edge_line(event), duplicate=True)
            tally["redelivered_edge_rows_same_file"] += 1


def _damage_edge(items: list[Item], rng: Random, tally: Counter[str]) -> None:
    whole = items[0].lines[5]
    columns = whole.split(b"\t")
    damaged = (
        b"\t".join(columns[:7]),
        b"\t".join(columns[:20]),
        whole[: len(whole) // 3],
        b"\x00" * 96,
        bytes(rng.choice((1, 2, 143, 200, 254, 255, 0, 31)) for _ in range(64)),
    )
    for number, raw in enumerate(damaged):
        item = items[5 + number * 9]
        item.reject(raw, place=rng.randrange(3, len(item.lines)))
        tally["broken_edge_lines"] += 1
    for number in (3, 21, 33):
        items[number].skip(b"", place=rng.randrange(3, len(items[number].lines)))
        tally["blank_lines"] += 1
    items[14].skip(b"#Remark: delivered late", place=2)
    items[27].skip(f"#Fields: {CLOUDFRONT_FIELDS}".encode(), place=len(items[27].lines) // 2)
    tally["comment_lines"] += 2


def _repeat(items: list[Item], tally: Counter[str]) -> Item:
    """One file once more, elsewhere and compressed less: other bytes, the same content."""
    source = items[44]
    folder, name = source.path.split("/")
    tally["repeated_files"] += 1
    return Item(f"{folder}/resent/{name}", lines=list(source.lines), repeat_of=source.path, level=1)


def origin_items(ledger: Ledger) -> list[Item]:
    """Return the rotated log, copied while it was still being written, and its successor; a stretch is in both."""
    rng = Random(f"{SEED}:origin files")
    events = by_time(event for event in ledger.events if event.vantage == "origin")
    older, newer = Item("origin/access.log.1.gz"), Item("origin/access.log")
    cut = next(n for n, event in enumerate(events) if event.end >= OVERLAP_TO)
    for n, event in enumerate(events):
        text = origin_line(event)
        if n < cut:
            older.add(event, text)
        if event.end >= OVERLAP_FROM:
            newer.add(event, text, duplicate=n < cut)
    ledger.tally["overlapping_origin_rows"] = len(newer.duplicates)
    broken = (
        (older, b'192.0.2.18 - - [27/Jun/2022:10:12:40 -0700] "GET /about HTTP/1.1'),
        (older, b"\x00" * 512 + b"192.0.2.9 - - [27/Jun/2022:21:3"),
        (older, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x8a\x9f\xe1\xc0\x2b\xc0\x2f\x00\x9e"),
        (older, b"2022/06/28 01:48:12 [error] 31#31: *9134 upstream timed out (110: Connection timed out)"),
        (newer, b'198.51.100.14 - - [28/Jun/2022:09:00:01 -0700] "GET / HTTP/1.1" OK 1033 "-" "-" "-" -'),
        (newer, b"(binary) \xff\xfe\xfd \x9c\x9d"),
    )
    for item, raw in broken:
        item.reject(
            raw,
            place=rng.randrange(20, len(older.lines) // 2) if item is older else len(item.lines) - rng.randrange(50),
        )
        ledger.tally["broken_origin_lines"] += 1
    for item in (older, older, newer):
        item.skip(b"", place=len(item.lines) // 3)
        ledger.tally["blank_lines"] += 1
    whole = origin_line(events[cut]).encode()
    older.reject(whole[: whole.index(b'"') + 9])
    older.unterminated = True
    ledger.tally["cut_lines"] += 1
    return [older, newer]
