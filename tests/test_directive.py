"""Directives: what the administrator wrote becomes a format that reads what the server wrote."""

from __future__ import annotations

import json

import pytest
from parse_fixture import OWN, SHARED, assert_same

from incident.errors import DirectiveError
from incident.parse.bad import BadValueError
from incident.parse.directive import is_fields, read_directive
from incident.parse.pattern import PatternSplitter
from incident.parse.reader import Reader

LINE = b'192.0.2.7 - joe [10/Oct/2000:13:55:36 -0700] "GET /a?x=1 HTTP/1.0" 200 512 "-" "curl/8"'
COMBINED = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'
# the documented name of a directive → the column it fills
COLUMNS = {
    "%a": "peer_ip", "%h": "peer_ip", "%>s": "status", "%b": "bytes_sent", "%B": "bytes_sent", "%O": "bytes_sent",
    "%m": "method", "%H": "protocol", "%U": "path", "%{Referer}i": "referer", "%{User-Agent}i": "user_agent",
    "%u": "user_name", "%{remote}p": "peer_port",
}  # fmt: skip


def triples():
    for home in (OWN, SHARED):
        for path in sorted((home / "apache_custom").glob("apachelogs__*.jsonl")):
            yield from (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def _event(reader, raw):
    try:
        return reader.line(raw)
    except BadValueError as error:
        return error.reason


@pytest.mark.parametrize("case", list(triples()), ids=lambda case: case["logformat"][:60])
def test_peer_triples(case):
    page = read_directive(case["logformat"])
    raw = case["entry"].rstrip("\n").encode()
    reader = Reader(page, PatternSplitter(page), "UTC")
    assert len(reader.splitter.split(raw)) == len(reader.names)
    event = _event(reader, raw)
    if isinstance(event, str):
        # most of the peer's cases try one directive alone, without a time
        assert event in {"no-timestamp", "timestamp"}
        return
    said = case["expected"].get("directives", {})
    for directive, column in COLUMNS.items():
        if directive in said and list(said).count(directive) == 1 and f"%<{directive[1:]}" not in said:
            wanted = said[directive]
            if directive == "%b" and wanted is None:
                wanted = 0
            if isinstance(wanted, str):
                assert (
                    event[column] == wanted.encode("latin-1", "ignore").decode("utf-8", "backslashreplace")
                    or event[column] == wanted
                )
            else:
                assert event[column] == wanted


@pytest.mark.parametrize(
    "text",
    [
        COMBINED,
        COMBINED.replace('"', '\\"'),
        'LogFormat "' + COMBINED.replace('"', '\\"') + '" combined',
        'logformat "' + COMBINED.replace('"', '\\"') + '"',
        'CustomLog /var/log/x.log "' + COMBINED.replace('"', '\\"') + '"',
    ],
)
def test_apache_spellings(text):
    page = read_directive(text)
    assert (page.ts_kind, page.bytes_kind) == ("start", "response_size")
    (event,) = assert_same(LINE, page).events.to_dicts()
    assert (event["user_name"], event["path"], event["query"], event["bytes_sent"]) == ("joe", "/a", "x=1", 512)


NGINX = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)


@pytest.mark.parametrize(
    "text",
    [
        NGINX,
        f"'{NGINX}'",
        f"log_format main '{NGINX}';",
        f"log_format  main  escape=default '{NGINX[:40]}'\n   '{NGINX[40:]}';",
        "log_format main '" + NGINX.replace("$status", "${status}") + "';",
        'log_format main "' + NGINX.replace('"', '\\"') + '";',
    ],
)
def test_nginx_spellings(text):
    page = read_directive(text)
    assert (page.ts_kind, page.bytes_kind) == ("end", "body_sent")
    (event,) = assert_same(LINE, page).events.to_dicts()
    assert (event["user_name"], event["path"], event["query"], event["bytes_sent"]) == ("joe", "/a", "x=1", 512)


