"""From log lines to the sentence, as a user types it."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from incident import definition
from incident.cli import app

LINES = [
    f'192.0.2.{client} - - [27/Jun/2022:12:{minute:02d}:00 -0700] "GET {path} HTTP/1.1" {status} {size} "-" "Firefox"'
    for minute, (client, path, status, size) in enumerate(
        [
            (1, "/data/permits.csv", 200, 2_000_000),
            (2, "/data/permits.csv", 200, 2_000_000),
            (3, "/data//permits%2ecsv", 200, 2_000_000),
            (3, "/data/permits.csv", 206, 1000),
            (4, "/", 200, 512),
            (5, "/data/permits.csv", 404, 100),
        ]
    )
]
NOISE = "\x16\x03\x01\x1b[31m"
DEFINITION = """\
[case]
name = "Trial"
timezone = "America/Los_Angeles"

[[evidence]]
match = "**"
server = "nginx"

[[dataset]]
name = "permits"
paths = ["/data/*.csv"]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("INCIDENT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "access.log").write_text("\n".join([*LINES, NOISE, ""]) + "\n")
    return tmp_path


def run(*arguments, **kwargs):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="incident", **kwargs)


def test_without_a_definition_data_sets_are_proposed_that_work_when_pasted(folder):
    done = run("ingest", "logs")
    assert done.exit_code == 0, done.stderr
    assert "8 = 6 events + 1 rejected + 1 skipped" in done.stdout
    assert "note[server-unknown]: nothing in access.log says which server" in done.stderr
    assert "note[lines-rejected]: 1 of 8 lines in access.log" in done.stderr
    shown = run("summary").stdout
    pasted = shown[shown.index("[[dataset]]") :]
    Path("incident.toml").write_text(pasted)
    assert definition.load(Path("incident.toml")).datasets[0].paths == ("/data/permits.csv",)
    found = json.loads(run("summary", "--json").stdout)
    assert found["datasets"][0]["dataset"] == "permits"
    assert found["datasets"][0]["requests"] == 5


def test_proposals_as_json(folder):
    run("ingest", "-q", "logs")
    found = json.loads(run("summary", "--json").stdout)
    assert found["datasets"] == []
    assert [one["path"] for one in found["proposals"]] == ["/data/permits.csv"]
    assert found["evidence"][0]["lines"] == 8


def test_the_sentence_and_what_stands_behind_it(folder):
    Path("incident.toml").write_text(DEFINITION)
    assert run("ingest", "-q", "logs").stdout == ""
    shown = run("summary").stdout
    assert "3 unique IP addresses" in " ".join(shown.split())
    (found,) = json.loads(run("summary", "--json").stdout)["datasets"]
    assert found["unique_ips"] == 3
    assert found["buckets"]["denied"] == 1
    assert sum(found["buckets"].values()) == found["requests"] == 5
    assert found["windows"][0]["closed_by"] == "2022-06-27T19:05:00Z"
    part = json.loads(run("summary", "--json", "--until", "27 June 2022 12:01pm").stdout)
    assert part["datasets"][0]["unique_ips"] == 1
    assert part["until"] == "2022-06-27T19:01:00Z"
    assert run("summary", "--json").stdout == run("summary", "--json").stdout


def test_tables_of_every_question(folder):
    Path("incident.toml").write_text(DEFINITION)
    run("ingest", "-q", "logs")
    for command, expected in (("windows", "closed by"), ("clients", "192.0.2.3"), ("datasets", "/data/permits.csv")):
        done = run(command)
        assert (done.exit_code, done.stderr) == (0, "")
        assert expected in done.stdout
        assert json.loads(run(command, "--json").stdout)["datasets"][0]["dataset"] == "permits"


def test_a_second_ingest_changes_nothing_and_says_so(folder):
    run("ingest", "-q", "logs")
    before = run("evidence", "--json").stdout
    again = run("ingest", "logs")
    assert "1 item stood in the case already, and did not change" in again.stdout
    assert run("evidence", "--json").stdout == before


def test_what_no_format_fits_ends_with_3(folder):
    Path("logs/notes.txt").write_text("hello\nworld\n")
    done = run("ingest", "logs")
    assert done.exit_code == 3
    assert "note[not-recognised]: notes.txt" in done.stderr
    quiet = run("ingest", "-q", "logs")
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (3, "", "")


def test_stdin_is_evidence(folder):
    done = run("ingest", "--json", "-", input="\n".join(LINES) + "\n")
    assert done.exit_code == 0, done.stderr
    (item,) = json.loads(done.stdout)["evidence"]
    assert (item["path"], item["events"]) == ("stdin.log", len(LINES))
    assert "note[stdin-not-kept]" in done.stderr


def test_options_come_before_the_definition(folder):
    Path("incident.toml").write_text('[[evidence]]\nmatch = "**"\nserver = "apache"\nvantage = "behind"\n')
    assert run("ingest", "-q", "--server", "nginx", "--format", "combined", "logs").exit_code == 0
    item = json.loads(run("evidence", "--json").stdout)["evidence"][0]
    assert (item["format"], item["vantage"]) == ("combined", "behind")


@pytest.mark.parametrize("command", ["timeline", "report"])
def test_pages_are_written_and_never_over_another(folder, command):
    Path("incident.toml").write_text(DEFINITION)
    run("ingest", "-q", "logs")
    done = run(command)
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"wrote {command}.html\n", "")
    first = Path(f"{command}.html").read_bytes()
    assert first.lstrip().lower().startswith(b"<!doctype html>")
    assert run(command).exit_code == 1
    assert run(command, "--force", "-q").stdout == ""
    assert Path(f"{command}.html").read_bytes() == first, "the same findings give the same bytes"
    assert run(command, "-o", "-").stdout_bytes == first


def test_a_timeline_is_a_picture_where_its_name_says_so(folder):
    Path("incident.toml").write_text(DEFINITION)
    run("ingest", "-q", "logs")
    assert run("timeline", "-o", "t.svg").exit_code == 0
    assert "<svg" in Path("t.svg").read_text(encoding="utf-8")
    refused = run("timeline", "-o", "t.gif")
    assert refused.exit_code == 2
    assert ".svg" in refused.stderr


def test_formats_are_listed_and_shown():
    names = [one["name"] for one in json.loads(run("formats", "--json").stdout)["formats"]]
    assert "combined" in names
    assert "combined" in run("formats").stdout
    assert "source" in run("formats", "combined").stdout
    assert 'did you mean "combined"?' in run("formats", "combned").stderr
