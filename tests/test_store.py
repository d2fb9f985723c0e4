"""The case file: what opens, what is refused and in which words, and that a failed transaction leaves nothing."""

import subprocess
import sys

import duckdb
import polars as pl
import pytest

from incident.errors import CaseError
from incident.records import EvidenceItem, Reading
from incident.store import forget, insert, items, open_case, put_items, put_readings, sql_text, transaction


def item(evidence_id, path="a.log", **changes):
    values = {
        "evidence_id": evidence_id, "path": path, "root": "/x", "sha256": "ab", "content_sha256": "ab", "bytes": 3,
        "content_bytes": 3, "compression": "none", "format": "combined", "detected_by": "it fits", "vantage": "origin",
        "server": None, "server_because": None, "status": "ingested", "problem": None, "repeat_of": None, "lines": 1,
        "events": 0, "rejected": 1, "skipped": 0, "first_ts_us": None, "last_ts_us": None, "settings": "{}",
    }  # fmt: skip
    return EvidenceItem(**values | changes)


def test_what_is_put_is_found_again(tmp_path):
    case = tmp_path / "case.duckdb"
    reading = Reading(0, "combined", None, "start", "unknown", None, None, 1)
    con = open_case(case)
    with transaction(con):
        put_items(con, [item(1), item(2, "b.log")])
        put_readings(con, [(2, reading)])
    put_items(con, [item(2, "b.log", status="truncated")])
    con.close()
    con = open_case(case, read_only=True)
    assert items(con) == [item(1), item(2, "b.log", status="truncated")]
    assert con.execute("select * from reading").fetchall() == [
        (2, 0, "combined", None, "start", "unknown", None, None, 1)
    ]
    assert con.execute("select distinct tool_version from evidence").fetchall() != [(None,)]
    con.close()


def test_extensions_are_never_fetched(tmp_path):
    con = open_case(tmp_path / "case.duckdb", memory="200MB", threads=1)
    rows = dict(
        con.execute(
            "select name, value from duckdb_settings() where name in ('autoinstall_known_extensions', "
            "'autoload_known_extensions', 'allow_community_extensions', 'enable_progress_bar', 'threads')"
        ).fetchall()
    )
    assert rows.pop("threads") == "1"
    assert len(rows) == 4
    assert set(rows.values()) == {"false"}
    con.close()


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, duckdb.ConstraintException])
def test_a_transaction_is_kept_whole_or_not_at_all(tmp_path, kind):
    con = open_case(tmp_path / "case.duckdb")
    put_items(con, [item(1)])

    def fail():
        with transaction(con):
            forget(con, 1)
            put_items(con, [item(2)])
            if kind is duckdb.ConstraintException:
                con.execute("insert into meta values ('schema_version', '1')")
            raise kind

    with pytest.raises(kind):
        fail()
    assert items(con) == [item(1)]
    con.close()


def test_forgetting_an_item_takes_its_lines_and_leaves_its_row(tmp_path):
    con = open_case(tmp_path / "case.duckdb")
    put_items(con, [item(1), item(2, "b.log")])
    rejects = pl.DataFrame(
        {
            "evidence_id": [1, 2],
            "line_no": [1, 1],
            "byte_offset": [0, 0],
            "byte_length": [3, 3],
            "reason": ["no", "no"],
            "raw": [b"\xff\0x", b"abc"],
        }
    )
    insert(con, "reject", rejects)
    insert(con, "reject", rejects.clear())
    forget(con, 1)
    assert con.execute("select evidence_id, raw from reject").fetchall() == [(2, b"abc")]
    assert len(items(con)) == 2
    con.close()


def refusal(path, **options):
    with pytest.raises(CaseError) as caught:
        open_case(path, **options)
    assert caught.value.where == str(path)
    return caught.value


def test_a_missing_case_names_the_next_step(tmp_path):
    error = refusal(tmp_path / "none.duckdb", read_only=True)
    assert "no case file yet" in error.what
    assert "incident ingest" in error.next_step
    assert not (tmp_path / "none.duckdb").exists()


@pytest.mark.parametrize("content", [b"", b"192.0.2.1 - - [01/Jan/2024:00:00:00 +0000]\n" * 400])
@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path, content, read_only):
    path = tmp_path / "case.duckdb"
    path.write_bytes(content)
    assert "no case file" in refusal(path, read_only=read_only).what
    assert path.read_bytes() == content


def test_another_database_is_refused(tmp_path):
    path = tmp_path / "other.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("create table mine (i integer)")
    assert "no case file" in refusal(path).what


def test_another_schema_version_is_refused(tmp_path):
    path = tmp_path / "case.duckdb"
    open_case(path).close()
    with duckdb.connect(str(path)) as con:
        con.execute("update meta set value = '999' where key = 'schema_version'")
    error = refusal(path, read_only=True)
    assert "999" in error.what
    assert "version that made it" in error.next_step


def test_a_damaged_case_is_refused(tmp_path):
    path = tmp_path / "case.duckdb"
    con = open_case(path)
    con.execute("insert into meta select i::varchar, repeat('x', 100) from range(20000) t(i)")
    con.close()
    data = bytearray(path.read_bytes())
    for i in range(4096, len(data)):
        data[i] ^= 0x5A
    path.write_bytes(data)
    assert "damaged" in refusal(path).what


def test_a_case_that_is_being_written_is_named_as_such(tmp_path):
    path = tmp_path / "case.duckdb"
    open_case(path).close()
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"open\n"
        assert "another program" in refusal(path, read_only=True).what
        other.stdin.close()


def test_a_bad_memory_limit_is_no_crash(tmp_path):
    assert "cannot be opened" in refusal(tmp_path / "case.duckdb", memory="lots' of it").what


def test_sql_text_reads_the_schema():
    assert "create table if not exists evidence" in sql_text("10_schema")
