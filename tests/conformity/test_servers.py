"""Web servers and proxies: our events beside what other tools' authors expect of the same lines."""

from __future__ import annotations

import csv
import gzip
import json
import re
from datetime import datetime

import pytest
from conformity.peers import (
    ECS,
    PAGES,
    agreement,
    crowdsec,
    elastic,
    events_in,
    events_of,
    mapped,
    peeled,
    present,
    sekoia,
    spelt,
    targets,
)  # fmt: skip
from parse_fixture import assert_same, read

from incident.detect import detect
from incident.parse import Settings

UTC = Settings(timezone="UTC")
SYSLOG = r"[A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d \S+ haproxy\[\d+\]: "
CRI = r"\S+ std(?:out|err) F "

CADDY = "crowdsec__caddy-logs__caddy-logs.log"
ENVOY = "crowdsec__envoy-logs__envoy.log"
BEATS_ENVOY = "beats__envoyproxy_log__envoy-json.log"
ISTIO = "elastic__istio__test-access-logs.log"
TABLEAU = "logshark__access.2019_08_12_part1.log"
TOMCAT = "elastic__apache_tomcat__test-access.log"

PEER = "client_ip is who the trusted proxies say the client is; the connection came from remote_ip"
CLAIMED = "Envoy's default format has no client address: this is what X-Forwarded-For claims"
SWAPPED = "bytes sent stand under the request, bytes received under the response"
UPSTREAM = "this is the upstream's service time; the request took DURATION"

# (file, line or None for all, column): why the peer is wrong
WRONG = {
    "ingress_nginx": {},
    "nginx_proxy_manager": {},
    "nginx_json": {},
    "nginx_custom": {},
    "upsun": {},
    "traefik_clf": {},
    "traefik_json": {},
    "haproxy": {},
    "envoy": {**{(ENVOY, line, "peer_ip"): CLAIMED for line in (4, 5, 9, 10)}, (BEATS_ENVOY, 1, "peer_ip"): CLAIMED},
    "istio": {
        **{(ISTIO, line, "bytes_sent"): SWAPPED for line in range(1, 11)},
        **{(ISTIO, line, "duration_us"): UPSTREAM for line in (1, 3, 5, 7, 8, 9, 10)},
    },
    "caddy": {(CADDY, line, "peer_ip"): PEER for line in (1, 2, 3)},
    "squid": {},
    "tomcat": {},
    "tableau": {},
    "litespeed": {},
    "zoraxy": {},
    "bunkerweb": {},
}


def tell(name, pairs):
    found = agreement(pairs, WRONG[name], spelt)
    print(f"{name}: {found.equal} of {found.compared} equal; {len(found.differ)} where the peer is wrong")  # noqa: T201


def served(record, **more):
    """Return what elastic, beats or Sekoia say of a line; `more` names fields of a format's own."""
    names = {
        **ECS, "url.original": "target", "url.domain": "host", "http.response.body.bytes": "bytes_sent",
        "http.response.bytes": "bytes_sent",
        "destination.bytes": "bytes_sent", "http.response.mime_type": "content_type", **more,
    }  # fmt: skip
    return mapped(record, names)


def from_nanoseconds(record, stated):
    if record.get("event.duration") is not None:
        stated["duration_us"] = round(int(float(str(record["event.duration"]))) / 1000)
    return stated


CROWD = {
    "Parsed.remote_addr": "peer_ip", "Parsed.client_ip": "peer_ip", "Parsed.client_port": "peer_port",
    "Parsed.remote_user": "user_name", "Parsed.verb": "method", "Parsed.request": "target",
    "Parsed.http_version": "protocol",
    "Parsed.status": "status", "Parsed.http_status_code": "status", "Meta.http_status": "status",
    "Parsed.body_bytes_sent": "bytes_sent", "Parsed.bytes_read": "bytes_sent", "Parsed.http_referer": "referer",
    "Parsed.http_user_agent": "user_agent", "Parsed.target_fqdn": "host", "Meta.target_fqdn": "host",
    "Parsed.upstream_cache_status": "cache_status", "Parsed.request_id": "request_id",
}  # fmt: skip


