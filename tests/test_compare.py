"""Comparisons of small cases: which figures moved, and which lines moved them."""

from __future__ import annotations

from dataclasses import replace

from casebuilder import BROWSER, Case, at, definition, us

from incident.compare import compare
from incident.records import CaseDefinition, DeclaredEvent, Policy
from incident.records_chronology import LineRef
from incident.records_compare import Comparison

A, B = "edge/a.log", "edge/b.log"


def base(*evidence: str) -> Case:
    case = Case(evidence=evidence or (A,))
    case.hit(A, at(10), "192.0.2.1")
    case.hit(A, at(11), "192.0.2.2", size=400)
    return case


def held(a: Case, b: Case, said_a: CaseDefinition | None = None, said_b: CaseDefinition | None = None) -> Comparison:
    return compare(a.connect(), said_a or definition(), b.connect(), said_b or definition())


def moved(found: Comparison) -> dict[str, int | None]:
    return {each.figure: each.difference for each in found.figures}


def test_the_same_is_the_same() -> None:
    found = held(base(), base())
    assert found.same
    assert (found.figures, found.items, found.only, found.changed, found.definition, found.policy) == ((),) * 6


def test_late_logs_arrived() -> None:
    late = base(A, B)
    late.hit(B, at(12), "192.0.2.3")
    found = held(base(), late)
    assert not found.same
    assert moved(found)["downloads"] == moved(found)["unique_ips"] == moved(found)["downloads_full"] == 1
    assert [(each.path, each.change) for each in found.items] == [(B, "only-b")]
    assert [(each.path, each.requests_a, each.requests_b, each.downloads_b) for each in found.shares] == [(B, 0, 1, 1)]
    (only,) = found.only
    assert (only.side, only.client_ip, only.started_us, only.reason) == ("b", "192.0.2.3", us(at(12)), "no-item")
    assert (only.source, only.user_agent, only.object) == (LineRef(B, 1, 0), BROWSER, "/data/ccw_1.csv")
    assert [(each.side, each.reason, each.downloads) for each in found.causes] == [("b", "no-item", 1)]
    (said,) = found.sentences
    assert said.a != said.b


def test_a_log_that_grew() -> None:
    grown = base()
    grown.hit(A, at(12), "192.0.2.3")
    con = grown.connect()
    con.execute("update evidence set sha256 = 'grown', content_sha256 = 'grown'")
    found = compare(base().connect(), definition(), con, definition())
    (item,) = found.items
    assert (item.path, item.change) == (A, "changed")
    assert ("lines", "2", "3") in item.fields
    assert [(each.source.line_no, each.reason) for each in found.only] == [(3, "no-line")]


def test_an_item_under_another_name() -> None:
    con = base().connect()
    con.execute("update evidence set path = 'edge/renamed.log'")
    found = compare(base().connect(), definition(), con, definition())
    (item,) = found.items
    assert (item.path, item.change, item.other_path) == (A, "moved", "edge/renamed.log")
    assert found.only == ()
    (change, _) = found.changed
    assert change.fields == (("item", A, "edge/renamed.log"),)


def test_two_states_of_one_case() -> None:
    """The internal network came later: one download left the count, and its line says where to."""
    con = base().connect()
    said = replace(definition(), internal=("192.0.2.2/32",), policy=Policy(session_gap_us=us(60)))
    found = compare(con, definition(), con, said)
    assert moved(found)["downloads"] == moved(found)["downloads_partial"] == -1
    assert moved(found)["buckets.internal"] == 1
    (only,) = found.only
    assert (only.side, only.reason, only.source.line_no) == ("a", "bucket-internal", 2)
    assert (found.only_a_total, found.only_b_total) == (1, 0)
    assert [(each.key, each.a, each.b) for each in found.definition] == [("network.internal", None, '["192.0.2.2/32"]')]
    assert [each.key for each in found.policy] == ["policy.session_gap_us"]
    assert con.execute("select count(*) from download").fetchall() == [(1,)], "the case is left as the second has it"


def test_a_longer_session_joins_downloads() -> None:
    case = base()
    for n, minute in enumerate((0, 20)):
        part = {"range_start": 500 * n, "range_end": 500 * n + 499, "range_total": 1000}
        case.hit(A, at(12, minute), "192.0.2.5", status=206, size=500, **part)
    con = case.connect()
    found = compare(con, definition(), con, replace(definition(), policy=Policy(session_gap_us=us(3600))))
    (only,) = found.only
    assert (only.side, only.reason, only.source.line_no) == ("a", "part-of-another", 4)
    (change,) = found.changed
    assert ("completeness", "partial", "full") in change.fields
    assert ("transfers", "1", "2") in change.fields


def test_a_data_set_and_a_rule_that_one_side_lacks() -> None:
    con = base().connect()
    found = compare(con, definition(), con, definition(datasets=()))
    assert {each.reason for each in found.only} == {"no-data-set"}
    assert {each.figure for each in found.figures if each.b is None} >= {"downloads", "windows"}
    said = replace(definition(), policy=Policy(full_only=True))
    assert [each.reason for each in compare(con, definition(), con, said).only] == ["policy-left-out"]


def test_declared_events_do_not_move_a_figure() -> None:
    event = DeclaredEvent(us(at(10)), "Published", kind="published")
    found = held(base(), base(), None, definition(events=(event,)))
    assert found.same
    assert [each.key for each in found.definition] == ['event "Published".time_us', 'event "Published".kind']


def test_at_most_so_many_downloads_are_listed() -> None:
    many = base()
    for n in range(5):
        many.hit(A, at(12, n), "192.0.2.7")
    found = compare(base().connect(), definition(), many.connect(), definition(), most=2)
    assert (len(found.only), found.only_b_total) == (2, 5)
