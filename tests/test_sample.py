"""The worked case: its files are what the generator makes, its truth agrees with itself, and the tool finds it."""

import gzip
import json
import subprocess
import sys
import tomllib
from collections import Counter
from datetime import datetime
from hashlib import sha256
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from crawleruseragents import is_crawler

SAMPLES = Path(__file__).parents[1] / "sample_logs"
CASE = SAMPLES / "firearms_dashboard"
TRUTH = json.loads((SAMPLES / "truth" / "firearms_dashboard.json").read_text(encoding="utf-8"))
DATASETS = {each["dataset"]: each for each in TRUTH["datasets"]}
ITEMS = {each["path"]: each for each in TRUTH["evidence"]}
DOCUMENTATION = [ip_network(each) for each in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]
BOUNDS = ("opened_after", "first_seen", "last_seen", "closed_by")
SECONDS = ("confirmed_seconds", "unavailable_seconds", "longest_seconds")
MILLISECOND = 0.0015


def content(path):
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def moment(text):
    return None if text is None else datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    command = [sys.executable, str(SAMPLES / "generate.py"), "-o", str(folder), "--downloads", str(folder / "plan.csv")]
    subprocess.run(command, check=True, capture_output=True)
    return folder


# --- the files --------------------------------------------------------------------------------------------------------


def test_the_generator_makes_the_committed_files(made):
    assert files(made / CASE.name) == files(CASE)
    for name in sorted(files(CASE)):
        assert content(made / CASE.name / name) == content(CASE / name), name
    assert json.loads((made / "truth" / "firearms_dashboard.json").read_text(encoding="utf-8")) == TRUTH


def test_gzip_members_carry_no_name_and_no_time():
    for path in CASE.rglob("*.gz"):
        header = path.read_bytes()[:10]
        assert header[3] == 0, path  # flags: no name, no comment
        assert header[4:8] == bytes(4), path


def test_the_folder_holds_evidence_and_definition_only():
    assert files(CASE) - set(ITEMS) == {"incident.toml", "networks.csv"}
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 4 << 20


def test_items_have_the_lines_that_the_truth_says():
    seen = {}
    for path, item in ITEMS.items():
        data = content(CASE / path)
        assert sha256(data).hexdigest() == item["content_sha256"], path
        assert data.count(b"\n") + (not data.endswith(b"\n")) == item["lines"], path
        if item["status"] == "repeat":
            assert seen[item["content_sha256"]] == item["repeat_of"]
        else:
            assert item["lines"] == item["events"] + item["rejected"] + item["skipped"], path
            assert item["content_sha256"] not in seen
        seen[item["content_sha256"]] = path


def test_every_address_belongs_to_documentation():
    seen = set()
    for path in ITEMS:
        for line in content(CASE / path).splitlines():
            if path.startswith("edge/") and line.count(b"\t") == 32:
                seen.add(line.split(b"\t")[4].decode())
            elif path.startswith("origin/") and b" - - [" in line and not line.startswith(b"\0"):
                seen.add(line.split(b" ")[0].decode())
    assert len(seen) > 1000
    for text in seen:
        address = ip_address(text)
        address = getattr(address, "ipv4_mapped", None) or address
        assert any(address in network for network in DOCUMENTATION if network.version == address.version), text


# --- the truth --------------------------------------------------------------------------------------------------------


def test_the_published_figures():
    ccw = DATASETS["ccw"]
    assert (ccw["downloads"], ccw["unique_ips"], ccw["records"]) == (2734, 507, 192000)
    span = moment(ccw["last_download"]) - moment(ccw["first_download"])
    assert 11.5 < span.total_seconds() / 3600 < 12.5
    assert min(ccw["downloads_full"], ccw["downloads_partial"]) > 1000
    assert DATASETS["roster"]["downloads"] == 0
    assert len({each["downloads"] for each in TRUTH["datasets"]}) == 6


@pytest.mark.parametrize("name", DATASETS)
def test_figures_add_up(name):
    truth = DATASETS[name]
    kinds = ("full", "partial", "undetermined")
    assert sum(truth["buckets"].values()) == truth["requests"]
    assert sum(each["requests"] for each in truth["objects"]) == truth["requests"]
    assert sum(truth[f"downloads_{kind}"] for kind in kinds) == truth["downloads"] == sum(truth["kinds"].values())
    objects = [each for each in truth["objects"] if "never_existed" not in each]
    for each in objects:
        assert sum(each[kind] for kind in kinds) == each["downloads"]
        assert (each["size_basis"] is None) == (each["undetermined"] > 0)
    for kind in kinds:
        assert sum(each[kind] for each in objects) == truth[f"downloads_{kind}"]
    assert truth["downloads"] <= truth["buckets"]["counted"] <= truth["requests"]
    assert truth["unique_ips"] <= truth["clients"] <= truth["downloads"]
    assert truth["addresses_full_copy"] <= truth["unique_ips"] <= sum(each["unique_ips"] for each in objects)


