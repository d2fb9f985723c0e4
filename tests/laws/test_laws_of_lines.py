"""Laws of the evidence: every line is accounted for, and how it was handed over changes nothing."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incident import store
from incident.ingest import ingest
from incident.records import CaseDefinition

GOOD = '192.0.2.7 - - [02/May/2024:12:00:01 +0000] "GET /data/ccw.csv HTTP/1.1" 200 1000 "-" "x"'
LINES = st.lists(
    st.one_of(
        st.just(GOOD.encode()),
        st.just(b""),
        st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b" ")),
        st.text(max_size=40).map(lambda text: GOOD.replace("x", text.replace("\n", " ")).encode()),
    ),
    max_size=30,
)
FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@FEW
@given(lines=LINES, ended=st.booleans())
def test_every_line_is_an_event_a_reject_or_skipped(lines, ended, tmp_path_factory):
    """DESIGN: for each evidence item, lines = events + rejected + skipped; a rejected line is kept, whole."""
    folder = tmp_path_factory.mktemp("logs")
    lines = [GOOD.encode()] * 60 + lines
    content = b"\n".join(lines) + (b"\n" if ended else b"")
    (folder / "access.log").write_bytes(content)
    case = folder / "case.duckdb"
    (item,) = ingest(case, [folder], CaseDefinition()).items
    assert item.lines == content.count(b"\n") + (not content.endswith(b"\n"))
    assert item.events + item.rejected + item.skipped == item.lines
    con = store.open_case(case, read_only=True)
    rejects = con.execute("select line_no, raw from reject").fetchall()
    con.close()
    assert len(rejects) == item.rejected
    for line_no, raw in rejects:
        assert bytes(raw) == lines[line_no - 1].removesuffix(b"\r")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress], ids=["plain", "gz", "bz2", "xz"])
def test_compression_and_repetition_change_nothing(pack, tmp_path):
    """Ingesting twice, or compressed, changes nothing."""
    content = "".join(GOOD.replace("12:00:01", f"12:00:{second:02d}") + "\n" for second in range(60)).encode()
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "access.log").write_bytes(pack(content))
    case = tmp_path / "case.duckdb"
    first = ingest(case, [folder], CaseDefinition())
    before = rows(case)
    again = ingest(case, [folder], CaseDefinition())
    assert again.unchanged == 1
    assert rows(case) == before
    assert (first.lines, first.events) == (60, 60)
    assert [row[1:] for row in before] == [(number + 1, number * (len(GOOD) + 1)) for number in range(60)]


def rows(case: Path):
    con = store.open_case(case, read_only=True)
    found = con.execute("select evidence_id, line_no, byte_offset from event order by all").fetchall()
    con.close()
    return found
