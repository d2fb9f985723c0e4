"""What the evidence covers and what it cannot show: per vantage, per item, per series of names, per data set.

Three answers are kept apart: there is no log; there is a log and it has no request; there is a log that may still
grow.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from incident import coverage_words, formats, model, rotations, silences, words
from incident.clocks import clock_findings
from incident.expectation import Minutes
from incident.listing import as_defined, evidence_items
from incident.outages import MINUTE, Minute, Spell, spells, verdict
from incident.overlaps import overlap
from incident.records_coverage import (
    AddressShare,
    CoverageFinding,
    ErrorSpell,
    ItemCoverage,
    MissingMember,
    PairingFinding,
    SeriesFinding,
    SilenceFinding,
    Span,
    VantageCoverage,
)
from incident.store import sql_text

if TYPE_CHECKING:
    import duckdb

    from incident.records import CaseDefinition, EvidenceItem

HOUR_US = 60 * MINUTE
DAY_US = 24 * HOUR_US
FEWEST_ADDRESSES = 8
ALL_CUT = 0.9
SOME_CUT = 0.05
"""Of untouched IPv4 addresses one in 256 ends in 0: a share beyond this is the work of someone."""

MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class _Item:
    """An evidence item as the rules see it, with what its minutes come to."""

    item: EvidenceItem
    vantage: str
    tier: int
    first_us: int | None
    last_us: int | None


def coverage_finding(con: duckdb.DuckDBPyConnection, definition: CaseDefinition) -> CoverageFinding:
    """Say what the evidence of a case covers under a definition."""
    model.apply(con, definition)
    columns = {name: np.asarray(column) for name, column in con.execute(sql_text("70_minute")).fetchnumpy().items()}
    items = _items(con, definition, columns)
    names = {item.item.evidence_id: item.vantage for item in items}
    minutes = _by_vantage(columns, names)
    series = tuple(_series_finding(one, items) for one in rotations.series(item.item.path for item in items))
    addresses = {row[0]: row[1:] for row in con.execute(sql_text("71_address")).fetchall()}
    untimed = dict(con.execute(sql_text("72_untimed")).fetchall())
    failing = {name: spells(of) for name, of in minutes.items()}
    found = {name: silences.find(_minutes(of)) for name, of in minutes.items()}
    pages = formats.load(definition.formats)
    vantages = tuple(
        _vantage_coverage(
            name, con, pages, definition.timezone, items, minutes, failing, found[name], series, addresses
        )
        for name in sorted({item.vantage for item in items if item.item.events})
    )
    series = tuple(_as_covered(one, vantages, items) for one in series)
    return CoverageFinding(
        vantages=vantages,
        items=tuple(
            ItemCoverage(
                path=item.item.path,
                vantage=item.vantage if item.item.events else item.item.vantage,
                status=item.item.status,
                problem=item.item.problem,
                events=item.item.events,
                rejected=item.item.rejected,
                skipped=item.item.skipped,
                first_us=item.first_us,
                last_us=item.last_us,
                untimed=untimed.get(item.item.evidence_id, 0),
                addresses=_shares([addresses.get(item.item.evidence_id, (0, 0, 0, 0))]),
            )
            for item in items
        ),
        series=series,
        pairings=_pairings(con, definition, vantages),
        clocks=clock_findings(con, definition),
    )


def _items(
    con: duckdb.DuckDBPyConnection, definition: CaseDefinition, columns: Mapping[str, np.ndarray]
) -> tuple[_Item, ...]:
    seen_at = {
        number: (name, tier)
        for number, name, tier in con.execute("select evidence_id, vantage, tier from item").fetchall()
    }
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for number, start, end in zip(
        columns["evidence_id"].tolist(), columns["first_us"].tolist(), columns["last_us"].tolist(), strict=True
    ):
        first[number] = min(first.get(number, start), start)
        last[number] = max(last.get(number, end), end)
    return tuple(
        _Item(item, *seen_at[item.evidence_id], first.get(item.evidence_id), last.get(item.evidence_id))
        for item in as_defined(evidence_items(con), definition)
    )


def _by_vantage(columns: Mapping[str, np.ndarray], names: Mapping[int, str]) -> dict[str, Minute]:
    """The minutes of each vantage, its items added up."""
    vantage_of = np.array([names[number] for number in columns["evidence_id"].tolist()], dtype=object)
    found = {}
    for name in sorted(set(vantage_of.tolist())):
        of_vantage = vantage_of == name
        starts, at = np.unique(columns["minute_us"][of_vantage].astype(np.int64), return_inverse=True)
        sums = {}
        for column in ("lines", "failed", "served", "missed", "cache_known"):
            sums[column] = np.zeros(starts.size, np.int64)
            np.add.at(sums[column], at, columns[column][of_vantage].astype(np.int64))
        first = np.full(starts.size, np.iinfo(np.int64).max)
        last = np.full(starts.size, np.iinfo(np.int64).min)
        np.minimum.at(first, at, columns["first_us"][of_vantage].astype(np.int64))
        np.maximum.at(last, at, columns["last_us"][of_vantage].astype(np.int64))
        found[name] = Minute(start_us=starts, first_us=first, last_us=last, **sums)
    return found


def _minutes(of: Minute) -> Minutes:
    return Minutes(of.start_us // MINUTE, of.lines)


def _vantage_coverage(
    name: str,
    con: duckdb.DuckDBPyConnection,
    pages: Mapping[str, formats.Format],
    zone: str,
    items: Sequence[_Item],
    minutes: Mapping[str, Minute],
    failing: Mapping[str, Sequence[Spell]],
    found: Sequence[silences.Silence],
    series: Sequence[SeriesFinding],
    addresses: Mapping[int, Sequence[int]],
) -> VantageCoverage:
    own = [item for item in items if item.vantage == name]
    limits = _limits(con, pages, [item.item.evidence_id for item in own])
    late_us = max((_late_us(text) for _, text in limits), default=0)
    of = minutes.get(name)
    judged = tuple(
        _silence_finding(name, silence, own, minutes, failing[name], series, items, zone) for silence in found
    ) if of is not None else ()  # fmt: skip
    first_us = int(of.first_us[0]) if of is not None else None
    last_us = int(of.last_us[-1]) if of is not None else None
    return VantageCoverage(
        vantage=name,
        items=len(own),
        events=sum(item.item.events for item in own),
        rejected=sum(item.item.rejected for item in own),
        first_us=first_us,
        last_us=last_us,
        spans=_spans(first_us, last_us, judged, late_us),
        silences=judged,
        errors=tuple(
            ErrorSpell(
                name, spell.start_us, spell.end_us, spell.lines, spell.failed,
                f"Of {words.counted(spell.lines, 'line')} of {name}, "
                f"{words.between(spell.start_us, spell.end_us, zone)}, "
                f"{words.number(spell.failed)} are errors (5xx).",
            )
            for spell in failing.get(name, ())
        ),
        addresses=_shares([addresses[i.item.evidence_id] for i in own if i.item.evidence_id in addresses]),
        limits=limits,
        late_us=late_us,
        sampled=tuple(text for _, text in limits if re.search(r"\bsampl", text, re.IGNORECASE)),
        model=coverage_words.model_sentence(
            min((silence.compared_days for silence in judged), default=None),
            sum(silence.improbable for silence in judged),
            sum(item.item.events for item in own),
        ),
    )  # fmt: skip


def _limits(
    con: duckdb.DuckDBPyConnection, pages: Mapping[str, formats.Format], items: Sequence[int]
) -> tuple[tuple[str, str], ...]:
    used = {
        name
        for number, name in con.execute("select distinct evidence_id, format from reading").fetchall()
        if number in set(items)
    }
    return tuple((pages[name].title, limit) for name in sorted(used & set(pages)) for limit in pages[name].limits)


def _late_us(limit: str) -> int:
    """How late records may come, by what a format page says; 0 where it does not speak of lateness."""
    if not re.search(r"\b(?:late|later|delay|delayed)\b", limit, re.IGNORECASE):
        return 0
    hours = re.search(r"(\d+)\s*(?:h\b|hours?)", limit)
    minutes = re.search(r"(\d+)\s*min", limit)
    return int(hours[1]) * HOUR_US if hours else int(minutes[1]) * MINUTE if minutes else DAY_US


def _silence_finding(
    name: str,
    silence: silences.Silence,
    own: Sequence[_Item],
    minutes: Mapping[str, Minute],
    failing: Sequence[Spell],
    series: Sequence[SeriesFinding],
    items: Sequence[_Item],
    zone: str,
) -> SilenceFinding:
    of = minutes[name]
    after = int(np.searchsorted(of.start_us, silence.end_minute * MINUTE))
    start_us, end_us = int(of.last_us[after - 1]), int(of.first_us[after])
    judged = None
    if silence.improbable:
        judged = verdict(
            name, start_us, end_us, minutes, failing,
            between_items=_between_items(own, start_us, end_us),
            lacking=[
                member.name for one in series for member in one.missing
                if _of_vantage(one, items) == name and overlap(member.start_us, member.end_us, start_us, end_us)
            ],
            tiers={item.vantage: item.tier for item in items},
        )  # fmt: skip
    expected, chance = int(silence.expected), max(silence.by_chance, coverage_words.LEAST_CHANCE)
    return SilenceFinding(
        vantage=name,
        start_us=start_us,
        end_us=end_us,
        expected_lines=expected,
        compared_days=silence.days,
        compared_stretches=silence.stretches,
        least_percent=None if silence.least_share is None else int(100 * silence.least_share),
        by_chance=float(f"{chance:.1e}"),
        improbable=silence.improbable,
        kind=judged.kind if judged else None,
        proven=judged.proven if judged else False,
        because=judged.because if judged else (),
        sentence=coverage_words.silence_sentence(
            name, start_us, end_us, expected, silence.days, chance, judged.kind if judged else None, zone
        ),
    )


def _between_items(own: Sequence[_Item], start_us: int, end_us: int) -> tuple[str, str] | None:
    """The items between which a silence lies: one ends with its first bound, another begins with its last."""
    ending = sorted(item.item.path for item in own if item.last_us == start_us)
    beginning = sorted(item.item.path for item in own if item.first_us == end_us)
    return (ending[0], beginning[0]) if ending and beginning else None


def _spans(first: int | None, last: int | None, judged: Sequence[SilenceFinding], late_us: int) -> tuple[Span, ...]:
    """From first to last line: what the vantage can say of each span."""
    if first is None or last is None:
        return ()
    late_from = max(last - late_us, first) if late_us else last
    edges = [(s.start_us, s.end_us, "outage" if s.kind == "outage" else "no_log") for s in judged if s.improbable]
    found: list[Span] = []
    at = first
    for start, end, answer in [*edges, (last, last, "")]:
        for low, high, usual in ((at, min(start, late_from), "log"), (max(at, late_from), start, "late")):
            if low < high:
                found.append(Span(low, high, usual))
        if start < end:
            found.append(Span(start, end, answer))
        at = end
    return tuple(found)


def _shares(rows: Iterable[Sequence[int]]) -> tuple[AddressShare, ...]:
    """Shares of addresses that may have been cut, of several items together; a family without addresses has none."""
    table = list(rows)
    v4, v4_cut, v6, v6_cut = (sum(row[column] for row in table) for column in range(4)) if table else (0, 0, 0, 0)
    return tuple(
        AddressShare(family, distinct, cut, _anonymised(distinct, cut))
        for family, distinct, cut in (("IPv4", v4, v4_cut), ("IPv6", v6, v6_cut))
        if distinct
    )


def _anonymised(distinct: int, cut: int) -> str:
    if distinct < FEWEST_ADDRESSES:
        return "yes" if cut == distinct and distinct > 1 else "no"
    return "yes" if cut >= ALL_CUT * distinct else "partly" if cut > SOME_CUT * distinct and cut > 2 else "no"


def _series_finding(one: rotations.Series, items: Sequence[_Item]) -> SeriesFinding:
    """Bound each missing member's time by what the members on both sides of it hold."""
    by_path = {item.item.path: item for item in items}
    members = [by_path[path] for path in one.members]
    place = {path: at for at, path in enumerate(one.members)}
    missing = []
    for lacking in one.missing[:MOST_NAMED]:
        earlier, later = members[: place[lacking.after] + 1], members[place[lacking.before] :]
        start = max((item.last_us for item in earlier if item.last_us is not None), default=None)
        end = min((item.first_us for item in later if item.first_us is not None), default=None)
        if start is not None and end is not None and start >= end:
            start = end = None
        missing.append(MissingMember(lacking.name, lacking.after, lacking.before, start, end))
    return SeriesFinding(
        series=one.name,
        counted_by=one.counted_by,
        step=one.step,
        present=len(one.members),
        first=one.members[0],
        last=one.members[-1],
        missing_count=len(one.missing),
        missing=tuple(missing),
        certain=one.counted_by == "number",
        sentence="",
    )


