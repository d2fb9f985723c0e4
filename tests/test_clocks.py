"""Clocks: offset, spread and drift of known size are found again, suggested, and never applied."""

from __future__ import annotations

import numpy as np
import pytest
from casebuilder import Case, at, definition

from incident import clocks, model

SECOND = 1_000_000
PROXY = "203.0.113.1"
TRUSTING = definition(trusted_proxies=("203.0.113.0/24",))


def two_vantages(
    offset: float, *, drift_per_day: float = 0.0, days: int = 1, requests: int = 60, seed: int = 1, busy: bool = False
) -> Case:
    """Each request reaches the origin a tenth of a second after the edge, whose clock is right."""
    draw = np.random.default_rng(seed)
    made = Case(evidence=("edge/a.log", "origin/a.log"))
    for when in np.sort(draw.uniform(0, days * 86_400, requests)):
        client = f"192.0.2.{draw.integers(1, 4 if busy else 250)}"
        made.hit("edge/a.log", int(at(0) + when), client, cache_status="Miss")
        wrong = at(0) + when + 0.1 + offset + drift_per_day * when / 86_400
        made.hit("origin/a.log", int(wrong), PROXY, forwarded_for=client)
    return made


def finding(made: Case, said=TRUSTING):
    con = made.connect()
    model.apply(con, said)
    return clocks.clock_findings(con, said)


def test_right_clocks_are_left_alone() -> None:
    (one,) = finding(two_vantages(0))
    assert one.pairs == 60
    assert abs(one.offset_us) <= SECOND
    assert one.suggestion is None
    assert one.effects == ()
    assert one.drift_us_per_day is None


@pytest.mark.parametrize("offset", [2, -2, 4])
def test_an_offset_that_pairing_sees(offset: int) -> None:
    (one,) = finding(two_vantages(offset))
    assert (one.vantage, one.against, one.beyond_match_within) == ("origin", "edge", False)
    assert one.suggestion == f"{-offset:+d}s"
    assert "not been applied" in one.sentence


@pytest.mark.parametrize("offset", [37, -37, 3600, -25_200])
def test_an_offset_that_pairing_cannot_see(offset: int) -> None:
    (one,) = finding(two_vantages(offset))
    assert one.beyond_match_within
    assert abs(one.offset_us - offset * SECOND) <= SECOND
    assert one.suggestion == {37: "-37s", -37: "+37s", 3600: "-1h", -25_200: "+7h"}[offset]
    assert ("zone" in one.sentence) == (abs(offset) >= 3600)


def test_an_offset_among_busy_clients() -> None:
    (one,) = finding(two_vantages(37, requests=200, busy=True))
    assert one.suggestion == "-37s"


def test_chance_pairs_suggest_nothing() -> None:
    """Origin requests of the same clients for the same object at other times: no difference is commoner than others."""
    draw = np.random.default_rng(4)
    made = Case(evidence=("edge/a.log", "origin/a.log"))
    for when in draw.uniform(0, 86_400, 150):
        made.hit("edge/a.log", int(at(0) + when), f"192.0.2.{draw.integers(1, 4)}")
    for when in draw.uniform(0, 86_400, 150):
        made.hit("origin/a.log", int(at(0) + when), PROXY, forwarded_for=f"192.0.2.{draw.integers(1, 4)}")
    assert not [one for one in finding(made) if one.suggestion]


def test_drift() -> None:
    (one,) = finding(two_vantages(0, drift_per_day=0.4, days=10, requests=300))
    assert one.drift_us_per_day == pytest.approx(0.4 * SECOND, abs=0.1 * SECOND)
    assert "no single offset" in one.sentence


def test_drift_that_leaves_pairing_behind() -> None:
    (one,) = finding(two_vantages(0, drift_per_day=5, days=12, requests=600))
    assert one.beyond_match_within
    assert one.drift_us_per_day == pytest.approx(5 * SECOND, abs=0.3 * SECOND)


def test_the_bounds_that_would_move() -> None:
    """The window is first seen at the origin alone, whose clock is four seconds ahead."""
    made = two_vantages(4)
    made.hit("origin/a.log", at(0) - 3600, "198.51.100.7")
    (one,) = finding(made)
    (effect,) = [effect for effect in one.effects if effect.bound == "first_seen"]
    assert (effect.dataset, effect.window) == ("ccw", 1)
    assert effect.would_be_us - effect.bound_us == -4 * SECOND


def test_too_few_pairs() -> None:
    (one,) = finding(two_vantages(0, requests=3))
    assert (one.pairs, one.offset_us, one.suggestion) == (3, None, None)
    assert "too few" in one.sentence


def test_no_second_vantage_no_clock() -> None:
    made = Case()
    made.hit("edge/a.log", at(12), "192.0.2.1")
    assert finding(made) == ()


@pytest.mark.parametrize(
    ("values", "part", "of", "rank"),
    [([5, 1, 3], 1, 2, 3), ([1, 2, 4, 9], 1, 2, 3), ([1, 2, 3, 4], 1, 4, 1), ([1, 2, 3, 4], 3, 4, 3), ([7], 3, 4, 7)],
)
def test_nearest_rank(values: list[int], part: int, of: int, rank: int) -> None:
    assert clocks.nearest_rank(np.array(values), part, of) == rank
