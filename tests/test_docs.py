"""The documentation cannot drift: messages, command reference, README and starter are held to the code."""

import ast
import importlib
import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import goldenfiles
import pytest
import typer.main
from typer.testing import CliRunner

import incident
from incident import definition
from incident.cli import app
from incident.cli.starter import STARTER
from incident.errors import IncidentError

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
WIDTH = "100"
README = ROOT / "README.md"
COMMANDS = tuple(typer.main.get_command(app).commands)
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)


def slugs_of_errors():
    for module in pkgutil.walk_packages(incident.__path__, "incident."):
        if not module.name.startswith("incident.render"):  # which raises none of its own, and is slow to load
            importlib.import_module(module.name)
    found, waiting = set(), [IncidentError]
    while waiting:
        kind = waiting.pop()
        found.add(kind.slug)
        waiting += kind.__subclasses__()
    return found


def slugs_of_notes():
    for path in sorted((ROOT / "incident").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "note":
                slug = node.args[0]
                assert isinstance(slug, ast.Constant), f"{path.name}:{node.lineno}: a slug is written out, to be found"
                yield slug.value


def test_every_message_is_explained_and_every_explanation_is_of_a_message():
    text = (DOCS / "messages.md").read_text(encoding="utf-8")
    errors, notes = text.split("## Notes")
    assert set(re.findall(r"^### (\S+)$", errors, re.MULTILINE)) == slugs_of_errors()
    assert set(re.findall(r"^### (\S+)$", notes, re.MULTILINE)) == set(slugs_of_notes())


def help_of(*arguments):
    shown = CliRunner().invoke(
        app, [*arguments, "--help"], prog_name="incident", env={"COLUMNS": WIDTH, "TERM": "dumb"}
    )
    assert shown.exit_code == 0
    return shown.stdout


def test_the_command_reference_is_what_help_says():
    parts = ["# Commands\n", "Written by `make docs` from `incident --help`.\n", f"```\n{help_of()}```\n"]
    parts += [f"## incident {name}\n\n```\n{help_of(name)}```\n" for name in COMMANDS]
    goldenfiles.check(DOCS / "cli.md", "\n".join(parts))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_its_help(name):
    command = typer.main.get_command(app).commands[name]
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name}: {parameter.name}"


def test_the_starter_is_a_definition_and_so_is_every_key_in_it(tmp_path):
    path = tmp_path / "incident.toml"
    path.write_text(STARTER, encoding="utf-8")
    assert definition.load(path).name == "Unnamed case"
    (tmp_path / "networks.csv").write_text("cidr,label\n")
    (tmp_path / "GeoLite2-ASN.mmdb").write_bytes(b"")
    plain = re.sub(r"^# (?=\[|\w+ = )", "", STARTER, flags=re.MULTILINE)
    path.write_text(plain, encoding="utf-8")
    case = definition.load(path)
    assert case.datasets[0].sizes
    assert case.events[0].kind == "taken_down"
    assert case.policy == definition.CaseDefinition().policy, "the starter shows the defaults"


def test_every_key_of_the_definition_is_explained():
    keys = set(re.findall(r"^#? ?(\w+) = ", STARTER, re.MULTILINE)) | {
        "format",
        "regex",
        "hosts",
        "query",
        "dataset",
        "dir",
    }
    explained = set(re.findall(r"^\| `(\w+)` \|", (DOCS / "definition.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert explained == keys


def runnable(text):
    """The console blocks of a page that can be run here: those on the sample logs need the sample logs."""
    ready = any((ROOT / "sample_logs").glob("*/incident.toml"))
    return [block for block in CONSOLE.findall(text) if ready or "sample_logs" not in block]


def run_block(block, folder):
    """Run the commands of a block and return it as it should read."""
    shown = []
    for line in block.splitlines():
        if not line.startswith("$ "):
            continue
        done = subprocess.run(
            ["bash", "-c", line[2:]],
            cwd=folder,
            env={
                **{key: value for key, value in os.environ.items() if not key.startswith("INCIDENT_")},
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "COLUMNS": WIDTH,
                "NO_COLOR": "1",
                "TERM": "dumb",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        printed = [one.rstrip() for one in (done.stdout + done.stderr).splitlines()]  # tables are filled up with blanks
        shown.append("\n".join([line, *printed]) + "\n")
    return "".join(shown)


def test_the_readme_shows_what_its_commands_print(tmp_path):
    (tmp_path / "sample_logs").symlink_to(ROOT / "sample_logs")
    text = README.read_text(encoding="utf-8")
    for block in runnable(text):
        text = text.replace(f"```console\n{block}```", f"```console\n{run_block(block, tmp_path)}```")
    goldenfiles.check(README, text)


def test_the_readme_names_the_two_commands_that_need_nothing_else():
    text = README.read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text


def test_make_explains_itself():
    # as if by hand: what an outer make hands down would make this one say where it stands
    env = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    listed = subprocess.run(["make"], cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {line.split()[1] for line in listed.splitlines()} == set(targets)


def test_the_lock_holds_every_dependency_and_no_address():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    assert {re.match(r"[A-Za-z0-9_-]+", one)[0].lower().replace("_", "-") for one in wanted} <= locked
    assert "://" not in lock
    assert "--find-links" not in lock
