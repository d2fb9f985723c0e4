"""How the clocks of two vantages stand to each other, from requests that both logged. Suggested, never applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from incident import words
from incident.records_coverage import BoundEffect, ClockFinding
from incident.store import sql_text

if TYPE_CHECKING:
    import duckdb

    from incident.expectation import Ints
    from incident.records import CaseDefinition

SECOND = 1_000_000
DAY_US = 86_400 * SECOND
FEWEST_PAIRS = 5
RESOLUTION_US = SECOND
"""Most logs keep whole seconds, and each may be cut to one: a smaller offset cannot be told from none."""

AROUND = 1
"""Seconds beside the commonest difference that still belong to it."""

CLEARLY = 3.0
MOST_SPANS = 24
FEWEST_SPANS = 4
LEAST_DRIFT_US = 2 * SECOND
AGREEING = 0.9


@dataclass(frozen=True, slots=True)
class Offsets:
    """Offsets of pairs, in order of time."""

    at_us: Ints
    offset_us: Ints


def clock_findings(con: duckdb.DuckDBPyConnection, definition: CaseDefinition) -> tuple[ClockFinding, ...]:
    """Return the clocks of every two vantages that share requests; the counting tables are up to date."""
    paired = _by_vantages(con, "74_pair")
    wide = _differences(con)
    behind = dict(
        con.execute(
            "select r.vantage, count(distinct r.evidence_id * 1000000000000 + r.line_no) from seen s "
            "join request r on r.request_no = s.request_no where s.proxied and s.tier > 0 "
            "group by r.vantage order by r.vantage"
        ).fetchall()
    )
    bounds = con.execute(sql_text("76_bound")).fetchall()
    found = []
    for vantage, against in sorted(set(paired) | set(wide)):
        near = paired.get((vantage, against), Offsets(np.zeros(0, np.int64), np.zeros(0, np.int64)))
        far = (
            far_pairs(*wide[vantage, against], definition.policy.match_within_us)
            if (vantage, against) in wide
            else None
        )
        beyond = far is not None and far.at_us.size > CLEARLY * near.at_us.size
        pairs = far if beyond and far is not None else near
        found.append(_finding(vantage, against, pairs, behind.get(vantage, 0), bounds, definition, beyond=beyond))
    return tuple(found)


def _by_vantages(con: duckdb.DuckDBPyConnection, step: str) -> Mapping[tuple[str, str], Offsets]:
    columns = con.execute(sql_text(step)).fetchnumpy()
    found = {}
    sides = list(zip(columns["vantage"].tolist(), columns["against"].tolist(), strict=True))
    for side in sorted(set(sides)):
        of_side = np.array([one == side for one in sides])
        found[side] = Offsets(
            columns["started_us"][of_side].astype(np.int64), columns["offset_us"][of_side].astype(np.int64)
        )
    return found


def _differences(con: duckdb.DuckDBPyConnection) -> Mapping[tuple[str, str], tuple[Ints, Ints, Ints, Ints]]:
    """For each two vantages: request behind the proxy, request nearer, start, difference."""
    columns = con.execute(sql_text("75_difference")).fetchnumpy()
    found = {}
    sides = list(zip(columns["vantage"].tolist(), columns["against"].tolist(), strict=True))
    for side in sorted(set(sides)):
        of_side = np.array([one == side for one in sides])
        names = ("request_no", "edge_no", "started_us", "offset_us")
        one, two, three, four = (columns[name][of_side].astype(np.int64) for name in names)
        found[side] = (one, two, three, four)
    return found


def far_pairs(behind: Ints, nearer: Ints, at_us: Ints, offset_us: Ints, within_us: int) -> Offsets | None:
    """The pairs that a wider search finds beyond `within_us`: by one difference, else by one a day."""
    requests = len(set(behind.tolist()))
    found = commonest(behind, nearer, at_us, offset_us)
    if found is None:
        days = at_us // DAY_US
        each = [commonest(*(a[days == day] for a in (behind, nearer, at_us, offset_us))) for day in np.unique(days)]
        some = [one for one in each if one is not None]
        if not some:
            return None
        found = Offsets(np.concatenate([one.at_us for one in some]), np.concatenate([one.offset_us for one in some]))
    beyond = abs(nearest_rank(found.offset_us, 1, 2)) > within_us or int(np.abs(found.offset_us).max()) > 2 * within_us
    return found if beyond and 2 * found.at_us.size >= requests else None


def commonest(behind: Ints, nearer: Ints, at_us: Ints, offset_us: Ints) -> Offsets | None:
    """The pairs at the commonest difference, if it stands out from chance.

    Differences are counted by the second. The commonest stands out where it, with the seconds beside it, holds at
    least five requests, a half of all behind the proxy, and three times what any other second holds. Each request
    stands in one pair.
    """
    seconds = offset_us // SECOND
    low = int(seconds.min()) - AROUND
    counts = np.bincount(seconds - low, minlength=int(seconds.max()) - low + 2 * AROUND + 1)
    near = sum((np.roll(counts, shift) for shift in range(-AROUND, AROUND + 1)), np.zeros_like(counts))
    top = int(np.argmax(near))
    others = near.copy()
    others[max(top - 3 * AROUND, 0) : top + 3 * AROUND + 1] = 0
    peak = (top + low) * SECOND + SECOND // 2
    distance = np.abs(offset_us - peak)
    close = distance <= AROUND * SECOND + SECOND // 2
    order = np.lexsort((nearer, behind, distance))
    taken: list[int] = []
    used_behind: set[int] = set()
    used_nearer: set[int] = set()
    for i in order[close[order]].tolist():
        if int(behind[i]) not in used_behind and int(nearer[i]) not in used_nearer:
            used_behind.add(int(behind[i]))
            used_nearer.add(int(nearer[i]))
            taken.append(i)
    requests = len(set(behind.tolist()))
    if len(taken) < FEWEST_PAIRS or 2 * len(taken) < requests or int(near[top]) < CLEARLY * int(others.max(initial=0)):
        return None
    chosen = np.array(sorted(taken, key=lambda i: (int(at_us[i]), int(behind[i]))))
    return Offsets(at_us[chosen], offset_us[chosen])


def nearest_rank(values: Ints, part: int, of: int) -> int:
    """The quantile part/of by nearest rank; the median of an even number is the mean of the middle two."""
    ordered = np.sort(values)
    if 2 * part == of and ordered.size % 2 == 0:
        return (int(ordered[ordered.size // 2 - 1]) + int(ordered[ordered.size // 2])) // 2
    return int(ordered[max(-(-part * ordered.size // of), 1) - 1])


def drift_per_day(pairs: Offsets) -> int | None:
    """How far one clock runs from the other in a day, in microseconds; None where the pairs do not show it.

    Theil and Sen: the median of the slopes between the medians of up to 24 spans of equal numbers of pairs. Shown
    where nine of ten slopes agree in sign and the drift over all pairs exceeds two seconds.
    """
    spans = min(MOST_SPANS, pairs.at_us.size // FEWEST_PAIRS)
    if spans < FEWEST_SPANS:
        return None
    points = [
        (nearest_rank(pairs.at_us[part], 1, 2), nearest_rank(pairs.offset_us[part], 1, 2))
        for part in np.array_split(np.arange(pairs.at_us.size), spans)
    ]
    slopes = [(b[1] - a[1]) * DAY_US // (b[0] - a[0]) for a, b in combinations(points, 2) if b[0] > a[0]]
    if not slopes:
        return None
    slope = nearest_rank(np.array(slopes, np.int64), 1, 2)
    whole = abs(slope) * int(pairs.at_us[-1] - pairs.at_us[0]) // DAY_US
    steep = [one for one in slopes if one]  # where logs keep whole seconds, neighbours often agree to the second
    agreeing = sum((one > 0) == (slope > 0) for one in steep)
    return slope if whole > LEAST_DRIFT_US and agreeing >= AGREEING * len(steep) else None


def _finding(
    vantage: str,
    against: str,
    pairs: Offsets,
    behind: int,
    bounds: Sequence[tuple[int, int, str, int, str]],
    definition: CaseDefinition,
    *,
    beyond: bool,
) -> ClockFinding:
    count = int(pairs.at_us.size)
    if count < FEWEST_PAIRS:
        return ClockFinding(
            vantage, against, count, max(behind - count, 0), None, None, None, None, beyond, None, None, None, (),
            f"{words.counted(count, 'request')} in the logs of both {vantage} and {against}: too few "
            "to compare their clocks.",
        )  # fmt: skip
    median = nearest_rank(pairs.offset_us, 1, 2)
    drift = drift_per_day(pairs)
    rounded = (abs(median) + SECOND // 2) // SECOND * SECOND * (1 if median < 0 else -1)
    suggestion = _offset(rounded) if abs(median) > RESOLUTION_US else None
    effects = tuple(
        BoundEffect(definition.datasets[dataset_id].name, window, bound, at_us, at_us + rounded)
        for dataset_id, window, bound, at_us, seen_at in _numbered(bounds)
        if suggestion is not None and seen_at == vantage
    )
    lower, upper = nearest_rank(pairs.offset_us, 1, 4), nearest_rank(pairs.offset_us, 3, 4)
    return ClockFinding(
        vantage=vantage,
        against=against,
        pairs=count,
        unpaired=max(behind - count, 0),
        offset_us=median,
        lower_us=lower,
        upper_us=upper,
        drift_us_per_day=drift,
        beyond_match_within=beyond,
        first_us=int(pairs.at_us[0]),
        last_us=int(pairs.at_us[-1]),
        suggestion=suggestion,
        effects=effects,
        sentence=_sentence(vantage, against, count, median, lower, upper, drift, suggestion, beyond=beyond),
    )


def _numbered(bounds: Sequence[tuple[int, int, str, int, str]]) -> list[tuple[int, int, str, int, str]]:
    """Windows counted from 1 within their data set; their numbers in the tables have gaps."""
    ranks: dict[tuple[int, int], int] = {}
    for dataset_id, window_no, *_ in bounds:
        if (dataset_id, window_no) not in ranks:
            ranks[dataset_id, window_no] = sum(dataset == dataset_id for dataset, _ in ranks) + 1
    return [
        (dataset, ranks[dataset, window], bound, at_us, seen_at) for dataset, window, bound, at_us, seen_at in bounds
    ]


def _offset(us: int) -> str:
    """Return a clock_offset as the definition writes it: "-37s", "+90s", "-2h"."""
    return f"{'-' if us < 0 else '+'}{words.compact_span(abs(us))}"


def _sentence(
    vantage: str,
    against: str,
    count: int,
    median: int,
    lower: int,
    upper: int,
    drift: int | None,
    suggestion: str | None,
    *,
    beyond: bool,
) -> str:
    def span(us: int) -> str:
        return words.exact_span(us // 1000 * 1000)

    said = (
        f"By {words.counted(count, 'request')} that both logged, the clock of {vantage} stands {span(abs(median))} "
        f"{'ahead of' if median >= 0 else 'behind'} that of {against} (median; half of the pairs lie between "
        f"{span(lower)} and {span(upper)})."
    )
    if drift is not None:
        grows = "grows" if (drift > 0) == (median >= 0) else "shrinks"
        said += f" The difference {grows} by {span(abs(drift))} a day: no single offset puts it right."
    if beyond:
        said += (
            " Pairing does not see so far: these requests were found by the commonest difference between requests of "
            "the same client for the same object, and until it is corrected each of them may count twice."
        )
        if abs(median) > 1800 * SECOND and abs(median) % (900 * SECOND) in range(5 * SECOND):
            said += " So round a difference is a zone named wrongly rather than a clock."
    if suggestion is None:
        return f"{said} That is within the resolution of the logs: no correction is suggested."
    return (
        f'{said} If the clock of {against} is right, clock_offset = "{suggestion}" for the items of {vantage} corrects '
        "it. It has not been applied; which of the two clocks is right the logs cannot say."
    )
