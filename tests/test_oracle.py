"""Worked by hand: each rule of DESIGN.md on the smallest case that shows it. The sentence is the docstring."""

from __future__ import annotations

import ast
import random
import re
import sys
from pathlib import Path

import oracle
import oracle_buckets
import oracle_downloads
import oracle_events
import oracle_windows
import pytest
from oracle import BUCKETS, Item, Reading, count
from oracle_events import SECOND, address, client_address, glob_matches, normalised_path, span_us, started_and_ended

T = 1_700_000_000 * SECOND
PROXIES = ["203.0.113.0/24", "2001:db8:ffff::/48"]
NETWORK = {"trusted_proxies": PROXIES, "internal": ["10.0.0.0/8"]}
PROXY, INTERNAL = "203.0.113.7", "10.1.2.3"
ANN, BEN, CAT, DAN = "198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4"


def row(at: float = 0, **columns):
    """One event, `at` seconds after T: by default Ann's complete GET of 1,000 bytes."""
    usual = {
        "method": "GET",
        "path": "/data/a.csv",
        "status": 200,
        "bytes_sent": 1000,
        "peer_ip": ANN,
        "user_agent": "x",
    }
    return {**usual, "ts_us": T + round(at * SECOND), **columns}


def part(at: float, start: int | None, end: int | None, total: int | None = None, **columns):
    """One 206 of the bytes start…end."""
    length = 100 if start is None or end is None else end - start + 1
    ranges = {"range_start": start, "range_end": end, "range_total": total}
    return row(at, **{"status": 206, "bytes_sent": length, **ranges, **columns})


def log(*rows, path="origin/access.log", vantage="origin", offset=0, **reading):
    """One evidence item with these rows as its lines 1, 2, …"""
    numbered = [{"line_no": number, **one} for number, one in enumerate(rows, start=1)]
    means = Reading(**{"ts_kind": "start", "bytes_kind": "body_sent", "range_kind": "response", **reading})
    return Item(path=path, vantage=vantage, events=numbered, readings=(means,), clock_offset_us=offset)


def edge(*rows, path="edge/access.log", **reading):
    return log(*rows, path=path, vantage="edge", **reading)


def counted(*items, policy=None, **dataset):
    """The one data set of these items."""
    table = {"name": "a", "paths": ["/data/*"], **dataset}
    return count(items, {"network": NETWORK, "policy": policy or {}, "dataset": [table]})["datasets"][0]


def bucket_of(one, **dataset):
    (name,) = counted(log(one), **dataset)["events"].values()
    return name


def verdicts(*rows, policy=None, **dataset):
    """The completeness of each download of one log, in time order."""
    return [d["completeness"] for d in counted(log(*rows), policy=policy, **dataset)["downloads_list"]]


def sessions(*rows, policy=None, **dataset):
    """Each download as the line numbers of its transfers."""
    found = counted(log(*rows), policy=policy, **dataset)["downloads_list"]
    return [[line for _, line in download["transfers"]] for download in found]


def seconds(window, *keys):
    """Times of a window in seconds after T."""
    return tuple(None if window[key] is None else (window[key] - T) / SECOND for key in keys)


BOUNDS = ("opened_after", "first_seen", "last_seen", "closed_by")


# --- the oracle itself ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [oracle, oracle_events, oracle_buckets, oracle_downloads, oracle_windows])
def test_it_imports_the_standard_library_and_itself_alone(module):
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    outside = {name for name in names if name.split(".")[0] not in sys.stdlib_module_names}
    assert all(name.startswith("oracle_") for name in outside)


def test_each_choice_it_names_has_its_page():
    pages = Path(__file__).parent.parent / "docs" / "decisions"
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("oracle*.py")))
    for name in set(re.findall(r"docs/decisions/([a-z0-9-]+\.md)", sources)):
        text = (pages / name).read_text(encoding="utf-8")
        assert all(part in text for part in ("> DESIGN: ", "**Question.**", "**Options.**", "**Choice.**")), name


def test_buckets_partition_the_matching_requests():
    """The buckets below partition the matching events; their sum is `requests`."""
    rows = [row(n, status=status) for n, status in enumerate([200, 204, 301, 304, 404, 429, 500, None])]
    found = counted(log(*rows, row(9, path="/elsewhere")))
    assert found["requests"] == 8 == sum(found["buckets"].values())
    assert tuple(found["buckets"]) == BUCKETS


# --- section 2 --------------------------------------------------------------------------------------------------------


