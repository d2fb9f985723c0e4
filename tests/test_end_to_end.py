"""The whole tool against the oracle: made-up cases written as log files, ingested and summed up as a user does it."""

from __future__ import annotations

import json
from pathlib import Path

import oracle
import pytest
from against_oracle import differences
from goldenfiles import check
from strategies import seeded_case, write_case
from typer.testing import CliRunner

from incident.cli import app

RUN = CliRunner()
GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("seed", range(12))
def test_a_made_up_case(seed, tmp_path, monkeypatch):
    case = seeded_case(seed)
    folder = tmp_path / "logs"
    folder.mkdir()
    write_case(case, folder)
    monkeypatch.chdir(tmp_path)
    ingested = RUN.invoke(app, ["ingest", "-q", str(folder)])
    assert ingested.exit_code == 0, ingested.output
    told = RUN.invoke(app, ["summary", "--json"])
    assert told.exit_code == 0, told.output
    assert differences(json.loads(told.stdout), oracle.count(case.items, case.definition)) == []


@pytest.mark.parametrize("together", [True, False])
def test_a_case_ingested_in_parts(together, tmp_path, monkeypatch):
    """[[evidence]] tables fit whichever folder above the items was ingested; the whole folder brings it all in."""
    case = seeded_case(3)
    folder = tmp_path / "logs"
    folder.mkdir()
    write_case(case, folder)
    monkeypatch.chdir(tmp_path)
    parts = [str(folder / "edge"), str(folder / "origin")]
    for paths in [parts] if together else [parts[:1], parts[1:], [str(folder)]]:
        ingested = RUN.invoke(app, ["ingest", "-q", "--config", str(folder / "incident.toml"), *paths])
        assert ingested.exit_code == 0, ingested.output
    told = RUN.invoke(app, ["summary", "--json", "--config", str(folder / "incident.toml")])
    assert differences(json.loads(told.stdout), oracle.count(case.items, case.definition)) == []


def test_the_summary_of_the_sample_case(tmp_path, monkeypatch):
    """The contract of `incident summary --json`, whole, as programs read it."""
    sample = Path(__file__).parent.parent / "sample_logs" / "firearms_dashboard"
    monkeypatch.chdir(tmp_path)
    assert RUN.invoke(app, ["ingest", "-q", str(sample)]).exit_code == 0
    told = json.loads(RUN.invoke(app, ["summary", "--json"]).stdout)
    told["version"] = "…"
    check(GOLDEN / "summary.json", json.dumps(told, indent=1, sort_keys=False) + "\n")