def crowd(record):
    """Return what a CrowdSec parser says of a line."""
    stated = mapped(record, CROWD)
    forms = {"time_local": "%d/%b/%Y:%H:%M:%S %z", "accept_date": "%d/%b/%Y:%H:%M:%S.%f"}
    for key, form in forms.items():
        if text := record.get(f"Parsed.{key}"):
            stated["ts_us"] = datetime.strptime(str(text), form).isoformat()  # noqa: DTZ007  # HAProxy's has no zone
    return stated


def of_elastic(name, path, events, take):
    records = elastic(path.with_name(f"{path.name}-expected.json"))
    return [
        (path.name, line, targets(events).get(line), take(record))
        for line, record in enumerate(records, start=1)
        if record is not None
    ]


def of_crowdsec(path, data, events, parser):
    """Pair our events with a CrowdSec parser's, by the line it keeps; what it calls no access log is not compared."""
    lines = data.decode().splitlines()
    assertions = next(path.parent.glob(f"{path.name.partition('__')[0]}__{path.name.split('__')[1]}__parser.assert"))
    pairs = []
    for record in crowdsec(assertions, parser):
        if record.get("Meta.log_type") == "http_access-log":
            number = lines.index(str(record["Parsed.message"])) + 1
            pairs.append((path.name, number, targets(events).get(number), crowd(record)))
    return pairs


def of_sekoia(names, page, take, settings=None):
    pairs = []
    for path in present(*names):
        (record,) = sekoia(path.with_suffix(".json"))
        pairs.append((path.name, 1, targets(events_of(path, page, settings)).get(1), take(record)))
    return pairs


# --- nginx ------------------------------------------------------------------------------------------------------------


def test_ingress():
    def take(record):
        took = record["nginx_ingress_controller.access.http.request.time"]
        return {**served(record), "duration_us": round(float(str(took)) * 1_000_000)}

    pairs = []
    for path in present("ingress_nginx/elastic__nginx_ingress_controller__test-ingest-raw.log"):
        events = events_of(path, "ingress_nginx")
        assert len(events) == 22
        pairs += of_elastic("ingress_nginx", path, events, take)
    tell("ingress_nginx", pairs)


def test_proxy_manager():
    pairs = []
    for path in present("nginx_custom/crowdsec__nginx-proxy-manager-logs__nginx-proxy-manager-logs.log"):
        events = events_of(path, "nginx_proxy_manager")
        assert len(events) == 12, "two lines are nginx's error log"
        pairs += of_crowdsec(path, path.read_bytes(), events, "crowdsecurity/nginx-proxy-manager-logs")
    tell("nginx_proxy_manager", pairs)


def test_nginx_objects():
    pairs = of_sekoia(
        ["nginx_json/sekoia__json_get_graylog.log"], "nginx_json", lambda r: from_nanoseconds(r, served(r))
    )
    pairs += of_sekoia(
        ["nginx_json/sekoia__json_combined_http_error.log", "nginx_json/sekoia__json_post.log"],
        "combined_extra",
        served,
    )
    tell("nginx_json", pairs)
    for path in present("nginx_json/sekoia__json_get.log"):
        assert events_of(path, None) == {}, "it holds no time"


def test_nginx_with_a_host_in_front():
    pairs = of_sekoia(
        ["nginx_custom/sekoia__extended.log"], "vhost_name_extra",
        lambda r: served(r, **{"destination.domain": "host", "http.response.mime_type": None}),
    )  # fmt: skip
    tell("nginx_custom", pairs)


def test_platform_journal():
    pairs = []
    for path in present("nginx_json/crowdsec__base-upsun-httplog-logs__base-upsun-httplog-logs.log"):
        message = json.loads(path.read_text(encoding="utf-8"))["message"]
        line = message.partition("nginx: ")[2].encode()
        events = targets(events_in(line, "combined"))
        (record,) = crowdsec(
            path.with_name("crowdsec__base-upsun-httplog-logs__parser.assert"), "crowdsecurity/nginx-logs"
        )
        pairs.append((path.name, 1, events[1], crowd(record)))
    tell("upsun", pairs)


# --- proxies ----------------------------------------------------------------------------------------------------------


