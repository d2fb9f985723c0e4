"""The chronology of small cases whose milestones are known by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from casebuilder import Case, at, definition, us

from incident import model
from incident.chronology import chronology_finding
from incident.records import DatasetRule, DeclaredEvent
from incident.records_chronology import ChronologyFinding, LineRef, Milestone

ITEM = "edge/a.log"
BOT = "Googlebot/2.1 (+http://www.google.com/bot.html)"
SITE = "www.example.gov"


def told(case: Case, said=None, **more) -> ChronologyFinding:
    said = said or definition()
    con = case.connect()
    model.apply(con, said)
    return chronology_finding(con, said, **more)


def only(found: ChronologyFinding, kind: str) -> Milestone:
    (one,) = [each for each in found.milestones if each.kind == kind]
    return one


def kinds(found: ChronologyFinding) -> list[str]:
    return [each.kind for each in found.milestones]


def story() -> Case:
    """Published between 10:00 and 10:05, crashed from 12:00:10 to 12:20, taken down between 15:00 and 15:10."""
    case = Case()
    case.hit(ITEM, at(8), "192.0.2.1", "/", host=SITE, referer="https://news.example.org/old")
    case.hit(ITEM, at(9), "192.0.2.1", status=404, size=10, host=SITE)
    case.hit(ITEM, at(10), "192.0.2.1", status=403, size=10, host=SITE)
    case.hit(ITEM, at(10, 4), "192.0.2.9", "/page", host=SITE, referer="https://Forum.Example:443/thread?x=1")
    case.hit(ITEM, at(10, 5), "192.0.2.9", host=SITE, size=400, referer=f"https://{SITE}/page", aborted=True)
    case.hit(ITEM, at(10, 30), "192.0.2.10", host=SITE, referer="android-app://com.example.mail/")
    case.hit(ITEM, at(10, 40), "192.0.2.11", host=SITE, user_agent=BOT)
    case.hit(ITEM, at(11, 30), "192.0.2.12", "/", host=SITE, referer="https://news.example.org/new")
    for n in range(20, 28):  # the rise: eight within one minute
        case.hit(ITEM, at(11, 59, n), f"192.0.2.{n}", host=SITE)
    for n in range(12):  # the crash: everything fails
        case.hit(ITEM, at(12, 0, 10) + 90 * n, f"192.0.2.{40 + n % 5}", f"/p{n % 3}", status=503, size=10, host=SITE)
    case.hit(ITEM, at(12, 2), "192.0.2.50", status=503, size=10, host=SITE)
    case.hit(ITEM, at(12, 20), "192.0.2.51", host=SITE)
    case.hit(ITEM, at(15), "192.0.2.9", host=SITE)
    case.hit(ITEM, at(15, 10), "192.0.2.52", status=410, size=10, host=SITE)
    return case


def test_reconstructs_without_declared_events() -> None:
    found = told(story())
    expected = {
        "first-observation": (at(9), 2, "exact"),
        "publication-after": (at(10), 3, "bound"),
        "publication-by": (at(10, 5), 5, "bound"),
        "first-download": (at(10, 5), 5, "exact"),
        "first-full-copy": (at(10, 30), 6, "exact"),
        "first-automated": (at(10, 40), 7, "exact"),
        "nth-client": (at(11, 59, 26), 15, "exact"),
        "outage-begin": (at(12, 2), 29, "bound"),
        "outage-end": (at(12, 20), 30, "bound"),
        "crash-begin": (at(12, 0, 10), 17, "inferred"),
        "crash-end": (at(12, 20), 30, "inferred"),
        "last-download": (at(15), 31, "exact"),
        "takedown-after": (at(15), 31, "bound"),
        "takedown-by": (at(15, 10), 32, "bound"),
    }
    for kind, (when, line_no, sure) in expected.items():
        one = only(found, kind)
        assert (one.time_us, one.sure) == (us(when), sure), kind
        assert one.source == LineRef(ITEM, line_no, (line_no - 1) * 100), kind
    assert not found.contradictions
    assert [each.time_us for each in found.milestones] == sorted(each.time_us for each in found.milestones)


def test_rise_and_peak_state_their_bins() -> None:
    found = told(story())
    rise, peak = only(found, "steepest-rise"), only(found, "peak-rate")
    assert (rise.time_us, rise.until_us, rise.value) == (us(at(11, 55)), us(at(12)), 8)
    assert (peak.time_us, peak.value) == (us(at(11, 55)), 8)
    assert "5 min" in rise.label
    assert rise.source == LineRef(ITEM, 9, 800)


def test_word_spread_begins_with_the_publication() -> None:
    found = told(story())
    by_host = {each.host: each for each in found.referrers}
    assert set(by_host) == {"forum.example", "com.example.mail", "news.example.org"}
    assert [each.host for each in found.own_hosts] == [SITE]
    news = by_host["news.example.org"]
    assert (news.first_us, news.lines, news.earlier_lines, news.downloading_addresses) == (us(at(11, 30)), 1, 1, 0)
    forum = by_host["forum.example"]
    assert (forum.source.line_no, forum.first_at_data_us, forum.downloading_addresses) == (4, None, 1)
    mail = by_host["com.example.mail"]
    assert (mail.first_at_data_us, mail.datasets) == (us(at(10, 30)), ("ccw",))
    arrivals = [each for each in found.milestones if each.kind == "first-arrival"]
    assert [each.time_us for each in arrivals] == [us(at(10, 4)), us(at(10, 30)), us(at(11, 30))]


def test_own_host_is_inferred_where_the_log_has_none() -> None:
    case = Case()
    case.hit(ITEM, at(9), "192.0.2.1", "/page")
    for n in range(3):
        case.hit(ITEM, at(10, n), f"192.0.2.{n}", referer="https://data.example.gov/page")
    case.hit(ITEM, at(11), "192.0.2.9", referer="https://social.example/status/7")
    found = told(case)
    assert [each.host for each in found.own_hosts] == ["data.example.gov"]
    assert [each.host for each in found.referrers] == ["social.example"]


def test_a_robot_at_one_broken_page_is_no_crash() -> None:
    case = Case()
    for n in range(50):
        case.hit(ITEM, at(3, n), "192.0.2.66", "/broken", status=500, size=10)
    case.hit(ITEM, at(10), "192.0.2.1")
    assert not told(case).crashes


def test_crash_of_each_vantage_survives_a_cached_page() -> None:
    case = Case(evidence=(ITEM, "origin/a.log"))
    case.hit(ITEM, at(9), "192.0.2.1", "/")
    for n in range(30):
        status = 200 if n % 7 == 6 else 504
        case.hit(ITEM, at(10, n), f"192.0.2.{n}", f"/p{n % 4}", status=status)
    case.hit(ITEM, at(11), "192.0.2.1", "/")
    case.hit("origin/a.log", at(10), "192.0.2.1", "/")
    (crash,) = told(case).crashes
    assert (crash.vantage, crash.start_us, crash.end_us) == ("edge", us(at(10)), us(at(11)))
    assert (crash.errors, crash.answers) == (26, 30)


def test_an_error_ends_before_its_answer_is_logged() -> None:
    """nginx stamps the end: a request that waited 30 s for its 504 began 30 s earlier."""
    case = Case(ts_kind="end")
    case.hit(ITEM, at(9), "192.0.2.1", "/", duration_us=1)
    for n in range(10):
        case.hit(ITEM, at(10, n), f"192.0.2.{n}", f"/p{n % 4}", status=504, duration_us=30_000_000)
    (crash,) = told(case).crashes
    assert crash.start_us == us(at(10)) - 30_000_000
    assert crash.end_us is None


def test_internal_requests_bound_nothing() -> None:
    case = story()
    case.hit(ITEM, at(7), "10.0.0.5", host=SITE, referer="https://intranet.example/")
    found = told(case, replace(definition(), internal=("10.0.0.0/8",)))
    assert only(found, "first-observation").time_us == us(at(9))
    assert "intranet.example" not in {each.host for each in found.referrers}


def test_no_refusal_before_is_said() -> None:
    case = Case()
    case.hit(ITEM, at(10), "192.0.2.1")
    found = told(case)
    assert "publication-after" not in kinds(found)
    assert "it may have been open earlier" in only(found, "publication-by").because
    assert "takedown-by" not in kinds(found)


def test_a_copy_put_together_from_parts_is_a_bound() -> None:
    case = Case()
    ranged = {"status": 206, "size": 500, "range_total": 1000}
    case.hit(ITEM, at(10), "192.0.2.1", **ranged, range_start=0, range_end=499)
    case.hit(ITEM, at(12), "192.0.2.1", **ranged, range_start=500, range_end=999)
    one = only(told(case), "first-full-copy")
    assert (one.time_us, one.sure, one.source and one.source.line_no) == (us(at(12)), "bound", 2)


def test_windows_that_reopen_are_told_apart() -> None:
    case = Case()
    for hour, status in ((9, 404), (10, 200), (11, 404), (12, 200), (13, 404)):
        case.hit(ITEM, at(hour), "192.0.2.1", status=status)
    found = told(case)
    bounds = {kind: only(found, kind).time_us for kind in kinds(found) if "-after" in kind or "-by" in kind}
    assert bounds == {
        "publication-after": us(at(9)),
        "publication-by": us(at(10)),
        "closed-after": us(at(10)),
        "closed-by": us(at(11)),
        "reopened-after": us(at(11)),
        "reopened-by": us(at(12)),
        "takedown-after": us(at(12)),
        "takedown-by": us(at(13)),
    }


def test_outages_that_overlap_are_told_together() -> None:
    said = definition(
        datasets=(DatasetRule("ccw", paths=("/data/ccw_*",)), DatasetRule("fsc", title="FSC", paths=("/data/fsc_*",)))
    )
    case = Case()
    for name, shift in (("ccw", 0), ("fsc", 30)):
        for when, status in ((at(10), 200), (at(11), 503), (at(12), 200), (at(13), 200)):
            case.hit(ITEM, when + shift, "192.0.2.1", f"/data/{name}_1.csv", status=status)
    found = told(case, said)
    begin, end = only(found, "outage-begin"), only(found, "outage-end")
    assert (begin.time_us, end.time_us) == (us(at(11)), us(at(12, 0, 30)))
    assert begin.datasets == ("ccw", "fsc")
    assert "the first of them" in begin.label


def test_declared_events_and_gaps_are_merged() -> None:
    event = DeclaredEvent(us(at(10, 1)), "Made public", source="Change record", kind="published")
    found = told(story(), definition(events=(event,)), gaps=((us(at(13)), us(at(14)), "gap", "No lines"),))
    one = only(found, "declared-published")
    assert (one.time_us, one.sure, one.declared_by, one.source) == (event.time_us, "declared", "Change record", None)
    gap = only(found, "gap")
    assert (gap.time_us, gap.until_us, gap.label) == (us(at(13)), us(at(14)), "No lines")
    assert found.periods[0].published_us == event.time_us
    assert found.periods[0].accessed is not None


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((("taken_down", at(14)),), {("download-after-takedown", 1, 31), ("open-after-takedown", 1, 31)}),
        ((("taken_down", at(15, 5)),), set()),
        ((("taken_down", at(15, 30)),), {("closed-before-takedown", 1, 32)}),
        ((("taken_down", at(14)), ("published", at(14, 30))), set()),
        ((("published", at(10, 20)),), {("download-before-publication", 1, 5), ("open-before-publication", 1, 5)}),
        ((("published", at(10, 5)),), set()),
        ((("published", at(9, 30)),), {("closed-after-publication", 1, 3)}),
        ((("outage", at(12)), ("restored", at(12, 20))), set()),
        (
            (("outage", at(11, 59, 26)), ("restored", at(12, 20))),
            {("download-during-outage", 2, 15), ("open-during-outage", 2, 15)},
        ),
        (
            (("restored", at(12, 1)),),
            {("unavailable-after-restoration", 1, 29), ("error-after-restoration", 12, 18)},
        ),
        ((("alerted", at(9, 30)),), {("alert-before-publication", 1, 3)}),
        ((("alerted", at(11)), ("note", at(3))), set()),
    ],
)
def test_contradictions(events: tuple[tuple[str, float], ...], expected: set[tuple[str, int, int]]) -> None:
    declared = tuple(DeclaredEvent(us(when), kind, kind=kind) for kind, when in events)
    found = told(story(), definition(events=declared))
    assert {(each.kind, each.count, each.source.line_no) for each in found.contradictions} == expected


def test_a_contradiction_says_how_far() -> None:
    declared = DeclaredEvent(us(at(14)), "Taken down", kind="taken_down", dataset="ccw")
    found = told(story(), definition(events=(declared,)))
    for each in found.contradictions:
        assert (each.first_us, each.furthest_us, each.dataset) == (us(at(15)), us(3600), "ccw")


def test_hostile_referrers_name_nothing() -> None:
    case = story()
    for text in ("-", "() { :; }; echo", "javascript:alert(1)", "https://<script>/", "https://", "\x1b[31m"):
        case.hit(ITEM, at(11), "192.0.2.1", host=SITE, referer=text)
    assert len(told(case).referrers) == 3


def test_a_hiccup_is_counted_but_no_milestone() -> None:
    case = Case()
    for when, status in ((at(10), 200), (at(10, 1), 503), (at(10, 2), 200), (at(11), 200)):
        case.hit(ITEM, when, "192.0.2.1", status=status)
    found = told(case)
    assert found.outages_brief == 1
    assert "outage-begin" not in kinds(found)


def test_the_order_of_the_events_does_not_matter() -> None:
    case = story()
    turned = story()
    turned.rows.reverse()
    assert told(turned) == told(case)
