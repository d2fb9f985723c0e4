"""What a page may say, each on a small page of its own; and every page's samples, mangled, on both paths."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from parse_fixture import assert_same, read

from incident.detect import detect
from incident.errors import FormatPageError
from incident.formats import load, page_from_text
from incident.parse import Settings
from incident.parse.check import check
from incident.parse.engine import ItemParser
from incident.parse.jsonlines import Path as PathReady
from incident.parse.jsonlines import load as load_object
from incident.parse.jsonlines import look_up

PAGES = load()
ODD = [
    b"-",
    b"",
    b"0",
    b"-1",
    b"1.5",
    b"1e3",
    b"a b",
    b'"',
    b'\\"',
    b"\\x22",
    b"\xff",
    b"\xc3\xa9",
    b"\t",
    b",",
    b"%20",
    b"+",
]
ODD += [
    b"https://h.example:443/a?b",
    b"2001:DB8::1",
    b"::ffff:192.0.2.1",
    b"null",
    b"9" * 19,
    b"000",
    b"1.0000005",
    b"\0",
]


def mangled(line: bytes, dice: random.Random) -> bytes:
    """Change one thing in a line, or none."""
    kind = dice.randrange(5)
    if kind == 0:
        return line
    pieces = re.split(rb"([ \t,;|\"=:])", line)
    at = dice.randrange(len(pieces))
    if kind == 1:
        pieces[at] = dice.choice(ODD)
    elif kind == 2:
        del pieces[at]
    elif kind == 3:
        pieces.insert(at, pieces[dice.randrange(len(pieces))])
    else:
        numbers = [i for i, piece in enumerate(pieces) if re.fullmatch(rb"\d+(\.\d+)?", piece)]
        if numbers:
            pieces[dice.choice(numbers)] = dice.choice([b"0", b"7", b"12345", b"0.0015", b"1.0000005", b"200", b"-1"])
    return b"".join(pieces)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_mangled_samples_are_read_alike(name):
    page, dice = PAGES[name], random.Random(name)
    for before in dict.fromkeys(sample.before for sample in page.samples):
        lines = [sample.line.encode() for sample in page.samples if sample.before == before]
        rows = [mangled(dice.choice(lines), dice).replace(b"\n", b" ") for _ in range(120)]
        assert_same(b"\n".join([*(line.encode() for line in before), *lines, *rows]), page, Settings(timezone="UTC"))


HEAD = """
name = "mine"
title = "Mine"
source = "https://www.example.com/spec"
checked = 2024-05-02
ts_kind = "start"
bytes_kind = "body_sent"
"""
SAMPLE = """
[[sample]]
line = '''{}'''
expect = {{ status = 200 }}
"""


def page_of(text: str, line: str):
    """Make a page and prove it."""
    page = page_from_text(HEAD + text + SAMPLE.format(line), Path("mine.toml"))
    check(page)
    return page


JSON = (
    'shape = "json"\n[only]\nkind = ["access", "~^web"]\n[fields]\ntime = { from = "t", unit = "auto" }\nstatus = "s"\n'
)


def test_other_records_are_rejected_by_that_name_on_both_paths():
    page = page_of(JSON, '{"t":1714640400,"kind":"access","s":200}')
    kinds = [b"access", b"firewall", b"website", b"probe"] * 100
    lines = [b'{"t":%d,"kind":"%s","s":200}' % (1714640400 + i, kind) for i, kind in enumerate(kinds)]
    found = assert_same(b"\n".join([*lines, b'{"t":1,"s":200}', b"x"]), page)
    assert found.events.height == 200
    assert found.rejects["reason"].to_list().count("other-record") == 201
    assert found.rejects["reason"].to_list()[-1] == "json"


def test_other_records_count_as_fitting_but_not_alone():
    line = '{"t":1714640400,"kind":"access","s":200}'
    page = page_of(JSON.replace("[fields]", "[detect]\nkeys = ['kind']\n[fields]"), line)
    other = b'{"t":1714640400,"kind":"probe","s":200}\n' * 50
    access = b'{"t":1714640400,"kind":"access","s":200}\n'
    assert detect(other + access, {"mine": page}, Settings()).format == "mine"
    assert detect(other, {"mine": page}, Settings()).format is None
    # an item that goes on behind the head may hold accesses yet
    assert detect(other * 600, {"mine": page}, Settings()).format == "mine"


def test_several_layouts_of_one_page():
    page = page_of(
        """shape = "pattern"
