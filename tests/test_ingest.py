"""Ingest: every line accounted for, nothing twice, nothing half, the same case however it was read."""

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incident import evidence, ingest_intake, store
from incident import ingest as ingest_module
from incident.errors import CaseError, EvidenceError
from incident.ingest import ingest
from incident.records import CaseDefinition, EvidenceRule

ROOT = Path(__file__).parent.parent
TABLES = ("evidence", "reading", "event", "reject")


def line(n, path="/a", ip="192.0.2.1"):
    when = f"10/Oct/2023:13:{n // 60 % 60:02}:{n % 60:02} +0000"
    return f'{ip} - - [{when}] "GET {path}?n={n} HTTP/1.1" 200 {n} "-" "curl/8.4.0"\n'.encode()


def log(count, path="/a", spoil=()):
    return b"".join(b"no line of any log\n" if n in spoil else line(n, path) for n in range(count))


def write(folder, files):
    for name, data in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return folder


def run(tmp_path, *, rules=(), paths=None, case="case.duckdb", **options):
    definition = CaseDefinition(evidence=tuple(rules))
    return ingest(tmp_path / case, paths or [tmp_path / "logs"], definition, **options)


def rows(case):
    """All rows of the case, in an order of their own; not why a format was chosen: how many lines were tried for that
    depends on the item's size."""
    with duckdb.connect(str(case), read_only=True) as con:
        return {
            table: con.execute(
                f"select {'* exclude (detected_by)' if table == 'evidence' else '*'} from {table} order by all"
            ).fetchall()
            for table in TABLES
        }


def by_path(result):
    return {item.path: item for item in result.items}


def count(item):
    return (item.lines, item.events, item.rejected, item.skipped)


FILES = {
    "a.log": log(20, "/a", {3}),
    "b/b.log.gz": gzip.compress(log(30, "/b") + b"\n"),
    "b/c.log": log(40, "/c")[:-1],
}


def test_every_line_of_every_item_is_accounted_for(tmp_path):
    write(tmp_path / "logs", FILES)
    result = run(tmp_path)
    assert {path: count(item) for path, item in by_path(result).items()} == {
        "a.log": (20, 19, 1, 0), "b/b.log.gz": (31, 30, 0, 1), "b/c.log": (40, 40, 0, 0),
    }  # fmt: skip
    assert (result.lines, result.events, result.rejected, result.skipped) == (91, 89, 1, 1)
    assert [item.evidence_id for item in result.items] == [1, 2, 3]
    assert (result.unchanged, result.whole) == (0, True)
    for item in result.items:
        content = gzip.decompress(FILES[item.path]) if item.path.endswith(".gz") else FILES[item.path]
        assert item.sha256 == hashlib.sha256(FILES[item.path]).hexdigest()
        assert item.content_sha256 == hashlib.sha256(content).hexdigest()
        assert (item.bytes, item.content_bytes) == (len(FILES[item.path]), len(content))
        assert (item.status, item.problem, item.format) == ("ingested", None, "combined")
        assert item.first_ts_us == 1696942800000000
    with store.open_case(tmp_path / "case.duckdb", read_only=True) as con:
        assert store.items(con) == list(result.items)


@pytest.mark.parametrize("small", [0, 4 << 20])
def test_every_event_leads_back_to_its_line(tmp_path, monkeypatch, small):
    monkeypatch.setattr(ingest_intake, "SMALL_BYTES", small)
    contents = {
        "a.log": b"\r\n".join([b"", *log(9, spoil={4}).split(b"\n")]),
        "b.log": log(7, "/b"),
        "c.log": line(5, "/c"),
    }
    write(tmp_path / "logs", contents)
    run(tmp_path)
    found = rows(tmp_path / "case.duckdb")
    seen = [(contents["a.log"], row) for row in found["reject"]]
    for evidence_id, _, line_no, offset, length, *_rest in found["event"]:
        seen.append((contents["abc"[evidence_id - 1] + ".log"], (evidence_id, line_no, offset, length)))
    assert len(seen) == 9 + 7 + 1
    for content, (_, line_no, offset, length, *_rest) in seen:
        assert content.split(b"\n")[line_no - 1].removesuffix(b"\r") == content[offset : offset + length]
    assert found["reject"][0][-1] == b"no line of any log"


def test_ingesting_twice_changes_nothing(tmp_path):
    write(
        tmp_path / "logs",
        FILES | {"copy.log": FILES["a.log"], "bad.bin": b"\x01\x02" * 99, "cut.gz": gzip.compress(log(99))[:-20]},
    )
    first = run(tmp_path)
    before = rows(tmp_path / "case.duckdb")
    second = run(tmp_path)
    assert rows(tmp_path / "case.duckdb") == before
    assert second.items == first.items
    third = run(tmp_path, paths=[tmp_path / "logs/b", tmp_path / "logs/a.log"])
    assert rows(tmp_path / "case.duckdb") == before
    assert third.unchanged == 3


