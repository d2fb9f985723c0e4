"""Azure and Google Cloud: our events beside what other tools' authors expect of the same lines."""

from __future__ import annotations

import json

import pytest
from conformity.peers import (
    ECS,
    PAGES,
    agreement,
    elastic,
    events_in,
    events_of,
    mapped,
    present,
    sekoia,
    spelt,
    targets,
)
from parse_fixture import read

from incident.parse import Settings

APPGW = "elastic__azure__test-application-gateway-raw.log"
APPGW_SEKOIA = "sekoia__test_accesslog_1.log"
FRONTDOOR = "elastic__azure_frontdoor__test-fdaccess.log"
GCP = "elastic__gcp__test-load-balancer.log"
VARIABLES = "a v1 gateway writes its own variables into requestQuery; the client sent no query"

# (file, line or None for all, column): why the peer is wrong
WRONG = {
    "azure_application_gateway": {(APPGW, 1, "query"): VARIABLES},
    "azure_frontdoor": {},
    "azure_storage": {},
    "gcp_load_balancer": {},
}

AZURE = {
    **ECS, "client.ip": "forwarded_for", "client.port": "peer_port", "http.response.bytes": "bytes_sent",
    "url.domain": "host",
    "azure.frontdoor.access.cache_status": "cache_status", "azure.frontdoor.tracking_reference": "request_id",
    "destination.bytes": "bytes_sent",
}  # fmt: skip


def plain(column, value):
    """Spell what Azure and Google write in their own way."""
    if column == "protocol":
        return str(value).removesuffix(".0.0")
    return spelt(column, value)


def tell(name, found):
    """Print what pytest -s shows: the agreement of one format."""
    print(f"{name}: {found.equal} of {found.compared} equal; {len(found.differ)} where the peer is wrong")  # noqa: T201


def gateway(record):
    names = {**AZURE, "azure.application_gateway.transaction_id": "request_id"}
    return mapped(record, names)


def test_application_gateway():
    pairs = []
    for path in present(f"azure_application_gateway/{APPGW}"):
        records = elastic(path.with_name(f"{APPGW}-expected.json"))
        data = path.read_bytes()
        v1 = read(data, PAGES["azure_application_gateway_v1"], others=(PAGES["azure_application_gateway"],))
        events = {row["line_no"]: row for row in v1.events.to_dicts()}
        assert sorted(events) == [1, 2], "firewall entries are no access records"
        assert [events[1]["duration_us"], events[2]["duration_us"]] == [205_000, 205_000_000], (
            "v1 counts ms, v2 seconds"
        )
        pairs += [(APPGW, line, events[line], gateway(records[line - 1])) for line in (1, 2)]
    for path in present(f"azure_application_gateway/{APPGW_SEKOIA}"):
        (record,) = sekoia(path.with_suffix(".json"))
        data = json.dumps(json.loads(path.read_text(encoding="utf-8"))).encode()
        events = events_in(data, "azure_application_gateway_v1")
        pairs.append((APPGW_SEKOIA, 1, events[1], gateway(record)))
    tell("azure_application_gateway", agreement(pairs, WRONG["azure_application_gateway"], plain))


def test_front_door():
    pairs = []
    for path in present(f"azure_frontdoor/{FRONTDOOR}"):
        events = events_of(path, "azure_frontdoor")
        for line, record in enumerate(elastic(path.with_name(f"{FRONTDOOR}-expected.json")), start=1):
            if record is None:
                assert line not in events, "not even JSON"
                continue
            event = {**events[line], "url": record["url.original"].partition("//")[2].replace(":443", "")}
            assert event["url"] == f"{event['host']}{event['path']}"
            took = round(float(str(record["azure.frontdoor.access.time_taken"])) * 1_000_000)
            pairs.append((FRONTDOOR, line, event, {**mapped(record, AZURE), "duration_us": took}))
    tell("azure_frontdoor", agreement(pairs, WRONG["azure_frontdoor"], plain))


