"""What an ingest had to assume, or could not read, said once for all items it befell, each with a next step."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from incident.cli.output import note
from incident.words import counted, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from incident.records import EvidenceItem, Reading

NAMED = 3
MANY_REJECTED = 0.01


def tell(
    items: Sequence[EvidenceItem], readings: Mapping[int, Sequence[Reading]], case: str, *, quiet: bool, verbose: bool
) -> None:
    """Write the notes on stderr; with `verbose`, also zones that a format's own page settles."""
    zones: dict[str, list[str]] = {}
    unsettled = []
    for item in items:
        of_item = readings.get(item.evidence_id, ())
        if "timezone" not in _given(item):
            for zone in {reading.zone for reading in of_item if reading.zone is not None}:
                zones.setdefault(zone, []).append(item.path)
        if item.server is None and any("unknown" in {one.bytes_kind, one.ts_kind} for one in of_item):
            unsettled.append(item.path)
    for zone, paths in zones.items():
        note(
            "zone-assumed",
            f"the times in {_named(paths)} carry no zone; {zone} is what their format says",
            'where that is not so, name it with --tz, or timezone = "…" under [[evidence]], and ingest again',
            quiet=quiet or not verbose,
        )
    if unsettled:
        note(
            "server-unknown",
            f"nothing in {_named(unsettled)} says which server wrote the lines, and so what their bytes and times mean",
            'say which with server = "apache" or "nginx" under [[evidence]]',
            quiet=quiet,
        )
    for item in items:
        if item.status == "unrecognised":
            note(
                "not-recognised",
                f"{item.path}: {item.problem or 'no format fits its first lines'}",
                "say how its lines read with --format NAME or --log-format DIRECTIVE; incident formats lists the names",
                quiet=quiet,
            )
        elif item.status in {"truncated", "unreadable"}:
            note(
                "not-read-whole",
                f"{item.path}: {item.problem or item.status}",
                "ask for a whole copy; the lines that could be read are in the case",
                quiet=quiet,
            )
        elif item.rejected and item.rejected >= MANY_REJECTED * item.lines:
            note(
                "lines-rejected",
                f"{number(item.rejected)} of {counted(item.lines, 'line')} in {item.path} fit no format",
                f"incident rejects{case} '{item.path}'",
                quiet=quiet,
            )


def _given(item: EvidenceItem) -> Iterable[str]:
    return {key for key, value in json.loads(item.settings or "{}").items() if value is not None}


def _named(paths: Sequence[str]) -> str:
    if len(paths) <= NAMED:
        return ", ".join(paths)
    return f"{', '.join(paths[:NAMED])} and {counted(len(paths) - NAMED, 'more item')}"
