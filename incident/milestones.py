"""What the logs show of a case, put into words: one milestone per fact, each with the line that shows it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl

from incident import agents, site, words
from incident.findings import BIN_WIDTHS, MOST_BINS
from incident.records import CaseDefinition
from incident.records_chronology import CrashFinding, LineRef, Milestone
from incident.store import sql_text

NTH_CLIENTS = tuple(digit * 10**power for power in range(1, 8) for digit in (1, 5) if (digit, power) != (5, 1))
"""10, 100, 500, 1,000, 5,000, …"""

Row = Mapping[str, Any]
Lines = Mapping[site.Place, LineRef]


@dataclass(frozen=True)
class Facts:
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
    ) -> Facts:
        """Ask SQL for all that is told of the data sets wanted (None: all)."""
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
        """Whether a declared event of this data set (None: of the site) was asked for."""
        return dataset is None or dataset in self.names.values()

    def places(self) -> set[site.Place]:
        """Every line that some fact rests on."""
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


def line_of(row: Row, lines: Lines, kind: str = "") -> LineRef | None:
    """The line that a row names; `kind` is the prefix of its columns."""
    item, line_no = row[f"{kind}evidence_id"], row[f"{kind}line_no"]
    return None if item is None else lines[item, line_no]


# --- the data sets' own milestones ------------------------------------------------------------------------------------


def windows(facts: Facts, lines: Lines) -> list[Milestone]:
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
                time_us=row["at_us"],
                kind=slug,
                label=label,
                datasets=(facts.names[number],),
                source=line_of(row, lines),
                sure=sure,
                because=because,
                client_ip=row["client_ip"],
                object=row["object"],
            )
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
    return (
        "closed-after",
        f"{title} last seen open before it was closed for a time",
        "bound",
        "It was open until then.",
    )


def _closed_by(title: str, first: bool, last: bool, bounded: bool) -> Worded:  # noqa: ARG001, FBT001 - one of a table
    if last:
        return (
            "takedown-by",
            f"Every object of {title} refused: it was taken down by then",
            "bound",
            "The takedown is not logged itself; with this line the last of the objects was refused.",
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
        "First download of {title} by an outside address",
        "exact",
        "The line is the start of the download.",
    ),
    "first-automated": (
        "First download of {title} by an automated client",
        "exact",
        "Its user agent is on a published list.",
    ),
    "first-full-copy": (
        "First complete copy of {title} sent out",
        "exact",
        "The line ends the first download that is full.",
    ),
    "nth-client": (
        "{value} unique IP addresses had downloaded {title}",
        "exact",
        "Addresses are numbered by their first download.",
    ),
    "last-download": ("End of the last download of {title}", "exact", "The line ends the download that ended last."),
}


def acquisitions(facts: Facts, lines: Lines) -> list[Milestone]:
    """First, last and numbered downloads."""
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
            because = " ".join(
                (because, *(f"{hit.list} {hit.version}: {hit.pattern}." for hit in listed[row["user_agent"]]))
            )
        found.append(
            Milestone(
                time_us=at_us,
                kind=kind,
                label=label.format(title=facts.titles[number], value=words.number(row["value"])),
                datasets=(facts.names[number],),
                source=line_of(row, lines),
                sure=sure,
                because=because,
                client_ip=row["client_ip"] or None,
                object=row["object"],
                value=row["value"] if kind == "nth-client" else None,
            )
        )
    return found


def rates(facts: Facts, lines: Lines) -> list[Milestone]:
    """The steepest rise and the peak of each data set."""
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
                time_us=row["bin_us"],
                until_us=row["bin_us"] + row["width_us"],
                kind=row["kind"],
                label=label,
                datasets=(facts.names[number],),
                source=line_of(row, lines),
                sure="inferred",
                because=f"Counted in bins of {width}, which begin at whole multiples of that in UTC; the line is the "
                "first download of its bin.",
                value=value,
            )
        )
    return found


# --- what befell the site ---------------------------------------------------------------------------------------------


def outages(facts: Facts, lines: Lines) -> list[Milestone]:
    """Outages of data sets; those that overlap in time are told together, with the first begin and the last end."""
    groups: list[list[dict[str, Any]]] = []
    reached = 0
    for row in facts.outages:
        if row["brief"]:
            continue
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
                time_us=first["start_us"],
                kind="outage-begin",
                label=f"{titles}: {'the first of them ' if several else ''}no longer answered, but with errors",
                datasets=names,
                source=line_of(first, lines, "start_"),
                sure="bound",
                because=f"First of {errors} that got 5xx, 408 or 429 while none succeeded; the outage began after the "
                "last success before it.",
            )
        )
        found.append(
            Milestone(
                time_us=last["end_us"],
                kind="outage-end",
                label=f"{titles}: {'the last of them ' if several else ''}answered again",
                datasets=names,
                source=line_of(last, lines, "end_"),
                sure="bound",
                because="First success after the errors; the outage ended before it.",
            )
        )
    return found


def crash_of(row: Row, lines: Lines) -> CrashFinding:
    """A crash as the record of it."""
    start = line_of(row, lines, "start_")
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
        end_source=line_of(row, lines, "end_"),
    )


def crash_milestones(crashes: Sequence[CrashFinding]) -> list[Milestone]:
    """Begin and end of each spell in which a vantage answered mostly with errors."""
    found = []
    for crash in crashes:
        what = (
            f"{words.number(crash.errors)} of {words.counted(crash.answers, 'answer')} were errors (5xx), to "
            f"{words.counted(crash.addresses, 'address', 'addresses')} for {words.counted(crash.paths, 'path')}."
        )
        found.append(
            Milestone(
                time_us=crash.start_us,
                kind="crash-begin",
                label=f"The site begins to fail: most answers logged at the {crash.vantage} are errors",
                source=crash.start_source,
                sure="inferred",
                because=f"From this line to the next milestone of its kind, {what}",
                value=crash.errors,
            )
        )
        if crash.end_us is not None:
            found.append(
                Milestone(
                    time_us=crash.end_us,
                    kind="crash-end",
                    label=f"The site answers again, as logged at the {crash.vantage}",
                    source=crash.end_source,
                    sure="inferred",
                    because="First answer other than an error after the last minute in which errors prevailed.",
                )
            )
    return found
