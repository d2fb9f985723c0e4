"""A page proved, and detection explained, by function and from the command line."""

from __future__ import annotations

import json

import pytest
from test_formats import GOOD
from typer.testing import CliRunner

from incident.cli import app
from incident.errors import EvidenceError
from incident.explain import explain
from incident.formats import load
from incident.parse import Settings

LINE = '192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 5 "-" "curl/8"'


def run(*arguments: str):
    return CliRunner().invoke(app, [*arguments])


def test_candidates_and_how_far_they_got(tmp_path):
    log = tmp_path / "a.log"
    log.write_text(f"{LINE}\n" * 9 + LINE.replace(" 200 ", " abc ") + "\n")
    (found,) = explain(log, load(), Settings())
    assert (found.format, found.wrapped, found.records) == (None, (), False) or found.format == "combined"
    first = found.candidates[0]
    assert (first.format, first.fitted, first.tried) == ("combined", 9, 10)
    assert (first.first_failure.line, first.first_failure.reason) == (10, "status")
    assert found.untried + len(found.candidates) == len(load())
    with pytest.raises(EvidenceError):
        explain(tmp_path / "none.log", load(), Settings())


def test_wrappers_are_told(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("".join(json.dumps({"log": LINE + "\n", "stream": "stdout"}) + "\n" for _ in range(5)))
    (found,) = explain(log, load(), Settings())
    assert (found.format, found.wrapped) == ("combined", ("docker",))
    shown = run("formats", "--explain", str(log))
    assert shown.exit_code == 0
    assert "docker" in shown.stdout
    said = json.loads(run("formats", "--explain", str(log), "--json").stdout)
    assert said["items"][0]["wrapped"] == ["docker"]


def test_a_page_is_proved(tmp_path):
    page = tmp_path / "mine.toml"
    page.write_text(GOOD)
    shown = run("formats", "--check", str(page))
    assert (shown.exit_code, "mine holds, 1 sample" in shown.stdout) == (0, True)
    page.write_text(GOOD.replace("status = 200 }", "status = 404 }"))
    assert run("formats", "--check", str(page)).exit_code != 0
    assert run("formats", "combined", "--check", str(page)).exit_code != 0


def test_a_page_of_the_users_is_proved_before_it_reads(tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "mine.toml").write_text(GOOD.replace("status = 200 }", "status = 404 }"))
    (tmp_path / "incident.toml").write_text('[formats]\ndir = "pages"\n')
    (tmp_path / "a.log").write_text(LINE + "\n")
    shown = run(
        "ingest",
        str(tmp_path / "a.log"),
        "--config",
        str(tmp_path / "incident.toml"),
        "--case",
        str(tmp_path / "c.duckdb"),
    )
    assert shown.exit_code != 0
    assert "sample" in shown.stderr


def test_a_configuration_file_is_read(tmp_path):
    (tmp_path / "nginx.conf").write_text("log_format m '$status [$time_local] $request';\naccess_log /x m;\n")
    (tmp_path / "a.log").write_text("200 [10/Oct/2000:13:55:36 -0700] GET /a HTTP/1.1\n")
    shown = run(
        "ingest",
        str(tmp_path / "a.log"),
        "--log-format",
        str(tmp_path / "nginx.conf"),
        "--case",
        str(tmp_path / "c.duckdb"),
    )
    assert shown.exit_code == 0, shown.stderr