def test_traefik_lines():
    pairs = []
    for path in present("traefik_clf/elastic__traefik__test-format-common.log"):
        events = events_of(path, "traefik_clf_bare")
        assert len(events) == 7
        pairs += of_elastic("traefik_clf", path, events, lambda r: from_nanoseconds(r, served(r)))
    tell("traefik_clf", pairs)


def test_traefik_objects():
    pairs = []
    for path in present("traefik_json/elastic__traefik__test-format-json.log"):
        pairs += of_elastic(
            "traefik_json", path, events_of(path, "traefik_json"), lambda r: from_nanoseconds(r, served(r))
        )
    tell("traefik_json", pairs)


def test_haproxy():
    pairs = []
    for path in present(
        "haproxy/elastic__haproxy__test-haproxy.log", "haproxy/elastic__haproxy__test-httplog-no-headers.log"
    ):
        events = events_in(peeled(path, SYSLOG), "haproxy", UTC)
        assert len(events) == 3
        pairs += of_elastic(
            "haproxy", path, events, lambda r: from_nanoseconds(r, served(r, **{"destination.address": "host"}))
        )
    for path in present("haproxy/crowdsec__haproxy-logs__haproxy-logs.log"):
        found = assert_same(path.read_bytes(), PAGES["haproxy"], UTC)
        assert found.rejects["line_no"].to_list() == [3, 4, 5], "failed handshakes are no requests"
        events = {row["line_no"]: row for row in found.events.to_dicts()}
        pairs += of_crowdsec(path, path.read_bytes(), events, "crowdsecurity/haproxy-logs")
    names = ("haproxy/sekoia__access.log", "haproxy/sekoia__access3.log", "haproxy/sekoia__standard.log")
    pairs += of_sekoia(names, "haproxy", served, UTC)
    for path in present("haproxy/sekoia__access2.log"):
        (record,) = sekoia(path.with_suffix(".json"))
        whole = path.read_bytes().replace(b"POST \n", b"POST ")
        pairs.append((path.name, 1, targets(events_in(whole, "haproxy", UTC))[1], served(record)))
    tell("haproxy", pairs)


def test_haproxy_addresses_with_colons():
    for path in present("haproxy/fail2ban__haproxy-http-auth.log"):
        data = re.sub(rb"(?m)^#.*\n", b"", peeled(path, SYSLOG))
        peers = [(event["peer_ip"], event["peer_port"]) for event in events_in(data, "haproxy", UTC).values()]
        assert peers == [
            ("192.168.33.1", 58444),
            ("192.168.33.1", 58430),
            ("2001:db8::1234", 58430),
            ("192.168.33.1", 58430),
        ]


@pytest.mark.parametrize(
    ("name", "lines", "refused"), [("haproxy_log_analysis__small.log", 9, 0), ("lnav__haproxy.0", 17, 4)]
)
def test_haproxy_lines(name, lines, refused):
    for path in present(f"haproxy/{name}"):
        found = assert_same(peeled(path, SYSLOG), PAGES["haproxy"], UTC)
        assert (found.events.height, found.rejects.height) == (lines - refused, refused)


def test_envoy():
    pairs = []
    for path in present(f"envoy/{ENVOY}"):
        data = peeled(path, CRI)
        found = assert_same(data, PAGES["envoy"], others=(PAGES["envoy_json"],))
        assert found.rejects.height == 0
        events = {row["line_no"]: row for row in found.events.to_dicts()}
        lines = data.decode().splitlines()
        for record in crowdsec(path.with_name("crowdsec__envoy-logs__parser.assert"), "yanis-kouidri/envoy-logs"):
            number = next(n for n, line in enumerate(lines, start=1) if line == record["Parsed.message"])
            stated = crowd(record)
            stated["ts_us"] = record["Parsed.time"]
            pairs.append((path.name, number, targets(events)[number], stated))
    for path in present(f"envoy/{BEATS_ENVOY}"):
        messages = re.findall(r'"message":"((?:[^"\\]|\\.)*)"', path.read_text(encoding="utf-8"))
        data = "\n".join(json.loads(f'"{message}"') for message in messages).encode()
        events = targets(events_in(data, "envoy_ambassador"))
        for line, record in enumerate(elastic(path.with_name(f"{BEATS_ENVOY}-expected.json")), start=1):
            pairs.append((BEATS_ENVOY, line, events[line], from_nanoseconds(record, served(record))))
    tell("envoy", pairs)


