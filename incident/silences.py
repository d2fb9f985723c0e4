"""Silences that the traffic around them makes improbable, in one log's lines per minute.

A silence is judged in four steps, each in words that counsel can repeat (docs/coverage.md):

1. *How many lines belong there?* The same clock time on other days, or the hours beside it (`expectation`).
2. *Does it stand out?* It must be larger, by far, than the log's other silences let expect (`standing_out`).
3. *How unsteady is this log?* The same question is put to every other stretch of that length, where the answer is known
(`steadiness`).
4. *How often would chance alone do this?* The probability of no line at all, times the places where an undamaged log
of this length could have shown it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, log, log1p
from typing import TYPE_CHECKING

import numpy as np

from incident.expectation import DAY
from incident.steadiness import beginnings, log_none, steadiness, visit_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from incident.expectation import Expected, Floats, Ints, Minutes

SHORTEST = 4
"""Whole minutes without a line. A server that restarts, or waits for a lock, is quiet for less."""

FEWEST_LINES = 20.0
"""A silence where fewer lines were expected is never called improbable, whatever the model says."""

MOST_BY_CHANCE = 1e-4
"""A silence is improbable if an undamaged log like this would show fewer than this many."""

SHORT = 30
MOST_BY_CHANCE_SHORT = 1e-5
"""Below half an hour there are more places, and more that a server may do, than the model counts: less is believed."""

MOST_MISSING = 0.25
"""The share of all expected lines that may lie in silences; where it is more, silence is the habit of this log."""

LEAST_AROUND = 120
"""Minutes of log outside a silence: with less there is no telling what is usual."""

LEAST_STEP = 1e-4
"""A silence stands out if one as much larger than the smaller ones is less likely than this."""

FEW = 5
"""A silence in which so few lines were expected is small in any log."""

BODY = 60
TAIL = 20
BETWEEN = 20
MOST_JUDGED = 200
MOST_SILENCES = 20_000
FEWEST_STRETCHES = 12
MOST_STRETCHES = 3000
MOST_CUT = 500
LADDER = 1.5

CAUTION = 1.25
"""By how much more the lines of a visit are taken than was measured."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch without a line, and what chance says of it."""

    start_minute: int  # whole minutes without a line: half-open
    end_minute: int
    expected: float
    days: int  # other days the expectation rests on; 0: the hours beside it
    per_visit: float  # lines that come together
    steadiness: float  # k of the rate's gamma distribution
    stretches: int  # how many other stretches like it were compared, at most a day long
    least_share: float | None  # the smallest share of its expectation that any of them held
    by_chance: float  # how many such silences an undamaged log like this would show
    improbable: bool


@dataclass(frozen=True, slots=True)
class _Level:
    """Stretches of one length all over a log: where, what they held, what was expected, how far apart they begin."""

    start: Ints
    end: Ints
    lines: Ints
    expected: Floats
    step: float


@dataclass(frozen=True, slots=True)
class _Bench:
    """What silences are judged against: a log without the stretches that stand out."""

    log_lines: Minutes
    away_start: Ints
    away_end: Ints
    scale: float  # by which the sizes of its largest silences fall off: the lines that a visit leaves, seen from there
    levels: dict[int, _Level] = field(default_factory=dict)

    def like(self, width: int, rate: float) -> tuple[_Level, NDArray[np.bool_]]:
        """Return stretches of a length, and which of them lie at times about as busy as `rate` lines a minute."""
        if width not in self.levels:
            self.levels[width] = _level(self.log_lines, width)
        level = self.levels[width]
        keep = ~np.isnan(level.expected) & (level.expected > 0)
        for low, high in zip(self.away_start, self.away_end, strict=True):
            keep &= (level.end <= low) | (level.start >= high)
        near = keep & (level.expected >= rate * width / 4) & (level.expected <= rate * width * 4)
        return level, near if np.count_nonzero(near) >= FEWEST_STRETCHES else keep


