"""The whole tool against the oracle: made-up cases written as log files, ingested and summed up as a user does it."""

from __future__ import annotations

import json

import oracle
import pytest
from against_oracle import differences
from strategies import seeded_case, write_case
from typer.testing import CliRunner

from incident.cli import app

RUN = CliRunner()


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