def test_nginx_json_format_is_a_line_layout():
    page = read_directive(
        'log_format j escape=json \'{"t":"$time_iso8601","ip":"$remote_addr","uri":"$request_uri",\''
        '\'"st":$status,"ua":"$http_user_agent","up":"$upstream_response_time"}\';'
    )
    line = (
        b'{"t":"2024-05-02T10:00:00+02:00","ip":"192.0.2.7","uri":"/a?b=c","st":200,"ua":"a \\"q\\" \\u0001","up":""}'
    )
    (event,) = assert_same(line, page).events.to_dicts()
    assert (event["path"], event["query"], event["user_agent"], event["ts_us"]) == (
        "/a",
        "b=c",
        'a "q" \x01',
        1714636800000000,
    )


@pytest.mark.parametrize(
    ("directive", "line", "ts"),
    [
        ("%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t %h", "10/Oct/2000 13:55:36.789 -0700 192.0.2.7", 971211336789000),
        ("%{sec}t %h %{usec_frac}t", "971211336 192.0.2.7 789001", 971211336789001),
        ("%t %{usec}t %h", "[10/Oct/2000:13:55:36 -0700] 971211336789001 192.0.2.7", 971211336789001),
        ("%{end:%Y-%m-%dT%H:%M:%S%z}t %h", "2000-10-10T13:55:36-0700 192.0.2.7", 971211336000000),
        ("$msec $time_local $remote_addr", "971211336.789 10/Oct/2000:13:55:36 -0700 192.0.2.7", 971211336789000),
    ],
)
def test_times_of_several_parts(directive, line, ts):
    (event,) = assert_same(line.encode(), read_directive(directive)).events.to_dicts()
    assert event["ts_us"] == ts


@pytest.mark.parametrize(
    ("directive", "line", "column", "value"),
    [
        ("%t %h %X", "192.0.2.7 X", "aborted", True),
        ("%t %h %X", "192.0.2.7 +", "aborted", False),
        ("%t %h %D", "192.0.2.7 1500", "duration_us", 1500),
        ("%t %h %{ms}T", "192.0.2.7 1500", "duration_us", 1_500_000),
        ("%t %h %T", "192.0.2.7 2", "duration_us", 2_000_000),
        ("%t %a:%{remote}p", "2001:db8::1:4711", "peer_port", 4711),
        ("%t %a:%{remote}p", "2001:db8::1:4711", "peer_ip", "2001:db8::1"),
        ("%t %h %s %>s", "192.0.2.7 200 404", "status", 404),
        ("%t %h %b %O", "192.0.2.7 100 300", "bytes_sent", 300),
        ('%t %h "%!200,304{Referer}i"', '192.0.2.7 "http://x/"', "referer", "http://x/"),
        ('%t %h "%{Content-Range}o"', '192.0.2.7 "bytes 5-9/20"', "range_total", 20),
        ('%t %h "%m %U %q %H"', '192.0.2.7 "GET /a ?b HTTP/1.1"', "query", "b"),
        ("%t %h %{X-Forwarded-For}i %m", "192.0.2.7 192.0.2.1, 192.0.2.2 GET", "forwarded_for", "192.0.2.1, 192.0.2.2"),
    ],
)
def test_apache_directives(directive, line, column, value):
    raw = b"[10/Oct/2000:13:55:36 -0700] " + line.encode()
    (event,) = assert_same(raw, read_directive(directive)).events.to_dicts()
    assert event[column] == value


def test_kinds_follow_the_directive():
    def kinds(text):
        page = read_directive(text)
        return page.ts_kind, page.bytes_kind, page.range_kind

    assert kinds("%t %O") == ("start", "total_sent", None)
    assert kinds("%{end:%s}t %b %{Range}i") == ("end", "response_size", "request")
    assert kinds("$time_local $bytes_sent $sent_http_content_range") == ("end", "total_sent", "response")


@pytest.mark.parametrize("text", ["plain words", "%h %Q", "LogFormat %h", "log_format x '$a' junk"])
def test_what_is_no_directive(text):
    with pytest.raises(DirectiveError) as caught:
        read_directive(text)
    assert caught.value.next_step


def test_fields_lines_are_told_apart():
    assert is_fields("#Fields: date time")
    assert not is_fields(COMBINED)