def _of_vantage(one: SeriesFinding, items: Sequence[_Item]) -> str:
    return next(item.vantage for item in items if item.item.path == one.first)


def _as_covered(one: SeriesFinding, vantages: Sequence[VantageCoverage], items: Sequence[_Item]) -> SeriesFinding:
    """A file by date is certainly missing where its vantage is improbably silent; else it may be that nobody asked."""
    silent = [
        silence
        for vantage in vantages
        if vantage.vantage == _of_vantage(one, items)
        for silence in vantage.silences
        if silence.improbable
    ]
    certain = one.certain or any(
        overlap(member.start_us, member.end_us, silence.start_us, silence.end_us)
        for member in one.missing
        for silence in silent
    )
    return replace(one, certain=certain, sentence=coverage_words.series_sentence(one, certain=certain))


def _pairings(
    con: duckdb.DuckDBPyConnection, definition: CaseDefinition, vantages: Sequence[VantageCoverage]
) -> tuple[PairingFinding, ...]:
    """Requests that should stand in two logs: a cache miss counts only where a vantage behind it has a log."""
    tiers = dict(con.execute("select distinct vantage, tier from item").fetchall())
    logged = {vantage.vantage: [span for span in vantage.spans if span.answer == "log"] for vantage in vantages}
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    lone = con.execute(sql_text("73_lone")).fetchall()
    for dataset_id, name, at_us, pairs, without_edge, missed, without_origin in lone:
        behind = [span for other, spans in logged.items() if tiers[other] > tiers[name] for span in spans]
        covered = missed and any(span.start_us <= at_us < span.end_us for span in behind)
        counts = (pairs, without_edge, without_origin if covered else 0, missed if covered else 0)
        sums[dataset_id] = [total + count for total, count in zip(sums[dataset_id], counts, strict=True)]
    return tuple(
        PairingFinding(
            dataset=definition.datasets[dataset_id].name,
            pairs=pairs,
            origin_without_edge=without_edge,
            edge_without_origin=without_origin,
            edge_misses=misses,
            sentence=coverage_words.pairing_sentence(pairs, without_edge, without_origin, misses),
        )
        for dataset_id, (pairs, without_edge, without_origin, misses) in sorted(sums.items())
        if pairs or without_edge or misses
    )
