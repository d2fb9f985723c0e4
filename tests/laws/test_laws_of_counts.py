"""Laws of the counts, on made-up cases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from strategies import Case, seeded_case
from test_counts import case_file, definition_of

from incident import findings

DAY = 86_400_000_000
SEEDS = range(200, 212)


def found(case: Case, **period):
    con = case_file(case)
    try:
        return findings.case_finding(con, definition_of(case), **period)
    finally:
        con.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_every_matching_request_is_accounted_for(seed):
    """DESIGN: the buckets partition the matching events; their sum is `requests`."""
    for one in found(seeded_case(seed)).datasets:
        assert sum(one.buckets.values()) == one.requests
        assert one.downloads_full + one.downloads_partial + one.downloads_undetermined == one.downloads
        assert one.downloads <= one.buckets["counted"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_later_only_times_differ(seed):
    """Shifting every time by a day shifts only times."""
    case = seeded_case(seed)
    items = [
        replace(item, events=[{**event, "ts_us": event["ts_us"] + DAY} for event in item.events]) for item in case.items
    ]
    for one, later in zip(found(case).datasets, found(replace(case, items=tuple(items))).datasets, strict=True):
        assert (one.buckets, one.downloads_full, one.unique_ips) == (
            later.buckets,
            later.downloads_full,
            later.unique_ips,
        )
        moved = [window.first_seen_us + DAY for window in one.windows]
        assert moved == [window.first_seen_us for window in later.windows]
        assert [window.confirmed_us for window in one.windows] == [window.confirmed_us for window in later.windows]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_items_changes_nothing(seed):
    """Ingesting in another order changes nothing."""
    case = seeded_case(seed)
    turned = replace(case, items=tuple(reversed(case.items)))
    assert found(case).datasets == found(turned).datasets


@pytest.mark.parametrize("seed", SEEDS)
def test_days_add_up(seed):
    """Over days, downloads starting in each add up; unique IPs lie between the largest day's and the sum."""
    case = seeded_case(seed)
    times = [event["ts_us"] for item in case.items for event in item.events]
    first, last = min(times) // DAY - 1, max(times) // DAY + 1
    whole = found(case).datasets
    days = [found(case, since_us=day * DAY, until_us=(day + 1) * DAY).datasets for day in range(first, last + 1)]
    for number, one in enumerate(whole):
        assert sum(day[number].downloads for day in days) == one.downloads
        ips = [day[number].unique_ips for day in days]
        assert max(ips) <= one.unique_ips <= sum(ips)
        assert sum(day[number].requests for day in days) == one.requests
