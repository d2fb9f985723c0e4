"""What a figure shows, as plain data: worked out once, drawn by Plotly and by the SVG writer alike.

A spec holds the findings' own numbers, the words around them, and the stretch of time to show. It knows no pixel and
no colour; `layout` and the two writers do.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from incident import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from incident.records import Bin, CaseFinding, DatasetFinding, DeclaredEvent, Outage, WindowFinding
    from incident.records_chronology import Milestone

# what lies further out than this share of the core is not drawn to scale: it would squeeze everything else
_REACH = 0.35
_LEAST = words.HOUR
_MAIN = {"crash-begin": "Site begins to fail", "crash-end": "Site answers again", "steepest-rise": "Steepest rise"}


@dataclass(frozen=True, slots=True)
class Mark:
    """A labelled moment; `beyond` says that it lies outside the figure and is shown at that edge."""

    at_us: int
    text: str
    source: str
    kind: str  # "declared": from elsewhere; from the log: "download" | "bound" of an exposure window | "milestone"
    beyond: str | None  # "left" | "right"


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch for which a log is missing."""

    start_us: int
    end_us: int
    text: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One data set in the overview."""

    dataset: str
    title: str
    words: str
    windows: tuple[WindowFinding, ...]
    bins: tuple[Bin, ...]
    top: int  # the fullest bin


@dataclass(frozen=True, slots=True)
class Spec:
    """One figure. `bins` and `windows` are of a finding figure, `lanes` of an overview."""

    figure: str  # its id, fit for HTML
    headline: str
    title: str
    words: tuple[str, ...]
    zone: str
    zone_words: str
    start_us: int | None  # None: there is no time to show
    end_us: int | None
    marks: tuple[Mark, ...]
    kinds: tuple[tuple[str, int], ...]  # completeness → downloads, those that occur
    bins: tuple[Bin, ...]
    bin_words: str
    windows: tuple[WindowFinding, ...]
    lanes: tuple[Lane, ...]
    top: int
    downloads: int
    unique_ips: int
    provenance: str
    description: str  # what a reader hears who cannot see it
    gaps: tuple[Gap, ...] = ()


def finding_spec(dataset: DatasetFinding, case: CaseFinding, milestones: Sequence[Milestone] = ()) -> Spec:
    """Return the figure of one data set: downloads over time, exposure windows, and what happened around them."""
    zone = case.timezone
    events = [event for event in case.events if event.dataset in {None, dataset.dataset}]
    span = _span(_core([dataset]) or [event.time_us for event in events], _outer([dataset], events))
    told = _told(milestones, dataset.dataset)
    marks = _marks(_logged(dataset) + told + _declared(events), span)
    gaps = _gaps(case, span)
    headline = headline_of(dataset)
    lines = (_people(dataset), _window_words(dataset, zone))
    return Spec(
        figure=f"figure-{slug(dataset.dataset)}",
        headline=headline,
        title=words.visible(dataset.title),
        words=tuple(line for line in lines if line),
        zone=zone,
        zone_words=zone_words(zone, span),
        start_us=span[0] if span else None,
        end_us=span[1] if span else None,
        marks=marks,
        kinds=tuple(
            (name, count)
            for name, count in (
                ("full", dataset.downloads_full),
                ("partial", dataset.downloads_partial),
                ("undetermined", dataset.downloads_undetermined),
            )
            if count
        ),
        bins=dataset.bins,
        bin_words=f"Downloads begun in each {words.exact_span(dataset.bin_us)}",
        windows=dataset.windows,
        lanes=(),
        top=max((b.full + b.partial + b.undetermined for b in dataset.bins), default=0),
        downloads=dataset.downloads,
        unique_ips=dataset.unique_ips,
        provenance=provenance(case),
        description=f"{words.visible(dataset.title)}: {headline}. {' '.join(line for line in lines if line)}",
        gaps=gaps,
    )


def overview_spec(case: CaseFinding, milestones: Sequence[Milestone] = ()) -> Spec:
    """Return the figure of the whole case: one lane per data set."""
    span = _span(
        _core(case.datasets) or [event.time_us for event in case.events], _outer(case.datasets, list(case.events))
    )
    lanes = tuple(
        Lane(
            dataset=dataset.dataset,
            title=words.visible(dataset.title),
            words=_lane_words(dataset),
            windows=dataset.windows,
            bins=dataset.bins,
            top=max((b.full + b.partial + b.undetermined for b in dataset.bins), default=0),
        )
        for dataset in case.datasets
    )
    many = words.counted(len(lanes), "data set")
    return Spec(
        figure="figure-overview",
        headline=f"What was open, and when it was downloaded: {many}",
        title=words.visible(case.case),
        words=(),
        zone=case.timezone,
        zone_words=zone_words(case.timezone, span),
        start_us=span[0] if span else None,
        end_us=span[1] if span else None,
        marks=_marks(_told(milestones, None) + _declared(case.events), span),
        kinds=(),
        bins=(),
        bin_words="",
        windows=(),
        lanes=lanes,
        top=max((lane.top for lane in lanes), default=0),
        downloads=0,
        unique_ips=0,
        provenance=provenance(case),
        description=f"{words.visible(case.case)}: " + "; ".join(f"{lane.title}: {lane.words}" for lane in lanes) + ".",
        gaps=_gaps(case, span),
    )


def headline_of(dataset: DatasetFinding) -> str:
    """Return "2,734 downloads, in full or in part, from 507 unique IP addresses".

    It says "at least" exactly where the data set's sentence does, so that picture and sentence never disagree.
    """
    if not dataset.downloads:
        return "No download in the logs"
    extent = {dataset.downloads_full: "in full", dataset.downloads_partial: "in part"}
    count = words.counted(dataset.downloads, "download")
    addresses = words.counted(dataset.unique_ips, "unique IP address", "unique IP addresses")
    least = "At least " if "at least" in dataset.sentence.lower() else ""
    return f"{least}{count}, {extent.get(dataset.downloads, 'in full or in part')}, from {addresses}"


def slug(text: str) -> str:
    """Return an id made of letters, digits and hyphens; a text that loses anything gets a digest, so none collide."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:48]
    if plain and plain == text:
        return plain
    return f"{plain}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}".lstrip("-")