def test_spans():
    assert (span_us("10m"), span_us("0s"), span_us("24h"), span_us(7)) == (600 * SECOND, 0, 86400 * SECOND, 7)


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("/data/ccw_*", "/data/ccw_2012.csv", True),
        ("/data/ccw_*", "/data/ccw_", True),
        ("/data/ccw_*", "/data/ccw_2012/a.csv", False),
        ("/data/ccw_*", "/data/CCW_2012.csv", False),
        ("/data/ccw_*", "/x/data/ccw_1", False),
        ("/data/**", "/data/a/b.csv", True),
        ("/data/**", "/data/", True),
        ("/data/**", "/data", False),
        ("/**.csv", "/a/b/c.csv", True),
        ("/a.csv", "/abcsv", False),
        ("/a[1].csv", "/a[1].csv", True),
        ("/*", "/a\nb", True),
    ],
)
def test_a_star_stays_within_a_segment_and_two_do_not(glob, path, matches):
    assert glob_matches(glob, path) is matches


@pytest.mark.parametrize(
    ("dataset", "columns", "matches"),
    [
        ({"paths": [], "regex": [r"ccw_\d+"]}, {"path": "/data/ccw_12.csv"}, True),
        ({"paths": [], "regex": [r"^/ccw"]}, {"path": "/data/ccw_12.csv"}, False),
        ({"paths": ["/x"], "regex": ["ccw"]}, {"path": "/data/ccw"}, True),
        ({"hosts": ["WWW.example.gov"]}, {"host": "www.example.gov"}, True),
        ({"hosts": ["www.example.gov"]}, {"host": "other.example.gov"}, False),
        ({"hosts": ["www.example.gov"]}, {"host": None}, True),
        ({"query": "(^|&)id=7(&|$)"}, {"query": "a=1&id=7"}, True),
        ({"query": "(^|&)id=7(&|$)"}, {"query": "id=77"}, False),
        ({"query": "id=7"}, {"query": None}, False),
        ({}, {"path": "/data//%61.csv"}, True),
        ({}, {"path": None}, False),
        ({"methods": ["GET"]}, {"method": "POST"}, True),
    ],
)
def test_what_belongs_to_a_data_set(dataset, columns, matches):
    """An event whose log records no host is not excluded by hosts; a method is a bucket, not a filter."""
    assert counted(log(row(**columns)), **dataset)["requests"] == int(matches)


# --- section 3 --------------------------------------------------------------------------------------------------------


def test_started_and_ended_follow_from_ts_kind_and_duration():
    """`started_at`/`ended_at` follow from `ts`, `ts_kind` and duration."""
    assert started_and_ended(100, "start", 7) == (100, 107)
    assert started_and_ended(100, "end", 7) == (93, 100)
    assert started_and_ended(100, "end", None) == (100, 100)
    assert started_and_ended(100, "unknown", 7) == (100, 100)


def test_clock_offset_is_added_to_every_timestamp():
    """clock_offset = "-37s": added to every timestamp."""
    found = counted(log(row(40), offset=-37 * SECOND))
    assert found["first_download"] == T + 3 * SECOND


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("198.51.100.1", ANN),
        (" 198.51.100.1:8080 ", ANN),
        ("[2001:DB8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:0db8:0000::0001", "2001:db8::1"),
        ("::ffff:198.51.100.1", ANN),
        ("unknown", None),
        ("", None),
    ],
)
def test_addresses_lose_ports_and_brackets(text, canonical):
    assert address(text) == canonical


@pytest.mark.parametrize(
    ("peer", "chain", "client"),
    [
        (ANN, None, ANN),
        (ANN, BEN, ANN),  # forged
        (PROXY, BEN, BEN),
        (PROXY, f"{CAT}, {BEN}", BEN),  # Cat's is forged by Ben
        (PROXY, f"{BEN}, 203.0.113.9, 2001:db8:ffff::5", BEN),
        (PROXY, f"{BEN}:4711", BEN),
        (PROXY, f"{BEN}, unknown", BEN),
        (PROXY, "[2001:db8::1]:443", "2001:db8::1"),
        (PROXY, None, PROXY),
        (PROXY, "203.0.113.9", PROXY),
        ("::ffff:203.0.113.7", BEN, BEN),
        ("client.example.net", BEN, "client.example.net"),
        (None, BEN, None),
    ],
)
def test_the_client_is_the_right_most_address_that_is_not_trusted(peer, chain, client):
    """The peer, unless the peer is a trusted proxy: then the right-most address that is not itself trusted."""
    assert client_address(peer, chain, PROXIES) == client


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("/data//%63cw_1.csv", "/data/ccw_1.csv"),
        ("/a%2541", "/a%41"),  # once
        ("/a/./b/../c", "/a/c"),
        ("/a/%2e%2e/b", "/b"),
        ("/a//../b", "/b"),
        ("/../../a", "/a"),
        ("/a/b/..", "/a/"),
        ("/a/.", "/a/"),
        ("/a/", "/a/"),
        ("/A", "/A"),
        ("/a%2Fb", "/a/b"),
        ("/caf%C3%A9", "/café"),
        ("/caf%e9", "/caf%E9"),
        ("/a%zz%4", "/a%zz%4"),
        ("/...", "/..."),
        ("/", "/"),
        ("/..", "/"),
        ("*", "*"),
        (None, None),
    ],
)
def test_percent_decode_once_collapse_resolve_keep_case(path, normal):
    """Percent-decode once, collapse `//`, resolve dot segments, keep case."""
    assert normalised_path(path) == normal


