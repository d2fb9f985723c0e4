"""What surrounds a count, asked as a user asks: coverage, chronology, sensitivity, clients, overlap, comparison."""

import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import coverage_fixture
import goldenfiles
import pytest
from typer.testing import CliRunner

from incident.cli import app
from incident.render import jsonrecords

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "sample_logs" / "firearms_dashboard"
GOLDEN = Path(__file__).parent / "golden"
TRUTH = json.loads((ROOT / "sample_logs" / "truth" / "firearms_dashboard.json").read_text(encoding="utf-8"))
CCW = next(each for each in TRUTH["datasets"] if each["dataset"] == "ccw")
QUESTIONS = (
    ["coverage"],
    ["chronology"],
    ["sensitivity", "--dataset", "gvro"],
    ["clients", "--dataset", "gvro"],
    ["datasets", "--overlap"],
    ["clients", "--ip", "192.0.2.155"],
)
NEVER = {chr(code) for code in (*range(10), *range(11, 32), *range(127, 160), 0x200B, 0x202E, 0x2028, 0x2066)}
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def run(*arguments, code=0, **kwargs):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="incident", **kwargs)
    assert done.exit_code == code, done.stderr
    return done


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The sample case, counted; and a definition that declares no event."""
    folder = tmp_path_factory.mktemp("world")
    run("ingest", "-q", SAMPLE, "--case", folder / "case.duckdb")
    text = (SAMPLE / "incident.toml").read_text(encoding="utf-8")
    shutil.copy(SAMPLE / "networks.csv", folder / "networks.csv")
    (folder / "undeclared.toml").write_text(text[: text.index("[[event]]")], encoding="utf-8")
    (folder / "longer.toml").write_text(text.replace('session_gap = "10m"', 'session_gap = "60m"'), encoding="utf-8")
    return folder


@pytest.fixture
def ask(world, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("INCIDENT_CASE", raising=False)
    monkeypatch.chdir(world)
    return lambda *arguments, code=0: run(*arguments, "--case", "case.duckdb", code=code)


def answer(done):
    return json.loads(done.stdout)


# --- every question ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_an_answer_is_readable_at_80_columns_and_obeys_no_log(ask, question):
    done = ask(*question)
    assert done.stderr == ""
    assert done.stdout.startswith("2022 Firearms Dashboard\n")
    assert not set(done.stdout) & NEVER
    assert [line for line in done.stdout.splitlines() if len(line.rstrip()) > 80] == []


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_an_answer_for_programs_names_what_it_rests_on(ask, question):
    done = ask(*question, "--json")
    assert done.stdout.isascii()
    assert done.stdout == ask(*question, "--json").stdout
    found = answer(done)
    assert found["policy"]["name"] == "headline"
    assert {"case", "config_sha256", "manifest_sha256", "version", "timezone"} <= set(found)
    assert not re.search(r'"\w+_us"', done.stdout)


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_another_policy_is_said_everywhere(ask, question):
    assert "Counted by the rule full-only: only downloads of a complete copy" in " ".join(
        ask(*question, "--policy", "full-only").stdout.split()
    )
    policy = answer(ask(*question, "--policy", "full-only", "--json"))["policy"]
    assert (policy["name"], policy["says"]) == ("full-only", "only downloads of a complete copy")


@pytest.mark.parametrize("question", [*QUESTIONS, ["summary"], ["windows"], ["datasets"]], ids=" ".join)
def test_an_unknown_policy_is_answered_with_those_there_are(ask, question):
    done = ask(*question, "--policy", "mine", code=2)
    assert done.stdout == ""
    assert done.stderr.startswith('error[bad-option]: no policy is called "mine"\n')
    assert "double-click-30-s" in done.stderr


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_without_a_case_there_is_a_next_step(tmp_path, monkeypatch, question):
    monkeypatch.chdir(tmp_path)
    assert run(*question, code=1).stderr.startswith("error[no-case]: there is no case file case.duckdb\n")


# --- policy -----------------------------------------------------------------------------------------------------------


def test_a_policy_counts_as_sensitivity_says_and_leaves_the_case_as_it_was(ask):
    before = ask("summary", "--json").stdout
    rows = {each["rule"]: each for each in answer(ask("sensitivity", "--json"))["datasets"][0]["counts"]}
    for rule in ("full-only", "one-a-day", "internal-included", "edge-only"):
        found = answer(ask("summary", "--json", "--policy", rule))
        ccw = found["datasets"][0]
        assert (ccw["downloads"], ccw["unique_ips"]) == (rows[rule]["downloads"], rows[rule]["unique_ips"])
        assert "Counted by another rule than the case's own" in ccw["sentence"]
    assert ask("summary", "--json").stdout == before


def test_the_rules_are_the_same_whichever_is_in_force(ask):
    own = answer(ask("sensitivity", "--json", "--dataset", "gvro"))
    other = answer(ask("sensitivity", "--json", "--dataset", "gvro", "--policy", "ipv6-64"))
    assert own["datasets"] == other["datasets"]
    assert (own["in_force"], other["in_force"]) == ("headline", "ipv6-64")


def test_lowest_and_highest_are_named(ask):
    found = answer(ask("sensitivity", "--json"))
    rows = []
    for one in found["datasets"]:
        counts = {each["rule"]: each for each in one["counts"]}
        assert counts["headline"]["downloads"] == next(
            each["downloads"] for each in TRUTH["datasets"] if each["dataset"] == one["dataset"]
        )
        for end, figure in (("lowest", min), ("highest", max)):
            downloads = figure(each["downloads"] for each in counts.values() if each["applies"])
            assert one[f"{end}_downloads"]["figure"] == downloads
            assert all(counts[rule]["downloads"] == downloads for rule in one[f"{end}_downloads"]["rules"])
        rows += [
            f"{one['dataset']:8} {rule:20} {each['downloads']:6} {each['unique_ips']:5}\n"
            for rule, each in counts.items()
        ]
    goldenfiles.check(GOLDEN / "sensitivity.txt", "".join(rows))


# --- coverage ---------------------------------------------------------------------------------------------------------


def test_coverage_tells_the_outage_from_a_missing_log(ask):
    found = answer(ask("coverage", "--json"))
    origin = next(each for each in found["vantages"] if each["vantage"] == "origin")
    (silence,) = [each for each in origin["silences"] if each["improbable"]]
    assert silence["kind"] == "outage"
    assert 0 < silence["by_chance"] < 1e-3
    assert silence["by_chance_words"].startswith("one in ")
    assert [each["answer"] for each in origin["spans"]] == ["log", "outage", "log"]
    assert all(ISO.fullmatch(each[end]) for each in origin["spans"] for end in ("start", "end"))
    assert found["clocks"][0]["suggestion"] == "-2s"
    assert len(found["items"]) == len(TRUTH["evidence"])


@pytest.fixture(scope="module")
def gap(tmp_path_factory):
    """Five days of steady traffic without a minute's errors, an hour of the third day taken out."""
    folder = tmp_path_factory.mktemp("gap")
    (folder / "logs").mkdir()
    start = 2 * 1440 + 600
    made = coverage_fixture.traffic(2, 6000, days=5, hourly=None).without((start, start + 60))
    with (folder / "logs" / "access.log").open("w") as stream:
        for number, us in enumerate(coverage_fixture.seconds_of(made.lines).tolist()):
            at = datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
            target = "/data/permits.csv" if number % 50 == 0 else f"/page/{number % 7}"
            stream.write(f'192.0.2.{number % 250} - - [{at}] "GET {target} HTTP/1.1" 200 5000 "-" "Firefox"\n')
    (folder / "incident.toml").write_text(
        '[[evidence]]\nmatch = "**"\nserver = "nginx"\n[[dataset]]\nname = "permits"\npaths = ["/data/*"]\n'
    )
    run("ingest", "-q", folder / "logs", "--case", folder / "case.duckdb", "--config", folder / "incident.toml")
    return folder


