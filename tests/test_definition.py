"""incident.toml → CaseDefinition: what is read, and what a mistake is answered with."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import goldenfiles
import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident import definition
from incident.errors import DefinitionError
from incident.records import CaseDefinition, DeclaredEvent, EvidenceRule, Policy
from incident.strict_toml import dotted, line_of, parse_span

MISTAKES = Path(__file__).parent / "golden" / "errors"
FORMATS = ("clf", "cloudfront", "combined")

WHOLE = """\
[case]
name = "2022 Firearms Dashboard"
matter = "M-17"
prepared_by = "A. Analyst"
privilege = "Privileged & Confidential"
timezone = "America/Los_Angeles"

[network]
trusted_proxies = ["203.0.113.0/24", "2001:DB8:FFFF::/48", "198.51.100.7"]
internal = ["10.0.0.0/8", "::ffff:192.0.2.0/120"]
labels = "networks.csv"
geoip = ["asn.mmdb"]

[[evidence]]
match = "origin/*"
vantage = "origin"
log_format = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'
server = "nginx"
timezone = "UTC"
clock_offset = "-37s"

[[evidence]]
match = "**/*.gz"
format = "cloudfront"

[[dataset]]
name = "ccw"
title = "Concealed-carry permit applications"
paths = ["/data/ccw_*"]
regex = '^/export/\\d+$'
hosts = ["Data.example.org"]
query = '(^|&)format=csv'
methods = ["GET", "POST"]
records = 192000
fields = ["name", "date of birth", "address"]
sizes = { "/data/ccw_2012_2021.csv" = 48211907 }

[policy]
session_gap = "1h30m"
repeat_within = "1.5s"
min_bytes = 0
max_interruption = "250ms"
match_within = "0s"

[[event]]
time = 2022-06-27T21:30:00-07:00
label = "Site brought back online"
source = "Interview 4"
kind = "restored"
dataset = "ccw"

[[event]]
time = "2022-06-28T04:30:00.5Z"
label = "First call"

[formats]
dir = "formats"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "networks.csv").write_text("cidr,label\n")
    (tmp_path / "asn.mmdb").write_bytes(b"")
    (tmp_path / "formats").mkdir()
    return tmp_path


def load(folder, text, **kwargs):
    path = folder / "incident.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return definition.load(path, **kwargs)


def test_every_key_arrives(folder):
    case = load(folder, WHOLE, known_formats=FORMATS)
    assert (case.name, case.matter, case.prepared_by) == ("2022 Firearms Dashboard", "M-17", "A. Analyst")
    assert (case.privilege, case.timezone) == ("Privileged & Confidential", "America/Los_Angeles")
    assert case.trusted_proxies == ("203.0.113.0/24", "2001:db8:ffff::/48", "198.51.100.7/32")
    assert case.internal == ("10.0.0.0/8", "192.0.2.0/24")  # IPv4 written as IPv6 is IPv4
    assert case.labels == folder / "networks.csv"
    assert case.geoip == (folder / "asn.mmdb",)
    assert case.formats == folder / "formats"
    assert case.evidence[0] == EvidenceRule(
        match="origin/*",
        vantage="origin",
        log_format='$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent',
        server="nginx",
        timezone="UTC",
        clock_offset_us=-37_000_000,
    )
    assert case.evidence[1] == EvidenceRule(match="**/*.gz", format="cloudfront")
    (ccw,) = case.datasets
    assert (ccw.paths, ccw.regex, ccw.hosts) == (("/data/ccw_*",), (r"^/export/\d+$",), ("data.example.org",))
    assert (ccw.query, ccw.methods, ccw.records) == ("(^|&)format=csv", ("GET", "POST"), 192000)
    assert ccw.sizes == {"/data/ccw_2012_2021.csv": 48211907}
    assert case.policy == Policy(
        session_gap_us=5_400_000_000,
        repeat_within_us=1_500_000,
        min_bytes=0,
        max_interruption_us=250_000,
        match_within_us=0,
    )
    restored = datetime(2022, 6, 27, 21, 30, tzinfo=timezone(timedelta(hours=-7)))
    assert case.events[0] == DeclaredEvent(
        int(restored.timestamp()) * 10**6, "Site brought back online", "Interview 4", "restored", "ccw"
    )
    call = datetime(2022, 6, 28, 4, 30, tzinfo=UTC)
    assert case.events[1].time_us == int(call.timestamp()) * 10**6 + 500_000
    assert case.sha256 == hashlib.sha256(WHOLE.encode()).hexdigest()
    assert case.text == WHOLE