def test_a_repeated_file_adds_no_events():
    """Same SHA-256 of content: recorded as a repeat and adds no events."""
    first = log(row(), path="a.log")
    items = [Item(path=p, vantage="origin", events=first.events, content_sha256="ab") for p in ("a.log", "b.log")]
    assert counted(*items)["requests"] == 1


def test_a_line_is_as_often_true_as_it_stands_in_one_file():
    """A line's true multiplicity is its *largest* multiplicity in any one file; events beyond it are `duplicate`."""
    old, new = log(row(), row(), row(5), path="log.1"), log(row(), row(5), row(5), row(9), path="log")
    found = counted(old, new)
    assert found["buckets"]["duplicate"] == 2
    assert found["buckets"]["counted"] == 5  # 2 + 2 + 1
    assert {where for where, name in found["events"].items() if name == "duplicate"} == {("log.1", 2), ("log.1", 3)}


def test_lines_repeat_only_within_a_vantage():
    """Within a vantage."""
    assert counted(log(row()), edge(row()))["buckets"]["duplicate"] == 0


def test_equal_request_ids_are_duplicates():
    """Where the format has a request id, equal ids are duplicates, across files and within one."""
    found = counted(log(row(request_id="i"), row(1, request_id="i"), path="a"), log(row(2, request_id="i"), path="b"))
    assert found["events"] == {("a", 1): "counted", ("a", 2): "duplicate", ("b", 1): "duplicate"}


# --- section 4 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({}, "counted"),
        ({"status": 203}, "counted"),
        ({"peer_ip": INTERNAL}, "internal"),
        ({"peer_ip": INTERNAL, "method": "HEAD"}, "internal"),
        ({"method": "HEAD", "status": 404}, "method"),
        ({"method": "get"}, "method"),
        ({"method": None}, "counted"),
        ({"status": 304}, "not_modified"),
        ({"status": 301}, "redirect"),
        ({"status": 403}, "denied"),
        ({"status": 416}, "denied"),
        ({"status": 408}, "throttled"),
        ({"status": 429}, "throttled"),
        ({"status": 503}, "error"),
        ({"status": 999}, "error"),
        ({"status": 499}, "aborted"),
        ({"status": None}, "aborted"),
        ({"status": 101}, "aborted"),
        ({"status": 206, "bytes_sent": 2}, "probe"),
        ({"status": 206, "bytes_sent": 0}, "probe"),
        ({"status": 206, "bytes_sent": 3}, "counted"),
        ({"status": 200, "bytes_sent": 1}, "counted"),
        ({"status": 200, "bytes_sent": 0}, "empty"),
        ({"status": 204}, "empty"),
        ({"status": 205}, "empty"),
        ({"bytes_sent": None}, "counted"),
        ({"inner_hop": True}, "other_vantage"),
    ],
)
def test_the_first_bucket_that_applies_takes_the_event(columns, name):
    """In this order; the first that applies takes the event."""
    assert bucket_of(row(**columns)) == name


def test_where_headers_are_counted_the_content_length_decides():
    """Where the log counts headers into bytes, the content length decides if present."""
    rows = [
        row(1, bytes_sent=450, content_length=0),
        row(2, bytes_sent=450),
        row(3, status=206, bytes_sent=450, content_length=2),
        row(4, status=206, bytes_sent=450, content_length=3),
    ]
    found = counted(log(*rows, bytes_kind="total_sent"))
    assert list(found["events"].values()) == ["empty", "counted", "probe", "counted"]
    assert counted(log(row(bytes_sent=9, content_length=0)))["buckets"]["counted"] == 1


def test_a_head_response_carries_no_content():
    """A transfer is a 2xx response that carried content."""
    head = row(method="HEAD", bytes_sent=400, content_length=1000)
    assert counted(log(head, bytes_kind="total_sent"), methods=["GET", "HEAD"])["buckets"]["empty"] == 1


