"""The reconstructed timeline: what the logs show, each with its line, beside what was declared, each with its declarer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl

from incident import agents, site, words
from incident.contradictions import contradictions
from incident.findings import BIN_WIDTHS, MOST_BINS
from incident.records import CaseDefinition, DeclaredEvent, Outage
from incident.records_chronology import (
    ChronologyFinding,
    CrashFinding,
    LineRef,
    Milestone,
    PeriodsFinding,
    ReferrerFinding,
)
from incident.store import sql_text

NTH_CLIENTS = tuple(digit * 10**power for power in range(1, 8) for digit in (1, 5) if (digit, power) != (5, 1))
"""10, 100, 500, 1,000, 5,000, …"""
MOST_OTHER_REFERRERS = 25
"""Outside pages that led to no data have milestones only up to so many; the table of referrers holds all."""

Gap = tuple[int, int, str, str]
"""(start_us, end_us, kind, label) of a span for which logs are missing, from the coverage findings."""
Row = Mapping[str, Any]
Lines = Mapping[site.Place, LineRef]


def chronology_finding(
    con: duckdb.DuckDBPyConnection,
    definition: CaseDefinition,
    gaps: Sequence[Gap] = (),
    *,
    datasets: Collection[str] | None = None,
) -> ChronologyFinding:
    """Reconstruct what happened when; `model.apply` came before. `datasets` chooses what is asked for."""
    con.execute(
        "create or replace temp table open_bound as select case when count(opened_after_us) = count(*) "
        "then min(opened_after_us) end as from_us from exposure_window where window_no = 1"
    )
    site.fill_identities(con, definition)
    own_hosts = site.fill_referrers(con, definition)
    for step in ("800_arrival", "810_site_minute", "811_failing_run"):
        site.take(con, step)
    facts = _Facts.gather(con, definition, datasets)
    lines = site.lines_of(con, facts.places())
    referrers = _referrers(con, facts, lines)
    told, unlisted = _told_referrers(referrers)
    crashes = tuple(_crash(row, lines) for row in facts.crashes)
    found = [
        *_windows(facts, lines),
        *_acquisitions(facts, lines),
        *_rates(facts, lines),
        *_outages(facts, lines),
        *_crash_milestones(crashes),
        *(_referrer_milestone(referrer, facts) for referrer in told),
        *(_gap_milestone(gap) for gap in gaps),
        *(_declared_milestone(event) for event in definition.events if facts.wants(event.dataset)),
    ]
    return ChronologyFinding(
        milestones=tuple(sorted(found, key=_in_order)),
        contradictions=contradictions(con, definition, crashes, datasets),
        referrers=referrers,
        crashes=crashes,
        periods=tuple(_periods(con, definition, facts)),
        own_hosts=own_hosts,
        referrers_unlisted=unlisted,
    )


@dataclass(frozen=True)
class _Facts:
    """What SQL found, before it is put into words."""

    names: Mapping[int, str]  # of the data sets asked for, by number
    titles: Mapping[int, str]
    sightings: list[dict[str, Any]]
    acquisitions: list[dict[str, Any]]
    rates: list[dict[str, Any]]
    outages: list[dict[str, Any]]
    crashes: list[dict[str, Any]]
    referrers: list[dict[str, Any]]

    @classmethod
    def gather(
        cls, con: duckdb.DuckDBPyConnection, definition: CaseDefinition, wanted: Collection[str] | None
    ) -> _Facts:
        names = {n: rule.name for n, rule in enumerate(definition.datasets) if wanted is None or rule.name in wanted}
        places = [(place,) for place in NTH_CLIENTS]
        site.put_rows(con, "milestone_place", places, {"place": pl.Int64})
        site.put_rows(con, "bin_width", _bin_widths(con), {"dataset_id": pl.Int32, "width_us": pl.Int64})

        def of_sets(step: str) -> list[dict[str, Any]]:
            return [row for row in site.dicts(con, sql_text(step)) if row["dataset_id"] in names]

        return cls(
            names=names,
            titles={n: definition.datasets[n].title or name for n, name in names.items()},
            sightings=of_sets("820_sighting"),
            acquisitions=of_sets("821_acquisition"),
            rates=of_sets("822_rate"),
            outages=of_sets("823_outage"),
            crashes=site.dicts(con, sql_text("812_crash")),
            referrers=site.dicts(con, sql_text("801_referrer")),
        )

    def wants(self, dataset: str | None) -> bool:
        return dataset is None or dataset in self.names.values()

    def places(self) -> set[site.Place]:
        rows = [*self.sightings, *self.acquisitions, *self.rates, *self.outages, *self.crashes, *self.referrers]
        kinds = ("", "start_", "end_", "data_")
        found = {(row.get(f"{kind}evidence_id"), row.get(f"{kind}line_no")) for row in rows for kind in kinds}
        return {(item, line) for item, line in found if item is not None and line is not None}


def _bin_widths(con: duckdb.DuckDBPyConnection) -> list[tuple[int, int]]:
    spans = con.execute(
        "select dataset_id, max(started_us) - min(started_us) from download group by dataset_id order by dataset_id"
    ).fetchall()
    return [
        (dataset_id, next((width for width in BIN_WIDTHS if span // width < MOST_BINS), BIN_WIDTHS[-1]))
        for dataset_id, span in spans
    ]


def _line(row: Row, lines: Lines, kind: str = "") -> LineRef | None:
    item, line_no = row[f"{kind}evidence_id"], row[f"{kind}line_no"]
    return None if item is None else lines[item, line_no]


def _in_order(milestone: Milestone) -> tuple[Any, ...]:
    source = milestone.source
    return (
        milestone.time_us,
        milestone.kind,
        milestone.datasets,
        (source.path, source.line_no) if source else ("", 0),
        milestone.label,
    )


# --- the data sets' own milestones ------------------------------------------------------------------------------------


def _windows(facts: _Facts, lines: Lines) -> list[Milestone]:
    """Bounds of the exposure windows: the first opens with the publication, the last closes with the takedown."""
    last_window: dict[int, int] = {}
    bounded: set[tuple[int, int]] = set()
    for row in facts.sightings:
        last_window[row["dataset_id"]] = max(row["window_no"], last_window.get(row["dataset_id"], 0))
        if row["kind"] == "opened-after":
            bounded.add((row["dataset_id"], row["window_no"]))
    closing = {
        (row["dataset_id"], row["evidence_id"], row["line_no"])
        for row in facts.sightings
        if row["kind"] == "closed-by" and row["window_no"] == last_window[row["dataset_id"]]
    }
    found = []
    for row in facts.sightings:
        number, window, kind = row["dataset_id"], row["window_no"], row["kind"]
        if kind == "first-denial" and (number, row["evidence_id"], row["line_no"]) in closing:
            continue  # the same line bounds the takedown
        slug, label, sure, because = _SIGHTINGS[kind](
            facts.titles[number], window == 1, window == last_window[number], (number, window) in bounded
        )
        found.append(
            Milestone(
                time_us=row["at_us"], until_us=None, kind=slug, label=label, datasets=(facts.names[number],),
                source=_line(row, lines), declared_by=None, sure=sure, because=because, client_ip=row["client_ip"],
                object=row["object"],
            )  # fmt: skip
        )
    return found


Worded = tuple[str, str, str, str]  # kind, label, sure, because


def _opened_after(title: str, first: bool, last: bool, bounded: bool) -> Worded:  # noqa: ARG001, FBT001 - one of a table
    if first:
        return (
            "publication-after",
            f"Last request that was refused before {title} was public",
            "bound",
            "The publication lies after this refusal and before the first request that was answered.",
        )
    return (
        "reopened-after",
        f"Last request that was refused before {title} was open again",
        "bound",
        "It was opened again after this refusal and before the next request that was answered.",
    )


def _first_open(title: str, first: bool, last: bool, bounded: bool) -> Worded:  # noqa: ARG001, FBT001 - one of a table
    before = "" if bounded else " The log holds no refusal before it for each object: it may have been open earlier."
    if first:
        return (
            "publication-by",
            f"First request that found {title} open: it was public by then",
            "bound",
            "The publication is not logged itself; this request was answered." + before,
        )
    return ("reopened-by", f"{title} seen open again", "bound", "This request was answered." + before)


def _last_open(title: str, first: bool, last: bool, bounded: bool) -> Worded:  # noqa: ARG001, FBT001 - one of a table
    if last:
        return (
            "takedown-after",
            f"Last request that found {title} open",
            "bound",
            "It was still open when this request was answered.",
        )
    return ("closed-after", f"{title} last seen open before it was closed for a time", "bound", "It was open until then.")


def _closed_by(title: str, first: bool, last: bool, bounded: bool) -> Worded:  # noqa: ARG001, FBT001 - one of a table
    if last:
        return (
            "takedown-by",
            f"First request that was refused after the last that found {title} open: it was taken down by then",
            "bound",
            "The takedown is not logged itself; every object was refused by then.",
        )
    return ("closed-by", f"{title} refused: it was closed by then", "bound", "This request was refused.")


def _first_observation(title: str, first: bool, last: bool, bounded: bool) -> Worded:  # noqa: ARG001, FBT001 - one of a table
    return (
        "first-observation",
        f"First request for {title} in the logs, however it was answered",
        "exact",
        "The first line of any status, by an outside address.",
    )


def _first_denial(title: str, first: bool, last: bool, bounded: bool) -> Worded:  # noqa: ARG001, FBT001 - one of a table
    return (
        "first-denial",
        f"First request that was refused after the last that found {title} open",
        "bound",
        "The object that was asked for was closed by then; the log does not show that of every object.",
    )


_SIGHTINGS: Mapping[str, Callable[[str, bool, bool, bool], Worded]] = {
    "opened-after": _opened_after,
    "first-open": _first_open,
    "last-open": _last_open,
    "closed-by": _closed_by,
    "first-observation": _first_observation,
    "first-denial": _first_denial,
}

_ACQUISITIONS: Mapping[str, tuple[str, str, str]] = {  # kind → label, sure, because
    "first-download": (
        "First download of {title} by an outside address", "exact", "The line is the start of the download."
    ),
    "first-automated": (
        "First download of {title} by an automated client", "exact", "Its user agent is on a published list."
    ),
    "first-full-copy": (
        "First complete copy of {title} sent out", "exact", "The line ends the first download that is full."
    ),
    "nth-client": (
        "{value} unique IP addresses had downloaded {title}", "exact", "Addresses are numbered by their first download."
    ),
    "last-download": ("End of the last download of {title}", "exact", "The line ends the download that ended last."),
}  # fmt: skip


def _acquisitions(facts: _Facts, lines: Lines) -> list[Milestone]:
    full = {row["dataset_id"]: row["at_us"] for row in facts.acquisitions if row["kind"] == "first-full-copy"}
    assembled = {row["dataset_id"]: row["at_us"] for row in facts.acquisitions if row["kind"] == "first-assembled-copy"}
    robots = [row["user_agent"] for row in facts.acquisitions if row["kind"] == "first-automated"]
    listed = dict(zip(robots, agents.listings(robots), strict=True))
    found = []
    for row in facts.acquisitions:
        number, kind, at_us = row["dataset_id"], row["kind"], row["at_us"]
        if kind == "first-assembled-copy":
            if full.get(number, at_us + 1) <= at_us:
                continue
            kind, label, sure = "first-full-copy", "A complete copy of {title}, put together from parts", "bound"
            because = "The parts that one client received cover the object; they did so at the latest with this line."
        elif kind == "first-full-copy" and assembled.get(number, at_us) < at_us:
            continue
        else:
            label, sure, because = _ACQUISITIONS[kind]
        if kind == "first-automated":
            because = " ".join((because, *(f"{hit.list} {hit.version}: {hit.pattern}." for hit in listed[row["user_agent"]])))
        found.append(
            Milestone(
                time_us=at_us, until_us=None, kind=kind,
                label=label.format(title=facts.titles[number], value=words.number(row["value"])),
                datasets=(facts.names[number],), source=_line(row, lines), declared_by=None, sure=sure,
                because=because, client_ip=row["client_ip"] or None, object=row["object"],
                value=row["value"] if kind == "nth-client" else None,
            )  # fmt: skip
        )
    return found


def _rates(facts: _Facts, lines: Lines) -> list[Milestone]:
    found = []
    for row in facts.rates:
        number, width = row["dataset_id"], words.exact_span(row["width_us"])
        if row["kind"] == "peak-rate":
            value = row["downloads"]
            label = f"Most downloads of {facts.titles[number]} within {width}: {words.number(value)}"
        else:
            value = row["downloads"] - row["just_before"]
            label = (
                f"Steepest rise of downloads of {facts.titles[number]}: "
                f"from {words.number(row['just_before'])} to {words.number(row['downloads'])} within {width}"
            )
        found.append(
            Milestone(
                time_us=row["bin_us"], until_us=row["bin_us"] + row["width_us"], kind=row["kind"], label=label,
                datasets=(facts.names[number],), source=_line(row, lines), declared_by=None, sure="inferred",
                because=f"Counted in bins of {width}, which begin at whole multiples of that in UTC; the line is the first "
                "download of its bin.",
                value=value,
            )  # fmt: skip
        )
    return found


# --- what befell the site ---------------------------------------------------------------------------------------------


def _outages(facts: _Facts, lines: Lines) -> list[Milestone]:
    """Outages of data sets; those that overlap in time are told together, with the first begin and the last end."""
    groups: list[list[dict[str, Any]]] = []
    reached = 0
    for row in facts.outages:
        if groups and row["start_us"] < reached:
            groups[-1].append(row)
        else:
            groups.append([row])
            reached = row["end_us"]
        reached = max(reached, row["end_us"])
    found = []
    for group in groups:
        names = tuple(facts.names[number] for number in sorted({row["dataset_id"] for row in group}))
        titles = words.list_of(tuple(facts.titles[number] for number in sorted({row["dataset_id"] for row in group})))
        first, last = group[0], max(group, key=lambda row: (row["end_us"], row["dataset_id"]))
        several = len(names) > 1
        errors = words.counted(sum(row["errors"] for row in group), "request")
        found.append(
            Milestone(
                time_us=first["start_us"], until_us=None, kind="outage-begin",
                label=f"{titles}: {'the first of them ' if several else ''}no longer answered, but with errors",
                datasets=names, source=_line(first, lines, "start_"), declared_by=None, sure="bound",
                because=f"First of {errors} answered with 5xx, 408 or 429 while no request was answered; the outage began "
                "after the last success before it.",
            )  # fmt: skip
        )
        found.append(
            Milestone(
                time_us=last["end_us"], until_us=None, kind="outage-end",
                label=f"{titles}: {'the last of them ' if several else ''}answered again",
                datasets=names, source=_line(last, lines, "end_"), declared_by=None, sure="bound",
                because="First success after the errors; the outage ended before it.",
            )  # fmt: skip
        )
    return found


def _crash(row: Row, lines: Lines) -> CrashFinding:
    start = _line(row, lines, "start_")
    if start is None:
        raise AssertionError("a crash begins with a line")
    return CrashFinding(
        vantage=row["vantage"],
        start_us=row["start_us"],
        end_us=row["end_us"],
        errors=row["errors"],
        answers=row["answers"],
        addresses=row["addresses"],
        paths=row["paths"],
        start_source=start,
        end_source=_line(row, lines, "end_"),
    )


def _crash_milestones(crashes: Sequence[CrashFinding]) -> list[Milestone]:
    found = []
    for crash in crashes:
        what = (
            f"{words.number(crash.errors)} of {words.counted(crash.answers, 'answer')} were errors (5xx), to "
            f"{words.counted(crash.addresses, 'address', 'addresses')} for {words.counted(crash.paths, 'path')}."
        )
        found.append(
            Milestone(
                time_us=crash.start_us, until_us=None, kind="crash-begin",
                label=f"The site begins to fail: most answers logged at the {crash.vantage} are errors", datasets=(),
                source=crash.start_source, declared_by=None, sure="inferred",
                because=f"From this line to the next milestone of its kind, {what}", value=crash.errors,
            )  # fmt: skip
        )
        if crash.end_us is not None:
            found.append(
                Milestone(
                    time_us=crash.end_us, until_us=None, kind="crash-end",
                    label=f"The site answers again, as logged at the {crash.vantage}", datasets=(),
                    source=crash.end_source, declared_by=None, sure="inferred",
                    because="First answer other than an error after the last minute in which errors prevailed.",
                )  # fmt: skip
            )
    return found


def _gap_milestone(gap: Gap) -> Milestone:
    start_us, end_us, kind, label = gap
    return Milestone(
        time_us=start_us, until_us=end_us, kind=kind, label=label, datasets=(), source=None, declared_by=None,
        sure="inferred", because="The coverage section says how this was found.",
    )  # fmt: skip


# --- how word spread --------------------------------------------------------------------------------------------------


def _referrers(con: duckdb.DuckDBPyConnection, facts: _Facts, lines: Lines) -> tuple[ReferrerFinding, ...]:
    reached: dict[str, list[int]] = {}
    for host, number in con.execute(
        "select distinct a.host, r.dataset_id from arrival a join request r "
        "on r.evidence_id = a.evidence_id and r.line_no = a.line_no order by all"
    ).fetchall():
        reached.setdefault(host, []).append(number)
    found = []
    for row in facts.referrers:
        source = _line(row, lines)
        if source is None:
            raise AssertionError("an arrival is a line")
        found.append(
            ReferrerFinding(
                host=row["host"],
                first_us=row["first_us"],
                source=source,
                first_at_data_us=row["first_at_data_us"],
                data_source=_line(row, lines, "data_"),
                datasets=tuple(facts.names[n] for n in reached.get(row["host"], ()) if n in facts.names),
                lines=row["lines"],
                addresses=row["addresses"],
                downloading_addresses=row["downloading_addresses"],
                earlier_lines=row["earlier_lines"],
            )
        )
    return tuple(found)


def _told_referrers(referrers: Sequence[ReferrerFinding]) -> tuple[list[ReferrerFinding], int]:
    """Those with a milestone: all that led to data or to a downloading address, and the busiest of the others."""
    led = [each for each in referrers if each.first_at_data_us is not None or each.downloading_addresses]
    others = sorted((each for each in referrers if each not in led), key=lambda each: (-each.addresses, each.host))
    return led + others[:MOST_OTHER_REFERRERS], len(others[MOST_OTHER_REFERRERS:])


def _referrer_milestone(referrer: ReferrerFinding, facts: _Facts) -> Milestone:
    because = (
        f"{words.counted(referrer.addresses, 'address', 'addresses')} arrived from there in "
        f"{words.counted(referrer.lines, 'line')}; {words.number(referrer.downloading_addresses)} of them downloaded then or later."
    )
    if referrer.earlier_lines:
        because += (
            f" {words.counted(referrer.earlier_lines, 'line')} named it before the data can have been open; this is the first "
            "after that."
        )
    return Milestone(
        time_us=referrer.first_us, until_us=None, kind="first-arrival", label=f"First visitor from {words.visible(referrer.host)}",
        datasets=referrer.datasets if facts.names else (), source=referrer.source, declared_by=None, sure="exact",
        because=because, value=referrer.addresses,
    )  # fmt: skip


# --- what was declared ------------------------------------------------------------------------------------------------


def _declared_milestone(event: DeclaredEvent) -> Milestone:
    by = event.source or "the case definition"
    return Milestone(
        time_us=event.time_us, until_us=None, kind=f"declared-{event.kind or 'note'}", label=event.label,
        datasets=(event.dataset,) if event.dataset else (), source=None, declared_by=by, sure="declared",
        because=f"Declared by {by}; no bound in the logs is moved by it.",
    )  # fmt: skip


def _periods(con: duckdb.DuckDBPyConnection, definition: CaseDefinition, facts: _Facts) -> list[PeriodsFinding]:
    windows: dict[int, list[Outage]] = {}
    for number, first, last in con.execute(
        "select dataset_id, first_seen_us, last_seen_us from exposure_window order by dataset_id, first_seen_us"
    ).fetchall():
        windows.setdefault(number, []).append(Outage(first, last))
    accessed = {
        number: Outage(first, last)
        for number, first, last in con.execute(
            "select dataset_id, min(started_us), max(ended_us) from download group by dataset_id order by dataset_id"
        ).fetchall()
    }

    def declared(kind: str, name: str) -> int | None:
        times = [e.time_us for e in definition.events if e.kind == kind and e.dataset in {None, name}]
        return min(times) if times else None

    return [
        PeriodsFinding(
            dataset=name,
            published_us=declared("published", name),
            reachable=tuple(windows.get(number, ())),
            accessed=accessed.get(number),
            known=(declared("alerted", name), declared("taken_down", name)),
        )
        for number, name in facts.names.items()
    ]
