"""The fast path says what the plain path says, on real logs and on lines made to break it."""

from __future__ import annotations

import random
import threading

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from parse_fixture import assert_same, blocks_of, read, real_samples

from incident.errors import TimezoneError
from incident.evidence import MAX_LINE
from incident.formats import load
from incident.parse import Settings, make, make_reference
from incident.parse.directive import read_directive
from incident.records import EVENT_COLUMNS

PAGES = load()
LINES = ("combined", "combined_extra", "common", "vhost_combined", "vhost_name_combined", "vhost_common")
TEXT_FOLDERS = (
    "apache_combined",
    "apache_common",
    "apache_custom",
    "apache_vhost_combined",
    "nginx_combined",
    "nginx_custom",
    "ingress_nginx",
    "traefik_clf",
    "tomcat",
    "negative",
)
T = b"[10/Oct/2000:13:55:36 -0700]"


@pytest.mark.parametrize("path", real_samples(*TEXT_FOLDERS), ids=lambda path: path.name)
@pytest.mark.parametrize("name", ["combined", "combined_extra", "common", "vhost_name_combined"])
def test_line_layouts_on_real_logs(path, name):
    assert_same(path.read_bytes(), PAGES[name], size=200_000)


@pytest.mark.parametrize(
    "path", real_samples("iis_w3c", "w3c_generic", "cloudfront_standard"), ids=lambda path: path.name
)
@pytest.mark.parametrize("name", ["iis_w3c", "w3c", "cloudfront"])
def test_columns_on_real_logs(path, name):
    assert_same(path.read_bytes(), PAGES[name], Settings(timezone="America/New_York"), size=20_000)


@pytest.mark.parametrize(
    "path", real_samples("nginx_json", "traefik_json", "caddy", "cloudflare"), ids=lambda path: path.name
)
def test_objects_on_real_logs(path):
    assert_same(path.read_bytes(), PAGES["json_access"])


# --- lines made to break it -------------------------------------------------------------------------------------------

ODD = [
    b"",
    b" ",
    b"\t",
    b"\r",
    b"\x00",
    b"\x01",
    b"\xff\xfe",
    b"\xf0\x9f\x98",
    b"\xe9",
    "\ufffd".encode(),
    "é漢".encode(),
    b'"',
    b'\\"',
    b"\\",
    b"\\\\",
    b"\\x22",
    b"\\xE9\\x9B",
    b"\\xff",
    b"-",
    b"--",
    b"[",
    b"]",
    b"?",
    b"??",
    b"%25",
    b"+",
    b"++",
    b"\xef\xbb\xbf",
    b"{",
    b"}",
    b"null",
    b"1e5",
    b"a b",
    b"\x1f",
    b"\x1e",
]
PEERS = [
    b"192.0.2.7",
    b"2001:db8::1",
    b"[2001:db8::1]",
    b"::ffff:192.0.2.9",
    b"fe80::1%eth0",
    b"host.example",
    b"-",
    b"unix:",
    b"192.0.2.300",
    b"01.2.3.4",
    b"1.2.3",
    b"a,b",
    b"192.0.2.7:80",
]
TIMES = [
    b"[10/Oct/2000:13:55:36 -0700]",
    b"[10/Oct/2000:13:55:36 +0000]",
    b"[10/Oct/2000:13:55:60 +0530]",
    b"[30/Feb/2000:13:55:36 +0000]",
    b"[1/Oct/2000:13:55:36 +0000]",
    b"[10/OCT/2000:13:55:36 +0000]",
    b"[10/Oct/0000:13:55:36 +0000]",
    b"[10/Oct/2000:24:55:36 +0000]",
    b"[10/Oct/2000:13:55:36 +2460]",
    b"[10/Oct/2000:13:55:36 Z]",
    b"[10/Oct/2000:13:55:36 +05:30]",
    b"[10/Oct/+200:13:55:36 +0000]",
    b"[]",
    b"",
]
REQUESTS = [
    b"GET /a?b=c HTTP/1.1",
    b"GET /a b c HTTP/1.1",
    b"GET /x",
    b"-",
    b"",
    b"\\x16\\x03\\x01",
    b"GET  HTTP/1.1",
    b"GET HTTP/1.1",
    b"CONNECT h.example:443 HTTP/1.1",
    b"GET http://Other.example:80/x?y HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"get /a HTTP/2",
    b"GET /a HTTP/9.9x",
    b"GET /\\x22 HTTP/1.1",
    b"GET /? HTTP/1.1",
    b"PRI * HTTP/2.0",
    b"GET //u@h/x HTTP/1.1",
    b"M-SEARCH * HTTP/1.1",
]
NUMBERS = [
    b"200",
    b"000",
    b"0",
    b"-",
    b"99",
    b"1000",
    b"",
    b"+20",
    b"2.0",
    b"512",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-1",
    b" 5",
]