@pytest.mark.parametrize("name", DATASETS)
def test_windows_hang_together(name):
    truth = DATASETS[name]
    windows = [*truth["windows"], *(window for each in truth["objects"] for window in each.get("windows", ()))]
    for window in windows:
        bounds = [moment(window[bound]) for bound in BOUNDS if window[bound]]
        assert bounds == sorted(bounds)
        span = (moment(window["last_seen"]) - moment(window["first_seen"])).total_seconds()
        assert window["confirmed_seconds"] + window["unavailable_seconds"] == pytest.approx(span, abs=MILLISECOND)
        lost = sum((moment(out["to"]) - moment(out["from"])).total_seconds() for out in window["outages"])
        assert window["unavailable_seconds"] == pytest.approx(lost, abs=MILLISECOND)
        assert (window["longest_seconds"] is None) == (window["opened_after"] is None)
    assert len(truth["windows"][0]["outages"]) == 1  # the crash: single objects failed now and then, never all
    if truth["downloads"]:
        assert moment(truth["windows"][0]["first_seen"]) < moment(truth["first_download"])
        assert moment(truth["last_download"]) < moment(truth["windows"][0]["last_seen"])


def test_every_difficulty_is_there():
    buckets = Counter()
    for each in TRUTH["datasets"]:
        buckets.update(each["buckets"])
    assert min(buckets.values()) > 0
    assert min(TRUTH["difficulties"].values()) > 0
    assert sum(each["windows"][0]["interruptions"] for each in TRUTH["datasets"]) == 1
    assert sum(each["windows"][0]["opened_after"] is None for each in TRUTH["datasets"]) == 1
    assert sum(item["status"] == "repeat" for item in ITEMS.values()) == 1


def test_robots_are_on_the_published_lists_and_people_are_not(made):
    sys.path.insert(0, str(SAMPLES))
    try:
        from generator.people import ODD_BROWSERS, ROBOTS, cast
    finally:
        sys.path.remove(str(SAMPLES))
    assert all(is_crawler(agent) for agent in ROBOTS)
    assert not any(is_crawler(agent) for agent in ODD_BROWSERS)
    agents = {client.agent for each in cast().values() for group in each.people + each.direct for client in group}
    assert not any(is_crawler(agent) for agent in agents if agent)


def test_the_plan_lists_every_download(made):
    rows = (made / "plan.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) - 1 == sum(each["downloads"] for each in TRUTH["datasets"])


def test_the_definition_names_every_data_set():
    definition = tomllib.loads((CASE / "incident.toml").read_text(encoding="utf-8"))
    assert [each["name"] for each in definition["dataset"]] == list(DATASETS)
    declared = {path: size for each in definition["dataset"] for path, size in each.get("sizes", {}).items()}
    known = {
        o["object"]: o["size"] for d in TRUTH["datasets"] for o in d["objects"] if o.get("size_basis") == "declared"
    }
    assert declared == known


# --- the tool ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the tool says of the case: `summary --json` and `evidence --json`."""
    case = str(tmp_path_factory.mktemp("case") / "case.duckdb")
    incident = [sys.executable, "-c", "from incident.cli import main; main()"]

    def run(*words):
        done = subprocess.run([*incident, *words], capture_output=True, check=False, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("ingest", str(CASE), "--case", case)
    return {name: json.loads(run(name, "--case", case, "--json")) for name in ("summary", "evidence")}


def test_the_tool_accounts_for_every_line(told):
    found = {each["path"]: each for each in told["evidence"]["evidence"]}
    assert set(found) == set(ITEMS)
    for path, item in ITEMS.items():
        assert found[path]["status"] == item["status"], path
        if item["status"] == "ingested":
            for key in ("lines", "events", "rejected", "skipped"):
                assert found[path][key] == item[key], (path, key)
            assert found[path]["vantage"] == item["vantage"], path
            assert moment(found[path]["first_ts"]) == moment(item["first_ts"]), path
            assert moment(found[path]["last_ts"]) == moment(item["last_ts"]), path


@pytest.mark.parametrize("name", DATASETS)
def test_the_tool_finds_the_counts(told, name):
    truth = DATASETS[name]
    found = next(each for each in told["summary"]["datasets"] if each["dataset"] == name)
    assert found["buckets"] == truth["buckets"]
    for key in ("records", "requests", "downloads", "unique_ips"):
        assert found[key] == truth[key], key
    for kind in ("full", "partial", "undetermined"):
        assert found[f"downloads_{kind}"] == truth[f"downloads_{kind}"], kind
    for key in ("first_download", "last_download"):
        assert moment(found[key]) == moment(truth[key]), key
    for key in ("downloads_automated", "unique_ips_automated", "clients_full_copy", "origin_unmatched"):
        assert found.get(key, truth[key]) == truth[key], key  # beyond the contract: right where it is told


@pytest.mark.parametrize("name", DATASETS)
def test_the_tool_finds_the_windows(told, name):
    found = next(each for each in told["summary"]["datasets"] if each["dataset"] == name)["windows"]
    truth = DATASETS[name]["windows"]
    assert len(found) == len(truth)
    for one, other in zip(found, truth, strict=True):
        for bound in BOUNDS:
            assert moment(one[bound]) == moment(other[bound]), bound
        for key in SECONDS:
            if other[key] is None:
                assert one[key] is None, key
            else:
                assert one[key] == pytest.approx(other[key], abs=1), key  # told in whole seconds, or finer
        assert one["interruptions"] == other["interruptions"]