def test_a_repeat_adds_no_lines(tmp_path):
    content = log(20)
    write(tmp_path / "logs", {"a.log": content, "b.log.gz": gzip.compress(content), "c.log": content})
    items = by_path(run(tmp_path))
    for path in ("b.log.gz", "c.log"):
        assert (items[path].status, items[path].repeat_of, count(items[path])) == ("repeat", 1, (0, 0, 0, 0))
        assert items[path].content_sha256 == items["a.log"].content_sha256
    assert items["b.log.gz"].sha256 != items["a.log"].sha256
    assert len(rows(tmp_path / "case.duckdb")["event"]) == 20


@pytest.mark.parametrize("packed", [False, True])
def test_a_large_repeat_is_undone(tmp_path, monkeypatch, packed):
    monkeypatch.setattr(ingest_intake, "SMALL_BYTES", 100)
    content = log(50)
    write(
        tmp_path / "logs", {"a.log": content, "b.log": gzip.compress(content) if packed else content, "c.log": log(9)}
    )
    result = run(tmp_path)
    assert [(item.status, item.repeat_of, item.lines) for item in result.items] == [
        ("ingested", None, 50), ("repeat", 1, 0), ("ingested", None, 9),
    ]  # fmt: skip
    assert [item.evidence_id for item in result.items] == [1, 2, 3]
    before = rows(tmp_path / "case.duckdb")
    assert len(before["event"]) == 59
    assert run(tmp_path).unchanged == 3
    assert rows(tmp_path / "case.duckdb") == before


def test_empty_items_repeat_nothing(tmp_path):
    write(tmp_path / "logs", {"a.log": b"", "b.log": b"", "c.gz": gzip.compress(b"")})
    result = run(tmp_path)
    assert [(item.status, item.problem, item.lines, item.format) for item in result.items] == [
        ("ingested", None, 0, None)
    ] * 3


def test_a_file_that_has_changed_is_a_new_item(tmp_path):
    write(tmp_path / "logs", {"a.log": log(20)})
    run(tmp_path)
    write(tmp_path / "logs", {"a.log": log(25)})
    result = run(tmp_path)
    assert [(item.evidence_id, item.lines, item.status) for item in result.items] == [(2, 25, "ingested")]
    assert "changed since it was ingested as item 1" in result.items[0].problem
    assert len(rows(tmp_path / "case.duckdb")["evidence"]) == 2
    assert run(tmp_path).unchanged == 1


@pytest.mark.parametrize("small", [0, 4 << 20])
def test_other_settings_read_an_item_again(tmp_path, monkeypatch, small):
    monkeypatch.setattr(ingest_intake, "SMALL_BYTES", small)
    write(tmp_path / "logs", {"a.log": log(20), "b.log": log(9, "/b"), "c.log": log(20)})
    run(tmp_path)
    before = rows(tmp_path / "case.duckdb")
    rule = EvidenceRule(match="a*", timezone="Europe/Berlin")
    items = by_path(run(tmp_path, rules=[rule]))
    after = rows(tmp_path / "case.duckdb")
    assert items["a.log"].evidence_id == 1
    assert json.loads(items["a.log"].settings) == {"timezone": "Europe/Berlin"}
    assert after["event"] == before["event"]
    assert after["evidence"] != before["evidence"]
    assert run(tmp_path, rules=[rule, EvidenceRule(match="**", vantage="edge", server="nginx")]).unchanged == 3
    run(tmp_path)
    assert rows(tmp_path / "case.duckdb") == before


@pytest.mark.parametrize("small", [0, 4 << 20])
def test_a_truncated_item_keeps_its_whole_lines(tmp_path, monkeypatch, small):
    monkeypatch.setattr(ingest_intake, "SMALL_BYTES", small)
    write(tmp_path / "logs", {"a.log.gz": gzip.compress(log(2000))[:-3000]})
    [item] = run(tmp_path).items
    assert item.status == "truncated"
    assert "ends early" in item.problem
    assert item.events == item.lines - 1 > 100
    [reject] = rows(tmp_path / "case.duckdb")["reject"]
    assert reject[1] == item.lines
    assert reject[4] == evidence.CUT_OFF