def test_content_delivery_network():
    for path in present("azure_cdn/otel__azurecdn_access-log.json"):
        (record,) = json.loads(path.read_text(encoding="utf-8"))["records"]
        event = events_in(json.dumps(record).encode(), "azure_cdn")[1]
        assert (event["host"], event["path"], event["status"]) == (
            "opentelemetry-cdn-endpoint.azureedge.net",
            "/favicon.ico",
            404,
        )
        assert (event["bytes_sent"], event["duration_us"], event["protocol"]) == (2027, 154_000, "HTTP/1.1")
        assert event["inner_hop"] is True


def test_storage():
    names = {**ECS, "url.domain": "host"}
    pairs = []
    for path in present("azure_storage_json/sekoia__storage_delete.log", "azure_storage_json/sekoia__storage_read.log"):
        (record,) = sekoia(path.with_suffix(".json"))
        pairs.append((path.name, 1, events_of(path, "azure_storage")[1], mapped(record, names)))
    tell("azure_storage", agreement(pairs, WRONG["azure_storage"], plain))


def test_analytics_log_of_blobs():
    for path in present("azure_blob_logs/msdocs__v1_samples.log"):
        events = events_of(path, "azure_blob_logs")
        assert [event["method"] for event in events.values()] == ["GET", "PUT", "PUT", None, None]
        assert [event["inner_hop"] for event in events.values()] == [None, None, None, True, True]
        assert {event["user_agent"] for event in events.values()} == {
            "WA-Storage/4.0.1 (.NET CLR 4.0.30319.34014; Win32NT 6.3.9600.0)"
        }
        assert [event["bytes_sent"] for event in events.values()] == [23, 0, 0, 0, 0]
    for path in present("azure_blob_logs/msdocs__v2_samples.log"):
        first = events_of(path, "azure_blob_logs")[1]
        assert first["query"].startswith("restype=container&comp=list&prefix=&")
        assert first["referer"] == "blob:https://ms.portal.azure.com/cf576432-66ab-4ae6-9cb3-4852b1137a21"
        assert (first["peer_ip"], first["peer_port"], first["bytes_sent"]) == ("200.59.21.176", 52659, 5184)


def balancer(record):
    names = {
        **ECS, "url.domain": "host", "http.response.bytes": "bytes_sent", "event.id": "request_id",
        "google_cloud_load_balancing.insertId": "request_id",
    }  # fmt: skip
    return mapped(record, names)


def test_load_balancer():
    pairs = []
    for path in present(f"gcp_lb/{GCP}"):
        events = events_of(path, "gcp_load_balancer")
        records = elastic(path.with_name(f"{GCP}-expected.json"))
        pairs += [(GCP, line, events[line], balancer(record)) for line, record in enumerate(records, start=1)]
    for path in present("gcp_lb/sekoia__accepted.log"):
        (record,) = sekoia(path.with_suffix(".json"))
        event = events_of(path, "gcp_load_balancer")[1]
        assert (event["duration_us"], event["bytes_sent"]) == (6_023, 307)
        pairs.append((path.name, 1, event, balancer(record)))
    tell("gcp_load_balancer", agreement(pairs, WRONG["gcp_load_balancer"], plain))


def test_open_telemetry_balancer():
    for path in present("gcp_lb/otel__global_external_application_load_balancer.json"):
        event = events_of(path, "gcp_load_balancer")[1]
        assert (event["peer_ip"], event["peer_port"], event["host"], event["path"]) == (
            "79.117.34.252",
            None,
            "35.227.246.6",
            "/",
        )
        assert (event["bytes_sent"], event["duration_us"], event["aborted"]) == (780, 5_192, False)


def test_usage_of_buckets():
    for path in present("gcs_usage/kanjiapi__usage_example_one.csv"):
        first, second = targets(events_of(path, "gcs_usage")).values()
        assert (first["target"], first["status"], first["bytes_sent"]) == ("/v1/kanji/%E9%9B%86", 200, 277)
        assert (second["status"], second["bytes_sent"], second["duration_us"]) == (404, 0, 164_000)


@pytest.mark.parametrize("name", ["azure_frontdoor/sekoia__test_healthprobe.log"])
def test_other_categories_are_refused(name):
    for path in present(name):
        found = read(path.read_bytes(), PAGES["azure_frontdoor"], Settings())
        assert found.events.height == 0