def provenance(case: CaseFinding) -> str:
    """Return version, definition, evidence and policy in one line; the report holds the digests whole."""
    definition = f"definition {words.visible(case.config_sha256)[:12]}" if case.config_sha256 else "no definition"
    return (
        f"incident {words.visible(case.version)} · {definition} · "
        f"evidence {words.visible(case.manifest_sha256)[:12]} · policy {words.visible(case.policy.name)}"
    )


def zone_words(zone: str, span: tuple[int, int] | None) -> str:
    """Return what the time axis is in, with every offset in force."""
    if span is None:
        return ""
    first, last = (words.zone_name(us, zone) for us in span)
    if zone == first == last:
        return f"Times in {first}"
    return f"Times in {zone}, {first}" if first == last else f"Times in {zone}, {first} then {last}"


def outages_of(windows: Iterable[WindowFinding]) -> tuple[Outage, ...]:
    """Return the outages of all windows, in order."""
    return tuple(sorted((o for w in windows for o in w.outages), key=lambda o: (o.start_us, o.end_us)))


def unit_words(dataset: DatasetFinding) -> str:
    """Return the fields exposed, in words; empty where the definition names none."""
    return words.list_of(tuple(words.visible(name) for name in dataset.fields))


def _people(dataset: DatasetFinding) -> str:
    held = unit_words(dataset)
    count = words.number(dataset.records, none="number not stated")
    return f"People or records exposed: {count}{f' ({held})' if held else ''}." if held or dataset.records else ""


def _window_words(dataset: DatasetFinding, zone: str) -> str:
    if not dataset.windows:
        return "The logs show no moment at which it could be fetched."
    first = min(w.first_seen_us for w in dataset.windows)
    last = max(w.last_seen_us for w in dataset.windows)
    parts = [
        f"Seen open from {words.between(first, last, zone)}"
        if first != last
        else f"Seen open once, {words.when(first, zone)}"
    ]
    if len(dataset.windows) > 1:
        parts.append(f"in {len(dataset.windows)} windows")
    elif dataset.windows[0].unavailable_us:
        parts.append(f"of which unavailable for {_whole(words.span(dataset.windows[0].unavailable_us))}")
    return f"{', '.join(parts)}."