def find(log_lines: Minutes) -> tuple[Silence, ...]:
    """Return the improbable silences, in order of time, and beside them the largest that is not."""
    start, end = _between_lines(log_lines)
    if not start.size:
        return ()
    found = log_lines.expected(start, end)
    expected = np.nan_to_num(found.lines)
    order = np.lexsort((start, -expected))
    out = order[: standing_out(expected[order], log_lines.total)]
    bench = _Bench(log_lines, start[out], end[out], _scale(expected[order[out.size :]]))
    judged = [_judge(bench, int(start[i]), int(end[i]), found, int(i)) for i in out if end[i] - start[i] >= SHORTEST]
    others = [
        _judge(bench, int(start[i]), int(end[i]), found, int(i), among=False) for i in order[out.size : out.size + 1]
    ]
    improbable = [silence for silence in judged if silence.improbable]
    others = sorted([s for s in judged if not s.improbable] + others, key=lambda s: (-s.expected, s.start_minute))[:1]
    return tuple(sorted(improbable + others, key=lambda s: s.start_minute))


def standing_out(expected: Floats, total: int) -> int:
    """How many of the silences, largest first, are larger than the smaller ones let expect.

    In steady traffic, and also where visitors come one by one and each leaves many lines, the sizes of the largest
    silences fall off exponentially, and the largest exceeds the (c+1)th after it by the largest of c+1 exponentials
    of one scale, which the sizes from there on give (Rényi 1953). c lets some, which may be damage too, lie in
    between.
    """
    missing = np.cumsum(expected)
    most = int(np.count_nonzero((expected >= FEWEST_LINES) & (missing <= MOST_MISSING * (total + missing))))
    # wherever a line follows a line within a minute nothing was missing
    padded = np.concatenate((expected[: most + BETWEEN + BODY + 1], np.zeros(BETWEEN + BODY + 1)))
    for j in range(min(most, MOST_JUDGED), 0, -1):
        for c in range(BETWEEN + 1):
            body = padded[j + c : j + c + BODY + 1]
            scale = max(float(np.sum(body - body[-1])) / BODY, float(body[0] - FEW) / 3, 1.0)
            step = float(padded[j - 1] - body[0]) / scale
            if log(c + 1) - BODY * log1p(step / BODY) < log(LEAST_STEP):
                return j
    return 0


def _scale(expected: Floats) -> float:
    """The scale of the exponential by which the largest of these sizes fall off."""
    body = np.concatenate((expected[: TAIL + 1], np.zeros(TAIL + 1)))[: TAIL + 1]
    return float(np.sum(body - body[-1])) / TAIL