def test_an_empty_definition_has_the_defaults(folder):
    case = load(folder, "")
    assert case == CaseDefinition(path=case.path, sha256=hashlib.sha256(b"").hexdigest())
    assert case.policy == Policy()


def test_a_byte_order_mark_and_windows_line_ends_are_read(folder):
    raw = b'\xef\xbb\xbf[case]\r\nname = "x"\r\n'
    case = load(folder, raw)
    assert case.name == "x"
    assert case.sha256 == hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize("mistake", sorted(MISTAKES.glob("*.toml")), ids=lambda path: path.stem)
def test_a_mistake_is_answered_with_place_and_remedy(mistake, monkeypatch):
    monkeypatch.chdir(MISTAKES)
    with pytest.raises(DefinitionError) as caught:
        definition.load(Path(mistake.name), known_formats=FORMATS)
    assert caught.value.exit_code == 2
    assert caught.value.where.startswith(mistake.name)
    assert caught.value.next_step
    goldenfiles.check(mistake.with_suffix(".txt"), f"{caught.value}\n")


def test_a_definition_that_is_not_utf8_or_not_there(folder):
    with pytest.raises(DefinitionError, match="not UTF-8: byte 1 is 0xe9"):
        load(folder, b"#\xe9")
    with pytest.raises(DefinitionError, match="No such file"):
        definition.load(folder / "other.toml")


def test_find_prefers_the_named_then_the_current_then_the_ingested_folder(tmp_path, monkeypatch):
    for name in ("here", "logs", "more"):
        (tmp_path / name).mkdir()
    here, logs, more = tmp_path / "here", tmp_path / "logs", tmp_path / "more"
    monkeypatch.chdir(here)
    assert definition.find(None, [logs]) is None
    (logs / "incident.toml").write_text("# logs")
    (logs / "access.log").write_text("")
    assert definition.find(None, [logs]) == logs / "incident.toml"
    assert definition.find(None, [logs / "access.log"]) == logs / "incident.toml"
    (more / "incident.toml").write_text("# logs")
    assert definition.find(None, [logs, more]) == logs / "incident.toml"  # the same text twice is no choice
    (more / "incident.toml").write_text("# more")
    with pytest.raises(DefinitionError, match="2 different"):
        definition.find(None, [logs, more])
    (here / "incident.toml").write_text("# here")
    assert definition.find(None, [logs, more]) == Path("incident.toml")
    assert definition.find(more / "incident.toml", [logs]) == more / "incident.toml"
    with pytest.raises(DefinitionError, match="no case definition"):
        definition.find(tmp_path / "none.toml", [logs])


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("10m", 600_000_000),
        ("0s", 0),
        ("-37s", -37_000_000),
        ("+1s", 1_000_000),
        ("1h30m", 5_400_000_000),
        ("1.5s", 1_500_000),
        ("0.1s", 100_000),  # exact, as no float is
        ("250ms", 250_000),
        ("1d", 86_400_000_000),
        ("3us", 3),
    ],
)
def test_a_span_is_exact(text, us):
    assert parse_span(text) == us


@pytest.mark.parametrize("text", ["", "10", "m", "10 min", "30m1h", "1m1m", "0.1us", "1e3s", "-", "1.s", "ten"])
def test_no_span(text):
    with pytest.raises(ValueError, match=r"span|unit|finer"):
        parse_span(text)


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_a_span_is_the_sum_of_its_parts(h, m, s, ms):
    assert parse_span(f"{h}h{m}m{s}s{ms}ms") == (((h * 60 + m) * 60 + s) * 1000 + ms) * 1000


def test_the_line_of_a_key():
    text = '''[case]
name = """
[[dataset]]
name = 1
"""
[[dataset]]
name = "a"
[[dataset]]
"name" = "b"
paths = [
  "/x",
  "/y",
]
[dataset.sizes]
"/x" = 1
'''
    assert line_of(text, ("dataset", 0, "name")) == 7
    assert line_of(text, ("dataset", 1, "name")) == 9
    assert line_of(text, ("dataset", 1, "paths", 1), "/y") == 12
    assert line_of(text, ("dataset", 1, "paths", 0), "/elsewhere") == 10
    assert line_of(text, ("dataset", 1, "sizes", "/x")) == 15
    assert line_of(text, ("dataset", 1, "absent")) == 8
    assert line_of(text, ("policy",)) is None
    assert dotted(("dataset", 1, "sizes", "/x")) == 'dataset[1].sizes."/x"'