@pytest.mark.parametrize("small", [0, 64 << 20])
def test_a_long_line_is_a_reject_with_its_length(tmp_path, monkeypatch, small):
    monkeypatch.setattr(ingest_intake, "SMALL_BYTES", small)
    content = log(5) + b"x" * (3 << 20) + b"\n" + log(4)
    write(tmp_path / "logs", {"a.log": content, "b.log": log(3, "/b")})
    items = by_path(run(tmp_path))
    assert count(items["a.log"]) == (10, 9, 1, 0)
    [reject] = rows(tmp_path / "case.duckdb")["reject"]
    assert reject == (1, 6, len(log(5)), 3 << 20, evidence.TOO_LONG, b"x" * (1 << 20))


def test_what_is_no_log_is_unrecognised_with_the_reason(tmp_path):
    write(tmp_path / "logs", {"a.log": log(3), "b.bin": bytes(range(256)) * 40, "c.txt": b"dear diary\n" * 20})
    items = by_path(run(tmp_path))
    for path in ("b.bin", "c.txt"):
        assert (items[path].status, count(items[path]), items[path].format) == ("unrecognised", (0, 0, 0, 0), None)
        assert items[path].problem
        assert items[path].sha256


def test_what_cannot_be_opened_is_unreadable_until_it_can(tmp_path):
    write(tmp_path / "logs", {"a.log": log(3)})
    (tmp_path / "logs/b.log").symlink_to("../later.log")
    result = run(tmp_path)
    assert [(item.status, item.sha256) for item in result.items][1] == ("unreadable", None)
    assert not result.whole
    write(tmp_path, {"later.log": log(5, "/later")})
    result = run(tmp_path)
    assert [(item.evidence_id, item.status, item.lines) for item in result.items] == [
        (1, "ingested", 3),
        (2, "ingested", 5),
    ]
    assert result.whole


def test_members_of_an_archive_are_items(tmp_path):
    (tmp_path / "logs").mkdir()
    with zipfile.ZipFile(tmp_path / "logs/all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.log", log(5))
        archive.writestr("b.log.gz", gzip.compress(log(6, "/b")))
        archive.writestr("c.log", log(5))
    result = run(tmp_path)
    assert [(item.path, item.status, item.lines, item.compression) for item in result.items] == [
        ("all.zip/a.log", "ingested", 5, "zip:none"), ("all.zip/b.log.gz", "ingested", 6, "zip:gzip"),
        ("all.zip/c.log", "repeat", 0, "zip:none"),
    ]  # fmt: skip
    assert run(tmp_path).unchanged == 3


def test_definition_and_case_are_no_evidence(tmp_path):
    page = (ROOT / "incident/formats/combined.toml").read_bytes()
    folder = write(
        tmp_path / "logs",
        {"a.log": log(3), "incident.toml": b"", "net.csv": b"", "geo.mmdb": b"", "f/combined.toml": page},
    )
    definition = CaseDefinition(
        path=folder / "incident.toml", labels=folder / "net.csv", geoip=(folder / "geo.mmdb",), formats=folder / "f"
    )
    for case in ("my.case", "case.duckdb"):
        assert [item.path for item in ingest(folder / case, [folder], definition).items] == ["a.log"]


def test_a_folder_without_files_is_an_error(tmp_path):
    (tmp_path / "logs").mkdir()
    with pytest.raises(EvidenceError, match="no file"):
        run(tmp_path)
    assert not (tmp_path / "case.duckdb").exists()


W3C = b"#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri-stem sc-status%s\n%s"
ROW = b"2024-05-01 00:00:01 192.0.2.1 GET /x 200%s\n"
MANY = {f"{i % 3}/{i}.log": log(3 + i, f"/{i}", {i}) for i in range(12)} | {
    "w/1.log": W3C % (b"", ROW % b"") + W3C % (b" sc-bytes", ROW % b" 7"),
    "w/2.log": W3C % (b" sc-bytes", ROW % b" 8"),
    "w/3.log": b"\xef\xbb\xbf" + W3C % (b"", (ROW % b"") * 3),
}
IN_UTC = EvidenceRule(match="w/*", timezone="UTC")


def test_what_one_header_says_ends_with_its_item(tmp_path):
    write(tmp_path / "logs", MANY | {"w/4.log": W3C % (b"", b"") + b"\n", "w/5.log": ROW % b""})
    items = by_path(run(tmp_path, rules=[IN_UTC]))
    assert [count(items[f"w/{i}.log"]) for i in (1, 2, 3, 4)] == [
        (6, 2, 0, 4),
        (3, 1, 0, 2),
        (5, 3, 0, 2),
        (3, 0, 0, 3),
    ]
    assert [items[f"w/{i}.log"].format for i in (1, 2, 3, 4)] == ["w3c", "w3c", "w3c", None]
    assert items["w/5.log"].status == "unrecognised"
    found = rows(tmp_path / "case.duckdb")
    readings = {
        path: [(row[1], row[2], row[-1]) for row in found["reading"] if row[0] == items[path].evidence_id]
        for path in ("w/1.log", "w/2.log", "w/3.log", "w/4.log")
    }
    assert readings == {
        "w/1.log": [(0, "w3c", 3), (1, "w3c", 6)], "w/2.log": [(0, "w3c", 3)],
        "w/3.log": [(0, "w3c", 3)], "w/4.log": [],
    }  # fmt: skip


