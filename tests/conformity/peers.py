"""Other tools' expected parses, read as they published them, and held against ours field by field.

Every conformity test uses this file: put into it what several formats need, and keep what is one format's own there.

A peer's expected file states some fields of some lines. `agreement` compares what it states with the event of that
line. What differs must stand in the test's table of peers that are wrong, with the reason; an entry that no longer
differs must go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from parse_fixture import OWN, SHARED, assert_same

from incident.detect import detect
from incident.formats import load
from incident.parse import Settings

PAGES = load()
Fields = Mapping[str, object]

# what the Elastic Common Schema calls our columns; a format adds its own, or takes one away with None
ECS: Mapping[str, str] = {
    "@timestamp": "ts_us",
    "source.ip": "peer_ip",
    "source.port": "peer_port",
    "user.name": "user_name",
    "http.request.method": "method",
    "http.request.referrer": "referer",
    "http.request.id": "request_id",
    "http.response.status_code": "status",
    "http.version": "protocol",
    "url.path": "path",
    "url.query": "query",
    "user_agent.original": "user_agent",
}


@dataclass(slots=True)
class Agreement:
    """How many fields were compared and equal, and which were not: (file, line, our column, ours, theirs)."""

    compared: int = 0
    equal: int = 0
    differ: list[tuple[str, int, str, object, object]] = field(default_factory=list)


def present(*names: str) -> list[Path]:
    """Return those samples that are at hand: shared ones, or those kept here; what is not there is not compared."""
    homes = [next((home for home in (SHARED, OWN) if (home / name).exists()), None) for name in names]
    return [home / name for home, name in zip(homes, names, strict=True) if home is not None]


def events_of(path: Path, expected: str | None, settings: Settings | None = None) -> dict[int, dict[str, Any]]:
    """Read a log as ingest would, on both paths, and return its events by line; detection must name `expected`."""
    return events_in(path.read_bytes(), expected, settings)


def events_in(data: bytes, expected: str | None, settings: Settings | None = None) -> dict[int, dict[str, Any]]:
    """Read the bytes of a log as ingest would."""
    given = settings or Settings()
    found = detect(data, PAGES, given)
    assert found.format == expected, (found.format, found.because)
    if found.page is None:
        return {}
    batch = assert_same(data, found.page, given, others=found.others)
    return {row["line_no"]: row for row in batch.events.to_dicts()}


def flat(record: object, prefix: str = "") -> dict[str, object]:
    """Return a nested object with dotted keys, as some peers write it in the first place."""
    if not isinstance(record, dict):
        return {prefix: record}
    found: dict[str, object] = {}
    for key, value in record.items():
        found |= flat(value, f"{prefix}.{key}" if prefix else str(key))
    return found


def elastic(path: Path) -> list[dict[str, object] | None]:
    """Read an expected file of elastic/integrations or of beats: one record per event, null where it drops the line."""
    document = json.loads(path.read_text(encoding="utf-8"))
    records = document["expected"] if isinstance(document, dict) else document
    return [flat(record) if record is not None else None for record in records]


def sekoia(path: Path) -> list[dict[str, object]]:
    """Read a test case of Sekoia's intake formats: one event."""
    return [flat(json.loads(path.read_text(encoding="utf-8"))["expected"])]


_ASSERT = re.compile(r'results\["(s\d\d-[\w-]+)"\]\["([^"]+)"\]\[(\d+)\]\.Evt\.(\w+)(?:\["([^"]+)"\])? == (.*)')


def crowdsec(path: Path, parser: str) -> list[dict[str, object]]:
    """Read what a CrowdSec test asserts of one parser's events: keys such as Meta.http_path, Parsed.verb, StrTime."""
    found: dict[int, dict[str, object]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        match = _ASSERT.fullmatch(line.strip())
        if match is None or match[2] != parser:
            continue
        key = f"{match[4]}.{match[5]}" if match[5] else match[4]
        found.setdefault(int(match[3]), {})[key] = json.loads(match[6]) if match[6][0] in '"0123456789tf-' else match[6]
    return [found[index] for index in sorted(found)]


def mapped(record: Fields, names: Mapping[str, str | None]) -> dict[str, object]:
    """Return what a peer states in our columns' names; of several fields for one column, the last that is there."""
    return {
        ours: record[theirs] for theirs, ours in names.items() if ours is not None and record.get(theirs) is not None
    }


def agreement(
    pairs: Iterator[tuple[str, int, Fields | None, Fields]] | Sequence[tuple[str, int, Fields | None, Fields]],
    wrong: Mapping[tuple[str, int | None, str], str],
    plain: Callable[[str, object], object] = lambda _column, value: value,
) -> Agreement:
    """Compare what peers state: (file, line, our event, their fields); what differs must be in the table of the wrong.

    A line of None in the table stands for every line of the file. `plain` brings a peer's value to our spelling.
    """
    found, used = Agreement(), set()
    unexplained = []
    for name, line, ours, theirs in pairs:
        for column, stated in theirs.items():
            found.compared += 1
            mine = None if ours is None else ours[column]
            if same(column, mine, plain(column, stated)):
                found.equal += 1
                continue
            found.differ.append((name, line, column, mine, stated))
            keys = [key for key in ((name, line, column), (name, None, column)) if key in wrong]
            used.update(keys)
            if not keys:
                unexplained.append((name, line, column, mine, stated))
    assert not unexplained, unexplained
    if found.compared:
        assert used == set(wrong), f"no longer different: {set(wrong) - used}"
    return found


def same(column: str, ours: object, theirs: object) -> bool:
    """Tell whether two values say the same; a time is compared to the digits that the peer keeps."""
    if ours is None or theirs is None:
        return ours is theirs
    if column == "ts_us":
        return _same_time(ours, str(theirs))
    if column == "protocol":
        return str(ours).removeprefix("HTTP/") == str(theirs).removeprefix("HTTP/").removeprefix("http/")
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, int):
        return re.fullmatch(r"-?\d+(\.0+)?", str(theirs)) is not None and ours == int(str(theirs).partition(".")[0])
    return str(ours) == str(theirs)


def _same_time(ours: object, theirs: str) -> bool:
    if not isinstance(ours, int):
        return False
    text = re.sub(r"(\.\d{6})\d+", r"\1", theirs.replace("Z", "+00:00"))
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    stated = int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / (datetime.resolution))
    digits = re.search(r"\.(\d+)", theirs)
    step = int(Fraction(1_000_000, 10 ** min(len(digits[1]) if digits else 0, 6)))
    return ours // step == stated // step


def peeled(path: Path, wrapper: str) -> bytes:
    """Return a log without what wraps its lines; wrappers have tests of their own."""
    return re.sub(rb"(?m)^" + wrapper.encode(), b"", path.read_bytes())


def targets(events: Mapping[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Add to each event its target in one piece, as many peers keep it: path, and what follows the question mark."""
    found = {}
    for line, event in events.items():
        query = event["query"]
        found[line] = {**event, "target": event["path"] if query is None else f"{event['path']}?{query}"}
    return found


def spelt(column: str, value: object) -> object:
    """Spell a peer's value as our column does: hosts small, without port; a hyphen, an empty text, status 0: None."""
    text = str(value)
    if text in {"-", ""} or (column == "status" and text in {"0", "000"}):
        return None
    if column == "host":
        return re.sub(r":\d+$", "", text).lower()
    return value