layout = '{time} "{user_agent}" {status} {signature}'
also = ['{time} - {status}']
[slots]
signature = '-|SigV[24]'
[fields]
time = { from = "time", unit = "s" }
""",
        '1714640400 "a" 200 SigV4',
    )
    lines = [b'1714640400 "a%d" 200 SigV4' % i for i in range(200)] + [b"1714640400 - 404"] * 200
    lines += [b'1714640400 "a "quoted" 5 thing" 200 -', b'1714640400 "a" 200 SigV3']
    found = assert_same(b"\n".join(lines), page)
    assert found.events["status"].to_list().count(404) == 200
    assert found.events["user_agent"].to_list()[-1] == 'a "quoted" 5 thing'
    assert found.rejects.height == 1


def test_a_slot_that_the_layout_lacks_is_refused():
    with pytest.raises(FormatPageError, match="no slot"):
        page_of(
            "shape = 'pattern'\nlayout = '{time} {status}'\n[slots]\nx = '-'\n[fields]\ntime = {from='time',unit='s'}",
            "1 200",
        )


CSV = """shape = "delimited"
separator = ","
header = "names"
quoted = true
missing = [""]
columns = ["t", "ip", "status", "agent"]
[detect]
columns = ["t", "status"]
[fields]
time = { from = "t", unit = "s" }
peer_ip = "ip"
status = "status"
user_agent = "agent"
"""


def test_csv_with_a_row_of_names():
    page = page_of(CSV, '"1714640400","192.0.2.7","200","a ""b"", c"')
    names = b'"status","t","agent"'
    rows = [b'"200","%d","a, b"' % (1714640400 + i) for i in range(200)]
    rows += [
        b'200,1714640400,"say ""x"""',
        b'"200,1714640400,x',
        b'"200","1714640400","x","y"',
        names,
        b'"200","1714640401",""',
    ]
    for size in (1 << 30, 900):
        found = assert_same(b"\n".join([names, *rows]), page, size=size)
        assert (found.events.height, found.skipped) == (202, 2)
        assert found.events["user_agent"].to_list()[-2:] == ['say "x"', None]
        assert found.rejects["reason"].to_list() == ["quotes", "columns"]
    assert detect(b"\n".join([names, *rows[:20]]), {"mine": page}, Settings()).format == "mine"
    assert detect(rows[0], {"mine": page}, Settings()).format is None
    without = read(b'"1714640400","192.0.2.7","200",""', page)
    assert without.events["peer_ip"].to_list() == ["192.0.2.7"]


@pytest.mark.parametrize(
    ("field", "raw", "wanted"),
    [
        ("duration_us = { from = 'x', unit = 'ns' }", [b"1500", b"2500", b"2501", b"-1"], [2, 2, 3, None]),
        ("duration_us = { from = 'x' }", [b"0.0000015", b"1.0000005", b"2", b"3.5e-05"], [2, 1000000, 2000000, 35]),
        ("duration_us = { from = 'x', unit = 'suffix' }", [b"15ms", b"1.5s", b"7us", b"800ns"], [15000, 1500000, 7, 1]),
        ("duration_us = { from = 'x', pick = 't=(.*)' }", [b"t=1", b"u=1", b"t=2", b"t="], [1000000, None, 2000000, 0]),
        ("method = { from = 'x', map = { 1 = 'GET' } }", [b"1", b"2", b"1", b""], ["GET", None, "GET", None]),
        ("path = { from = 'x', prefix = '/' }", [b"a", b"/b", b"%", b"\xc3\xa9"], ["/a", "/b", "/%", "/é"]),
        ("url = 'x'", [b"https://H.example:443/a?b", b"http://h.example", b"/c?d", b"*"], ["/a", "/", "/c", "*"]),
        ("peer_ip = { from = 'x', pick = '^([^:]+):' }", [b"192.0.2.7:1", b"192.0.2.9:2"], ["192.0.2.7", "192.0.2.9"]),
    ],
)  # fmt: skip
def test_values(field, raw, wanted):
    page = page_of(
        'shape = "delimited"\nseparator = "\\t"\ncolumns = ["t", "x", "s"]\n[fields]\nstatus = "s"\n'
        f'time = {{ from = "t", unit = "s" }}\n{field}\n',
        "1714640400\t-\t200",
    )
    column = field.split()[0].replace("url", "path")
    lines = [b"1714640400\t%b\t200" % value for value in raw]
    good = [value for value in wanted if value is not None or column != "duration_us" or b"t=" not in raw]
    del good
    found = assert_same(b"\n".join(lines * 60), page)
    have = dict(zip(found.events["line_no"].to_list(), found.events[column].to_list(), strict=True))
    for number, value in enumerate(wanted, start=1):
        if raw[number - 1] == b"t=":
            assert number not in have  # picked, and then no duration
        else:
            assert have[number] == value