def _whole(text: str) -> str:
    """Return a text that no line break divides."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _lane_words(dataset: DatasetFinding) -> str:
    if not dataset.downloads:
        return "no download in the logs"
    least = "at least " if "at least" in dataset.sentence.lower() else ""
    return (
        f"{least}{words.counted(dataset.downloads, 'download')} · "
        f"{words.counted(dataset.unique_ips, 'IP address', 'IP addresses')}"
    )


def _core(datasets: Iterable[DatasetFinding]) -> list[int]:
    found = []
    for dataset in datasets:
        found += [us for us in (dataset.first_download_us, dataset.last_download_us) if us is not None]
        found += [us for window in dataset.windows for us in (window.first_seen_us, window.last_seen_us)]
    return found


def _outer(datasets: Iterable[DatasetFinding], events: Iterable[DeclaredEvent]) -> list[int]:
    bounds = [us for d in datasets for w in d.windows for us in (w.opened_after_us, w.closed_by_us) if us is not None]
    return bounds + [event.time_us for event in events]


def _span(core: list[int], outer: list[int]) -> tuple[int, int] | None:
    """Return the stretch to show: the core, and of what surrounds it as much as lies near."""
    if not core:
        return None
    first, last = min(core), max(core)
    reach = int(max(last - first, _LEAST) * _REACH)
    near = [us for us in outer if first - reach <= us <= last + reach]
    first, last = min([first, *near]), max([last, *near])
    lack = max(0, _LEAST - (last - first)) // 2
    margin = (last - first + 2 * lack) // 40
    return first - lack - margin, last + lack + margin


def _logged(dataset: DatasetFinding) -> list[tuple[int, str, str, str]]:
    found: list[tuple[int, str, str, str]] = []
    if dataset.first_download_us is not None and dataset.last_download_us is not None:
        same = dataset.first_download_us == dataset.last_download_us
        found.append((dataset.first_download_us, "Only download" if same else "First download", "log", "download"))
        if not same:
            found.append((dataset.last_download_us, "Last download", "log", "download"))
    # the windows table has every bound; labels for more than two windows would hide the picture
    shown = dataset.windows if len(dataset.windows) <= 2 else ()
    for window in shown:
        found += _bounds(window)
    return found


def _told(milestones: Iterable[Milestone], dataset: str | None) -> list[tuple[int, str, str, str]]:
    """Return the main milestones alone: the others stand in the chronology, and would hide the picture."""
    found: dict[str, tuple[int, str, str, str]] = {}
    for one in milestones:
        text = _MAIN.get(one.kind)
        of_it = not one.datasets or dataset in one.datasets
        if text is None or not of_it or (one.kind in found and one.kind != "crash-end"):
            continue
        found[one.kind] = (one.time_us, text, "log", "milestone")
    return list(found.values())


def _gaps(case: CaseFinding, span: tuple[int, int] | None) -> tuple[Gap, ...]:
    """Return the stretches without a log that reach into the figure, held to its edges."""
    if span is None or case.coverage is None:
        return ()
    missing = [
        (one.start_us, one.end_us, f"No log of {words.visible(vantage.vantage)}")
        for vantage in case.coverage.vantages
        for one in vantage.spans
        if one.answer == "no_log"
    ]
    return tuple(
        Gap(max(start, span[0]), min(end, span[1]), text)
        for start, end, text in sorted(missing)
        if start < span[1] and end > span[0]
    )


def _bounds(window: WindowFinding) -> list[tuple[int, str, str, str]]:
    found = [(window.first_seen_us, "First seen open", "log", "bound")]
    if window.last_seen_us != window.first_seen_us:
        found.append((window.last_seen_us, "Last seen open", "log", "bound"))
    if window.opened_after_us is not None:
        found.append((window.opened_after_us, "Last seen closed before", "log", "bound"))
    if window.closed_by_us is not None:
        found.append((window.closed_by_us, "First seen closed after", "log", "bound"))
    return found


def _declared(events: Iterable[DeclaredEvent]) -> list[tuple[int, str, str, str]]:
    return [
        (event.time_us, words.visible(event.label), words.visible(event.source, none="declared"), "declared")
        for event in events
    ]


def _marks(found: list[tuple[int, str, str, str]], span: tuple[int, int] | None) -> tuple[Mark, ...]:
    """Return marks in order of time; those of the log at one moment become one."""
    if span is None:
        return ()
    merged: dict[tuple[int, str], tuple[int, str, str, str]] = {}
    for i, (us, text, source, kind) in enumerate(found):
        key = (us, "log" if kind != "declared" else f"{i}")
        if key in merged:
            known = merged[key]
            merged[key] = (us, f"{known[1]}, {text[0].lower()}{text[1:]}", source, known[3])
        else:
            merged[key] = (us, text, source, kind)
    return tuple(
        Mark(us, text, source, kind, "left" if us < span[0] else "right" if us > span[1] else None)
        for us, text, source, kind in sorted(merged.values(), key=lambda row: (row[0], row[3], row[1]))
    )
