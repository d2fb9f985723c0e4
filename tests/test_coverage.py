"""What the evidence covers: outages and missing logs, missing members, cut addresses, clauses for a sentence."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from casebuilder import Case, at, definition, us
from coverage_fixture import DAY_ONE, MINUTE, case, frame, seconds_of, traffic

from incident import coverage, coverage_words
from incident.overlaps import answer, overlaps
from incident.records import EvidenceRule
from incident.records_coverage import CoverageFinding, VantageCoverage

HOUR = 60
ZONE = "America/Los_Angeles"
NO_DATASETS = definition(datasets=())


def cover(items: dict[str, pl.DataFrame], **more: object) -> CoverageFinding:
    return coverage.coverage_finding(case(items, **more), NO_DATASETS)


def vantage(found: CoverageFinding, name: str) -> VantageCoverage:
    return next(one for one in found.vantages if one.vantage == name)


def minute(number: int) -> int:
    return (DAY_ONE + number) * MINUTE


def test_an_undamaged_log_is_a_log_throughout() -> None:
    times = seconds_of(traffic(1, 5_000, days=10).lines)
    found = cover({"edge/access.log": frame(times)})
    (one,) = found.vantages
    assert (one.events, one.first_us, one.last_us) == (times.size, times[0], times[-1])
    assert [span.answer for span in one.spans] == ["log"]
    assert not [silence for silence in one.silences if silence.improbable]
    assert "no silence is improbable" in one.model
    assert answer(one, minute(5 * 1440)) == "log"
    assert answer(one, minute(-5)) == "no_log"
    assert overlaps(found, int(times[0]), int(times[-1]), zone=ZONE) == ()


def test_a_missing_hour_is_no_log_and_says_so_in_the_zone_of_the_case() -> None:
    made = traffic(2, 20_000, days=10, hourly=None)
    start = 6 * 1440 + 600
    times = seconds_of(made.without((start, start + HOUR)).lines)
    found = cover({"edge/access.log": frame(times)})
    (one,) = found.vantages
    (silence,) = [silence for silence in one.silences if silence.improbable]
    assert (silence.kind, silence.proven) == ("missing_log", False)
    assert silence.start_us < minute(start) <= minute(start + HOUR) <= silence.end_us
    assert [span.answer for span in one.spans] == ["log", "no_log", "log"]
    assert answer(one, minute(start + 30)) == "no_log"
    (gap,) = overlaps(found, int(times[0]), int(times[-1]), zone=ZONE)
    assert (gap.kind, gap.at_least) == ("missing_log", True)
    assert gap.clause.startswith("the log of edge is missing from 7 May 2024, 2:59:")
    assert "a.m. PDT (UTC−07:00)" in gap.clause
    assert overlaps(found, int(times[0]), minute(start - 60), zone=ZONE) == ()


def test_a_crash_is_an_outage() -> None:
    """For ten minutes everything fails, then nothing is logged for forty."""
    made = traffic(3, 20_000, days=10, hourly=None)
    start = 6 * 1440 + 600
    times = seconds_of(made.without((start, start + 40)).lines)
    failing = (times >= minute(start - 10)) & (times < minute(start))
    found = cover({"origin/access.log": frame(times, status=np.where(failing, 503, 200))})
    (one,) = found.vantages
    (silence,) = [silence for silence in one.silences if silence.improbable]
    assert silence.kind == "outage"
    assert [span.answer for span in one.spans] == ["log", "outage", "log"]
    (spell,) = one.errors
    assert spell.failed == spell.lines == np.count_nonzero(failing)
    kinds = {gap.kind: gap.at_least for gap in overlaps(found, int(times[0]), int(times[-1]), zone=ZONE)}
    assert kinds == {"outage": False, "errors": False}


def test_another_vantage_proves_that_the_log_is_missing() -> None:
    made = traffic(4, 20_000, days=10, hourly=None)
    start = 6 * 1440 + 600
    whole, cut = seconds_of(made.lines), seconds_of(made.without((start, start + HOUR)).lines)
    found = cover({"edge/a.log": frame(cut), "origin/a.log": frame(whole)})
    (silence,) = [silence for silence in vantage(found, "edge").silences if silence.improbable]
    assert (silence.kind, silence.proven) == ("missing_log", True)
    assert "origin logged" in silence.because[0]


@pytest.mark.parametrize(("status", "kind"), [(200, "missing_log"), (503, "outage")])
def test_what_the_edge_saw_of_a_silent_origin(status: int, kind: str) -> None:
    """Cache misses that were answered prove that the origin served; errors in their place, that it did not."""
    made = traffic(5, 20_000, days=10, hourly=None)
    start = 6 * 1440 + 600
    whole, cut = seconds_of(made.lines), seconds_of(made.without((start, start + HOUR)).lines)
    inside = (whole >= minute(start)) & (whole < minute(start + HOUR))
    edge = frame(whole, status=np.where(inside, status, 200), cache_status="Miss")
    found = cover({"edge/a.log": edge, "origin/a.log": frame(cut)})
    (silence,) = [silence for silence in vantage(found, "origin").silences if silence.improbable]
    assert (silence.kind, silence.proven) == (kind, True)


def test_hits_of_a_cache_prove_nothing_of_the_origin() -> None:
    made = traffic(6, 20_000, days=10, hourly=None)
    start = 6 * 1440 + 600
    whole, cut = seconds_of(made.lines), seconds_of(made.without((start, start + HOUR)).lines)
    found = cover({"edge/a.log": frame(whole, cache_status="Hit"), "origin/a.log": frame(cut)})
    (silence,) = [silence for silence in vantage(found, "origin").silences if silence.improbable]
    assert (silence.kind, silence.proven) == ("missing_log", False)


def test_a_missing_member_names_the_silence_and_the_silence_the_member() -> None:
    made = traffic(7, 20_000, days=5, hourly=None, bursts=3)
    items = {}
    for day in (0, 1, 3, 4):
        lines = made.lines.copy()
        lines[: day * 1440] = 0
        lines[(day + 1) * 1440 :] = 0
        items[f"edge/access.log-2024050{day + 1}"] = frame(seconds_of(lines))
    found = cover(items)
    (series,) = found.series
    assert [member.name for member in series.missing] == ["edge/access.log-20240503"]
    assert series.certain
    (silence,) = [silence for silence in found.vantages[0].silences if silence.improbable]
    assert silence.proven
    assert any("access.log-20240503" in why for why in silence.because)
    assert any("between the end of edge/access.log-20240502" in why for why in silence.because)
    kinds = [gap.kind for gap in overlaps(found, minute(0), minute(5 * 1440), zone=ZONE)]
    assert kinds == ["missing_log", "missing_member"]


def test_a_missing_hour_of_a_cdn_may_be_that_nobody_asked() -> None:
    lines = np.zeros(10 * 60, np.int64)
    items = {}
    for hour in (0, 1, 3, 4, 5):
        times = seconds_of(lines + np.isin(np.arange(600), [hour * 60 + 10, hour * 60 + 40]))
        items[f"edge/E2EXAMPLE1AB.2024-05-01-0{hour}.abcd123{hour}.gz"] = frame(times)
    found = cover(items, format_name="cloudfront", ts_kind="end")
    (series,) = found.series
    assert (series.missing_count, series.certain) == (1, False)
    assert "nobody asked" in series.sentence
    (one,) = found.vantages
    assert one.late_us == 24 * 60 * MINUTE
    assert {span.answer for span in one.spans} == {"late"}
    gaps = overlaps(found, minute(0), minute(360), zone=ZONE)
    assert {gap.kind: gap.at_least for gap in gaps} == {"late": True, "missing_member": False}


def test_a_rotation_whose_neighbours_touch_lost_next_to_nothing() -> None:
    times = seconds_of(traffic(8, 20_000, days=3, hourly=None, bursts=2).lines)
    found = cover({"edge/access.log.2": frame(times[:20_000]), "edge/access.log": frame(times[20_000:])})
    (series,) = found.series
    assert series.certain
    assert [gap.at_least for gap in overlaps(found, int(times[0]), int(times[-1]), zone=ZONE)] == [False]


def test_two_edges_and_the_time_of_each() -> None:
    """The second network's evidence begins four days later: that is said, and the first is judged by itself."""
    one, two = traffic(9, 20_000, days=8, hourly=None), traffic(10, 8_000, days=8, hourly=None)
    start = 6 * 1440 + 600
    con = case(
        {
            "cdn-a/a.log": frame(seconds_of(one.without((start, start + HOUR)).lines)),
            "cdn-b/a.log": frame(seconds_of(two.without((0, 4 * 1440)).lines)),
        }
    )
    said = definition(
        datasets=(), evidence=(EvidenceRule("cdn-a/*", vantage="a"), EvidenceRule("cdn-b/*", vantage="b"))
    )
    found = coverage.coverage_finding(con, said)
    assert [sum(s.improbable for s in v.silences) for v in found.vantages] == [1, 0]
    kinds = {(gap.kind, gap.vantage) for gap in overlaps(found, minute(0), minute(8 * 1440), zone=ZONE)}
    assert kinds == {("missing_log", "a"), ("before", "b")}
    assert overlaps(found, minute(0), minute(1440), zone=ZONE, vantages=["a"]) == ()