def test_istio():
    pairs = []
    for path in present(f"envoy/{ISTIO}"):
        events = events_of(path, "istio")
        assert len(events) == 10
        pairs += of_elastic(
            "istio", path, events, lambda r: from_nanoseconds(r, served(r, **{"istio.access.authority": "host"}))
        )
    tell("istio", pairs)


def test_caddy():
    names = {**CROWD, "Parsed.remote_ip": "peer_ip"}
    pairs = []
    for path in present(f"caddy/{CADDY}"):
        events = targets(events_of(path, "caddy"))
        assert len(events) == 10, "one line is another logger's, one is blank"
        lines = path.read_text(encoding="utf-8").splitlines()
        for record in crowdsec(path.with_name("crowdsec__caddy-logs__parser.assert"), "crowdsecurity/caddy-logs"):
            if "Parsed.verb" in record:
                number = lines.index(str(record["Parsed.message"])) + 1
                pairs.append((CADDY, number, events.get(number), mapped(record, names)))
    tell("caddy", pairs)
    for path in present("caddy/lnav__caddy_log.0"):
        found = read(peeled(path, r"caddy +\| "), PAGES["caddy"])
        assert found.events.height == path.read_bytes().count(b'"logger":"http.log.access')


def test_squid():
    def take(record):
        stated = served(
            record, **{"http.response.bytes": "bytes_sent", "url.original": None, "destination.domain": None}
        )
        if record.get("event.duration") is not None:  # milliseconds, though ECS counts nanoseconds
            stated["duration_us"] = int(str(record["event.duration"])) * 1000
        return stated

    pairs = of_sekoia(["squid/sekoia__connect.log", "squid/sekoia__get.log"], "squid", take)
    agents = ["squid/sekoia__connect_ip.log", "squid/sekoia__error.log", "squid/sekoia__get_user_agent.log"]
    pairs += of_sekoia(agents, "squid_agents", take)
    tell("squid", pairs)
    for path in present("squid/elastic__squid__test-access1.log"):
        events = events_of(path, "squid")
        assert len(events) == 100
        assert (events[1]["method"], events[1]["host"], events[1]["path"]) == ("CONNECT", "login.yahoo.com", None)
        assert (events[2]["host"], events[2]["path"], events[2]["bytes_sent"]) == ("www.goonernews.com", "/", 10182)


# --- other servers ----------------------------------------------------------------------------------------------------

TOMCAT_DIRECTIVES = {
    1: '%h %l %u %t "%r" %s %b %A %X "%{Referer}i" "%{User-Agent}i" X-Forwarded-For="',
    2: '%h %l %u %t "%r" %s %b "%{Referer}i" "%{User-Agent}i',
    3: '%h %l %u %t "%r" %s %b',
}


def test_tomcat():
    pairs = []
    for path in present(f"tomcat/{TOMCAT}"):
        lines = path.read_bytes().splitlines()
        for number, record in enumerate(elastic(path.with_name(f"{TOMCAT}-expected.json")), start=1):
            settings = Settings(log_format=TOMCAT_DIRECTIVES[number], server="tomcat")
            page = detect(lines[number - 1], PAGES, settings).page
            (row,) = assert_same(lines[number - 1], page, settings).events.to_dicts()
            pairs.append(
                (
                    TOMCAT,
                    number,
                    targets({1: row})[1],
                    served(record, **{"apache_tomcat.access.http.useragent": "user_name"}),
                )
            )
    tell("tomcat", pairs)


def test_tableau():
    names = {
        "RequestIp": "peer_ip", "RequestMethod": "method", "RequestBody": "target", "RequestTimeMS": "duration_us",
        "StatusCode": "status", "XForwardedFor": "forwarded_for", "RequestId": "request_id", "Requester": "user_name",
    }  # fmt: skip
    pairs = []
    for path in present(f"tableau/{TABLEAU}"):
        events = targets(events_of(path, "tableau"))
        assert len(events) == 2006
        with path.with_name("logshark__expected_ApacheRequests_part1.csv").open(encoding="utf-8", newline="") as file:
            for record in csv.DictReader(file):
                stated = mapped(record, names)
                stated["ts_us"] = datetime.strptime(record["Timestamp"] + "+0000", "%m/%d/%Y %H:%M:%S%z").isoformat()
                pairs.append((TABLEAU, int(record["LineNumber"]), events.get(int(record["LineNumber"])), stated))
    tell("tableau", pairs)