@pytest.mark.parametrize("small", [0, 4 << 20])
@pytest.mark.parametrize("named", [None, "w3c"])
def test_times_without_a_zone_are_not_guessed(tmp_path, monkeypatch, small, named):
    monkeypatch.setattr(ingest_intake, "SMALL_BYTES", small)
    write(tmp_path / "logs", MANY)
    rule = EvidenceRule(match="w/*", format=named)
    items = by_path(run(tmp_path, rules=[rule]))
    assert (items["w/2.log"].status, count(items["w/2.log"])) == ("unrecognised", (0, 0, 0, 0))
    assert 'timezone = "' in items["w/2.log"].problem
    items = by_path(run(tmp_path, rules=[replace(rule, timezone="Europe/Berlin")]))
    assert (items["w/2.log"].status, items["w/2.log"].events, items["w/2.log"].problem) == ("ingested", 1, None)
    assert items["w/2.log"].first_ts_us == 1714514401000000


def test_an_item_of_comments_alone_is_read_whole(tmp_path):
    write(tmp_path / "logs", {"a.log": W3C % (b"", b""), "b.log": b"\n \n", "c.log": b"x"})
    items = by_path(run(tmp_path))
    assert [(items[path].status, count(items[path])) for path in ("a.log", "b.log")] == [
        ("ingested", (2, 0, 0, 2)), ("ingested", (2, 0, 0, 2)),
    ]  # fmt: skip
    assert items["c.log"].status == "unrecognised"


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "sizes", [(4 << 20, 16 << 20, 1000, 16 << 20), (0, 1, 1, 200), (700, 1500, 4, 100), (4 << 20, 1, 3, 1)]
)
def test_however_it_is_read_the_case_is_the_same(tmp_path, monkeypatch, sizes, threads):
    write(tmp_path / "logs", MANY)
    run(tmp_path, rules=[IN_UTC], case="plain.duckdb")
    expected = rows(tmp_path / "plain.duckdb")
    small, bundle, items, block = sizes
    monkeypatch.setattr(ingest_intake, "SMALL_BYTES", small)
    monkeypatch.setattr(ingest_intake, "BUNDLE_BYTES", bundle)
    monkeypatch.setattr(ingest_intake, "BUNDLE_ITEMS", items)
    monkeypatch.setattr(evidence.Opened.blocks, "__defaults__", (block,))
    run(tmp_path, rules=[IN_UTC], threads=threads)
    assert rows(tmp_path / "case.duckdb") == expected


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.lists(st.sampled_from([line(1), line(2, "/b"), b"\n", b"spoiled\n", line(3)[:-1] + b"\r\n"]), max_size=8),
        min_size=1,
        max_size=4,
    )
)
def test_lines_add_up_whatever_they_are(tmp_path_factory, parts):
    tmp_path = tmp_path_factory.mktemp("case")
    write(tmp_path / "logs", {f"{i}.log": line(0) * 9 + line(i) + b"".join(part) for i, part in enumerate(parts)})
    result = run(tmp_path)
    for item, part in zip(result.items, parts, strict=True):
        if item.status == "repeat":
            continue
        assert item.lines == item.events + item.rejected + item.skipped == len(part) + 10
        assert item.rejected == part.count(b"spoiled\n")
    found = rows(tmp_path / "case.duckdb")
    assert len(found["event"]) == result.events
    assert len(found["reject"]) == result.rejected


KILLER = """
import os, signal, sys
from pathlib import Path
from incident import ingest_intake, ingest as module
from incident.evidence import Opened
from incident.records import CaseDefinition

ingest_intake.SMALL_BYTES = int(sys.argv[4])
Opened.blocks.__defaults__ = (1000,)
left = int(sys.argv[3])
take = module._Writer.take

def taken(self, message):
    global left
    take(self, message)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

module._Writer.take = taken
module.ingest(Path(sys.argv[1]), [Path(sys.argv[2])], CaseDefinition())
"""