def behind_proxy(at, **columns):
    return row(at, **{"peer_ip": PROXY, "forwarded_for": ANN, **columns})


def test_an_edge_event_absorbs_one_origin_event():
    """One edge event absorbs one origin event."""
    found = counted(edge(row(0)), log(behind_proxy(0.1), behind_proxy(0.2)))
    assert found["events"] == {
        ("edge/access.log", 1): "counted",
        ("origin/access.log", 1): "other_vantage",
        ("origin/access.log", 2): "counted",
    }
    assert found["origin_unmatched"] == 1


@pytest.mark.parametrize(
    ("columns", "absorbed"),
    [
        ({"at": 5.0}, 1),  # exactly match_within after the edge event's end
        ({"at": 5.000001}, 0),
        ({"at": -5.0}, 1),
        ({"at": 1, "method": "HEAD"}, 0),
        ({"at": 1, "path": "/data/b.csv"}, 0),
        ({"at": 1, "forwarded_for": BEN}, 0),
        ({"at": 1, "peer_ip": BEN}, 0),
        ({"at": 1, "status": 304, "bytes_sent": 0}, 1),
        ({"at": 1, "user_agent": "the CDN's own"}, 1),
    ],
)
def test_same_client_object_and_method_within_match_within(columns, absorbed):
    """Where an edge event of the same client, object and method overlaps it in time, within `match_within`."""
    found = counted(edge(row(0)), log(behind_proxy(**columns)))
    assert found["buckets"]["other_vantage"] == absorbed


def test_a_long_edge_event_overlaps_a_late_origin_event():
    """Overlaps it in time."""
    long = row(0, duration_us=60 * SECOND)
    assert counted(edge(long), log(behind_proxy(50)))["buckets"]["other_vantage"] == 1


def test_an_origin_event_whose_peer_is_no_proxy_bypassed_the_cdn():
    """An origin event whose peer is no proxy bypassed the CDN: counted."""
    found = counted(edge(row(0)), log(row(0, forwarded_for=BEN)))
    assert (found["buckets"]["counted"], found["downloads"], found["unique_ips"]) == (2, 2, 1)


def test_a_shared_request_id_decides_at_once():
    """A shared request id decides at once; that edge event absorbs no other."""
    found = counted(edge(row(0, request_id="i")), log(behind_proxy(0), behind_proxy(900, request_id="i")))
    assert found["events"][("origin/access.log", 2)] == "other_vantage"
    assert found["events"][("origin/access.log", 1)] == "counted"


def test_as_many_as_possible_are_paired():
    """Taking the nearest first would leave one alone: the origin event at 3 fits both, that at 8 only the later."""
    found = counted(edge(row(0), row(4)), log(behind_proxy(3), behind_proxy(8)))
    assert found["buckets"]["other_vantage"] == 2
    assert [pair["offset_us"] / SECOND for pair in found["pairs"]] == [3, 4]


@pytest.mark.parametrize("seed", range(60))
def test_no_pairing_has_more_pairs(seed):
    """Against every way to give origin events edge events, tried one by one."""
    chance = random.Random(seed)
    edges = [row(chance.randrange(12), duration_us=chance.randrange(4) * SECOND) for _ in range(chance.randrange(5))]
    origins = [behind_proxy(chance.randrange(12)) for _ in range(chance.randrange(1, 5))]
    fits = [
        {
            n
            for n, e in enumerate(edges)
            if e["ts_us"] - 2 * SECOND <= o["ts_us"] <= e["ts_us"] + e["duration_us"] + 2 * SECOND
        }
        for o in origins
    ]

    def most(number: int, taken: frozenset[int]) -> int:
        if number == len(fits):
            return 0
        without = most(number + 1, taken)
        return max([without, *(1 + most(number + 1, taken | {n}) for n in fits[number] - taken)])

    found = counted(edge(*edges), log(*origins), policy={"match_within": "2s"})
    assert found["buckets"]["other_vantage"] == most(0, frozenset())


def test_matched_pairs_measure_the_clocks():
    """Their median offset is reported per vantage pair."""
    origin = log(behind_proxy(2), behind_proxy(103), behind_proxy(204))
    table = {"network": NETWORK, "dataset": [{"name": "a", "paths": ["/data/*"]}]}
    found = count([edge(row(0), row(100), row(200)), origin], table)
    (pair,) = found["vantage_pairs"]
    assert pair == {"edge": "edge", "origin": "origin", "pairs": 3, "median_offset_us": 3 * SECOND}


# --- section 5: downloads ---------------------------------------------------------------------------------------------


def test_each_200_is_a_download_of_its_own():
    """Each 200 is a download of its own."""
    assert sessions(row(0), row(0), row(1)) == [[1], [2], [3]]