def hostile_line(pick):
    """Build a combined line, mostly right, with some piece of it odd."""
    user = pick([b"-", b"frank", b"john doe", b'""', b"a [b] c", b"a [10/Oct/2000:13:55:36 -0700] b", *ODD])
    line = b" ".join(
        [
            pick(PEERS),
            pick([b"-", b"-", b"ident", b""]),
            user,
            pick(TIMES),
            b'"' + pick(REQUESTS) + b'"',
            pick(NUMBERS),
            pick(NUMBERS),
            b'"' + pick([b"-", b"http://x/", *ODD]) + b'"',
            b'"' + pick([b"-", b"curl/8", b'a \\"q\\" b', *ODD]) + b'"',
        ]
    )
    change = pick(["none"] * 6 + ["cut", "insert", "extra", "outer", "cr"])
    if change == "cut":
        return line[: len(line) // 2]
    if change == "insert":
        return line[:20] + pick(ODD) + line[20:]
    if change == "extra":
        return line + pick([b' "-"', b" 1807", b"x", b" ", b'\t"a" "b"'])
    if change == "outer":
        return b'"' + line + b'"'
    return line + (b"\r" if change == "cr" else b"")


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("seed", range(4))
def test_hostile_lines(name, seed):
    dice = random.Random(seed)
    front = b"www.example.com:80 " if name.startswith("vhost") else b""
    lines = [front + hostile_line(dice.choice) for _ in range(800)]
    data = (b"\r\n" if seed % 2 else b"\n").join(lines)
    assert_same(data, PAGES[name], size=40_000)


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_line_is_read_alike(data):
    pick = lambda some: data.draw(st.sampled_from(some))  # noqa: E731
    lines = [hostile_line(pick) for _ in range(3)]
    lines.append(data.draw(st.binary(max_size=60)).replace(b"\n", b""))
    assert_same(b"\n".join(lines), PAGES["combined"])


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=12))
@pytest.mark.parametrize("name", ["combined", "cloudfront", "iis_w3c", "nginx_json"])
def test_any_bytes_at_all(name, lines):
    assert_same(b"\n".join(lines), PAGES[name])


FIELDS = (
    b"#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status sc-bytes time-taken cs(User-Agent) "
    b"sc-win32-status"
)


@pytest.mark.parametrize("seed", range(4))
def test_hostile_columns(seed):
    dice = random.Random(seed)
    lines = [b"\xef\xbb\xbf#Software: Microsoft Internet Information Services 10.0", b"", FIELDS]
    for _ in range(800):
        row = [
            b"2024-05-02",
            b"00:00:%02d" % dice.randrange(62),
            dice.choice(PEERS),
            b"GET",
            b"/a" + dice.choice(ODD),
            dice.choice(ODD),
            dice.choice(NUMBERS),
            dice.choice(NUMBERS),
            dice.choice(NUMBERS),
            dice.choice([b"Mozilla/5.0+(x;++http://y)", *ODD]),
            dice.choice([b"0", b"64", b"-"]),
        ]
        lines.append(b" ".join(row))
        if dice.random() < 0.02:
            lines.append(
                dice.choice(
                    [
                        FIELDS,
                        b"#Fields: date time c-ip cs-method cs-uri-stem sc-status",
                        b"#Date: 2024-05-03 00:00:00",
                        b"#x",
                    ]
                )
            )
    assert_same(b"\n".join(lines), PAGES["iis_w3c"], size=30_000)


