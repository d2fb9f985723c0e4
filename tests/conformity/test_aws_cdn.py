"""AWS, Fastly, Cloudflare and Akamai: our events beside what other tools' authors expect of the same lines."""

from __future__ import annotations

import gzip
import json
import re

import pytest
from conformity.peers import ECS, PAGES, agreement, crowdsec, elastic, events_in, events_of, mapped, present, sekoia

from incident.detect import detect
from incident.parse import Settings

ELASTIC_CF = "elastic__aws__test-cloudfront.log"
SEKOIA_GET, SEKOIA_MISS = "sekoia__get_record.log", "sekoia__miss_record.log"
BEATS_ALB, ELASTIC_ALB = "beats__aws_elb__application-lb-http.log", "elastic__aws__test-alb.log"
BLOCK2, ALLOW1, ALLOW2, AGENT = (f"sekoia__{name}.log" for name in ("Block2", "allow1", "allow2", "user_agent"))
ELASTIC_CLOUDFLARE = "elastic__cloudflare_logpush__test-pipeline-http-request.log"

VENDORS = ("cloudfront", "alb", "elb", "s3", "cloudtrail", "aws", "fastly", "cloudflare", "akamai")
PAGES_HERE = sorted(name for name in PAGES if name.startswith(VENDORS))

LATER = "time is when the answer was generated; the request came at request_creation_time, the peer's own event.start"
REDACTED = "REDACTED stands for a query that was taken out; no client sent it"
ORIGIN = "x-client-origin is a header of one customer; the Referer is the one called so, or there is none"

# (file, line or None for all, column): why the peer is wrong
WRONG = {
    "cloudfront_standard": {
        (ELASTIC_CF, 10, "status"): "000 is no status: the viewer closed before there was an answer",
    },
    "cloudfront_v2_json": {
        (SEKOIA_GET, 1, "host"): "cs(Host) is the distribution's domain; the viewer asked for x-host-header",
        (SEKOIA_MISS, 1, "host"): "cs(Host) is the distribution's domain; the viewer asked for x-host-header",
        (SEKOIA_MISS, 1, "user_agent"): "CloudFront percent-encodes the header; the viewer sent blanks, not %20",
    },
    "aws_alb": {
        (BEATS_ALB, None, "ts_us"): LATER,
        (ELASTIC_ALB, 1, "ts_us"): LATER,
    },
    "aws_elb_classic": {},
    "s3_access": {},
    "aws_waf": {
        ("elastic__aws__test-waf.log", 4, "request_id"): "the text null stands for no id",
        (ALLOW1, 1, "query"): REDACTED,
        (ALLOW2, 1, "query"): REDACTED,
        (AGENT, 1, "query"): REDACTED,
        (ALLOW1, 1, "referer"): ORIGIN,
        (AGENT, 1, "referer"): ORIGIN,
    },
    "fastly": {},
    "cloudflare": {},
    "akamai": {
        ("datadog__akamai_ds2_sample.json", 1, "path"): "reqPath is logged without its first slash, which clients send",
    },
}


def lower(column, value):
    """Spell a host as our column does."""
    return str(value).lower() if column == "host" else value


def added(record, *names):
    """Return the microseconds of several durations in seconds; None where one is not there."""
    spans = [record.get(f"aws.elb.{name}_processing_time.sec") for name in names]
    return None if None in spans else round(sum(round(float(span) * 1_000_000) for span in spans))


def balancer(record):
    """Return what elastic says of a load balancer's line."""
    names = {
        **ECS,
        "trace.id": "request_id",
        "url.domain": "host",
        "http.response.body.bytes": "bytes_sent",
        "destination.bytes": "bytes_sent",
    }
    stated = mapped(record, names)
    took = added(record, "request", "backend", "response")
    return stated if took is None else {**stated, "duration_us": took}


def started(record):
    """Return the time at which elastic says that the request came."""
    return mapped(record, {"event.start": "ts_us"})


def s3(record):
    """Return what elastic says of an S3 line."""
    names = {
        **ECS,
        "http.request.id": None,
        "client.ip": "peer_ip",
        "client.user.id": "user_name",
        "event.id": "request_id",
        "aws.s3access.host_header": "host",
        "aws.s3access.bytes_sent": "bytes_sent",
        "aws.s3access.object_size": "range_total",
        "http.response.body.bytes": "bytes_sent",
        "aws.s3access.http_status": "status",
    }
    stated = mapped(record, names)
    if record.get("event.duration") is not None:
        stated["duration_us"] = int(str(record["event.duration"])) // 1000
    return stated


def cloudfront(record):
    """Return what elastic says of a CloudFront line."""
    names = {
        **ECS,
        "url.domain": "host",
        "http.response.bytes": "bytes_sent",
        "http.response.body.bytes": "content_length",
        "aws.cloudfront.content_type": "content_type",
        "aws.cloudfront.edge_result_type": "cache_status",
    }
    stated = mapped(record, names)
    if "network.forwarded_ip" in record:
        stated["forwarded_for"] = ",".join(record["network.forwarded_ip"])
    return stated


