"""How many lines a stretch of time should hold, judged by the same clock time on other days and by the hours around it.

All arithmetic is on whole minutes: a log of any length is one sorted array of the minutes that hold a line. No
expectation ever looks at the stretch itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

MINUTE = 60_000_000
HOUR = 60  # in minutes, as all spans of this module
DAY = 1440
OTHER_DAYS = 14
"""How many days before and after are looked at: two weeks each way follow a season, and more would only blur it."""

FEWEST_DAYS = 3
"""With fewer other days there is no typical one."""

WEEKS = 4
BESIDE = 3
"""How many stretches of equal length are taken on each side: the middle one of three is not moved by one burst."""


@dataclass(frozen=True, slots=True)
class Expected:
    """For each stretch: the expected lines (nan: nothing to compare with), and on how many other days they rest."""

    lines: Floats
    days: Ints


@dataclass(frozen=True)
class Minutes:
    """The minutes of one log that hold a line, sorted, each counted from 1970-01-01, and their lines."""

    minute: Ints
    lines: Ints

    @cached_property
    def _before(self) -> Ints:
        return np.concatenate((np.zeros(1, np.int64), np.cumsum(self.lines, dtype=np.int64)))

    @property
    def first(self) -> int:
        """The first minute with a line."""
        return int(self.minute[0])

    @property
    def end(self) -> int:
        """The minute after the last one with a line."""
        return int(self.minute[-1]) + 1

    @property
    def total(self) -> int:
        """All lines."""
        return int(self._before[-1])

    def between(self, start: Ints, end: Ints) -> Ints:
        """Return the lines of each half-open span of minutes."""
        counted: Ints = (
            self._before[np.searchsorted(self.minute, end)] - self._before[np.searchsorted(self.minute, start)]
        )
        return counted

    @cached_property
    def _day(self) -> Floats:
        """Lines before each minute of the day, over all days; where there are too few, as if each held the same."""
        if self.end - self.first < FEWEST_DAYS * DAY:
            return np.arange(DAY + 1, dtype=np.float64)
        held = np.bincount(self.minute % DAY, weights=self.lines, minlength=DAY)
        return np.concatenate((np.zeros(1), np.cumsum(held)))

    def of_day(self, start: Ints, end: Ints) -> Floats:
        """Return how much of a day's lines usually falls between two times, in lines of all days together."""
        days = (end // DAY - start // DAY) * self._day[-1]
        share: Floats = days + self._day[end % DAY] - self._day[start % DAY]
        return share

    def expected(self, start: Ints, end: Ints) -> Expected:
        """Return what each stretch should hold: by other days where there are enough, else by what lies beside it."""
        beside = np.fmin(self._beside(start, end), self._by_week(start, end))
        by_day, days = self._by_day(start, end)
        seasonal = days >= FEWEST_DAYS
        return Expected(np.where(seasonal, by_day, beside), np.where(seasonal, days, 0))

    def _beside(self, start: Ints, end: Ints) -> Floats:
        """The lower of the two sides, on each the middle of three stretches as long; for days on end, of 14 days.

        Of all not more than one may hold less: where two do, traffic comes in bursts.
        """
        length = end - start
        room = np.maximum(start - self.first, self.end - end)
        width = np.maximum(np.minimum(np.minimum(length, DAY), room), 1)
        sides = []
        for sign in (-1, 1):
            counts = []
            for step in range(OTHER_DAYS if np.any(length >= DAY) else BESIDE):
                low = start - (step + 1) * width if sign < 0 else end + step * width
                inside = (low >= self.first) & (low + width <= self.end) & ((step < BESIDE) | (length >= DAY))
                counts.append(np.where(inside, self.between(low, low + width), np.nan))
            sides.append(np.array(counts))
        second = np.sort(np.concatenate(sides), axis=0)[1]
        lowest: Floats = _lowest(np.array([*(_middle(side) for side in sides), second])) * (length / width)
        return lowest

    def _by_week(self, start: Ints, end: Ints) -> Floats:
        """For a day and longer, no more than the same days of other weeks had, where there are two."""
        counts = []
        for week in range(-WEEKS, WEEKS + 1):
            low, high = start + 7 * DAY * week, end + 7 * DAY * week
            apart = abs(week) * 7 * DAY >= end - start
            usable = (low >= self.first) & (high <= self.end) & apart & (end - start >= DAY)
            counts.append(np.where(usable, self.between(low, high), np.nan))
        table = np.array(counts)
        enough = np.sum(~np.isnan(table), axis=0) >= 2
        return np.where(enough, _upper(table), np.nan)

    def _by_day(self, start: Ints, end: Ints) -> tuple[Floats, Ints]:
        """The middle count of the same clock time on other days, lowered where the hours around are quieter than usual.

        Where three or more of those days are the same day of the week, no more is taken than that day had.
        """
        length = end - start
        shifts = [day * DAY for day in range(-OTHER_DAYS, OTHER_DAYS + 1) if day]
        counts, weekly = [], []
        befores, afters = [], []
        around = np.maximum(length, 3 * HOUR)
        for shift in shifts:
            low, high = start + shift, end + shift
            usable = (low >= self.first) & (high <= self.end) & (abs(shift) >= length)
            there = np.where(usable, self.between(low, high), np.nan)
            counts.append(there)
            weekly.append(np.where(shift % (7 * DAY) == 0, there, np.nan))
            befores.append(np.where(usable & (low - around >= self.first), self.between(low - around, low), np.nan))
            afters.append(np.where(usable & (high + around <= self.end), self.between(high, high + around), np.nan))
        table, same_weekday = np.array(counts), np.array(weekly)
        days = np.sum(~np.isnan(table), axis=0).astype(np.int64)
        typical = _middle(table)
        weeks = np.sum(~np.isnan(same_weekday), axis=0)
        typical = np.where(weeks >= FEWEST_DAYS, np.fmin(typical, _upper(same_weekday)), typical)
        level = np.ones(start.shape)
        for low, high, usual in (
            (start - around, start, _middle(np.array(befores))),
            (end, end + around, _middle(np.array(afters))),
        ):
            inside = (low >= self.first) & (high <= self.end) & (usual > 0)
            share = np.divide(self.between(low, high), usual, out=np.ones(start.shape), where=inside)
            level = np.minimum(level, share)
        return typical * level, np.where((length < DAY) & ~np.isnan(typical), days, 0)


def _middle(table: Floats) -> Floats:
    """The lower median of each column over what is there; nan where nothing is."""
    ordered = np.sort(table, axis=0)  # nan last
    there = np.sum(~np.isnan(table), axis=0)
    at = np.maximum(there - 1, 0) // 2
    found: Floats = np.take_along_axis(ordered, at[np.newaxis, :], axis=0)[0]
    return found


def _upper(table: Floats) -> Floats:
    """The largest of each column, of four and more the second largest and so on: missing weeks do not lower it."""
    ordered = np.sort(table, axis=0)  # nan last
    there = np.sum(~np.isnan(table), axis=0)
    at = np.maximum(there - 1 - there // 4, 0)
    found: Floats = np.take_along_axis(ordered, at[np.newaxis, :], axis=0)[0]
    return found


def _lowest(table: Floats) -> Floats:
    found: Floats = np.fmin.reduce(table, axis=0)
    return found
