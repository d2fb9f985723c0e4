"""Values: what each kind accepts, and what it becomes."""

from __future__ import annotations

import pytest

from incident.parse import fields, times
from incident.parse.bad import BadValueError
from incident.parse.headers import Headers
from incident.parse.jsonlines import load, look_up


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"192.0.2.7", "192.0.2.7"),
        (b"2001:DB8:0::1", "2001:db8::1"),
        (b"[2001:db8::1]", "2001:db8::1"),
        (b"fe80::1%eth0", "fe80::1"),
        (b"::ffff:192.0.2.7", "192.0.2.7"),
        (b"Crawler.Example.net", "Crawler.Example.net"),
        (b"localhost", "localhost"),
        (b"unix:", None),
    ],
)
def test_addresses(raw, value):
    assert fields.address(raw) == value


@pytest.mark.parametrize(
    "raw", [b"192.0.2.300", b"1.2.3", b'"192.0.2.7', b"192.0.2.7,", b"", b"a b", b"01.2.3.4", b"\xff"]
)
def test_what_is_no_address(raw):
    with pytest.raises(BadValueError, match="address"):
        fields.address(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"GET /a?b=c?d HTTP/1.1", ("GET", None, "/a", "b=c?d", "HTTP/1.1", None)),
        (b"GET /a? HTTP/1.1", ("GET", None, "/a", "", "HTTP/1.1", None)),
        (b"GET /a b c HTTP/1.1", ("GET", None, "/a b c", None, "HTTP/1.1", None)),
        (b"GET /x", ("GET", None, "/x", None, None, None)),
        (b"OPTIONS * HTTP/1.1", ("OPTIONS", None, "*", None, "HTTP/1.1", None)),
        (b"GET http://Other.example:8080/x?y HTTP/1.1", ("GET", "other.example", "/x", "y", "HTTP/1.1", None)),
        (b"CONNECT h.example:443 HTTP/1.1", ("CONNECT", "h.example", None, None, "HTTP/1.1", "h.example:443")),
        (b"\\x16\\x03\\x01", (None, None, None, None, None, "\\x16\\x03\\x01")),
        (b"", (None, None, None, None, None, None)),
        (b"GET /%63\\x22 HTTP/2.0", ("GET", None, '/%63"', None, "HTTP/2.0", None)),
    ],
)
def test_request_lines(raw, value):
    assert fields.request(raw, fields.unescape) == value


def test_escapes_are_undone_once():
    assert fields.unescape(rb"a\"b\\x22\x41\n\q\xc3\xa9") == b'a"b\\x22A\n\\q\xc3\xa9'
    assert fields.percent_once(b"%2520%2541") == b"%20%41"
    assert (
        fields.plus_to_space(b"Mozilla/5.0+(compatible;+bot/2.0;++http://x/)")
        == b"Mozilla/5.0 (compatible; bot/2.0; +http://x/)"
    )
    assert fields.text_of(b"a\xffb") == "a\\xffb"


@pytest.mark.parametrize("raw", [b"000", b"0", b"-", b"-1", b""])
def test_no_status(raw):
    assert fields.status(raw) is None


@pytest.mark.parametrize(
    ("raw", "unit", "value"),
    [
        (b"0.264", "s", 264000),
        (b"15", "ms", 15000),
        (b"0.005192s", "suffix", 5192),
        (b"123ms", "suffix", 123000),
        (b"350", "ns", 0),
        (b"1.5", "ms", 1500),
        (b"-1", "s", None),
        (b"1e-3", "s", 1000),
        (b"2m", "suffix", 120_000_000),
    ],
)
def test_durations(raw, unit, value):
    assert fields.duration(raw, unit) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"bytes=0-499", (0, 499, None)),
        (b"bytes 0-499/1234", (0, 499, 1234)),
        (b"bytes=500-", (500, None, None)),
        (b"bytes */1234", (None, None, 1234)),
        (b"bytes 0-4/*", (0, 4, None)),
        (b"bytes=0-1,5-6", (None, None, None)),
        (b"bytes=-500", (None, None, None)),
        (b"junk", (None, None, None)),
    ],
)
def test_ranges(raw, value):
    assert fields.byte_range(raw) == value


def test_peers_and_hosts():
    assert fields.peer(b"192.0.2.7:443") == ("192.0.2.7", 443)
    assert fields.peer(b"[2001:db8::1]:443") == ("2001:db8::1", 443)
    assert fields.peer(b"2001:db8::1") == ("2001:db8::1", None)
    assert fields.host(b"WWW.Example.com:443") == "www.example.com"
    assert fields.host(b"[2001:DB8::1]:443") == "[2001:db8::1]"


@pytest.mark.parametrize(
    ("raw", "unit", "value"),
    [
        (b"1658281671", "auto", 1658281671000000),
        (b"1658281671671", "auto", 1658281671671000),
        (b"1658281671671000", "auto", 1658281671671000),
        (b"1658281671671000999", "auto", 1658281671671000),
        (b"1658281671.671999999", "s", 1658281671671999),
        (b"2022-07-20T01:47:51Z", "auto", 1658281671000000),
    ],
)
def test_epochs(raw, unit, value):
    assert times.read_epoch(raw, unit, None) == value


@pytest.mark.parametrize(
    ("raw", "zone", "value"),
    [
        (b"2024-05-02T10:00:00.1234567Z", None, 1714644000123456),
        (b"2024-05-02 10:00:00,5", "UTC", 1714644000500000),
        (b"2024-05-02T10:00:00+0530", None, 1714624200000000),
        (b"2016-12-31T23:59:60Z", None, 1483228800000000),
        (b"2024-07-02 00:00:10", "America/Los_Angeles", 1719903610000000),
        (b"2024-07-02 00:00:10", "-0800", 1719907210000000),
    ],
)
def test_iso(raw, zone, value):
    assert times.read_iso(raw, zone) == value


@pytest.mark.parametrize(
    ("raw", "zone", "reason"),
    [
        (b"2024-02-30T10:00:00Z", None, "timestamp"),
        (b"2024-05-02T24:00:00Z", None, "timestamp"),
        (b"2024-05-02T10:00:00", None, "no-timezone"),
        (b"2024-03-10 02:30:00", "America/New_York", "timezone-gap"),
        (b"2024-11-03 01:30:00", "America/New_York", "timezone-overlap"),
        (b"yesterday", None, "timestamp"),
    ],
)
def test_bad_times(raw, zone, reason):
    with pytest.raises(BadValueError, match=reason):
        times.read_iso(raw, zone)


def test_json_values_keep_their_text():
    record = load(b'{"a":{"b.c":[{"name":"Host","value":"x"}]},"n":1.50,"h":["p","q"],"big":1658281671671000999}')
    assert look_up(record, "n") == "1.50"
    assert look_up(record, "big") == "1658281671671000999"
    assert look_up(record, "a.b.c[name=host].value") is None or look_up(record, "a.b.c[name=host].value") == "x"
    assert load(rb'{"ua":"a \x22q\x22 \xE9\x9B\x86"}')["ua"] == 'a "q" 集'


def test_w3c_headers():
    headers = Headers()
    for text in (
        b"#GMT-Offset: -0800",
        b"#Date: 2024-05-02 00:00:00",
        b"#Fields: time c-ip x-page-url\xe2\x80\x8b c-ip",
    ):
        headers.read(text)
    assert headers.columns == ("time", "c-ip", "x-page-url", "c-ip#3")
    assert headers.constants() == {"date": b"2024-05-02"}