def cloudflare(record):
    """Return what elastic or Sekoia say of a Cloudflare line."""
    of = "cloudflare_logpush.http_request."
    names = {
        **ECS,
        "event.start": "ts_us",
        "url.domain": "host",
        "destination.address": "host",
        "http.response.mime_type": "content_type",
        f"{of}edge.response.body_bytes": "bytes_sent",
        f"{of}cache.status": "cache_status",
        f"{of}ray.id": "request_id",
        f"{of}client.request.referer": "referer",
        f"{of}worker.subrequest.value": "inner_hop",
        "http.response.bytes": "bytes_sent",
        "cloudflare.RayID": "request_id",
    }
    return mapped(record, names)


def lines_of_elastic(folder, name, page, take, *, kept=False):
    """Pair our events with the records of an expected file; `kept`: it has a place for each line that is dropped."""
    pairs = []
    for path in present(f"{folder}/{name}"):
        events = events_of(path, page)
        records = elastic(path.with_name(f"{name}-expected.json"))
        numbers = range(1, len(records) + 1) if kept else sorted(events)
        for number, record in zip(numbers, records, strict=True):
            if record is None:
                assert number not in events
                continue
            pairs.append((name, number, events.get(number), take(record)))
    return pairs


def lines_of_sekoia(folder, names, page, take):
    pairs = []
    for path in present(*(f"{folder}/{name}" for name in names)):
        (record,) = sekoia(path.with_suffix(".json"))
        pairs.append((path.name, 1, events_of(path, page).get(1), take(record)))
    return pairs


def test_cloudfront_standard():
    pairs = lines_of_elastic("cloudfront_standard", ELASTIC_CF, "cloudfront", cloudfront, kept=True)
    tell("cloudfront_standard", agreement(pairs, WRONG["cloudfront_standard"]))


def test_cloudfront_json():
    names = {**ECS, "destination.domain": "host", "event.action": "cache_status"}
    pairs = lines_of_sekoia(
        "cloudfront_v2_json", (SEKOIA_GET, SEKOIA_MISS), "cloudfront_json_grouped", lambda r: mapped(r, names)
    )
    tell("cloudfront_v2_json", agreement(pairs, WRONG["cloudfront_v2_json"]))


def test_application_load_balancer():
    pairs = [
        *lines_of_elastic("aws_alb", BEATS_ALB, "alb", balancer),
        *lines_of_elastic("aws_alb", ELASTIC_ALB, "alb", balancer),
    ]
    # what the peer calls the start is our time
    for name in (BEATS_ALB, ELASTIC_ALB):
        agreement(lines_of_elastic("aws_alb", name, "alb", started), {})
    tell("aws_alb", agreement(pairs, WRONG["aws_alb"]))


def test_classic_load_balancer():
    pairs = []
    for name in (
        "beats__aws_elb__elb-http.log",
        "beats__aws_elb__example-https.log",
        "beats__aws_elb__example-ssl.log",
    ):
        pairs += lines_of_elastic("aws_elb_classic", name, "elb_classic", balancer)
    tell("aws_elb_classic", agreement(pairs, WRONG["aws_elb_classic"]))


def test_s3():
    pairs = lines_of_elastic("s3_access", "elastic__aws__test-s3-server-access.log", "s3_access", s3)
    tell("s3_access", agreement(pairs, WRONG["s3_access"]))


def test_waf():
    names = {**ECS, "destination.domain": "host"}
    pairs = [
        *lines_of_elastic("aws_waf", "elastic__aws__test-waf.log", "aws_waf", lambda r: mapped(r, ECS)),
        *lines_of_sekoia("aws_waf", (BLOCK2, ALLOW1, ALLOW2, AGENT), "aws_waf", lambda r: mapped(r, names)),
    ]
    tell("aws_waf", agreement(pairs, WRONG["aws_waf"], lower))


def test_fastly():
    names = {
        "Meta.source_ip": "peer_ip",
        "Meta.http_status": "status",
        "Meta.http_user_agent": "user_agent",
        "Meta.verb": "method",
        "Meta.http_path": "path",
        "Parsed.request": "path",
        "Parsed.body_bytes_sent": "bytes_sent",
        "Parsed.verb": "method",
        "Parsed.fastly_timestamp": "ts_us",
    }
    pairs = []
    for path in present("fastly/crowdsec__fastly-logs__fastly-logs.log"):
        # the syslog line around it is another matter
        inner = re.sub(rb"(?m)^\S+ \S+  ", b"", path.read_bytes())
        events = events_in(inner, "fastly_json")
        records = crowdsec(path.with_name("crowdsec__fastly-logs__parser.assert"), "crowdsecurity/fastly-logs")
        for number, record in enumerate(records, start=1):
            pairs.append((path.name, number, events.get(number), mapped(record, names)))
    tell("fastly", agreement(pairs, WRONG["fastly"]))