def test_a_client_is_an_address_and_an_agent():
    """One client (address + user agent)."""
    assert sessions(part(0, 0, 99), part(1, 100, 199, user_agent="y"), part(2, 200, 299)) == [[1, 3], [2]]


def test_206_responses_less_than_session_gap_idle_are_one():
    """Each less than `session_gap` idle after the last."""
    rows = [part(0, 0, 99, duration_us=60 * SECOND), part(659, 100, 199), part(1258, 200, 299), part(1858, 300, 399)]
    assert sessions(*rows) == [[1, 2, 3], [4]]  # 599 s, 599 s, exactly 600 s


def test_a_long_part_keeps_the_session_alive():
    rows = [part(0, 0, 99, duration_us=5000 * SECOND), part(1, 100, 199), part(5500, 200, 299)]
    assert sessions(*rows) == [[1, 2, 3]]


def test_a_206_that_continues_an_aborted_200_joins_it():
    """A 206 that continues an aborted 200 joins it."""
    short = row(0, bytes_sent=400)
    sizes = {"/data/a.csv": 1000}
    assert sessions(short, part(5, 400, 999), sizes=sizes) == [[1, 2]]
    assert verdicts(short, part(5, 400, 999), sizes=sizes) == ["full"]
    assert sessions(short, part(5, 0, 399), sizes=sizes) == [[1], [2]]
    assert sessions(short, part(5, None, None), sizes=sizes) == [[1, 2]]
    assert sessions(short, part(700, 400, 999), sizes=sizes) == [[1], [2]]
    assert sessions(row(0), part(5, 400, 999), sizes=sizes) == [[1], [2]]
    assert sessions(row(0, aborted=True), part(5, 400, 999)) == [[1, 2]]
    assert sessions(short, part(5, 400, 999)) == [[1], [2]]  # the size is unknown: nothing says the 200 was cut short


def test_a_whole_200_between_parts_does_not_end_the_session():
    assert sessions(part(0, 0, 99), row(5), part(10, 100, 199)) == [[1, 3], [2]]


def test_once_it_holds_every_byte_a_range_that_starts_over_begins_the_next():
    """Once the session holds every byte, a range that starts over begins the next download."""
    rows = [part(0, 0, 499, 1000), part(1, 500, 999, 1000), part(2, 500, 999, 1000), part(3, 0, 999, 1000)]
    assert sessions(*rows) == [[1, 2, 3], [4]]
    assert sessions(part(0, 0, 499, 1000), part(1, 0, 499, 1000)) == [[1, 2]]


def test_ranges_of_different_versions_are_never_joined():
    """Ranges of different versions of an object (its size changed) are never joined."""
    rows = [part(0, 0, 499, 1000), part(1, 500, 999, 1200), part(2, 500, 999, 1000)]
    assert sessions(*rows) == [[1, 3], [2]]
    assert verdicts(*rows) == ["full", "partial"]


def test_repeat_within_folds_repeats():
    """`repeat_within` > 0 folds repeats of the same client and object."""
    rows = [row(0), row(30), row(60), row(91), row(91, peer_ip=BEN), row(92, path="/data/b.csv")]
    found = counted(log(*rows), policy={"repeat_within": "30s"})
    assert found["downloads"] == 4
    assert [[n for _, n in d["transfers"]] for d in found["downloads_list"]] == [[1, 2, 3], [4], [5], [6]]
    assert verdicts(row(0, bytes_sent=1), row(1), sizes={"/data/a.csv": 1000}, policy={"repeat_within": "30s"}) == [
        "full"
    ]


# --- section 5: sizes and completeness --------------------------------------------------------------------------------


def size(*rows, **dataset):
    (one,) = counted(log(*rows), **dataset)["objects"]
    return one["size_basis"], one["sizes"]


def test_where_a_size_comes_from():
    """The declared one, else the Content-Range total or content length of 200s, else inferred."""
    whole = row(0, content_length=1000)
    three = [row(n, peer_ip=peer, bytes_sent=700) for n, peer in enumerate((ANN, BEN, CAT))]
    assert size(whole, part(1, 0, 9, 1100), *three, sizes={"/data/a.csv": 9}) == ("declared", [9])
    assert size(whole, part(1, 0, 9, 1100), *three) == ("content-range", [1000, 1100])
    assert size(whole, *three) == ("content-length", [1000])
    assert size(*three) == ("inferred", [700])
    assert size(*three[:2], row(5, peer_ip=BEN, bytes_sent=700)) == (None, [])
    assert size(*three[:2], row(5, peer_ip=CAT, bytes_sent=700, aborted=True)) == (None, [])
    assert size(*three[:2], row(5, peer_ip=ANN, user_agent="y", bytes_sent=700)) == (None, [])
    smaller = [row(n, peer_ip=peer, bytes_sent=200) for n, peer in enumerate((ANN, BEN, DAN))]
    assert size(*three, *smaller, row(9, bytes_sent=5)) == ("inferred", [200, 700])