def _between_lines(log_lines: Minutes) -> tuple[Ints, Ints]:
    """The whole minutes without a line between two with one; of very many the largest, by their day's lines."""
    start, end = log_lines.minute[:-1] + 1, log_lines.minute[1:]
    some = end > start
    start, end = start[some], end[some]
    if start.size > MOST_SILENCES:
        about = (end - start) * log_lines.between(start - DAY // 2, end + DAY // 2) / (end - start + DAY)
        keep = np.sort(np.argsort(-about, kind="stable")[:MOST_SILENCES])
        start, end = start[keep], end[keep]
    return start, end


def _judge(bench: _Bench, start: int, end: int, found: Expected, at: int, *, among: bool = True) -> Silence:
    """Judge one silence; `among`: it is one of those that stand out."""
    length, expected = end - start, float(np.nan_to_num(found.lines[at]))
    span = bench.log_lines.end - bench.log_lines.first
    rate = expected / length
    width = _rung(min(length, DAY, max(span // (2 * FEWEST_STRETCHES), 1)))
    level, like = bench.like(width, rate)
    lines, mean = level.lines[like], level.expected[like]
    per_visit = max(_per_visit(bench.log_lines, level, like, width, length), bench.scale)
    k = steadiness(lines, mean, per_visit, apart=lines.size * level.step / width)
    chance = exp(max(log_none(expected, per_visit, k), -700.0)) * beginnings(expected, per_visit, k)
    by_chance = max(span / length, 1.0) * chance
    return Silence(
        start_minute=start,
        end_minute=end,
        expected=expected,
        days=int(found.days[at]),
        per_visit=per_visit,
        steadiness=k,
        stretches=int(lines.size),
        least_share=float(np.min(lines / mean)) if lines.size else None,
        by_chance=by_chance,
        improbable=among and expected >= FEWEST_LINES and by_chance < MOST_BY_CHANCE and span - length >= LEAST_AROUND,
    )


def _per_visit(log_lines: Minutes, level: _Level, like: NDArray[np.bool_], width: int, length: int) -> float:
    """How many lines come together in a stretch of some length, by how the share of empty stretches falls with length.

    Visits that go on when a stretch begins keep it from being empty, however short it is; visits that begin within it
    grow in number with its length. So the visits per minute are taken from the longest stretches that are often empty
    against ones half as long, and the rest is added in proportion. Where hardly any are empty, the shortest give an
    upper limit.

    Stretches of the level are cut into shorter ones, and what those should hold is shared out as the hours of a day
    usually are: it is never judged by their neighbours, as these would hold lines of the same visit.
    """
    chosen = np.flatnonzero(like)
    if not chosen.size:
        return 1.0
    chosen = chosen[:: -(-chosen.size // MOST_CUT)]
    start, expected = level.start[chosen], level.expected[chosen]
    expected = expected * max(float(np.median(level.lines[chosen] / expected)), 1.0)
    apart = chosen.size * min(level.step * (-(-np.count_nonzero(like) // MOST_CUT)) / width, 1.0)
    whole, limit, sizes = width, 1.0, dict[int, float]()
    while True:
        pieces = whole // width
        cut = (start[:, np.newaxis] + np.arange(pieces) * width).ravel()
        share = log_lines.of_day(cut, cut + width).reshape(-1, pieces)
        total = share.sum(axis=1, keepdims=True)
        share = np.where(total > 0, share / np.where(total > 0, total, 1.0), 1 / pieces)
        size, measured = visit_size(
            log_lines.between(cut, cut + width),
            (share * expected[:, np.newaxis] * (pieces * width / whole)).ravel(),
            pieces * apart,
        )
        limit = size
        if measured:
            sizes[width] = size
        shorter = _rung(width - 1)
        if width == 1 or float(np.median(expected)) * shorter / whole < 2:
            return CAUTION * (_extended(sizes, length) if sizes else limit)
        width = shorter


def _extended(sizes: Mapping[int, float], length: int) -> float:
    """The visit size in a longer stretch, from those measured in shorter ones; lines per minute cancel out."""
    longest = max(sizes)
    half = max((width for width in sizes if 2 * width <= longest), default=None)
    visits = longest / sizes[longest]
    if length <= longest or half is None:
        return max(sizes.values())
    each = max((visits - half / sizes[half]) / (longest - half), 0.0)
    return max(length / (visits + each * (length - longest)), 1.0)


def _rung(length: int) -> int:
    """The largest rung of a ladder of lengths that is not longer, so that like silences share their stretches."""
    width = 1.0
    while int(width * LADDER) <= length:
        width *= LADDER
    return max(int(width), 1)


def _level(log_lines: Minutes, width: int) -> _Level:
    """Stretches of one length, a quarter of it apart, evenly thinned where there are very many."""
    room = log_lines.end - log_lines.first - width
    step = max(width / 4, room / MOST_STRETCHES, 1.0)
    start = log_lines.first + np.unique((np.arange(int(room / step) + 1) * step).astype(np.int64))
    end = start + width
    return _Level(start, end, log_lines.between(start, end), log_lines.expected(start, end).lines, step)