def test_litespeed():
    pairs = []
    for path in present("apache_custom/crowdsec__litespeed-logs__litespeed-logs.log"):
        found = assert_same(path.read_bytes(), PAGES["combined"])
        assert found.rejects["line_no"].to_list() == [1, 3], "lines of its error log"
        events = {row["line_no"]: row for row in found.events.to_dicts()}
        pairs += of_crowdsec(path, path.read_bytes(), events, "crowdsecurity/litespeed-logs")
    tell("litespeed", pairs)


def test_zoraxy():
    pairs = []
    for path in present("apache_custom/crowdsec__zoraxy-http-logs__zoraxy.log"):
        events = events_of(path, "zoraxy", UTC)
        assert len(events) == 13
        pairs += of_crowdsec(path, path.read_bytes(), events, "Raithmir/zoraxy-logs")
    tell("zoraxy", pairs)


def test_bunkerweb():
    pairs = []
    for path in present("apache_vhost_combined/crowdsec__bunkerweb-logs__bunkerweb-logs.log"):
        events = events_of(path, "bunkerweb")
        assert len(events) == 5
        pairs += of_crowdsec(path, path.read_bytes(), events, "bunkerity/bunkerweb-logs")
    tell("bunkerweb", pairs)


# --- real logs without an expected parse: what they are, and that each line is accounted for -------------------------

LOGS = [
    # file, format, events, rejects
    ("iis_native/brianary__ex010320.log", "iis_native", 2, 0),
    ("w3c_generic/lnav__w3c.0", "iis_w3c", 1, 0),
    ("w3c_generic/brianary__pf040903_windows_firewall.log", None, 0, 0),
    ("w3c_generic/lnav__w3c.2", None, 0, 0),
    ("bunny/scielo__bunny_2025-08-17_part1.log", "bunny", 89, 1),  # its first line lost its separators
    ("keycdn/keycdn_docs__current.log", "keycdn", 1, 0),
    ("lighttpd/datadog__lighttpd.log", "lighttpd", 1, 1),  # an error line
    ("traefik_json/crowdsec__traefik_base-http-scenario__traefik_base-http-scenario.log", "traefik_json", 80, 0),
    ("traefik_clf/fail2ban__traefik-auth.log", "traefik_clf", 6, 10),  # the test's own comments
    ("apache_custom/elastic__apache__test-access-ssl-request.log", "apache_ssl_request", 2, 0),
    ("apache_custom/plaso__atlassian-bitbucket-access.log", "bitbucket", 7, 1),  # a call over gRPC
    ("apache_custom/plaso__confluence_access_post7.11.log", "atlassian", 1, 0),
    ("apache_custom/plaso__jira_access_post9.4.log", "atlassian", 2, 0),
    ("apache_custom/sekoia__access_extended.log", "vhost_combined_extra", 1, 0),
    ("apache_vhost_combined/matomo__gandi.log", "gandi", 2, 0),
]


@pytest.mark.parametrize(("name", "page", "events", "rejects"), LOGS, ids=lambda value: str(value)[-40:])
def test_each_line_is_accounted_for(name, page, events, rejects):
    paths = present(name)
    if not paths:
        return
    (path,) = paths
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    found = detect(data, PAGES, UTC)
    assert found.format == page, found.because
    if found.page is not None:
        batch = assert_same(data, found.page, UTC, others=found.others)
        assert (batch.events.height, batch.rejects.height) == (events, rejects)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_many_lines_of_a_page_are_read_alike_on_both_paths(name):
    page = PAGES[name]
    for sample in page.samples:
        head = "".join(f"{line}\n" for line in sample.before)
        lines = [sample.line, sample.line[: len(sample.line) // 2], sample.line.replace("/", "/\u96c6", 1), ""] * 3
        settings = Settings(timezone=sample.timezone or "UTC")
        assert_same((head + "\r\n".join([sample.line] * 5 + lines)).encode(), page, settings)
