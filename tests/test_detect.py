"""Detection from content: each real log as what it is, in any order of the formats, and nothing else as anything."""

from __future__ import annotations

import random

import pytest
from parse_fixture import SHARED, real_samples

from incident.detect import detect
from incident.errors import DirectiveError, FormatPageError
from incident.formats import load
from incident.parse import Settings

PAGES = load()
T = "[10/Oct/2000:13:55:36 -0700]"


def shuffled(seed):
    names = sorted(PAGES)
    random.Random(seed).shuffle(names)
    return {name: PAGES[name] for name in names}


REAL = {
    "apache_combined/elastic_examples__apache_logs.log": "combined",
    "apache_combined/logparser__hackers-access.log": "combined",
    "apache_combined/scielo__usage.log": "combined",
    "apache_combined/lnav__shop_access_log.0": "combined_extra",
    "apache_common/webreadr__log.clf": "common",
    "apache_vhost_combined/apachelogs__vhost_combined.log": "vhost_combined",
    "apache_vhost_combined/elastic__apache__test-access-vhost.log": "vhost_name_combined",
    "nginx_combined/crowdsec__http-dos-bypass-cache__http_dos_bypass_cache.log": "combined",
    "nginx_json/sekoia__json_get_graylog.log": "nginx_json",
    "cloudfront_standard/webreadr__log.aws_2016.tsv": "cloudfront",
    "cloudfront_standard/elastic__aws__test-cloudfront.log": "cloudfront",
    "iis_w3c/lnav__w3c_big.0": "iis_w3c",
    "iis_w3c/querycat__u_ex220826.log": "iis_w3c",
    "iis_w3c/plaso__iis10_cookies.log": "iis_w3c",
    "iis_w3c/webknowit__W3SVC1_u_ex160106.log": "iis_w3c",
    "negative/elastic__apache_error.log": None,
    "negative/elastic__nginx_error.log": None,
    "w3c_generic/brianary__pf040903_windows_firewall.log": None,
    "w3c_generic/lnav__w3c.2": None,  # FTP
}


@pytest.mark.parametrize(
    "path", real_samples(*sorted({name.split("/")[0] for name in REAL})), ids=lambda path: path.name
)
def test_real_logs_in_shuffled_order(path):
    head = path.read_bytes()[: 1 << 20]
    first = detect(head, shuffled(1), Settings())
    assert first == detect(head, shuffled(2), Settings())
    name = f"{path.parent.name}/{path.name}"
    if name in REAL and (path.is_relative_to(SHARED) or REAL[name]):
        assert first.format == REAL[name], first.because
    assert first.because
    assert (first.page is None) == (first.format is None)


def line(agent="curl/8", status=200, size="5", peer="192.0.2.7"):
    return f'{peer} - - {T} "GET / HTTP/1.1" {status} {size} "-" "{agent}"'


@pytest.mark.parametrize(
    ("odd", "server", "shown"),
    [
        (line(agent='a \\"q\\"'), "apache", "line 3"),
        (line(agent="a \\xc3\\xa9"), "apache", "\\xc3"),
        (line(size="-"), "apache", "200 -"),
        (line(agent="a \\x22q\\x22"), "nginx", "\\x22"),
        (line(agent="\\xE9\\x9B"), "nginx", "line 3"),
        (line(status=499), "nginx", "499"),
        (line(status=444), "nginx", "444"),
        (line(), None, None),
        (line(agent="\\x16"), None, None),
        (line(agent='\\"') + "\n" + line(status=499), None, None),
    ],
)
def test_what_proves_the_server(odd, server, shown):
    head = f"{line()}\n{line()}\n{odd}\n{line()}".encode()
    found = detect(head, PAGES, Settings())
    assert (found.format, found.server) == ("combined", server)
    if shown:
        assert shown in found.server_because
    assert detect(head, PAGES, Settings(server="nginx")).server is None  # the user's word stands


def test_one_damaged_line_does_not_matter_and_is_told():
    lines = [line() for _ in range(99)]
    lines.insert(40, line()[:-1])
    found = detect("\n".join(lines).encode(), PAGES, Settings())
    assert found.format == "combined"
    (candidate,) = (one for one in found.candidates if one.format == "combined")
    assert (candidate.fitted, candidate.tried) == (99, 100)
    assert (candidate.first_failure.line, candidate.first_failure.reason, candidate.first_failure.reached) == (
        41,
        "quotes",
        "user_agent",
    )


def test_a_head_cut_in_the_middle_of_a_line():
    text = "\n".join(line() for _ in range(20_000)).encode()
    found = detect(text[: 1 << 20], PAGES, Settings())
    assert found.format == "combined"
    assert found.because.endswith("fits 200 of 200 lines tried")


def test_a_mixed_item_names_the_others():
    lines = [line(), "www.example.com:80 " + line()] * 30
    found = detect("\n".join(lines).encode(), PAGES, Settings())
    assert {found.format, *(page.name for page in found.others)} == {"combined", "vhost_combined"}


def test_a_tie_is_reported_not_guessed():
    from dataclasses import replace

    formats = {
        "a": replace(PAGES["common"], name="a", ts_kind="end"),
        "b": replace(PAGES["common"], name="b", ts_kind="start"),
    }
    found = detect(f'192.0.2.7 - - {T} "GET / HTTP/1.1" 200 5'.encode(), formats, Settings())
    assert found.format is None
    assert found.tie == ("a", "b")
    assert "a: end; b: start" in found.because


@pytest.mark.parametrize(
    "head", [b"", b"\n\n", b"# only a comment\n", b"hello\nworld\n", b"\x00\x01\x02" * 100, b"\xff\xfeh\x00i\x00"]
)
def test_what_is_no_access_log(head):
    found = detect(head, PAGES, Settings())
    assert found.format is None
    assert found.because


def test_the_users_word_comes_first():
    found = detect(line().encode(), PAGES, Settings(format="common"))
    assert (found.format, found.page) == ("common", PAGES["common"])
    found = detect(line().encode(), PAGES, Settings(log_format="%h %l %u %t"))
    assert found.page.directive == "%h %l %u %t"
    columns = "#Fields: date time c-ip cs-method cs-uri-stem sc-status s-ip"
    found = detect(b"2024-05-02 00:00:01 192.0.2.7 GET / 200 192.0.2.1", PAGES, Settings(log_format=columns))
    assert (found.format, found.page.columns[2]) == ("iis_w3c", "c-ip")
    with pytest.raises(FormatPageError, match="combined"):
        detect(b"", PAGES, Settings(format="combind"))
    with pytest.raises(DirectiveError, match="no time"):
        detect(b"", PAGES, Settings(log_format="%h %r"))


def test_a_zone_that_is_missing_is_asked_for():
    rows = [
        b"#Fields: date time c-ip cs-method cs-uri-stem sc-status",
        *[b"2024-05-02 00:00:01 192.0.2.7 GET /a 200"] * 5,
    ]
    found = detect(b"\n".join(rows), PAGES, Settings())
    assert found.format is None
    assert "timezone =" in found.because
    assert detect(b"\n".join(rows), PAGES, Settings(timezone="Europe/Berlin")).format == "w3c"
