"""Findings as JSON: the contract with programs. Keys keep their names and their order; more may be added.

Times are ISO 8601 in UTC with "Z"; sizes are bytes; spans are seconds and end in `_seconds`; null is "the log does not
say". The text is plain ASCII, so that nothing a stranger wrote into a log reaches a terminal as more than its escape.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from incident import words
from incident.render.jsonrecords import SPANS, record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from incident.formats import Format
    from incident.proposals import DatasetProposal
    from incident.records import (
        CaseDefinition,
        CaseFinding,
        DatasetFinding,
        EvidenceItem,
        ObjectFinding,
        Outage,
        Policy,
        RejectCount,
        RejectLine,
        WindowFinding,
    )
    from incident.records_compare import Comparison, FigureChange
    from incident.records_coverage import CoverageFinding

Json = dict[str, object]


def text(value: Json) -> str:
    """Return JSON text that ends in a line feed."""
    return json.dumps(value, indent=2) + "\n"


def summary(case: CaseFinding) -> Json:
    """Return what `incident summary --json` prints."""
    return {**_case(case), "datasets": [_summary_of(found) for found in case.datasets]}


def datasets(case: CaseFinding) -> Json:
    """Return what `incident datasets --json` prints."""
    return {
        **_case(case),
        "datasets": [
            {
                "dataset": found.dataset,
                "title": found.title,
                "records": found.records,
                "fields": list(found.fields),
                "requests": found.requests,
                "downloads": found.downloads,
                "unique_ips": found.unique_ips,
                "objects": [_object(one) for one in found.objects],
            }
            for found in case.datasets
        ],
    }


def windows(case: CaseFinding) -> Json:
    """Return what `incident windows --json` prints."""
    return {
        **_case(case),
        "datasets": [
            {
                "dataset": found.dataset,
                "title": found.title,
                "windows": [window(one) for one in found.windows],
                "object_windows": [{"object": one.object, **window(one)} for one in found.object_windows],
            }
            for found in case.datasets
        ],
    }


def coverage(case: CaseFinding, found: CoverageFinding) -> Json:
    """Return what `incident coverage --json` prints: the evidence, then what it cannot show of each data set."""
    return {
        **_case(case),
        **record(found),
        "datasets": [
            {
                "dataset": one.dataset,
                "title": one.title,
                "windows": [window(each) for each in one.windows],
                "sentence": one.sentence,
            }
            for one in case.datasets
        ],
    }


def answer(case: CaseFinding, found: object) -> Json:
    """Return what a question prints whose answer is one record: the case, then the record's fields."""
    return {**_case(case), **record(found)}


def comparison(found: Comparison) -> Json:
    """Return what `incident compare --json` prints; times among the figures are ISO, spans seconds, as elsewhere."""
    return {**record(found), "figures": [_moved(one) for one in found.figures]}


def _moved(one: FigureChange) -> Json:
    name = one.figure.rpartition(".")[2]
    a, b, difference = one.a, one.b, one.difference
    key = one.figure
    values: tuple[object, object, object] = (a, b, difference)
    if name in SPANS:
        key = one.figure.removesuffix("_us") + "_seconds"
        values = (_seconds(a), _seconds(b), _seconds(difference))
    elif name.endswith("_us"):
        key = one.figure.removesuffix("_us")
        values = (_time(a), _time(b), _seconds(difference))
    return {"dataset": one.dataset, "figure": key, **dict(zip(("a", "b", "difference"), values, strict=True))}


def proposals(definition: CaseDefinition, items: Sequence[EvidenceItem], found: Sequence[DatasetProposal]) -> Json:
    """Return what `incident summary --json` prints while no data set is defined."""
    return {
        "case": definition.name,
        "config_sha256": definition.sha256,
        "policy": policy(definition.policy),
        "datasets": [],
        "proposals": [
            {
                "path": one.path,
                "requests": one.requests,
                "unique_peers": one.peers,
                "largest_bytes": one.largest_bytes,
                "first": _time(one.first_us),
                "last": _time(one.last_us),
            }
            for one in found
        ],
        **evidence(items),
    }


def evidence(items: Sequence[EvidenceItem]) -> Json:
    """Return what `incident evidence --json` prints."""
    paths = {item.evidence_id: item.path for item in items}
    return {"evidence": [_item(item, paths) for item in items]}


def reject_counts(counts: Sequence[RejectCount]) -> Json:
    """Return what `incident rejects --json` prints."""
    return {"rejects": [{"path": one.path, "reason": one.reason, "lines": one.lines} for one in counts]}


def reject_lines(lines: Iterable[RejectLine]) -> Json:
    """Return what `incident rejects ITEM --json` prints; bytes that are no UTF-8 also stand as base64."""
    return {"rejects": [_reject(line) for line in lines]}