def test_a_compressed_variant_has_its_own_size():
    """A compressed variant has its own such size."""
    plain = [row(n, peer_ip=peer) for n, peer in enumerate((ANN, BEN, CAT))]
    packed = [row(10 + n, peer_ip=peer, bytes_sent=300) for n, peer in enumerate((ANN, BEN, DAN))]
    others = [row(20, bytes_sent=299), row(21, bytes_sent=301), row(22, bytes_sent=1001)]
    assert verdicts(*plain, *packed, *others) == ["full"] * 6 + ["partial", "partial", "full"]


@pytest.mark.parametrize(
    ("kind", "sent", "verdict"),
    [
        ("body_sent", 999, "partial"),
        ("body_sent", 1000, "full"),
        ("body_sent", 1001, "full"),
        ("total_sent", 999, "partial"),
        ("total_sent", 1000, "full"),
        ("response_size", 999, "undetermined"),
        ("response_size", 1000, "undetermined"),
        ("unknown", 999, "partial"),
        ("unknown", 1000, "undetermined"),
        ("body_sent", None, "undetermined"),
    ],
)
def test_full_partial_undetermined(kind, sent, verdict):
    """*Full*: they cover the object's size. *Undetermined*: … or the log records `response_size`."""
    found = counted(log(row(bytes_sent=sent), bytes_kind=kind), sizes={"/data/a.csv": 1000})
    assert found[f"downloads_{verdict}"] == 1 == found["downloads"]


def test_without_a_size_it_is_undetermined():
    """*Undetermined*: the size is unknown."""
    assert verdicts(row()) == ["undetermined"]


def test_the_union_of_ranges_where_the_log_has_them():
    """The union of ranges where the log has them, else their sum, which is only an upper limit."""
    assert verdicts(part(0, 0, 599, 1000), part(1, 0, 599, 1000)) == ["partial"]
    assert verdicts(part(0, 0, 599, 1000), part(1, 400, 999, 1000)) == ["full"]
    blind = [part(n, None, None, bytes_sent=600) for n in (0, 1)]
    assert verdicts(*blind, sizes={"/data/a.csv": 1000}) == ["full"]
    assert verdicts(blind[0], sizes={"/data/a.csv": 1000}) == ["partial"]


def test_a_range_cut_short_delivered_what_was_sent():
    """The bytes delivered."""
    assert verdicts(part(0, 0, 999, 1000, bytes_sent=10)) == ["partial"]
    asked = counted(log(part(0, 0, None, bytes_sent=1000), range_kind="request"), sizes={"/data/a.csv": 1000})
    assert asked["downloads_full"] == 1


def test_a_part_of_one_of_several_versions():
    """The size in force at that time, or the nearest in time, is the measure."""
    versions = [part(0, 0, 9, 1000), part(1000, 0, 9, 1200)]
    bytes_sent = {999: "partial", 1100: "partial", 1200: "full"}
    for sent, verdict in bytes_sent.items():
        assert verdicts(*versions, part(5000, None, None, bytes_sent=sent))[-1] == verdict


def test_clients_that_hold_a_full_copy():
    """The union of all that one client received over the whole window, since separate parts may assemble one."""
    hours = [part(0, 0, 499, 1000), part(9000, 500, 999, 1000), part(9000, 500, 999, 1000, peer_ip=BEN)]
    found = counted(log(*hours))
    assert (found["downloads"], found["downloads_full"], found["clients_full_copy"]) == (3, 0, 1)
    assert found["full_copies"] == [(ANN, "x", "/data/a.csv")]
    two_agents = [part(0, 0, 499, 1000), part(9, 500, 999, 1000, user_agent="y")]
    found = counted(log(*two_agents))
    assert (found["clients_full_copy"], found["addresses_full_copy"]) == (0, 1)
    other_version = [part(0, 0, 499, 1000), part(9, 500, 999, 1100)]
    assert counted(log(*other_version))["clients_full_copy"] == 0


def test_first_and_last_download():
    """*Accessed* (first to last download): from the first one's start to the last one's end."""
    found = counted(log(row(10, duration_us=5 * SECOND), row(2, duration_us=60 * SECOND), row(0, status=404)))
    assert (found["first_download"], found["last_download"]) == (T + 2 * SECOND, T + 62 * SECOND)
    nothing = counted(log(row(status=404)))
    assert (nothing["downloads"], nothing["first_download"], nothing["unique_ips"]) == (0, None, 0)


