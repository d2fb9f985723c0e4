"""Lines in wrappers: peeled to the format within, with the number and offset of the physical line."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from parse_fixture import SHARED, assert_same, read

from incident.detect import detect
from incident.evidence_records import RecordCutter, holds_records
from incident.formats import load
from incident.parse import Settings
from incident.parse.engine import ItemParser

PAGES = load()


def line(number: int) -> str:
    time = f"10/Oct/2000:13:55:{number % 60:02} -0700"
    return f'192.0.2.{number % 250} - - [{time}] "GET /{number} HTTP/1.1" 200 5 "-" "a \\"q\\" {number}"'


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


WRAPPERS = {
    "RFC 3164": lambda i: f"<134>Feb  7 10:00:00 web1 nginx[{i}]: {line(i)}",
    "RFC 3164 without host": lambda i: f"Feb  7 10:00:00 nginx: {line(i)}",
    "RFC 5424": lambda i: f'<171>1 2025-11-05T20:47:03.000000+00:00 host app {i} - [a b="c\\"]"] \ufeff{line(i)}',
    "RFC 5424 bare": lambda i: f"<171>1 2025-11-05T20:47:03Z host app - - - {line(i)}",
    "rsyslog": lambda i: f"2021-11-12T16:59:46.613304+00:00 host nginx: {line(i)}",
    "docker": lambda i: json.dumps({"log": line(i) + "\n", "stream": "stdout", "time": "2021-08-24T09:52:13.2Z"}),
    "compose": lambda i: f"\x1b[36mweb-1  |\x1b[0m {line(i)}",
    "compose plain": lambda i: f"web-1  | {line(i)}",
    "CRI": lambda i: f"2022-01-28T16:04:05.413656027Z stdout F {line(i)}",
    "journald": lambda i: json.dumps({"__REALTIME_TIMESTAMP": "1", "MESSAGE": line(i), "_PID": "1"}),
    "journald bytes": lambda i: json.dumps({"MESSAGE": list(line(i).encode())}),
    "Filebeat": lambda i: json.dumps({"@timestamp": "2024-05-02T10:00:00Z", "message": line(i), "host": {"name": "x"}}),
    "event.original": lambda i: json.dumps({"event": {"original": line(i)}, "source": {"ip": "192.0.2.1"}}),
    "hit": lambda i: json.dumps({"_index": "x", "_source": {"message": line(i)}}),
    "GELF": lambda i: json.dumps({"version": "1.1", "host": "x", "short_message": line(i), "_a": 1}),
    "Cloud Logging": lambda i: json.dumps({"textPayload": line(i), "timestamp": "2024-05-02T10:00:00Z"}),
    "CloudWatch": lambda i: f"2024-01-01T00:00:00.000Z {line(i)}",
    "CSV": lambda i: quoted(line(i)),
    "program": lambda i: f"frontend.0 nginx: {line(i)}",
    "three deep": lambda i: (
        "<134>Feb  7 10:00:00 web1 docker: "
        + json.dumps({"log": f"2022-01-28T16:04:05.4Z stdout F {line(i)}\n", "stream": "stdout"})
    ),
}


@pytest.mark.parametrize("name", sorted(WRAPPERS))
def test_each_wrapper(name):
    data = "\n".join(WRAPPERS[name](i) for i in range(200)).encode() + b"\nno line of any kind\n\n"
    found = detect(data, PAGES, Settings())
    assert (found.format, found.server) == ("combined", "apache"), found.because
    assert len(found.page.wrapped) == (3 if name == "three deep" else 2 if name == "hit" else 1)
    assert found.page.wrapped[0] in found.because
    for size in (1 << 30, 4000):
        batch = assert_same(data, found.page, size=size)
        assert batch.events["path"].to_list() == [f"/{i}" for i in range(200)]
        assert batch.events["user_agent"].to_list()[7] == 'a "q" 7'
        assert (batch.rejects.height, batch.skipped) == (1, 1)
        for row in batch.events.to_dicts():
            text = data[row["byte_offset"] : row["byte_offset"] + row["byte_length"]]
            assert text.decode() == WRAPPERS[name](row["line_no"] - 1)
        assert batch.rejects["raw"].to_list() == [b"no line of any kind"]


def test_a_csv_export_with_a_row_of_names():
    rows = ['"@timestamp",message', *(f'"2024-05-02, 10:00",{quoted(line(i))}' for i in range(50))]
    data = "\n".join(rows).encode()
    found = detect(data, PAGES, Settings())
    batch = assert_same(data, found.page)
    assert (batch.events.height, batch.skipped, batch.rejects.height) == (50, 1, 0)
    assert batch.events["line_no"].to_list()[0] == 2


def test_cut_lines_stand_at_their_first_part():
    text = line(1)
    docker = [json.dumps({"log": part, "stream": "stdout"}) for part in (text[:40], text[40:80], text[80:] + "\n")]
    whole = [json.dumps({"log": line(i) + "\n", "stream": "stdout"}) for i in range(2, 9)]
    data = "\n".join([whole[0], *docker, *whole[1:]]).encode()
    found = detect(data, PAGES, Settings())
    batch = assert_same(data, found.page)
    assert (batch.events.height, batch.skipped, batch.rejects.height) == (8, 2, 0)
    assert batch.events["line_no"].to_list()[:3] == [1, 2, 5]
    cri = [f"2022-01-28T16:04:05.4Z stdout {flag} {part}" for flag, part in (("P", text[:40]), ("F", text[40:]))]
    others = [f"2022-01-28T16:04:05.4Z stdout F {line(i)}" for i in range(9)]
    data = "\n".join([*others, *cri, f"2022-01-28T16:04:05.4Z stdout P {text[:50]}"]).encode()
    batch = assert_same(data, detect(data, PAGES, Settings()).page)
    # a part without its end is no line: it is kept as a reject
    assert (batch.events.height, batch.skipped, batch.rejects.height) == (10, 1, 1)
    assert batch.events["line_no"].to_list()[-1] == 10


def test_a_format_that_is_named_is_read_within_its_wrapper():
    data = "\n".join(WRAPPERS["docker"](i) for i in range(20)).encode()
    for settings in (
        Settings(format="combined"),
        Settings(log_format='%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'),
    ):
        found = detect(data, PAGES, settings)
        assert found.page.wrapped == ("docker",)
        assert assert_same(data, found.page).events.height == 20


def objects(count: int) -> list[dict[str, object]]:
    return [
        {"time_iso8601": "2024-05-02T10:00:00+02:00", "remote_addr": "192.0.2.7", "request": f"GET /{i} HTTP/1.1",
         "status": 200, "body_bytes_sent": 5, "http_user_agent": '{["é', "n": [{"records": []}]}
        for i in range(count)
    ]  # fmt: skip


def spread(record: object) -> str:
    return json.dumps(record, indent=2, ensure_ascii=False)


SHAPES = {
    "array": json.dumps(objects(30)),
    "array, a record a line": "[\n" + ",\n".join(json.dumps(one) for one in objects(30)) + "\n]\n",
    "array, spread": spread(objects(30)),
    "Records": json.dumps({"Records": objects(30)}),
    "records, spread, with more around": spread({"took": 3, "a": {"b": [1]}, "records": objects(30), "z": "]}"}),
    "an envelope a line": "\n".join(json.dumps({"records": objects(30)[i : i + 10]}) for i in (0, 10, 20)),
    "concatenated": "".join(json.dumps(one) for one in objects(30)),
    "spread": "\n".join(spread(one) for one in objects(30)),
    "hits": json.dumps(
        {"took": 1, "hits": {"total": {"value": 30}, "hits": [{"_id": "1", "_source": one} for one in objects(30)]}}
    ),
}


def cut(data: bytes, size: int = 1 << 30, chunk: int = 1 << 30, *, cut_off: bool = False):
    cutter = RecordCutter(size)
    parts = [part for at in range(0, len(data), chunk) for part in cutter.feed(data[at : at + chunk])]
    return [*parts, *cutter.finish(cut_off=cut_off)]


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_records_that_line_ends_do_not_part(name):
    data = SHAPES[name].encode()
    assert holds_records(data)
    found = detect(data, PAGES, Settings())
    assert found.format == "nginx_json", found.because
    assert found.page.records
    for size, chunk in ((1 << 30, 1 << 30), (500, 77), (3000, 1000)):
        events = []
        for fast in (True, False):
            parser = ItemParser((found.page,), Settings(), fast=fast, fewest=1)
            batches = [parser.parse(block, parser.prepare(block)) for block in cut(data, size, chunk)]
            rows = [row for batch in batches for row in batch.events.sort("line_no").to_dicts()]
            events.append(rows)
        assert events[0] == events[1]
        assert [row["path"] for row in events[0]] == [f"/{i}" for i in range(30)]
        assert [row["line_no"] for row in events[0]] == list(range(1, 31))
        for row in events[0]:
            text = data[row["byte_offset"] : row["byte_offset"] + row["byte_length"]]
            assert row["path"][1:] in str(json.loads(text))


def test_what_breaks_records_is_a_record_of_its_own():
    one = json.dumps(objects(1)[0])
    data = f"[{one},\n{{broken\n,{one}]\n{one}".encode()
    (block,) = cut(data)
    texts = [block.data[s:e] for s, e in zip(block.starts.tolist(), block.ends.tolist(), strict=True)]
    assert [text[:7] for text in texts] == [b'{"time_', b"{broken", b'{"time_', b"]", b'{"time_']
    spoiled = cut(f"[{one},{one[:50]}".encode(), cut_off=True)
    assert [getattr(part, "reason", None) for part in spoiled] == [None, "cut-off"]


@pytest.mark.parametrize(
    "data", [b'{"a":1}\n{"a":2}\n', b'{"a":1}\nx\n', b"[10/Oct/2000] x", b"x", b"", b'{broken\n{"a":1}\n']
)
def test_lines_are_lines(data):
    assert not holds_records(data)


@pytest.mark.parametrize(
    ("name", "format_", "wrapped"),
    [
        ("docker_json/crowdsec__docker-logs__docker-logs.log", "ingress_nginx", "docker"),
        ("k8s_cri/crowdsec__cri-logs__cri-logs.log", "ingress_nginx", "CRI"),
        ("fastly/crowdsec__fastly-logs__fastly-logs.log", "fastly_json", "syslog, ISO 8601"),
        ("cloudtrail/invictus__218007301253_CloudTrail_us-east-1_20230710T1230Z_OU6Ha25B4GGhUIMr.json", None, None),
        ("azure_cdn/otel__azurecdn_access-log.json", "azure_cdn", None),
    ],
)  # fmt: skip
def test_real_wrapped_logs(name, format_, wrapped):
    path = SHARED / name
    if not path.exists():
        return
    found = detect(path.read_bytes(), PAGES, Settings())
    assert (found.format, found.page and (found.page.wrapped or (None,))[0]) == (format_, wrapped), found.because


def test_an_unwrapped_page_is_left_alone():
    data = "\n".join(line(i) for i in range(30)).encode()
    page = detect(data, PAGES, Settings()).page
    assert page.wrapped == ()
    assert read(data, replace(page, wrapped=("docker",))).events.height == 30
