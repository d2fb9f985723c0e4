"""Silences: none is found in undamaged logs, and hours that were taken out are, where the rate makes that possible."""

from __future__ import annotations

import gzip
import re
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from coverage_fixture import DAY_ONE, Traffic, traffic

from incident import silences
from incident.expectation import Minutes
from incident.steadiness import at_most, log_none, steadiness, visit_size

SAMPLES = Path(__file__).parent / "samples"


def minutes(lines: np.ndarray) -> Minutes:
    at = np.flatnonzero(lines)
    return Minutes((DAY_ONE + at).astype(np.int64), lines[at].astype(np.int64))


def improbable(lines: np.ndarray) -> list[tuple[int, int]]:
    """The improbable silences, as half-open spans of minutes since DAY_ONE."""
    return [(s.start_minute - DAY_ONE, s.end_minute - DAY_ONE) for s in silences.find(minutes(lines)) if s.improbable]


def hours_out(made: Traffic, seed: int, count: int, *, least: float) -> list[tuple[int, int]]:
    """Some hours in which at least so many lines were drawn, neither the first nor the last, none beside another."""
    at = np.random.default_rng(seed).permutation(np.arange(2, made.lines.size // 60 - 2))
    chosen: list[int] = []
    for hour in at.tolist():
        if made.rate[hour * 60 : hour * 60 + 60].sum() >= least and all(abs(hour - other) > 1 for other in chosen):
            chosen.append(hour)
    return [(hour * 60, hour * 60 + 60) for hour in chosen[:count]]


def found(taken: list[tuple[int, int]], spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [span for span in taken if any(start <= span[0] and span[1] <= end for start, end in spans)]


@pytest.mark.parametrize("per_day", [20, 100, 500, 2_000, 10_000, 100_000])
@pytest.mark.parametrize(
    "kind",
    [{"hourly": None}, {"hourly": 8}, {"hourly": 10, "visit": 10}, {"hourly": 3, "daily": 0.95}],
    ids=["steady", "unsteady", "visits", "wild"],
)
def test_no_gap_in_undamaged_logs(per_day: int, kind: dict) -> None:
    seeds = (1,) if "visit" in kind else (1, 2)
    for seed in seeds:
        assert improbable(traffic(seed, per_day, **kind).lines) == []


@pytest.mark.parametrize("per_day", [2_000, 10_000, 100_000])
def test_each_removed_hour_of_a_steady_log_is_found(per_day: int) -> None:
    made = traffic(3, per_day, hourly=None)
    taken = hours_out(made, 3, 10, least=45)
    spans = improbable(made.without(*taken).lines)
    assert found(taken, spans) == taken
    assert len(spans) == len(taken)


@pytest.mark.parametrize("per_day", [20_000, 100_000])
def test_each_removed_hour_of_an_unsteady_log_is_found(per_day: int) -> None:
    made = traffic(4, per_day, hourly=10)
    taken = hours_out(made, 4, 10, least=150)
    assert found(taken, improbable(made.without(*taken).lines)) == taken


def test_a_removed_day_and_a_removed_week_are_found() -> None:
    made = traffic(5, 3_000)
    for days in (1, 3, 7):
        taken = [(9 * 1440 + 700, (9 + days) * 1440 + 700)]
        assert found(taken, improbable(made.without(*taken).lines)) == taken


def test_many_missing_hours_do_not_vouch_for_each_other() -> None:
    made = traffic(6, 20_000, hourly=None)
    taken = hours_out(made, 6, 40, least=200)
    assert len(taken) == 40
    assert found(taken, improbable(made.without(*taken).lines)) == taken


def test_within_a_single_day() -> None:
    for seed in (1, 2, 3):
        made = traffic(seed, 20_000, days=1, hourly=None, weekend=1.0, bursts=3)
        assert improbable(made.lines) == []
        taken = [(13 * 60, 14 * 60)]
        assert found(taken, improbable(made.without(*taken).lines)) == taken


def test_nights_of_an_office_are_quiet_and_a_missing_morning_is_not() -> None:
    draw = np.random.default_rng(7)
    at = np.arange(30 * 1440)
    open_hours = ((at // 1440) % 7 < 5) & (at % 1440 >= 8 * 60) & (at % 1440 < 18 * 60)
    lines = draw.poisson(np.where(open_hours, 1.5, 0.0))
    assert improbable(lines) == []
    start = 15 * 1440 + 8 * 60  # the second day of a working week
    lines[start : start + 240] = 0
    assert found([(start, start + 240)], improbable(lines)) == [(start, start + 240)]


def test_pulses_are_the_habit_of_a_log_not_a_gap() -> None:
    """A collector that writes once an hour leaves fifty-nine silent minutes each time."""
    lines = np.zeros(4 * 1440, np.int64)
    lines[5::60] = np.random.default_rng(8).poisson(120, lines[5::60].size)
    assert improbable(lines) == []


def test_a_step_down_is_no_gap() -> None:
    """After a takedown few come: the first pause among them is not measured by the days of the rush."""
    draw = np.random.default_rng(9)
    rate = np.where(np.arange(10 * 1440) < 5 * 1440, 10.0, 0.004)
    assert improbable(draw.poisson(rate)) == []


def test_a_short_log_says_nothing() -> None:
    lines = np.random.default_rng(10).poisson(300, 30)
    lines[10:17] = 0
    assert improbable(lines) == []


def test_shorter_than_five_minutes_is_no_gap() -> None:
    made = traffic(11, 100_000, hourly=None)
    assert improbable(made.without((20_000, 20_003)).lines) == []
    assert improbable(made.without((20_000, 20_006)).lines) == [(20_000, 20_006)]


def test_the_largest_other_silence_is_shown() -> None:
    shown = silences.find(minutes(traffic(12, 500).lines))
    assert len(shown) == 1
    assert not shown[0].improbable


def test_logs_without_a_silence() -> None:
    assert silences.find(minutes(np.ones(100, np.int64))) == ()
    assert silences.find(minutes(np.array([5]))) == ()


def test_a_time_from_another_century_does_no_harm() -> None:
    """A clock that was reset leaves lines decades away: two more minutes, not fifty million."""
    lines = minutes(traffic(13, 5_000).lines)
    far = Minutes(
        np.concatenate(([1000], lines.minute, [lines.end + 50_000_000])), np.concatenate(([3], lines.lines, [3]))
    )
    assert sum(s.improbable for s in silences.find(far)) <= 2


def test_order_of_evidence_and_a_shift_by_weeks_change_nothing() -> None:
    made = traffic(14, 5_000).without((10_000, 10_060))
    one = silences.find(minutes(made.lines))
    moved = minutes(made.lines)
    other = silences.find(Minutes(moved.minute + 4 * 7 * 1440, moved.lines))
    assert [(s.start_minute + 4 * 7 * 1440, s.expected, s.by_chance) for s in one] == [
        (s.start_minute, s.expected, s.by_chance) for s in other
    ]


TIME = re.compile(r"\[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")


def test_no_gap_in_real_samples() -> None:
    judged = 0
    for path in sorted(SAMPLES.glob("*/*.log*")):
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="latin-1") as lines:
            times = [
                int(datetime.strptime(t, "%d/%b/%Y:%H:%M:%S %z").timestamp()) // 60 for t in TIME.findall(lines.read())
            ]
        at, counts = np.unique(np.array(times, np.int64), return_counts=True)
        if at.size > 1:
            judged += 1
            assert not [s for s in silences.find(Minutes(at, counts)) if s.improbable], path.name
    assert judged > 3


def test_at_most_adds_up_to_the_negative_binomial() -> None:
    k, mean = 3.0, 10.0
    p = k / (k + mean)
    by_hand = [p**k]
    for n in range(1, 6):
        by_hand.append(by_hand[-1] * (n - 1 + k) / n * (1 - p))
    for n in range(6):
        assert at_most(n, mean, k) == pytest.approx(sum(by_hand[: n + 1]))
    assert np.exp(log_none(mean, 1.0, k)) == pytest.approx(by_hand[0])


def test_visit_size_from_empty_stretches() -> None:
    draw = np.random.default_rng(1)
    arrivals = draw.poisson(2.0, 4000)
    lines = np.array([draw.geometric(1 / 12, n).sum() for n in arrivals])
    size, measured = visit_size(lines, np.full(4000, 24.0), 4000)
    assert measured
    assert size == pytest.approx(12, rel=0.1)


@pytest.mark.parametrize("k", [4.0, 20.0])
def test_steadiness_is_found_again(k: float) -> None:
    draw = np.random.default_rng(2)
    expected = np.full(3000, 200.0)
    lines = draw.poisson(expected * draw.gamma(k, 1 / k, 3000))
    assert k / 3 < steadiness(lines, expected, 1.0, 3000) < k * 1.7