@pytest.mark.parametrize(("moment", "small"), [(1, 0), (3, 0), (6, 0), (9, 300), (2, 4 << 20)])
def test_a_kill_leaves_whole_items_and_the_next_run_finishes(tmp_path, moment, small):
    write(tmp_path / "logs", {f"{i}.log": log(12 + i, f"/{i}") for i in range(6)} | {"3.copy.log": log(15, "/3")})
    run(tmp_path, case="whole.duckdb")
    expected = rows(tmp_path / "whole.duckdb")
    case = tmp_path / "case.duckdb"
    killed = subprocess.run(
        [sys.executable, "-c", KILLER, str(case), str(tmp_path / "logs"), str(moment), str(small)],
        check=False,
        cwd=ROOT,
    )
    assert killed.returncode == -signal.SIGKILL
    found = rows(case)
    assert found["evidence"] == expected["evidence"][: len(found["evidence"])]
    there = {row[0] for row in found["evidence"]}
    for table in ("event", "reject", "reading"):
        assert found[table] == [row for row in expected[table] if row[0] in there]
    run(tmp_path)
    assert rows(case) == expected


def test_a_failing_write_leaves_what_stood(tmp_path, monkeypatch):
    monkeypatch.setattr(ingest_intake, "SMALL_BYTES", 0)
    write(tmp_path / "logs", {f"{i}.log": log(5, f"/{i}") for i in range(4)})
    run(tmp_path, case="whole.duckdb")
    insert, calls = store.insert, []

    def failing(con, table, frame, **options):
        calls.append(table)
        if calls.count("event") == 3:
            raise duckdb.IOException("IO Error: No space left on device")
        insert(con, table, frame, **options)

    monkeypatch.setattr(store, "insert", failing)
    with pytest.raises(CaseError, match="No space left"):
        run(tmp_path)
    monkeypatch.undo()
    assert [row[0] for row in rows(tmp_path / "case.duckdb")["evidence"]] == [1, 2]
    run(tmp_path)
    assert rows(tmp_path / "case.duckdb") == rows(tmp_path / "whole.duckdb")


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
def test_what_fails_while_reading_ends_the_run(tmp_path, monkeypatch, kind):
    write(tmp_path / "logs", {"a.log": log(5)})

    def failing(*_):
        raise kind("no")

    monkeypatch.setattr("incident.ingest_recognise.Recogniser.recognise", failing)
    with pytest.raises(kind):
        run(tmp_path)
    monkeypatch.undo()
    assert run(tmp_path).lines == 5


def test_a_parser_that_loses_lines_is_found_out(tmp_path, monkeypatch):
    write(tmp_path / "logs", {"a.log": log(5)})
    from incident.parse.engine import ItemParser

    parse = ItemParser.parse
    monkeypatch.setattr(ItemParser, "parse", lambda self, block, state: replace(parse(self, block, state), skipped=1))
    with pytest.raises(RuntimeError, match="5 lines became 5 events, 0 rejects and 1 skipped"):
        run(tmp_path)
    assert rows(tmp_path / "case.duckdb")["evidence"] == []


def test_progress_adds_up(tmp_path):
    write(tmp_path / "logs", FILES | {"z.log": log(4, "/z")})
    heard = []

    class Progress:
        def __getattr__(self, name):
            return lambda *said: heard.append((name, *said))

    result = run(tmp_path, progress=Progress())
    total = sum(item.bytes for item in result.items)
    assert heard[0] == ("begin", 4, total)
    assert [said[1] for said in heard if said[0] == "started"] == [item.path for item in result.items]
    assert [said[1] for said in heard if said[0] == "ended"] == list(result.items)
    assert sum(said[1] for said in heard if said[0] == "advanced") == total
    assert sum(said[2] for said in heard if said[0] == "advanced") == result.lines


def test_standard_input(tmp_path, monkeypatch):
    saved = os.dup(0)
    try:
        for count_, unchanged in ((5, 0), (5, 1), (6, 0)):
            with write(tmp_path, {"in": log(count_)}).joinpath("in").open("rb") as stream:
                os.dup2(stream.fileno(), 0)
                result = run(tmp_path, paths=[Path("-")])
            [item] = result.items
            assert (item.path, item.lines, item.problem, result.unchanged) == ("stdin", count_, None, unchanged)
    finally:
        os.dup2(saved, 0)
        os.close(saved)


def test_the_message_queue_never_holds_more_than_one(tmp_path):
    seen = []

    def messages():
        for i in range(50):
            seen.append(i)
            yield i

    with ingest_module.closing(ingest_module._ahead(messages())) as ahead:
        assert next(ahead) == 0
        assert next(ahead) == 1
    assert len(seen) <= 5