@pytest.mark.parametrize("seed", range(4))
def test_hostile_tabs(seed):
    dice = random.Random(seed)
    values = [b"-", b"a%2520b", b"%", b"%zz", b"%C3%A9", b"%FF", *ODD]
    lines = []
    for _ in range(600):
        width = dice.choice([33, 33, 33, 12, 23, 34, 5])
        row = [
            b"2024-05-02",
            b"21:02:31",
            b"LAX1",
            b"392",
            b"192.0.2.1",
            b"GET",
            b"d.example",
            b"/a" + dice.choice(values),
            b"200",
            dice.choice(values),
            dice.choice(values),
            dice.choice(values),
            b"-",
            b"Error",
            b"id==",
            b"h",
            b"https",
            b"23",
            b"0.001",
            dice.choice(values),
            b"-",
            b"-",
            dice.choice([b"Hit", b"Error", b"-"]),
            b"HTTP/2.0",
            b"-",
            b"-",
            b"11040",
            b"0.1",
            b"Hit",
            b"text/csv",
            b"78",
            b"0",
            b"77",
        ]
        row = row[:width] + [dice.choice(values)] * (width - len(row))
        lines.append(b"\t".join(row))
    assert_same(b"\n".join(lines), PAGES["cloudfront"], size=60_000)


@pytest.mark.parametrize("seed", range(4))
def test_hostile_objects(seed):
    dice = random.Random(seed)
    values = [
        b'"-"',
        b'""',
        b'"a"',
        b"null",
        b"true",
        b"1",
        b"1.50",
        b"-0",
        b"1e3",
        b"01",
        b"NaN",
        b"[1]",
        b'["a","b"]',
        b'{"a":1}',
        b'"\\u00e9"',
        b'"\\ud800"',
        b'"\\x22"',
        b'"\\/"',
        b'"a\\"b"',
        b'"\xff"',
        b'"\xf0\x9f\x98"',
        b'"\x01"',
        '"é"'.encode(),
        b"nul",
        b"",
    ]
    lines = []
    for _ in range(800):
        pairs = [
            (
                b"time_iso8601",
                dice.choice(
                    [
                        b'"2024-05-02T10:00:00+02:00"',
                        b'"2024-05-02T10:00:00.5Z"',
                        b"1714636800.123",
                        b'"1714636800"',
                        b"1714636800123",
                    ]
                ),
            ),
            (b"remote_addr", b'"192.0.2.7"'),
            (b"request", b'"GET /a?b HTTP/1.1"'),
            (b"status", dice.choice([b"200", b'"206"', *values])),
            (b"body_bytes_sent", dice.choice([b"5", b'"5"', *values])),
            (b"http_user_agent", dice.choice([b'"curl"', *values])),
            (b"x", dice.choice(values)),
        ]
        if dice.random() < 0.2:
            pairs.append(dice.choice([(b"status", b"404"), (b"http_referer", b'"r"')]))
        lines.append(b"{" + b",".join(b'"' + key + b'":' + value for key, value in pairs) + b"}")
    assert_same(b"\n".join(lines), PAGES["nginx_json"], size=60_000)


def test_a_line_too_long_is_kept_as_a_reject():
    long = b"192.0.2.7 - - " + T + b' "GET /' + b"a" * MAX_LINE + b' HTTP/1.1" 200 5 "-" "-"'
    short = b"192.0.2.7 - - " + T + b' "GET / HTTP/1.1" 200 5 "-" "-"'
    found = read(long + b"\n" + short, PAGES["combined"], fast=False)
    assert found.rejects["reason"].to_list() == ["too-long"]
    assert found.events["line_no"].to_list() == [2]