def formats(pages: Mapping[str, Format]) -> Json:
    """Return what `incident formats --json` prints."""
    return {
        "formats": [
            {
                "name": page.name,
                "title": page.title,
                "source": page.source,
                "checked": None if page.checked is None else page.checked.isoformat(),
                "vantage": page.vantage,
                "ts_kind": page.ts_kind,
                "bytes_kind": page.bytes_kind,
                "limits": list(page.limits),
            }
            for page in pages.values()
        ]
    }


def policy(rules: Policy) -> Json:
    """Return a policy as the case definition writes it, with its name."""
    return {
        "name": rules.name,
        "session_gap": words.compact_span(rules.session_gap_us),
        "repeat_within": words.compact_span(rules.repeat_within_us),
        "min_bytes": rules.min_bytes,
        "max_interruption": words.compact_span(rules.max_interruption_us),
        "match_within": words.compact_span(rules.match_within_us),
    }


def window(found: WindowFinding) -> Json:
    """Return one exposure window."""
    return {
        "opened_after": _time(found.opened_after_us),
        "first_seen": _time(found.first_seen_us),
        "last_seen": _time(found.last_seen_us),
        "closed_by": _time(found.closed_by_us),
        "confirmed_seconds": _seconds(found.confirmed_us),
        "unavailable_seconds": _seconds(found.unavailable_us),
        "longest_seconds": _seconds(found.longest_us),
        "interruptions": found.interruptions,
        "outages": _spans(found.outages),
        "interrupted": _spans(found.interrupted),
        "unlogged": [record(one) for one in found.unlogged],
    }


def _case(case: CaseFinding) -> Json:
    return {
        "case": case.case,
        "config_sha256": case.config_sha256,
        "manifest_sha256": case.manifest_sha256,
        "version": case.version,
        "policy": {**policy(case.policy), **({"says": case.policy_says} if case.policy_says else {})},
        "timezone": case.timezone,
        "since": _time(case.since_us),
        "until": _time(case.until_us),
    }


def _summary_of(found: DatasetFinding) -> Json:
    return {
        "dataset": found.dataset,
        "title": found.title,
        "records": found.records,
        "fields": list(found.fields),
        "downloads": found.downloads,
        "downloads_full": found.downloads_full,
        "downloads_partial": found.downloads_partial,
        "downloads_undetermined": found.downloads_undetermined,
        "downloads_automated": found.downloads_automated,
        "unique_ips": found.unique_ips,
        "unique_ips_automated": found.unique_ips_automated,
        "clients_full_copy": found.clients_full_copy,
        "requests": found.requests,
        "buckets": dict(found.buckets),
        "origin_unmatched": found.origin_unmatched,
        "first_download": _time(found.first_download_us),
        "last_download": _time(found.last_download_us),
        "windows": [window(one) for one in found.windows],
        "objects": [_object(one) for one in found.objects],
        "sentence": found.sentence,
        "caveats": list(found.caveats),
    }


def _object(found: ObjectFinding) -> Json:
    return {
        "object": found.object,
        "requests": found.requests,
        "downloads": found.downloads,
        "downloads_full": found.full,
        "downloads_partial": found.partial,
        "downloads_undetermined": found.undetermined,
        "unique_ips": found.unique_ips,
        "clients_full_copy": found.clients_full_copy,
        "sizes": list(found.sizes),
        "size_basis": found.size_basis,
        "first_download": _time(found.first_download_us),
        "last_download": _time(found.last_download_us),
    }


def _item(item: EvidenceItem, paths: Mapping[int, str]) -> Json:
    return {
        "path": item.path,
        "sha256": item.sha256,
        "bytes": item.bytes,
        "format": item.format,
        "vantage": item.vantage,
        "status": item.status,
        "lines": item.lines,
        "events": item.events,
        "rejected": item.rejected,
        "skipped": item.skipped,
        "first_ts": _time(item.first_ts_us),
        "last_ts": _time(item.last_ts_us),
        "content_sha256": item.content_sha256,
        "content_bytes": item.content_bytes,
        "compression": item.compression,
        "detected_by": item.detected_by,
        "server": item.server,
        "problem": item.problem,
        "repeat_of": None if item.repeat_of is None else paths.get(item.repeat_of),
    }


def _reject(line: RejectLine) -> Json:
    found: Json = {
        "path": line.path,
        "line": line.line_no,
        "offset": line.byte_offset,
        "reason": line.reason,
        "raw": line.raw.decode("utf-8", "backslashreplace"),
    }
    try:
        line.raw.decode("utf-8")
    except UnicodeDecodeError:
        found["raw_base64"] = base64.b64encode(line.raw).decode("ascii")
    return found


def _spans(found: Sequence[Outage]) -> list[Json]:
    return [{"start": _time(one.start_us), "end": _time(one.end_us)} for one in found]


def _time(us: int | None) -> str | None:
    return None if us is None else words.iso(us)


def _seconds(us: int | None) -> int | float | None:
    if us is None:
        return None
    whole, rest = divmod(us, 1_000_000)
    return us / 1_000_000 if rest else whole
