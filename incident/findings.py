"""From the counted tables to frozen findings: what a case says under one definition and one policy.

No arithmetic happens after this: `render` shows what is here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import duckdb
import polars as pl

from incident import __version__, formats, model
from incident.coverage import coverage_finding
from incident.listing import as_defined, evidence_items
from incident.network import label_of, load_labels
from incident.overlaps import overlaps
from incident.proposals import DatasetProposal, propose
from incident.records import (
    BUCKETS,
    Bin,
    CaseDefinition,
    CaseFinding,
    ClientFinding,
    DatasetFinding,
    DatasetRule,
    ObjectFinding,
    Outage,
    WindowFinding,
)
from incident.records_coverage import CoverageFinding, Overlap
from incident.sensitivity import says_of
from incident.sentences import Ground, caveats_of, sentence_of
from incident.store import sql_text

Row = tuple[Any, ...]
Period = tuple[int | None, int | None]

SECOND = 1_000_000
SIZE_BASES = ("declared", "content-range", "content-length", "inferred")
BIN_WIDTHS = tuple(
    seconds * SECOND
    for seconds in (1, 5, 15, 60, 300, 600, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000)
)
MOST_BINS = 120
"""A bar narrower than a hundredth of the figure cannot be told from its neighbour in print."""


def case_finding(
    con: duckdb.DuckDBPyConnection,
    definition: CaseDefinition,
    *,
    datasets: Collection[str] | None = None,
    since_us: int | None = None,
    until_us: int | None = None,
) -> CaseFinding:
    """Everything the case says under a definition; `datasets` and the half-open period choose what is asked for."""
    model.apply(con, definition)
    case = bare_finding(con, definition, since_us=since_us, until_us=until_us)
    pages = formats.load(definition.formats)
    used = {name for (name,) in con.execute("select distinct format from reading").fetchall()}
    limits = tuple((pages[name].title, limit) for name in sorted(used & set(pages)) for limit in pages[name].limits)
    coverage = coverage_finding(con, definition)
    return replace(
        case,
        evidence=as_defined(evidence_items(con), definition),
        limits=limits,
        datasets=_dataset_findings(con, definition, datasets, pages, coverage, (since_us, until_us)),
        coverage=coverage,
    )


def bare_finding(
    con: duckdb.DuckDBPyConnection,
    definition: CaseDefinition,
    *,
    since_us: int | None = None,
    until_us: int | None = None,
) -> CaseFinding:
    """Which case it is, under which definition and policy; the period becomes the one that totals are taken over."""
    ask(con, since_us, until_us)
    return CaseFinding(
        case=definition.name or "Unnamed case",
        matter=definition.matter,
        prepared_by=definition.prepared_by,
        privilege=definition.privilege,
        timezone=definition.timezone,
        version=__version__,
        config_sha256=definition.sha256,
        manifest_sha256=model.manifest_sha256(con),
        policy=definition.policy,
        evidence=(),
        limits=(),
        datasets=(),
        events=definition.events,
        since_us=since_us,
        until_us=until_us,
        policy_says=says_of(definition.policy),
    )


def ask(con: duckdb.DuckDBPyConnection, since_us: int | None, until_us: int | None) -> None:
    """Set the half-open period that all totals are taken over."""
    con.execute("create or replace temp table period (since_us bigint, until_us bigint)")
    con.execute("insert into period values (?, ?)", [since_us, until_us])


def _by_dataset(con: duckdb.DuckDBPyConnection, query: str) -> Mapping[int, list[Row]]:
    """Rows of a query whose first column is the data set, without that column."""
    found: dict[int, list[Row]] = defaultdict(list)
    for dataset_id, *row in con.execute(query).fetchall():
        found[dataset_id].append(tuple(row))
    return found


def _dataset_findings(
    con: duckdb.DuckDBPyConnection,
    definition: CaseDefinition,
    wanted: Collection[str] | None,
    pages: Mapping[str, formats.Format],
    coverage: CoverageFinding,
    period: Period,
) -> tuple[DatasetFinding, ...]:
    buckets = _by_dataset(con, sql_text("61_bucket_total"))
    objects = _by_dataset(con, sql_text("62_object_total"))
    clients = _by_dataset(con, sql_text("63_client_total"))
    sizes: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for object_id, size, basis in con.execute("select object_id, size, basis from size order by all").fetchall():
        sizes[object_id].append((size, basis))
    windows, object_windows = _windows(con)
    labels = load_labels(definition.labels) if definition.labels else ()
    grounds = _grounds(con, pages)
    seen_at = _by_dataset(con, "select distinct dataset_id, vantage from request order by all")
    found = []
    for dataset_id, name, *total in con.execute(sql_text("60_total")).fetchall():
        if wanted is not None and name not in wanted:
            continue
        rule = definition.datasets[dataset_id]
        unlogged = _Unlogged(coverage, definition.timezone, frozenset(name for (name,) in seen_at.get(dataset_id, [])))
        of_buckets = {bucket: (requests, behind) for bucket, requests, behind in buckets.get(dataset_id, [])}
        found.append(
            _dataset_finding(
                rule,
                total,
                of_buckets,
                tuple(_object_finding(row, sizes) for row in objects.get(dataset_id, [])),
                tuple(_client_finding(row, labels) for row in clients.get(dataset_id, [])),
                unlogged.told(windows.get(dataset_id, ())),
                object_windows.get(dataset_id, ()),
                _bins(con, dataset_id, windows.get(dataset_id, ()), total),
                replace(
                    grounds.get(dataset_id, Ground()),
                    unlogged=unlogged.within(windows.get(dataset_id, ()), total, period),
                    sampled=unlogged.sampled,
                    cut_addresses=unlogged.cut_addresses,
                    policy_says=says_of(definition.policy),
                    full_only=definition.policy.full_only,
                ),
                definition.timezone,
            )
        )
    return tuple(found)


class _Unlogged:
    """What the coverage of the vantages that saw a data set says of its windows and its count."""

    def __init__(self, coverage: CoverageFinding, zone: str, seen_at: frozenset[str]) -> None:
        self.coverage, self.zone = coverage, zone
        self.vantages = seen_at or frozenset(vantage.vantage for vantage in coverage.vantages)
        own = [vantage for vantage in coverage.vantages if vantage.vantage in self.vantages]
        self.sampled = tuple(vantage.vantage for vantage in own if vantage.sampled)
        self.cut_addresses = tuple(
            vantage.vantage for vantage in own if any(share.anonymised != "no" for share in vantage.addresses)
        )
        self.spans = [(v.first_us, v.last_us) for v in own if v.first_us is not None and v.last_us is not None]

    def between(self, start_us: int, end_us: int) -> tuple[Overlap, ...]:
        """What is not logged; spells of errors are, and make a window unavailable."""
        found = overlaps(self.coverage, start_us, end_us, zone=self.zone, vantages=self.vantages)
        return tuple(each for each in found if each.kind != "errors")

    def told(self, windows: Sequence[WindowFinding]) -> tuple[WindowFinding, ...]:
        """The windows, each with what the logs cannot show between its outermost bounds."""
        return tuple(replace(window, unlogged=self.between(*_outermost(window))) for window in windows)

    def within(self, windows: Sequence[WindowFinding], total: Sequence[Any], period: Period) -> tuple[Overlap, ...]:
        """What the logs cannot show while the data may have been open; of data never seen open, while there are logs.

        A download belongs to its window even where a bound of the window lies within it.
        """
        spans = [_outermost(window) for window in windows]
        if total[-2] is not None and total[-1] is not None:
            spans.append((total[-2], total[-1]))
        if not spans and self.spans:
            spans = [(min(start for start, _ in self.spans), max(end for _, end in self.spans))]
        since_us, until_us = period
        found: dict[Overlap, None] = {}
        for start, end in spans:
            low = start if since_us is None else max(start, since_us)
            high = end if until_us is None else min(end, until_us - 1)
            if low <= high:
                found |= dict.fromkeys(self.between(low, high))
        return _widest(found)


def _outermost(window: WindowFinding) -> tuple[int, int]:
    start = window.first_seen_us if window.opened_after_us is None else window.opened_after_us
    return start, window.last_seen_us if window.closed_by_us is None else window.closed_by_us


def _widest(found: Iterable[Overlap]) -> tuple[Overlap, ...]:
    """Overlaps whose kind and vantage another one covers in time are left out: one statement, once."""
    kept: list[Overlap] = []
    for one in found:
        like = [other for other in found if (other.kind, other.vantage) == (one.kind, one.vantage) and other != one]
        if (
            one.start_us is None
            or one.end_us is None
            or not any(
                other.start_us is not None
                and other.end_us is not None
                and other.start_us <= one.start_us
                and one.end_us <= other.end_us
                for other in like
            )
        ):
            kept.append(one)
    return tuple(kept)


def _dataset_finding(
    rule: DatasetRule,
    total: Sequence[Any],
    buckets: Mapping[str, tuple[int, int]],
    objects: tuple[ObjectFinding, ...],
    clients: tuple[ClientFinding, ...],
    windows: tuple[WindowFinding, ...],
    object_windows: tuple[WindowFinding, ...],
    bins: tuple[int, tuple[Bin, ...]],
    ground: Ground,
    timezone: str,
) -> DatasetFinding:
    (
        downloads, full, partial, undetermined, downloads_automated, unique_ips, ips_automated, full_with_headers,
        without_ranges, clients_full_copy, first_us, last_us,
    ) = total  # fmt: skip
    finding = DatasetFinding(
        dataset=rule.name,
        title=rule.title or rule.name,
        records=rule.records,
        fields=rule.fields,
        requests=sum(requests for requests, _ in buckets.values()),
        buckets={bucket: buckets.get(bucket, (0, 0))[0] for bucket in BUCKETS},
        downloads=downloads,
        downloads_full=full,
        downloads_partial=partial,
        downloads_undetermined=undetermined,
        downloads_automated=downloads_automated,
        unique_ips=unique_ips,
        unique_ips_automated=ips_automated,
        clients_full_copy=clients_full_copy,
        origin_unmatched=buckets.get("counted", (0, 0))[1],
        first_download_us=first_us,
        last_download_us=last_us,
        windows=windows,
        object_windows=object_windows,
        objects=objects,
        clients=clients,
        bin_us=bins[0],
        bins=bins[1],
        sentence="",
        caveats=(),
    )
    ground = replace(ground, full_with_headers=full_with_headers, without_ranges=without_ranges)
    return replace(finding, sentence=sentence_of(finding, ground, timezone), caveats=caveats_of(finding, ground, rule))


def _object_finding(row: Row, sizes: Mapping[int, Sequence[tuple[int, str]]]) -> ObjectFinding:
    object_id, path, requests, downloads, full, partial, undetermined, unique_ips, full_copy, first_us, last_us = row
    known = sizes.get(object_id, ())
    return ObjectFinding(
        object=path,
        requests=requests,
        downloads=downloads,
        full=full,
        partial=partial,
        undetermined=undetermined,
        unique_ips=unique_ips,
        clients_full_copy=full_copy,
        sizes=tuple(size for size, _ in known),
        size_basis=next((basis for basis in SIZE_BASES if any(basis == found for _, found in known)), None),
        first_download_us=first_us,
        last_download_us=last_us,
    )


def _client_finding(row: Row, labels: Sequence[Any]) -> ClientFinding:
    (
        client_ip, requests, downloads, full, partial, undetermined,
        holds, objects, agents, automated, sent, first, last,
    ) = row  # fmt: skip
    return ClientFinding(
        client_ip=client_ip,
        label=label_of(client_ip, labels),
        requests=requests,
        downloads=downloads,
        full=full,
        partial=partial,
        undetermined=undetermined,
        holds_full_copy=holds,
        objects=objects,
        agents=agents,
        automated=automated,
        bytes_sent=sent,
        first_us=first,
        last_us=last,
    )


Windows = Mapping[int, tuple[WindowFinding, ...]]


def _windows(con: duckdb.DuckDBPyConnection) -> tuple[Windows, Windows]:
    """The exposure windows of each data set and of each of its objects."""
    paths = dict(con.execute("select object_id, path from object").fetchall())
    outages: dict[tuple[int, int], list[Outage]] = defaultdict(list)
    for object_id, window_no, start, end in con.execute(
        "select object_id, window_no, start_us, end_us from unavailable order by all"
    ).fetchall():
        outages[object_id, window_no].append(Outage(start, end))
    interrupted: dict[tuple[int, int], list[Outage]] = defaultdict(list)
    for object_id, window_no, start, end in con.execute(
        "select object_id, window_no, start_us, end_us from interruption order by all"
    ).fetchall():
        interrupted[object_id, window_no].append(Outage(start, end))
    of_objects: dict[int, list[WindowFinding]] = defaultdict(list)
    for dataset_id, object_id, window_no, *bounds, interruptions in con.execute(
        "select dataset_id, object_id, window_no, opened_after_us, first_seen_us, last_seen_us, closed_by_us, "
        "interruptions from object_window order by dataset_id, first_seen_us, object_id"
    ).fetchall():
        of_objects[dataset_id].append(
            _window(
                paths[object_id],
                bounds,
                interruptions,
                outages[object_id, window_no],
                interrupted[object_id, window_no],
            )
        )
    spans: dict[int, list[Outage]] = defaultdict(list)
    for dataset_id, start, end in con.execute(
        "select dataset_id, start_us, end_us from confirmed order by dataset_id, start_us"
    ).fetchall():
        spans[dataset_id].append(Outage(start, end))
    of_sets: dict[int, list[WindowFinding]] = defaultdict(list)
    for dataset_id, *bounds, interruptions in con.execute(
        "select dataset_id, opened_after_us, first_seen_us, last_seen_us, closed_by_us, interruptions "
        "from exposure_window order by dataset_id, first_seen_us"
    ).fetchall():
        inside = [span for span in spans[dataset_id] if bounds[1] <= span.start_us and span.end_us <= bounds[2]]
        between = [Outage(one.end_us, two.start_us) for one, two in pairwise(inside)]
        breaks = [
            gap
            for window in of_objects[dataset_id]
            if bounds[1] <= window.first_seen_us and window.last_seen_us <= bounds[2]
            for gap in window.interrupted
        ]
        of_sets[dataset_id].append(_window(None, bounds, interruptions, between, breaks))
    return {k: tuple(v) for k, v in of_sets.items()}, {k: tuple(v) for k, v in of_objects.items()}


def _window(
    path: str | None,
    bounds: Sequence[int | None],
    interruptions: int,
    outages: Iterable[Outage],
    breaks: Iterable[Outage],
) -> WindowFinding:
    opened_after, first, last, closed_by = bounds
    if first is None or last is None:
        raise AssertionError("a window begins and ends with an open observation")
    gaps = tuple(outages)
    unavailable = sum(gap.end_us - gap.start_us for gap in gaps)
    return WindowFinding(
        object=path,
        opened_after_us=opened_after,
        first_seen_us=first,
        last_seen_us=last,
        closed_by_us=closed_by,
        confirmed_us=last - first - unavailable,
        unavailable_us=unavailable,
        longest_us=closed_by - opened_after if opened_after is not None and closed_by is not None else None,
        interruptions=interruptions,
        outages=gaps,
        interrupted=tuple(sorted(set(breaks), key=lambda gap: (gap.start_us, gap.end_us))),
    )


def _bins(
    con: duckdb.DuckDBPyConnection, dataset_id: int, windows: Sequence[WindowFinding], total: Sequence[Any]
) -> tuple[int, tuple[Bin, ...]]:
    """Downloads in bins of one round width that cover the windows and all downloads."""
    first_us, last_us = total[-2], total[-1]
    starts = [window.first_seen_us for window in windows] + [first_us] * (first_us is not None)
    ends = [window.last_seen_us for window in windows] + [last_us] * (last_us is not None)
    if not starts:
        return BIN_WIDTHS[4], ()
    span = max(ends) - min(starts)
    width = next((width for width in BIN_WIDTHS if span // width < MOST_BINS), BIN_WIDTHS[-1])
    origin = min(starts) // width * width
    count = (max(ends) - origin) // width + 1
    frame = pl.DataFrame({"bin_no": pl.int_range(count, eager=True, dtype=pl.Int64)}).select(
        pl.lit(dataset_id).cast(pl.Int32).alias("dataset_id"),
        "bin_no",
        (origin + pl.col("bin_no") * width).alias("start_us"),
        (origin + (pl.col("bin_no") + 1) * width).alias("end_us"),
    )
    con.register("bin", frame)
    rows = con.execute(sql_text("64_bin_total")).fetchall()
    con.unregister("bin")
    return width, tuple(Bin(*row[2:]) for row in rows)


def _grounds(con: duckdb.DuckDBPyConnection, pages: Mapping[str, formats.Format]) -> Mapping[int, Ground]:
    """What each data set's figures rest on: the formats, byte counts and items its requests stand in."""
    found: dict[int, Ground] = {}
    for dataset_id, format_name, size_kind, server, method_missing, host_missing, status, path in con.execute(
        "select r.dataset_id, g.format, r.size_kind, i.server, bool_or(r.method is null), bool_or(e.host is null), "
        "v.status, v.path "
        "from request r join reading g on g.evidence_id = r.evidence_id and g.reading = r.reading "
        "join item i on i.evidence_id = r.evidence_id join evidence v on v.evidence_id = r.evidence_id "
        "join gathered e on e.dataset_id = r.dataset_id and e.evidence_id = r.evidence_id and e.line_no = r.line_no "
        "group by all order by all"
    ).fetchall():
        ground = found.get(dataset_id, Ground())
        page = pages.get(format_name)
        found[dataset_id] = replace(
            ground,
            limited=ground.limited | ({page.title} if page is not None and page.best_effort else frozenset()),
            size_kinds=ground.size_kinds | {size_kind},
            unnamed_servers=ground.unnamed_servers or (size_kind == "unknown" and server is None),
            without_method=ground.without_method or method_missing,
            without_host=ground.without_host or host_missing,
            cut_items=ground.cut_items | ({path} if status == "truncated" else frozenset()),
        )
    return found


def propose_datasets(con: duckdb.DuckDBPyConnection, *, most: int = 12) -> tuple[DatasetProposal, ...]:
    """Objects that look like data someone could take: downloadable, fetched with content, by outsiders.

    A proposal for a person to judge, in the order of distinct peers that fetched it.
    """
    return propose(con, most)