def test_line_numbers_offsets_and_lengths_lead_back_to_the_line():
    data = b"\xef\xbb\xbf" + b"\r\n".join(
        b"192.0.2.7 - - " + T + b' "GET /%d HTTP/1.1" 200 5 "-" "-"' % i for i in range(50)
    )
    found = assert_same(data, PAGES["combined"], size=500)
    for row in found.events.iter_rows(named=True):
        raw = data[row["byte_offset"] : row["byte_offset"] + row["byte_length"]]
        assert (b"GET /%d " % (row["line_no"] - 1)) in raw
        assert raw.endswith(b'"-"')


def test_columns_are_those_of_the_event_table():
    found = read(b"192.0.2.7 - - " + T + b' "GET / HTTP/1.1" 200 5 "-" "-"', PAGES["combined"])
    assert found.events.columns == [c.name for c in EVENT_COLUMNS if c.name != "evidence_id"]


def test_rest_hash_tells_lines_apart_that_the_columns_do_not():
    line = b"192.0.2.7 %s - " + T + b' "%s" 400 5 "-" "-"'
    data = b"\n".join(
        [
            line % (b"-", b"\\x16\\x03"),
            line % (b"-", b"\\x16\\x04"),
            line % (b"-", b"\\x16\\x03"),
            line % (b"x", b"GET / HTTP/1.1"),
            line % (b"-", b"GET / HTTP/1.1"),
        ]
    )
    rest = assert_same(data, PAGES["combined"]).events["rest_hash"].to_list()
    assert rest[0] == rest[2] != rest[1]
    assert rest[3] is not None
    assert rest[4] is None


def test_a_mixed_item_is_read_line_by_line_with_each_format():
    combined = b"192.0.2.7 - - " + T + b' "GET / HTTP/1.1" 200 5 "-" "-"'
    data = b"\n".join([combined, b"www.example.com:80 " + combined, combined, b"nonsense"])
    found = assert_same(data, PAGES["combined"], others=(PAGES["vhost_combined"],))
    assert found.events["reading"].to_list() == [0, 1, 0]
    assert found.rejects["line_no"].to_list() == [4]
    parser = make(PAGES["combined"], Settings(), (PAGES["vhost_combined"],))
    for block in blocks_of(data):
        parser.parse(block, parser.prepare(block))
    assert [(one.format, one.first_line) for one in parser.readings] == [("combined", 1), ("vhost_combined", 2)]


def test_the_server_settles_what_time_and_bytes_mean():
    kinds = {}
    for server in (None, "apache", "nginx"):
        reading = make(PAGES["combined"], Settings(server=server)).readings[0]
        kinds[server] = (reading.ts_kind, reading.bytes_kind)
    assert kinds == {None: ("unknown", "unknown"), "apache": ("start", "response_size"), "nginx": ("end", "body_sent")}


def test_columns_change_in_the_middle_and_restarts_forget_them():
    data = b"\n".join(
        [
            b"2024-05-02 00:00:01 192.0.2.1 GET /a 200",
            FIELDS,
            b"#Fields: date time c-ip cs-method cs-uri-stem sc-status",
            b"2024-05-02 00:00:02 192.0.2.1 GET /b 200",
            b"#Fields: date time sc-status c-ip cs-method cs-uri-stem",
            b"2024-05-02 00:00:03 200 192.0.2.1 GET /c",
            b"2024-05-02 00:00:04 200 192.0.2.1 GET /d",
        ]
    )
    found = assert_same(data, PAGES["iis_w3c"])
    assert found.events["path"].to_list() == ["/b", "/c", "/d"]
    assert found.events["reading"].to_list() == [0, 1, 1]
    assert found.rejects["reason"].to_list() == ["no-fields"]
    for build in (make, make_reference):
        parser = build(PAGES["iis_w3c"], Settings())
        (block,) = blocks_of(data, restarts=(6,))
        batch = parser.parse(block, parser.prepare(block))
        assert batch.rejects["line_no"].sort().to_list() == [1, 7]


