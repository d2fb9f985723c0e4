"""How unsteady a log is: how many lines come together, and how far stretches of time fall short of what was expected.

Two things make a stretch without a line likelier than lines that come one by one at a known rate would: visitors who
leave many lines each, and a rate that is not known. Both are measured on the log itself. Bursts do not matter to a
silence, so that only shortfalls and empty stretches are looked at.
"""

from __future__ import annotations

from math import exp, lgamma, log, log1p
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from incident.expectation import Floats, Ints

MOST_STEADY = 100.0
"""No traffic is taken to be steadier than this k: beyond it, doubt about the model outweighs the data."""

LEAST_STEADY = 0.05

DOUBT = 2.0
"""Imagined stretches that speak for k = 2: with few real ones they weigh."""

FEWEST_EMPTY = 5.0
"""With fewer empty stretches, counted without overlap, their share says only how rare they are at most."""


def log_none(expected: float, per_visit: float, k: float) -> float:
    """The natural logarithm of the probability of no line: visits are Poisson with a rate that is gamma distributed."""
    return -k * log1p(expected / per_visit / k)


def beginnings(expected: float, per_visit: float, k: float) -> float:
    """In how many ways a silence can begin within its own length: after each visit of such a silent time."""
    visits = expected / per_visit
    return max(visits / (1 + visits / k), 1.0)


def visit_size(lines: Ints, expected: Floats, apart: float) -> tuple[float, bool]:
    """How many lines come together, from the share of empty stretches: exp(-visits); and whether enough are empty.

    `apart` of the stretches lie side by side without overlap. Where too few are empty, the answer is an upper limit.
    """
    empty = float(np.count_nonzero(lines == 0))
    measured = empty * apart / lines.size >= FEWEST_EMPTY
    empty = empty if measured else empty + lines.size / apart
    low, high = 1.0, float(np.max(expected)) * 2
    if low >= high or float(np.sum(np.exp(-expected / low))) >= empty:
        return low, measured
    for _ in range(25):
        middle = (low + high) / 2
        if float(np.sum(np.exp(-expected / middle))) < empty:
            low = middle
        else:
            high = middle
    return high, measured


def steadiness(lines: Ints, expected: Floats, per_visit: float, apart: float) -> float:
    """The k of the rate's gamma distribution that fits how far stretches fall short of what was expected.

    It is the smaller of two: the one whose spread equals that of the shortfalls, beyond what visits of that size
    explain, and the largest under which the emptiest stretch is still no surprise among so many.
    """
    if not lines.size:
        return LEAST_STEADY
    short = lines < expected
    missing = expected - lines
    # visits of geometric size: their variance is 2c - 1 times the mean
    excess = float(np.sum((missing * missing - (2 * per_visit - 1) * expected)[short]))
    scale = float(np.sum((expected * expected)[short]))
    spread = max(excess, 0.0) / scale if scale else 0.0
    k = max(min((apart + DOUBT) / (apart * spread + DOUBT / 2), MOST_STEADY), LEAST_STEADY)
    surprise = 0.1 / lines.size
    depth = missing / np.sqrt((2 * per_visit - 1) * expected + expected * expected / k)
    for i in np.argsort(-depth, kind="stable")[:5]:
        k = _no_surprise(int(lines[i]) / per_visit, float(expected[i]) / per_visit, k, surprise)
    return k


def _no_surprise(visits: float, expected: float, k: float, surprise: float) -> float:
    if visits >= expected or at_most(visits, expected, k) >= surprise:
        return k
    low, high = log(LEAST_STEADY), log(k)
    for _ in range(20):
        middle = (low + high) / 2
        if at_most(visits, expected, exp(middle)) >= surprise:
            low = middle
        else:
            high = middle
    return exp(low)


def at_most(visits: float, expected: float, k: float) -> float:
    """The probability of at most so many visits, fewer than expected, under a negative binomial."""
    n = round(visits)
    term = lgamma(n + k) - lgamma(k) - lgamma(n + 1) + k * log(k / (k + expected)) + n * log(expected / (k + expected))
    total, factor = 0.0, 1.0
    while n >= 0 and factor > 1e-9:
        total += factor
        factor *= n / (n - 1 + k) * (k + expected) / expected if n else 0.0
        n -= 1
    return min(total * exp(max(term, -700.0)), 1.0)
