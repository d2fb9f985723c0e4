"""What the logs hold against the declared events: each a finding of its own, with its count and its first line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from incident import site, words
from incident.records import CaseDefinition, DeclaredEvent
from incident.records_chronology import Contradiction, CrashFinding
from incident.store import sql_text

REOPENING = frozenset({"published", "restored"})


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a declared event says of a data set: no `seen` from `from_us` to `until_us`."""

    kind: str
    event: DeclaredEvent
    dataset_id: int
    dataset: str
    seen: str  # "download" | "open" | "closed" | "unavailable"
    from_us: int | None
    until_us: int | None
    says: str


_SCHEMA = {
    "claim_no": pl.Int32,
    "dataset_id": pl.Int32,
    "seen": pl.String,
    "from_us": pl.Int64,
    "until_us": pl.Int64,
}
_SITE_SCHEMA = {"claim_no": pl.Int32, "vantage": pl.String, "from_us": pl.Int64, "until_us": pl.Int64}


def contradictions(
    con: duckdb.DuckDBPyConnection,
    definition: CaseDefinition,
    crashes: Sequence[CrashFinding],
    datasets: Collection[str] | None,
) -> tuple[Contradiction, ...]:
    """Hold the declared events against the logs, by time of the declared event."""
    claims = [
        claim
        for number, rule in enumerate(definition.datasets)
        if datasets is None or rule.name in datasets
        for claim in _claims(con, definition, number, rule.name)
    ]
    rows = [(n, each.dataset_id, each.seen, each.from_us, each.until_us) for n, each in enumerate(claims)]
    site.put_rows(con, "claim", rows, _SCHEMA)
    against = con.execute(sql_text("830_contradiction")).fetchall()
    failing = [
        (event, crash)
        for event in definition.events
        for crash in crashes
        if event.kind == "restored"
        and crash.start_us <= event.time_us
        and (crash.end_us is None or event.time_us < crash.end_us)
    ]
    site_rows = [(n, crash.vantage, event.time_us, crash.end_us) for n, (event, crash) in enumerate(failing)]
    site.put_rows(con, "site_claim", site_rows, _SITE_SCHEMA)
    at_site = con.execute(sql_text("831_site_contradiction")).fetchall()
    lines = site.lines_of(con, {(row[4], row[5]) for row in [*against, *at_site]})
    found = []
    for number, count, first_us, last_us, item, line_no in against:
        claim = claims[number]
        found.append(
            Contradiction(
                kind=claim.kind,
                declared=claim.event,
                dataset=claim.dataset,
                count=count,
                first_us=first_us,
                last_us=last_us,
                furthest_us=_furthest(claim.event, first_us, last_us),
                source=lines[item, line_no],
                label=f"{words.counted(count, *_NOUN[claim.seen])} {claim.says}",
            )
        )
    for number, count, first_us, last_us, item, line_no in at_site:
        event, crash = failing[number]
        found.append(
            Contradiction(
                kind="error-after-restoration",
                declared=event,
                dataset=None,
                count=count,
                first_us=first_us,
                last_us=last_us,
                furthest_us=_furthest(event, first_us, last_us),
                source=lines[item, line_no],
                label=f"{words.counted(count, 'error')} (5xx) logged at the {crash.vantage} after the declared "
                "restoration, before the site answered again",
            )
        )
    return tuple(sorted(found, key=lambda each: (each.declared.time_us, each.kind, each.dataset or "", each.first_us)))


_NOUN = {
    "download": ("download", "downloads"),
    "open": ("answered request", "answered requests"),
    "closed": ("refused request", "refused requests"),
    "unavailable": ("failed request", "failed requests"),
}


def _furthest(event: DeclaredEvent, first_us: int, last_us: int) -> int:
    return max(abs(first_us - event.time_us), abs(last_us - event.time_us))


def _claims(con: duckdb.DuckDBPyConnection, definition: CaseDefinition, number: int, name: str) -> Iterator[_Claim]:
    events = sorted(
        (e for e in definition.events if e.dataset in {None, name}), key=lambda e: (e.time_us, e.kind or "")
    )
    windows = con.execute(
        "select opened_after_us, first_seen_us, last_seen_us, closed_by_us from exposure_window where dataset_id = ? "
        "order by first_seen_us",
        [number],
    ).fetchall()

    def claim(kind: str, event: DeclaredEvent, seen: str, span: tuple[int | None, int | None], says: str) -> _Claim:
        return _Claim(kind, event, number, name, seen, span[0], span[1], says)

    for place, event in enumerate(events):
        at_us = event.time_us
        before = [e for e in events[:place] if e.time_us < at_us]
        after = [e for e in events[place + 1 :] if e.time_us > at_us]
        if event.kind == "taken_down":
            back_us = next((e.time_us for e in after if e.kind in REOPENING), None)
            said = f"of {name} after the declared takedown"
            yield claim("download-after-takedown", event, "download", (at_us, back_us), said)
            yield claim(
                "open-after-takedown", event, "open", (at_us, back_us), f"for {name} after the declared takedown"
            )
            closed_us = _closed_before(windows, at_us)
            if closed_us is not None:
                said = f"for {name}, after the last answered one, before the declared takedown"
                yield claim("closed-before-takedown", event, "closed", (closed_us, at_us), said)
        elif event.kind == "published":
            down_us = next((e.time_us for e in reversed(before) if e.kind == "taken_down"), None)
            said = f"of {name} before the declared publication"
            yield claim("download-before-publication", event, "download", (down_us, at_us), said)
            said = f"for {name} before the declared publication"
            yield claim("open-before-publication", event, "open", (down_us, at_us), said)
            first_us = next((window[1] for window in windows if window[2] >= at_us), None)
            if first_us is not None and first_us > at_us:
                said = f"for {name} after the declared publication, before the first answered one"
                yield claim("closed-after-publication", event, "closed", (at_us, first_us), said)
        elif event.kind == "outage":
            back_us = next((e.time_us for e in after if e.kind == "restored"), None)
            if back_us is not None:
                said = f"of {name} during the declared outage"
                yield claim("download-during-outage", event, "download", (at_us, back_us), said)
                said = f"for {name} during the declared outage"
                yield claim("open-during-outage", event, "open", (at_us, back_us), said)
        elif event.kind == "restored":
            row = con.execute(
                "select min(started_us) from observation where dataset_id = ? and seen = 'open' and started_us >= ?",
                [number, at_us],
            ).fetchall()[0]
            said = f"for {name} after the declared restoration, before the first answered one"
            yield claim("unavailable-after-restoration", event, "unavailable", (at_us, row[0]), said)
        elif event.kind == "alerted" and windows and windows[0][0] is not None and at_us < windows[0][0]:
            said = f"for {name} after the declared alert, before it was ever open"
            yield claim("alert-before-publication", event, "closed", (at_us, windows[0][0] + 1), said)


def _closed_before(windows: Sequence[Sequence[int | None]], at_us: int) -> int | None:
    """When the data was seen closed before a time, with no window reaching that far."""
    if not windows or any(window[2] is not None and window[2] >= at_us for window in windows):
        return None
    closed_us = windows[-1][3]
    return closed_us if closed_us is not None and closed_us < at_us else None
