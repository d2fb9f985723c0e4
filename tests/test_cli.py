"""The command line: what it prints, where, and how it ends. Nothing here needs a parser: cases are put together."""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from incident import __version__, store
from incident.cli import app, output
from incident.cli.moments import moment_us
from incident.errors import OutputError, UsageError
from incident.records import EvidenceItem, Reading

NOON = 1_656_331_200_000_000  # 2022-06-27T12:00:00Z
HOSTILE = "edge/\x1b[31m\u202egnp.log"


def item(evidence_id, path, **changes):
    values = {
        "evidence_id": evidence_id,
        "path": path,
        "root": "logs",
        "sha256": f"{evidence_id:064x}",
        "content_sha256": f"{evidence_id:064x}",
        "bytes": 500,
        "content_bytes": 500,
        "compression": "none",
        "format": "combined",
        "detected_by": "1 of 1 lines fit",
        "vantage": "origin",
        "server": None,
        "server_because": None,
        "status": "ingested",
        "problem": None,
        "repeat_of": None,
        "lines": 5,
        "events": 3,
        "rejected": 1,
        "skipped": 1,
        "first_ts_us": NOON,
        "last_ts_us": NOON + 1_500_000,
        "settings": "{}",
    }
    return EvidenceItem(**values | changes)


REPEAT = {
    "status": "repeat",
    "repeat_of": 1,
    "lines": 0,
    "events": 0,
    "rejected": 0,
    "skipped": 0,
    "first_ts_us": None,
    "last_ts_us": None,
}
ITEMS = (item(1, "origin/a.log"), item(2, HOSTILE, format=None, status="unrecognised"), item(3, "b/a.log", **REPEAT))
REJECTS = pl.DataFrame(
    {
        "evidence_id": pl.Series([1, 2], dtype=pl.Int32),
        "line_no": [4, 2],
        "byte_offset": [300, 90],
        "byte_length": pl.Series([9, 6], dtype=pl.Int32),
        "reason": ["timestamp", "no format"],
        "raw": [b"\x16\x03\x01\xff GET", "\u202e\x9b31m".encode()],
    }
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("INCIDENT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def case(folder):
    with closing(store.open_case(folder / "case.duckdb")) as con:
        store.put_items(con, ITEMS)
        store.put_readings(con, [(1, Reading(0, "combined", None, "unknown", "unknown", None, None, 1))])
        store.insert(con, "reject", REJECTS)
    return folder / "case.duckdb"


def run(*arguments, **kwargs):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="incident", **kwargs)


def run_process(*arguments, **kwargs):
    command = [sys.executable, "-c", "from incident.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)


# --- help and usage --------------------------------------------------------------------------------------------------


def test_version_and_no_arguments():
    assert run("--version").stdout == f"incident {__version__}\n"
    bare = run()
    assert bare.exit_code == 2
    assert "Commands:" in bare.stdout + bare.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["ingest", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments):
    script = (
        "import sys\n"
        "from incident.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'duckdb', 'polars', 'plotly', 'numpy', 'pyarrow', 'jinja2', 'rich', 'dateutil'} & set(sys.modules)\n"
        "sys.stderr.write(' '.join(sorted(heavy)))"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "incident" in done.stdout


def test_wrong_usage_ends_with_2():
    assert run("nonsense").exit_code == 2
    assert run("evidence", "--nonsense").exit_code == 2
    assert run("ingest").exit_code == 2


# --- init ------------------------------------------------------------------------------------------------------------


def test_init_never_overwrites_unasked(folder):
    assert run("init").exit_code == 0
    written = (folder / "incident.toml").read_text()
    (folder / "incident.toml").write_text("mine")
    again = run("init")
    assert again.exit_code == 1
    assert again.stderr.startswith("error[bad-output]: incident.toml exists\n")
    assert "--force" in again.stderr
    assert (folder / "incident.toml").read_text() == "mine"
    assert run("init", "--force").exit_code == 0
    assert (folder / "incident.toml").read_text() == written
    assert run("init", "-o", "-").stdout == written
    assert run("init", "-q", "-o", "other.toml").stdout == ""
    assert (folder / "other.toml").read_text() == written


def test_an_output_is_whole_or_not_there(folder):
    output.write(folder / "a", "é", force=False)
    assert (folder / "a").read_bytes() == "é".encode()
    with pytest.raises(OutputError, match="no folder"):
        output.write(folder / "none" / "a", "x", force=False)
    with pytest.raises(OutputError, match="is a folder"):
        output.write(folder, "x", force=True)
    assert sorted(path.name for path in folder.iterdir()) == ["a"]


# --- evidence and rejects --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["evidence", "rejects", "summary", "datasets", "windows", "clients"])
def test_without_a_case_there_is_a_next_step(folder, command):
    done = run(command)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error[no-case]: there is no case file case.duckdb\n")
    assert "incident ingest" in done.stderr
    assert not (folder / "case.duckdb").exists(), "asking makes no case"


def test_a_file_that_is_no_case(folder):
    (folder / "case.duckdb").write_bytes(b"GET / HTTP/1.1\n" * 500)
    done = run("evidence")
    assert done.exit_code == 1
    assert done.stderr.startswith("error[no-case]: ")
    assert "Traceback" not in done.stderr


def test_evidence_as_json_has_the_keys_of_the_contract(case):
    done = run("evidence", "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)["evidence"]
    assert [one["path"] for one in found] == sorted(one["path"] for one in found)
    first = next(one for one in found if one["path"] == "origin/a.log")
    assert list(first)[:12] == [
        "path", "sha256", "bytes", "format", "vantage", "status",
        "lines", "events", "rejected", "skipped", "first_ts", "last_ts",
    ]  # fmt: skip
    assert first["first_ts"] == "2022-06-27T12:00:00Z"
    assert first["last_ts"] == "2022-06-27T12:00:01.500Z"
    assert next(one for one in found if one["status"] == "repeat")["repeat_of"] == "origin/a.log"


def test_the_definition_decides_the_vantage(case):
    Path("incident.toml").write_text('[[evidence]]\nmatch = "origin/*"\nvantage = "behind"\nserver = "nginx"\n')
    found = json.loads(run("evidence", "--json").stdout)["evidence"]
    first = next(one for one in found if one["path"] == "origin/a.log")
    assert (first["vantage"], first["server"]) == ("behind", "nginx")


def test_evidence_for_people_balances_and_obeys_nothing_it_prints(case):
    Path("incident.toml").write_text('[case]\ntimezone = "America/Los_Angeles"\n')
    done = run("evidence")
    assert "10 = 6 events + 2 rejected + 2 skipped" in done.stdout
    assert "3, of which 1 repeats another, adding no events" in done.stdout
    assert "2022-06-27 05:00:00 -07:00" in done.stdout
    assert "America/Los_Angeles" in done.stdout
    assert "edge/\\x1b[31m\\u202egnp.log" in done.stdout
    assert not set(done.stdout) & {"\x1b", "\u202e"}


def test_a_narrow_terminal_loses_nothing(case, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    narrow = run("evidence").stdout
    assert max(map(len, narrow.splitlines())) <= 60
    assert "…" not in narrow


def test_rejects_are_counted_then_shown_whole(case):
    counts = run("rejects", "--json")
    assert json.loads(counts.stdout)["rejects"] == [
        {"path": HOSTILE, "reason": "no format", "lines": 1},
        {"path": "origin/a.log", "reason": "timestamp", "lines": 1},
    ]
    assert "timestamp" in run("rejects").stdout
    lines = json.loads(run("rejects", "origin/a.log", "--json").stdout)["rejects"]
    assert lines == [
        {
            "path": "origin/a.log",
            "line": 4,
            "offset": 300,
            "reason": "timestamp",
            "raw": "\x16\x03\x01\\xff GET",
            "raw_base64": "FgMB/yBHRVQ=",
        }
    ]
    shown = run("rejects", "--all").stdout
    assert "origin/a.log:4 offset 300 timestamp\n  \\x16\\x03\\x01\\xff GET\n" in shown
    assert not set(shown) & {"\x1b", "\u202e", "\x9b", "\x16"}


def test_json_is_ascii_whatever_the_log_says(case):
    for arguments in (["evidence", "--json"], ["rejects", "--all", "--json"]):
        assert run(*arguments).stdout.isascii()


def test_an_item_is_named_by_path_or_by_its_end(case):
    ambiguous = run("rejects", "a.log")
    assert ambiguous.exit_code == 2
    assert 'error[bad-option]: "a.log" fits 2 items' in ambiguous.stderr
    unknown = run("rejects", "origin/b.log")
    assert unknown.exit_code == 2
    assert 'did you mean "origin/a.log"?' in unknown.stderr


# --- counting commands before there is anything to count -------------------------------------------------------------


def test_without_a_data_set_there_is_nothing_to_count(case):
    done = run("windows")
    assert done.exit_code == 2
    assert "no data set is defined" in done.stderr
    assert "incident summary proposes" in done.stderr


def test_an_unknown_data_set_is_answered_with_the_nearest(case):
    Path("incident.toml").write_text('[[dataset]]\nname = "permits"\npaths = ["/a"]\n')
    done = run("summary", "--dataset", "permit")
    assert done.exit_code == 2
    assert 'did you mean "permits"?' in done.stderr


def test_a_bad_definition_is_an_error_not_a_traceback(case):
    Path("incident.toml").write_text('[case]\nnam = "x"\n')
    done = run_process("summary")
    assert done.returncode == 2
    assert done.stderr == (
        "error[bad-definition]: case.nam: no such key here\n"
        "  where: incident.toml, line 2\n"
        '  next:  did you mean "name"?\n'
    )
    assert done.stdout == ""


def test_the_environment_names_the_case(case, monkeypatch):
    case.rename(case.with_name("other.duckdb"))
    monkeypatch.setenv("INCIDENT_CASE", "other.duckdb")
    assert run("evidence").exit_code == 0
    assert run("evidence", "--case", "case.duckdb").exit_code == 1, "an option comes before the environment"


# --- ways to end -----------------------------------------------------------------------------------------------------


def test_an_interrupt_ends_with_130(case, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "open_case", interrupted)
    done = run("evidence")
    assert done.exit_code == 130
    assert "interrupted" in done.stderr


def test_a_reader_that_goes_away_is_no_error(case):
    with closing(store.open_case(case)) as con:
        con.execute("insert into reject select 1, range + 10, 0, 1, 'timestamp', 'x'::blob from range(20000)")
    command = (
        f"set -o pipefail; '{sys.executable}' -c 'from incident.cli import main; main()' rejects --all | head -n 1"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    assert done.returncode == 141


def test_nothing_is_printed_on_stderr_when_all_is_well(case):
    done = run_process("evidence")
    assert done.returncode == 0
    assert done.stderr == ""


# --- ingest: what is refused before anything is read -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "slug", "advice"),
    [
        (["absent.log"], "no-evidence", "spelling"),
        (["a.log", "--server", "apach"], "bad-option", 'did you mean "apache"?'),
        (["a.log", "--tz", "PST"], "bad-option", "America/Los_Angeles"),
        (["a.log", "--format", "combine"], "bad-option", 'did you mean "combined"?'),
        (["a.log", "--format", "combined", "--log-format", "%h"], "bad-option", "keep one"),
        (["a.log", "--config", "absent.toml"], "bad-definition", "incident init"),
    ],
)
def test_ingest_refuses(folder, arguments, slug, advice):
    (folder / "a.log").write_text("")
    done = run("ingest", *arguments)
    assert done.exit_code in {1, 2}
    assert done.stderr.startswith(f"error[{slug}]: ")
    assert advice in done.stderr
    assert not (folder / "case.duckdb").exists()


# --- times -----------------------------------------------------------------------------------------------------------

ZONE = "America/Los_Angeles"


@pytest.mark.parametrize(
    "text",
    [
        "2022-06-27T12:00:00Z",
        "2022-06-27 05:00",
        "2022-06-27T05:00:00-07:00",
        "27 June 2022 5am",
        "June 27, 2022 05:00",
        "Mon 27 Jun 2022 05:00",
        "2022/06/27 05:00",
        "06/27/2022 05:00",
        "27/Jun/2022:05:00:00 -0700",
        "[27/Jun/2022:12:00:00 +0000]",
        "2022-06-27 12:00 UTC",
        "2022-06-27 14:00 Europe/Berlin",
        "2022-06-27 15:00 +03:00",
    ],
)
def test_a_time_is_read_in_the_display_zone_unless_it_names_one(text):
    assert moment_us(text, ZONE, "--since") == NOON


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("09/10/2024", "may mean 2024-09-10 or 2024-10-09"),
        ("10-06-2022 10:00", "may mean"),
        ("2022-06-27 05:00 PDT", "names a zone, PDT"),
        ("2022-06-27 05:00 EST", "names a zone, EST"),
        ("2022-06-27 05:00 UTC+3", "sign behind a name"),
        ("10:30", "does not give day, month and year"),
        ("Monday", "does not give day, month and year"),
        ("27 June", "does not give day, month and year"),
        ("06/27/22", "year in four digits"),
        ("Tue 27 Jun 2022", "another weekday"),
        ("2022-03-13 02:30", "never was"),
        ("2022-11-06 01:30", "was twice"),
        ("2022-06-27 05:00 Europe/Nowhere", "not known"),
        ("0001-01-01", "outside the time"),
        ("yesterday", "is not a time"),
        ("", "is not a time"),
        ("1656331200", "is not a time"),
        ("99999999999999999999", "is not a time"),
    ],
)
def test_a_time_that_would_be_guessed_is_refused(text, reason):
    with pytest.raises(UsageError, match=reason) as caught:
        moment_us(text, ZONE, "--since")
    assert "2022-06-27T21:30:00-07:00" in caught.value.next_step