# --- section 6 --------------------------------------------------------------------------------------------------------


def windows(*moments, policy=None, **columns):
    """(at, status) pairs of one object → its windows."""
    rows = [row(at, status=status, **columns) for at, status in moments]
    return counted(log(*rows), policy=policy)["windows"]


def test_a_window_is_bounded_from_both_sides():
    """`opened_after` (last closed before) ≤ `first_seen` … `last_seen` ≤ `closed_by` (first closed after)."""
    (window,) = windows((0, 404), (10, 403), (20, 200), (50, 304), (80, 410), (90, 404))
    assert seconds(window, *BOUNDS) == (10, 20, 50, 80)
    assert (window["confirmed_us"], window["longest_us"]) == (30 * SECOND, 70 * SECOND)
    (window,) = windows((20, 200))
    assert seconds(window, *BOUNDS) == (None, 20, 20, None)
    assert window["longest_us"] is None


def test_starts_use_started_at_and_ends_ended_at():
    """Starts use `started_at`, ends `ended_at`."""
    (window,) = windows((0, 404), (20, 200), (30, 404), duration_us=3 * SECOND)
    assert seconds(window, *BOUNDS) == (0, 20, 23, 33)
    (window,) = windows((0, 404), (20, 200), (30, 404), duration_us=3 * SECOND)
    long_open, closed = row(0, duration_us=100 * SECOND), row(10, status=404)
    (window,) = counted(log(long_open, closed))["windows"]
    assert seconds(window, *BOUNDS) == (None, 0, 100, 100)  # closed_by is never before last_seen


@pytest.mark.parametrize("status", [401, 403, 404, 410, 451])
def test_closed_statuses(status):
    """**Closed** (401, 403, 404, 410, 451)."""
    assert len(windows((0, 200), (200, status), (400, 200))) == 2


@pytest.mark.parametrize("status", [301, 400, 405, 416, 499, 500, 503, 408, 429, None, 999, 101])
def test_statuses_that_do_not_close(status):
    """**Unavailable** (5xx, 408, 429), or nothing (the rest)."""
    (window,) = windows((0, 200), (200, status), (400, 200))
    failing = status in (500, 503, 408, 429)
    assert window["unavailable_us"] == (200 * SECOND if failing else 0)


def test_interruptions_within_max_interruption():
    """Save closed ones that opens surround within `max_interruption`: those are *interruptions*, counted and kept."""
    (window,) = windows((0, 200), (100, 404), (200, 404), (300, 200), (310, 404), (320, 204))
    assert window["interruptions"] == 2
    first, second = windows((0, 200), (100, 404), (200, 404), (300.000001, 200))
    assert seconds(first, *BOUNDS) == (None, 0, 0, 100)
    assert seconds(second, *BOUNDS) == (200, 300.000001, 300.000001, None)
    assert first["interruptions"] == second["interruptions"] == 0


def test_unavailable_from_the_first_failure_to_the_next_open():
    """From a first unavailable observation to the next open one."""
    (window,) = windows((0, 503), (10, 200), (20, 500), (30, 503), (50, 200), (60, 429), (65, 200), (70, 500))
    assert seconds(window, "first_seen", "last_seen") == (10, 65)
    assert window["outages"] == [(T + 20 * SECOND, T + 50 * SECOND), (T + 60 * SECOND, T + 65 * SECOND)]
    assert (window["unavailable_us"], window["confirmed_us"]) == (35 * SECOND, 20 * SECOND)


def test_what_observes():
    """Each event that is not `duplicate` or `internal` observes its object."""
    assert windows((0, 200), peer_ip=INTERNAL) == []
    assert len(windows((0, 200), method="HEAD", bytes_sent=0)) == 1
    found = counted(edge(row(0)), log(behind_proxy(1, status=304)))
    assert seconds(found["windows"][0], "last_seen") == (1,)


def test_a_data_set_windows_are_the_union_over_its_objects():
    """A data set's windows are the union over its objects."""
    a = [row(0, status=404), row(10), row(100), row(110, status=404)]
    b = [{**row(at, status=status), "path": "/data/b.csv"} for at, status in ((5, 404), (50, 200), (150, 200))]
    c = [{**row(at, status=status), "path": "/data/c.csv"} for at, status in ((1, 404), (900, 200), (950, 404))]
    found = counted(log(*a, *b, *c))
    assert [one["object"] for one in found["object_windows"]] == ["/data/a.csv", "/data/b.csv", "/data/c.csv"]
    first, second = found["windows"]
    assert seconds(first, *BOUNDS) == (0, 10, 150, None)
    assert seconds(second, *BOUNDS) == (1, 900, 900, 950)


