"""Findings as tables and as JSON: nothing a stranger wrote is obeyed, nothing is cut, keys keep their names."""

import io
import json

import findings_fixture
import pytest

from incident import listing
from incident.proposals import DatasetProposal
from incident.records import Policy
from incident.render import jsonout, terminal, tomlout
from incident.strict_toml import Document

CASES = {
    "worked": findings_fixture.case,
    "bare": findings_fixture.bare_case,
    "one": findings_fixture.one_download,
    "clocks": findings_fixture.clock_change,
    "hostile": findings_fixture.hostile_case,
}
NEVER = {chr(code) for code in (*range(10), *range(11, 32), *range(127, 160), 0x200B, 0x202E, 0x2028, 0x2066, 0xD800)}


@pytest.fixture(params=sorted(CASES))
def case(request):
    return CASES[request.param]()


def shown(case, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    stream = io.StringIO()
    out = terminal.console(stream)
    total = listing.totals(case.evidence)
    terminal.summary(out, case, total)
    terminal.windows(out, case)
    terminal.datasets(out, case)
    terminal.evidence(out, case.evidence, total, case.timezone)
    terminal.groups(out, listing.grouped(case.evidence), total, case.timezone)
    return stream.getvalue()


@pytest.mark.parametrize("width", [60, 80, 200])
def test_tables_fit_and_obey_nothing(case, width, monkeypatch):
    text = shown(case, width, monkeypatch)
    assert not set(text) & NEVER
    # a SHA-256 is never broken, so that it can be copied
    assert [line for line in text.splitlines() if len(line) > max(width, 80)] == []


def test_the_sentence_comes_first(monkeypatch):
    case = findings_fixture.case()
    lines = shown(case, 400, monkeypatch).splitlines()
    assert lines.index(case.datasets[0].sentence) == lines.index("ccw — Concealed-carry permit applications") + 1


def test_json_is_ascii_deterministic_and_whole(case):
    for made in (jsonout.summary, jsonout.datasets, jsonout.windows):
        text = jsonout.text(made(case))
        assert text.isascii()
        assert text == jsonout.text(made(case))
        assert [one["dataset"] for one in json.loads(text)["datasets"]] == [one.dataset for one in case.datasets]
    assert len(jsonout.evidence(case.evidence)["evidence"]) == len(case.evidence)


def test_the_summary_has_the_keys_of_the_contract():
    found = jsonout.summary(findings_fixture.case())
    assert {"case", "config_sha256", "policy", "datasets"} <= set(found)
    assert {
        "dataset", "title", "records", "downloads", "downloads_full", "downloads_partial", "downloads_undetermined",
        "unique_ips", "requests", "buckets", "first_download", "last_download", "windows", "sentence",
    } <= set(found["datasets"][0])  # fmt: skip
    assert list(found["datasets"][0]["windows"][0])[:8] == [
        "opened_after", "first_seen", "last_seen", "closed_by",
        "confirmed_seconds", "unavailable_seconds", "longest_seconds", "interruptions",
    ]  # fmt: skip
    for one in found["datasets"]:
        assert sum(one["buckets"].values()) == one["requests"]


def test_the_policy_is_spelt_as_the_definition_writes_it():
    assert jsonout.policy(Policy()) == {
        "name": "headline",
        "session_gap": "10m",
        "repeat_within": "0s",
        "min_bytes": 3,
        "max_interruption": "5m",
        "match_within": "5s",
    }


def proposal(path):
    return DatasetProposal(path=path, requests=1, peers=1, largest_bytes=None, first_us=0, last_us=0)


def test_proposals_are_toml_whatever_the_path(tmp_path):
    paths = [
        "/a.csv",
        "/b/a.csv",
        '/quote".csv',
        "/back\\slash.csv",
        "/*[x]?.csv",
        "/%41.csv",
        "/\x1b[31m\u202e\x7f\U000e0001.csv",
        "/\n[case]\nname = 1",
        "/",
    ]
    text = tomlout.proposals([proposal(path) for path in paths], "UTC")
    assert not set(text) & NEVER
    tables = Document(tmp_path / "x.toml", text).top.values["dataset"]
    names = [table["name"] for table in tables]
    assert len(set(names)) == len(paths)
    path = tmp_path / "incident.toml"
    path.write_text(text, encoding="utf-8")
    from incident import definition
    from incident.matching import Matcher

    rules = definition.load(path).datasets
    for number, (rule, wanted) in enumerate(zip(rules, paths, strict=True)):
        matcher = Matcher.of(number, rule)
        assert [matcher.takes(None, one) for one in paths] == [one == wanted for one in paths]