def test_times_without_a_zone_wait_for_the_user():
    page = read_directive('%h [%{%Y-%m-%d %H:%M:%S}t] "%r" %>s %b')
    with pytest.raises(TimezoneError) as caught:
        make(page, Settings())
    assert "timezone =" in str(caught.value)
    line = b'192.0.2.7 [2024-03-10 %s:30:00] "GET / HTTP/1.1" 200 5\n'
    data = line % b"02" + line % b"03"
    found = assert_same(data, page, Settings(timezone="America/Los_Angeles"))
    assert found.rejects["reason"].to_list() == ["timezone-gap"]
    assert found.events["ts_us"].to_list() == [1710066600000000]
    with pytest.raises(TimezoneError):
        make(page, Settings(timezone="Mars/Olympus"))


def test_two_threads_read_what_one_reads():
    lines = [b"192.0.2.%d - - " % (i % 250) + T + b' "GET /%d HTTP/1.1" 200 5 "-" "-"' % i for i in range(2000)]
    data = b"\n".join(lines)
    parser = make(PAGES["combined"], Settings())
    work = [(block, parser.prepare(block)) for block in blocks_of(data, size=30_000)]
    heights = []
    threads = [
        threading.Thread(target=lambda part=part: heights.append(sum(parser.parse(*one).events.height for one in part)))
        for part in (work[::2], work[1::2])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(heights) == 2000


def test_directives_take_the_fast_path_too():
    directive = (
        "log_format main '$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent '"
        '\'"$http_referer" "$http_user_agent" $request_time\';'
    )
    lines = [b"192.0.2.7 - joe b " + T + b' "GET /%d HTTP/1.1" 200 5 "-" "a\\x22b" 0.%03d' % (i, i) for i in range(200)]
    found = assert_same(b"\n".join([*lines, b"192.0.2.7 - - x"]), read_directive(directive))
    assert found.events["duration_us"].to_list()[7] == 7000
    assert found.events["user_agent"].to_list()[0] == 'a"b'


DIRECTIVES = (
    '%h %{X-Forwarded-For}i %u %t "%r" %>s %b',
    '%t %a:%{remote}p %u "%r" %>s %D "%{Referer}i"',
    '%h %{X-Forwarded-For}i %l %u %t "%m %U %q %H" %s %O %{User-Agent}i',
    '$remote_addr $http_x_forwarded_for [$time_local] "$request" $status $body_bytes_sent $request_time $upstream_addr',
)


@pytest.mark.parametrize("directive", DIRECTIVES)
@pytest.mark.parametrize("seed", range(3))
def test_hostile_lines_under_directives(directive, seed):
    dice = random.Random(seed)
    page = read_directive(directive)
    words = {
        "time": TIMES,
        "request": REQUESTS,
        "peer": PEERS,
        "number": NUMBERS,
        "any": [b"-", b"x", b"a, b", b"a,b", b"a,", b"192.0.2.1, 192.0.2.2", *ODD],
    }
    lines = []
    for _ in range(500):
        line = b""
        for part in page.layout.replace("[{", "{").replace("}]", "}").split("{"):
            name, _, literal = part.partition("}")
            if _:
                kind = (
                    "time"
                    if name[1:] == "t" or "time_l" in name
                    else "request"
                    if name in {"%r", "$request"}
                    else "peer"
                    if name.partition(":")[0] in {"%a", "%h", "$remote_addr"}
                    else "number"
                    if ":int" in name
                    else "any"
                )
                line += dice.choice(words[kind][:2] if dice.random() < 0.7 else words[kind])
            line += literal.encode()
        lines.append(line if dice.random() < 0.95 else line[: len(line) // 2])
    assert_same(b"\n".join(lines), page, size=20_000)