def test_an_outage_of_one_object_is_none_of_the_data_set_while_another_is_open():
    """The union's confirmed time is the union of its members' confirmed spans."""
    a = [row(0), row(10, status=503), row(60), row(100)]
    b = [{**row(at, status=status), "path": "/data/b.csv"} for at, status in ((20, 200), (30, 500), (40, 200))]
    (window,) = counted(log(*a, *b))["windows"]
    # a is confirmed from 0 to 10 and 60 to 100; b from 20 to 30 and at 40
    assert (window["confirmed_us"], window["unavailable_us"]) == (60 * SECOND, 40 * SECOND)
    assert [(s - T, e - T) for s, e in window["outages"]] == [
        (10 * SECOND, 20 * SECOND),
        (30 * SECOND, 40 * SECOND),
        (40 * SECOND, 60 * SECOND),
    ]


# --- the incident in miniature ----------------------------------------------------------------------------------------


def test_the_incident_in_miniature():
    """Between A and B, data set X was downloaded n times, in full or in part, from m unique IP addresses.

    A dashboard goes online with its data beside it, falls over under the load, comes back, and is taken down; the CDN
    log is complete, the origin log sees the misses and one visitor who found the origin's own address.
    """
    hour, size = 3600, 48_000
    cdn = [
        row(0, status=404, bytes_sent=300),  # before it was published
        row(1 * hour, peer_ip=ANN, bytes_sent=48_400, content_length=size, duration_us=20 * SECOND),
        row(1.5 * hour, peer_ip=BEN, bytes_sent=20_400, content_length=size, user_agent="browser"),
        part(1.5 * hour + 30, 20_000, 47_999, peer_ip=BEN, bytes_sent=28_400, user_agent="browser"),
        row(2 * hour, peer_ip=CAT, method="HEAD", bytes_sent=400, content_length=size),
        part(2 * hour + 1, 0, 1, peer_ip=CAT, bytes_sent=402, content_length=2),
        row(3 * hour, peer_ip=DAN, status=503, bytes_sent=400),  # the outage
        row(4 * hour, peer_ip=DAN, status=503, bytes_sent=400),
        row(5 * hour, peer_ip=DAN, bytes_sent=48_400, content_length=size),  # back online
        row(6 * hour, peer_ip=INTERNAL, bytes_sent=48_400, content_length=size),
        row(7 * hour, peer_ip=CAT, status=403, bytes_sent=300),  # taken down
    ]
    again = [cdn[1], row(8 * hour, peer_ip=BEN, status=403, bytes_sent=300)]  # re-delivered by the CDN
    misses = [
        row(1 * hour, peer_ip=PROXY, forwarded_for=ANN, bytes_sent=48_000, duration_us=19 * SECOND),
        row(5 * hour + 1, peer_ip=PROXY, forwarded_for=DAN, bytes_sent=48_000),
        row(5.5 * hour, peer_ip="192.0.2.99", forwarded_for=ANN, bytes_sent=10_000),  # around the CDN
    ]
    found = counted(
        edge(*cdn, path="edge/1.gz", bytes_kind="total_sent"),
        edge(*again, path="edge/2.gz", bytes_kind="total_sent"),
        log(*misses),
    )
    assert found["requests"] == 16
    assert {name: n for name, n in found["buckets"].items() if n} == {
        "counted": 5,
        "duplicate": 1,
        "other_vantage": 2,
        "internal": 1,
        "method": 1,
        "denied": 3,
        "error": 2,
        "probe": 1,
    }
    assert (found["downloads"], found["unique_ips"]) == (4, 4)  # Ann; Ben in two pieces; Dan; the one around the CDN
    assert (found["downloads_full"], found["downloads_partial"], found["downloads_undetermined"]) == (3, 1, 0)
    assert (found["clients_full_copy"], found["origin_unmatched"]) == (3, 0)
    assert found["objects"][0]["size_basis"] == "content-length"
    assert (found["first_download"], found["last_download"]) == (T + hour * SECOND, T + round(5.5 * hour * SECOND))
    (window,) = found["windows"]
    assert seconds(window, *BOUNDS) == (0, 1 * hour, 5.5 * hour, 7 * hour)
    assert window["outages"] == [(T + 3 * hour * SECOND, T + 5 * hour * SECOND)]
    assert window["confirmed_us"] == round(2.5 * hour * SECOND)
    assert window["longest_us"] == 7 * hour * SECOND
    assert window["interruptions"] == 0