def test_clock_offset_moves_what_is_covered() -> None:
    times = seconds_of(traffic(11, 1_000, days=2).lines)
    said = definition(datasets=(), evidence=(EvidenceRule("edge/*", vantage="edge", clock_offset_us=-37_000_000),))
    found = coverage.coverage_finding(case({"edge/a.log": frame(times)}), said)
    assert found.vantages[0].first_us == times[0] - 37_000_000
    assert found.items[0].first_us == times[0] - 37_000_000


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ([f"198.51.100.{n}" for n in range(1, 200)], [("IPv4", 199, 0, "no")]),
        ([f"198.51.{n}.0" for n in range(100)], [("IPv4", 100, 100, "yes")]),
        ([f"198.51.{n}.{n % 2}" for n in range(100)], [("IPv4", 100, 50, "partly")]),
        ([f"2001:db8:1:{n}::" for n in range(1, 50)], [("IPv6", 49, 49, "yes")]),
        ([f"2001:db8:1:{n}::1" for n in range(1, 50)], [("IPv6", 49, 0, "no")]),
        (["0.0.0.0"] * 20, [("IPv4", 1, 1, "no")]),
        ([f"198.51.{n}.0" for n in range(20)] + ["2001:db8::1"], [("IPv4", 20, 20, "yes"), ("IPv6", 1, 0, "no")]),
    ],
    ids=["whole", "cut", "half", "cut-6", "whole-6", "all-zero", "both"],
)
def test_addresses_cut_at_source(addresses: list[str], expected: list[tuple[str, int, int, str]]) -> None:
    times = np.arange(len(addresses)) * MINUTE + minute(0)
    (one,) = cover({"edge/a.log": frame(times, peer_ip=addresses)}).vantages
    assert [(s.family, s.distinct, s.zeroed, s.anonymised) for s in one.addresses] == expected