def test_what_a_pick_leaves_behind_tells_lines_apart():
    page = page_of(
        'shape = "delimited"\ncolumns = ["t", "x", "s"]\n[fields]\nstatus = "s"\ntime = { from = "t", unit = "s" }\n'
        "peer_ip = { from = 'x', pick = '^([^:]+):' }\n",
        "1714640400 192.0.2.1:5 200",
    )
    found = assert_same(b"1714640400 192.0.2.1:5 200\n1714640400 192.0.2.1:6 200", page)
    assert found.events["rest_hash"].n_unique() == 2


def test_a_span_between_two_times():
    page = page_of(
        'shape = "json"\n[fields]\nstatus = "s"\ntime = { from = "a", unit = "auto" }\n'
        'duration_us = { between = ["a", "b"], unit = "auto" }\n',
        '{"a":"1714640400000000000","b":"1714640400500000000","s":200}',
    )
    lines = [b'{"a":"1714640400000000000","b":"17146404%02d500000000","s":200}' % i for i in range(60)]
    lines += [
        b'{"a":"1714640400","b":"1714640399","s":200}',
        b'{"a":"1714640400","b":"x","s":200}',
        b'{"a":"1714640400","s":200}',
    ]
    lines += [b'{"a":"2024-05-02T09:00:00Z","b":"2024-05-02T09:00:01Z","s":200}']
    found = assert_same(b"\n".join(lines), page)
    assert found.events["duration_us"].to_list()[-4:] == [59_500_000, None, None, 1_000_000]
    assert found.rejects["reason"].to_list() == ["duration"]


def test_days_and_months_of_one_digit_and_blanks_in_front_of_the_offset():
    page = page_of(
        'shape = "delimited"\nseparator = ","\ncolumns = ["d", "s"]\n[fields]\nstatus = "s"\n'
        'time = { from = "d", format = "%n/%e/%Y %H:%M:%S", zone = "UTC" }\n',
        "3/5/2023 01:02:03,200",
    )
    found = assert_same(b"3/5/2023 01:02:03,200\n12/31/2023 01:02:03,200\n13/1/2023 01:02:03,200", page)
    assert found.events["ts_us"].to_list() == [1677978123000000, 1703984523000000]
    iso = page_of(
        'shape = "delimited"\nseparator = "\\t"\ncolumns = ["d", "s"]\n[fields]\nstatus = "s"\ntime = "d"\n',
        "2018-10-03T00:01:14.335 -0800\t200",
    )
    found = assert_same(b"\n".join([b"2018-10-03T00:01:14.335 -0800\t200", b"2018-10-03T00:01:14 Z\t200"] * 40), iso)
    assert found.events["ts_us"].to_list()[0] == 1538553674335000


def test_an_open_end_may_hold_any_number_of_quotes():
    page = page_of(
        """shape = "pattern"
layout = '{time};"{url}";{status};{rest:flex}'
[fields]
time = { from = "time", unit = "s" }
""",
        '1714640400;"/a";200;x',
    )
    ends = [b"", b'"q";"r"', b'a "b', b'"";"";""', b"plain"] * 60
    found = assert_same(b"\n".join(b'1714640400;"/a";200;%b' % end for end in ends), page)
    assert found.events.height == 300
    assert found.events["rest_hash"].n_unique() == 5


def test_columns_without_the_word_fields():
    head = b"1714640400.123\t192.0.2.7\tGET\t/a\t200\n"
    found = detect(head, PAGES, Settings(log_format="timestamp, c-ip, cs-method, cs-uri-stem, sc-status"))
    assert found.page.columns == ("timestamp", "c-ip", "cs-method", "cs-uri-stem", "sc-status")
    assert read(head, found.page).events["path"].to_list() == ["/a"]


def test_what_polars_cannot_do_the_plain_path_does(monkeypatch):
    import polars as pl

    def broken(*_, **__):
        raise pl.exceptions.ComputeError("no")

    line = b'192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 5 "-" "-"\n'
    parser = ItemParser((PAGES["combined"],), Settings(), fast=True, fewest=1)
    monkeypatch.setattr(parser._readers[0], "rows", broken)
    from parse_fixture import blocks_of

    (block,) = blocks_of(line * 10)
    assert parser.parse(block, parser.prepare(block)).events.height == 10


KEYS = st.sampled_from(["a", "b", "a.b", "b.a", "a.b.a", "h", "h[k=a]", "k", "v"])
VALUES = st.recursive(
    st.none() | st.sampled_from(["a", "b", "x", 1, True]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@hypothesis_settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=5), st.sampled_from(["a", "a.b", "a.b.a", "h[k=a].v", "a.h[k=b].a.b"]))
def test_paths_made_ready_find_what_is_looked_up(record, path):
    text = json.dumps(record).encode()
    read_back = load_object(text)
    assert PathReady(path).of(read_back, text) == look_up(read_back, path)