def test_cloudflare():
    pairs = [
        *lines_of_elastic("cloudflare", ELASTIC_CLOUDFLARE, "cloudflare_body", cloudflare),
        *lines_of_sekoia("cloudflare", ("sekoia__http.log",), "cloudflare", cloudflare),
    ]
    tell("cloudflare", agreement(pairs, WRONG["cloudflare"], lower))


def test_akamai():
    pairs = []
    for path in present("akamai/datadog__akamai_ds2_sample.json"):
        text = path.with_name("datadog__akamai.datastream_tests.yaml").read_text(encoding="utf-8")
        result = text[text.index("  result:") : text.index("    message: |-")]
        leaf = dict(re.findall(r'^ +(\w+): "?([^"\n]+?)"?$', result, re.MULTILINE))
        stated = {
            "ts_us": f"2022-02-22T22:16:27.{int(float(leaf['reqTimeMillis'])) % 1000:03}Z",
            "duration_us": int(float(leaf["duration"])) // 1000,
            "peer_ip": leaf["ip"],
            "method": leaf["method"],
            "status": leaf["status_code"],
            "host": leaf["host"],
            "path": leaf["path"],
            "user_agent": leaf["useragent"],
            "request_id": leaf["request_id"],
            "bytes_sent": leaf["bytes"],
            "range_total": leaf["objSizeBytes"],
            "content_length": leaf["rspContentLen"],
            "content_type": leaf["rspContentType"],
            "cache_status": leaf["cacheStatus"],
            "protocol": leaf["proto"],
        }
        pairs.append((path.name, 1, events_of(path, "akamai_datastream").get(1), stated))
    tell("akamai", agreement(pairs, WRONG["akamai"]))


# logs without a peer: each line is an event, unless it is no access
ALONE = {
    "cloudfront_standard/webreadr__log.aws_2016.tsv": ("cloudfront", 2),
    "cloudfront_standard/matomo__amazon_cloudfront_rtmp.log": ("cloudfront_rtmp_blank", 2),
    "aws_alb/awssamples__sample-alb-logs.gz": ("alb", 1),
    "aws_alb/crowdsec__aws-alb-http-bad-user-agent__aws-alb-http-bad-user-agent.log": ("alb", 4),
    "s3_access/panther__s3_server_access_samples.log": ("s3_access", 1),
    "cloudflare/elastic__cloudflare_logpush__sample_http_request.log": ("cloudflare_body", 1),
    "fastly/linehaul__pypi_simple.log.gz": ("fastly_pypi", 3),
    # network load balancers log connections, and the peer reads no request from it either
    "aws_elb_classic/beats__aws_elb__example-nlb-tcp.log": (None, 0),
}


def test_logs_without_a_peer():
    for name, (page, count) in ALONE.items():
        for path in present(name):
            data = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
            assert len(events_in(data, page)) == count, name


def test_cloudtrail_reads_operations_on_objects_and_nothing_else():
    asked = Settings(format="cloudtrail_s3")
    for path in present("cloudtrail/otrf__ec2_proxy_s3_exfiltration.ndjson"):
        records = [json.loads(line) for line in path.read_bytes().splitlines()]
        data = {n for n, record in enumerate(records, start=1) if record.get("eventCategory") == "Data"}
        events = events_of(path, "cloudtrail_s3", asked)
        assert set(events) == data
        taken = [event["path"] for event in events.values() if event["path"] is not None]
        assert taken == ["/ring.txt", "/ring.txt"]
        assert {event["status"] for event in events.values()} == {200}
    for path in present("cloudtrail/sekoia__event_s3.log"):
        # the peer makes an event of it; a role was assumed, no object was touched
        assert events_of(path, "cloudtrail_s3", asked) == {}


def test_real_time_fields_are_the_users_to_name():
    line = b"1731620046.814\t192.0.2.7\t200\t812\tGET\twww.example.com\t/a.csv?y=2\tcurl/8\n"
    # what stands in which column cannot be seen
    assert detect(line, PAGES, Settings()).format is None
    named = "#Fields: timestamp c-ip sc-status sc-bytes cs-method cs-host cs-uri-stem cs-user-agent"
    for data, settings in ((line, Settings(log_format=named)), (named.encode() + b"\n" + line, Settings())):
        (event,) = events_in(data, "cloudfront_realtime", settings).values()
        assert (event["host"], event["path"], event["query"]) == ("www.example.com", "/a.csv", "y=2")
        assert (event["ts_us"], event["user_agent"]) == (1_731_620_046_814_000, "curl/8")


@pytest.mark.parametrize("name", PAGES_HERE)
def test_each_sample_is_recognised_as_its_format(name):
    for sample in PAGES[name].samples:
        if sample.expect is not None:
            data = "\n".join([*sample.before, sample.line]).encode()
            assert detect(data, PAGES, Settings()).format == name, sample.line


def tell(name, found):
    """Print what pytest -s shows: the agreement of one format."""
    print(f"{name}: {found.equal} of {found.compared} equal; {len(found.differ)} where the peer is wrong")  # noqa: T201