def test_items_that_could_not_be_read_whole() -> None:
    times = np.arange(100) * MINUTE + minute(0)
    found = cover({"edge/a.log": frame(times), "edge/b.log": frame(times)}, status={"edge/b.log": "truncated"})
    assert [item.status for item in found.items] == ["ingested", "truncated"]
    (gap,) = overlaps(found, int(times[0]), int(times[-1]), zone=ZONE)
    assert (gap.kind, gap.at_least) == ("cut_item", True)


def test_lines_without_a_time_are_counted() -> None:
    times = np.arange(10) * MINUTE + minute(0)
    events = frame(times).with_columns(
        pl.when(pl.col("line_no") > 7).then(None).otherwise(pl.col("ts_us")).alias("ts_us")
    )
    found = cover({"edge/a.log": events})
    assert found.items[0].untimed == 3
    assert found.items[0].last_us == times[6]


def test_a_case_without_evidence() -> None:
    found = cover({})
    assert (found.vantages, found.items, found.series, found.clocks) == ((), (), (), ())


def test_records_missing_on_either_side() -> None:
    """Three misses at the edge, two of them at the origin; one origin request whose edge record is missing."""
    made = Case(evidence=("edge/a.log", "origin/a.log"))
    for second, client in ((0, "192.0.2.1"), (60, "192.0.2.2"), (120, "192.0.2.3")):
        made.hit("edge/a.log", at(12, 0, second), client, cache_status="Miss")
    made.hit("edge/a.log", at(12, 3), "192.0.2.4", cache_status="Hit")
    for second, client in ((0, "192.0.2.1"), (60, "192.0.2.2"), (400, "192.0.2.9")):
        made.hit("origin/a.log", at(12, 0, second), "203.0.113.1", forwarded_for=client)
    found = coverage.coverage_finding(made.connect(), definition(trusted_proxies=("203.0.113.0/24",)))
    (pairing,) = found.pairings
    assert (pairing.pairs, pairing.origin_without_edge) == (2, 1)
    assert (pairing.edge_without_origin, pairing.edge_misses) == (1, 3)
    assert us(at(12)) == vantage(found, "edge").first_us


def test_odds_claim_no_more_than_was_found() -> None:
    assert coverage_words.odds(3e-8) == "one in 10 million"
    assert coverage_words.odds(1e-40) == "one in a trillion"
    assert coverage_words.odds(9e-4) == "one in 1,000"
    assert coverage_words.odds(1e-9) == "one in a billion"