def test_a_missing_hour_is_in_the_sentence_and_in_the_window(gap, monkeypatch):
    monkeypatch.chdir(gap)
    found = answer(run("summary", "--json"))["datasets"][0]
    count = f"{found['downloads']:,}"
    assert f"was downloaded at least {count} times" in found["sentence"]
    lacking = "The logs have gaps for the time in which it may have been open: the log of origin is missing from"
    assert f"{lacking} 3 May 2024, 9:59:" in found["sentence"]
    assert "; the count is therefore a lower limit." in found["sentence"]
    (missing,) = found["windows"][0]["unlogged"]
    assert (missing["kind"], missing["at_least"]) == ("missing_log", True)
    assert missing["start"].startswith("2024-05-03T09:59:")
    early = answer(run("summary", "--json", "--until", "2024-05-03"))["datasets"][0]
    assert "at least" not in early["sentence"], "the period ends before the gap begins"
    assert "no log          the log of origin is missing" in run("windows").stdout


def test_a_gap_is_told_and_drawn(gap, monkeypatch, tmp_path):
    monkeypatch.chdir(gap)
    told = answer(run("chronology", "--json"))
    (entry,) = [each for each in told["milestones"] if each["kind"] == "gap"]
    assert entry["label"] == "The log of the origin is missing"
    run("timeline", "-q", "-o", tmp_path / "t.svg")
    assert "no log</text>" in (tmp_path / "t.svg").read_text(encoding="utf-8")
    run("report", "-q", "-o", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "the log of origin is missing" in page
    for anchor in ("chronology", "sensitivity", "clients", "coverage", "coverage-windows"):
        assert f'<section id="{anchor}"' in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_coverage_needs_no_definition(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("logs").mkdir()
    line = '192.0.2.1 - - [27/Jun/2022:12:00:00 -0700] "GET / HTTP/1.1" 200 2 "-" "Firefox"\n'
    Path("logs/access.log").write_text(line * 3)
    run("ingest", "-q", "logs", "--server", "nginx")
    assert answer(run("coverage", "--json"))["vantages"][0]["events"] == 3
    assert answer(run("chronology", "--json"))["milestones"] == []
    assert "Nothing in the logs" in run("chronology").stdout
    assert "no data set is defined" in run("sensitivity", code=2).stderr
    assert "no data set is defined" in run("clients", code=2).stderr
    assert answer(run("clients", "--ip", "192.0.2.1", "--json"))["lines_total"] == 3


# --- chronology -------------------------------------------------------------------------------------------------------


def test_the_course_of_events_is_found_without_any_declared(ask):
    found = answer(ask("chronology", "--json", "--dataset", "ccw", "--config", "undeclared.toml"))
    rows = [
        f"{one['time']:24} {one['sure']:9} {one['kind']:18} {','.join(one['datasets']) or 'site':4} {one['label']}\n"
        for one in found["milestones"]
    ]
    goldenfiles.check(GOLDEN / "chronology.txt", "".join(rows))
    kinds = {one["kind"] for one in found["milestones"]}
    wanted = ("publication-after", "publication-by", "steepest-rise", "crash-begin", "crash-end", "takedown-by")
    assert kinds >= {*wanted, "first-arrival", "silence"}
    assert not found["contradictions"]
    for one in found["milestones"]:
        assert one["source"] or one["until"], one["label"]
    window = CCW["windows"][0]
    times = {one["kind"]: one["time"] for one in found["milestones"]}
    for kind, bound in (
        ("publication-after", "opened_after"),
        ("publication-by", "first_seen"),
        ("takedown-after", "last_seen"),
        ("takedown-by", "closed_by"),
    ):
        assert times[kind][:19] == window[bound][:19], kind


def test_declared_events_are_merged_and_held_against_the_logs(ask):
    found = answer(ask("chronology", "--json"))
    assert [one["time"] for one in found["milestones"]] == sorted(one["time"] for one in found["milestones"])
    declared = [one for one in found["milestones"] if one["sure"] == "declared"]
    assert [one["declared_by"] for one in declared][:2] == ["Change record (made up)", "Interview 2 (made up)"]
    assert found["contradictions"][0]["kind"] == "closed-after-publication"
    part = answer(ask("chronology", "--json", "--since", "2022-06-28 11:59"))
    assert part["milestones"]
    assert all(one["time"] >= "2022-06-28T18:59" for one in part["milestones"])


# --- clients ----------------------------------------------------------------------------------------------------------


def test_addresses_stand_beside_their_networks(ask):
    found = answer(ask("clients", "--json", "--dataset", "ccw"))
    (ccw,) = found["datasets"]
    assert ccw["unique_ips"] == len(ccw["clients"]) == CCW["unique_ips"]
    assert ccw["unique_ips_folded"] < ccw["unique_ips"]
    assert sum(each["downloads"] for each in ccw["clients"]) == CCW["downloads"]
    assert {each["name"] for each in found["agent_lists"]} == {"crawler-user-agents", "COUNTER robots"} or all(
        each["version"] for each in found["agent_lists"]
    )
    keys = {"client_ip", "label", "requests", "downloads_full", "holds_full_copy", "first_download", "agent_classes"}
    assert keys <= set(ccw["clients"][0])
    assert all(each["agent_classes"] for each in ccw["clients"] if each["automated"])


def test_a_dossier_is_of_one_address_and_the_whole_case(ask):
    found = answer(ask("clients", "--ip", "192.0.2.155", "--json"))
    assert found["address"] == "192.0.2.155"
    assert len(found["lines"]) == found["lines_total"] > 0
    assert [one["at"] for one in found["lines"]] == sorted(one["at"] for one in found["lines"])
    assert {"path", "line", "offset"} == set(found["lines"][0]["source"])
    refused = ask("clients", "--ip", "somebody", code=2)
    assert "192.0.2.0/24" in refused.stderr
    assert "the whole case" in ask("clients", "--ip", "192.0.2.155", "--dataset", "ccw", code=2).stderr


def test_who_took_several(ask):
    found = answer(ask("datasets", "--overlap", "--json"))
    both = {(each["first"], each["second"]): each["addresses"] for each in found["overlaps"]}
    assert both["ccw", "ccw"] == CCW["unique_ips"]
    assert all(both[a, b] <= min(both[a, a], both[b, b]) for a, b in both)
    assert found["took_everything"] == sum(each["everything"] for each in found["acquirers"])
    assert "leave it out" in ask("datasets", "--overlap", "--dataset", "ccw", code=2).stderr


# --- comparison -------------------------------------------------------------------------------------------------------


def test_a_case_compared_with_itself(world, monkeypatch):
    monkeypatch.chdir(world)
    found = answer(run("compare", "case.duckdb", "case.duckdb", "--json"))
    assert found["same"]
    assert "No figure, no download and no item differs." in run("compare", "case.duckdb", "case.duckdb").stdout


def test_what_a_rule_moved(world, monkeypatch):
    monkeypatch.chdir(world)
    monkeypatch.setenv("COLUMNS", "80")
    before = (world / "case.duckdb").read_bytes()
    both = ("compare", "case.duckdb", "case.duckdb", "--config-b", "longer.toml")
    found = answer(run(*both, "--json"))
    moved = {(each["dataset"], each["figure"]): each["difference"] for each in found["figures"]}
    assert moved["ccw", "downloads"] == -51
    assert found["policy"] == [{"key": "policy.session_gap_us", "a": "600000000", "b": "3600000000"}]
    assert {each["reason"] for each in found["causes"]} <= {"part-of-another", "counted-otherwise"}
    shown = run(*both).stdout
    assert "60m" in shown or "1h" in shown
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= 80
    assert (world / "case.duckdb").read_bytes() == before, "comparing leaves a case as it was"


def test_a_comparison_needs_two_cases_and_data_sets(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    case = world / "case.duckdb"
    assert run("compare", case, code=2).stdout == ""
    assert "there is no case file other.duckdb" in run("compare", case, "other.duckdb", code=1).stderr
    (tmp_path / "empty.toml").write_text('[case]\nname = "x"\n')
    refused = run("compare", case, case, "--config-a", "empty.toml", code=2)
    assert "no data set is defined" in refused.stderr


# --- what strangers write ---------------------------------------------------------------------------------------------


def test_nothing_a_stranger_wrote_is_obeyed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "logs").mkdir()
    script = "<script>alert(1)</script>"
    agents = [f"{script}\u202e\u200b[red]x[/red] {number}" for number in range(6)]
    lines = [
        f'192.0.2.7 - - [03/May/2024:10:0{number}:00 +0000] "GET /data/a{script}.csv HTTP/1.1" 200 5000 '
        f'"http://evil.example/{script}" "{agent}"\n'
        for number, agent in enumerate(agents)
    ]
    (tmp_path / "logs" / f"{script.replace('/', '')}.log").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "incident.toml").write_text(
        '[[evidence]]\nmatch = "**"\nserver = "nginx"\n[[dataset]]\nname = "x"\npaths = ["/data/**"]\n'
    )
    run("ingest", "-q", "logs")
    for question in (["coverage", "--all"], ["chronology"], ["clients"], ["clients", "--ip", "192.0.2.7"]):
        shown = run(*question).stdout
        assert not set(shown) & NEVER, question
        assert run(*question, "--json").stdout.isascii()
    assert "[red]" in "".join(run("clients", "--ip", "192.0.2.7").stdout.split()), "markup is text"
    run("report", "-q")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert script not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(1)" in page


# --- records as JSON --------------------------------------------------------------------------------------------------


def test_only_records_become_json():
    with pytest.raises(TypeError):
        jsonrecords.record({"a": 1})


def test_the_commands_run_as_a_program(world):
    command = [sys.executable, "-c", "from incident.cli import main; main()", "coverage", "--case", "case.duckdb"]
    done = subprocess.run(command, cwd=world, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
