"""What is handed to others: timeline, report, formats."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from incident.cli import opening, options
from incident.cli.ask import print_json
from incident.cli.output import STDOUT, check_free, write
from incident.errors import UsageError
from incident.strict_toml import suggest


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (timeline, report, formats):
        app.command()(command)


def timeline(
    *,
    output: options.Output = Path("timeline.html"),
    force: options.Force = False,
    case: options.Case = options.CASE_FILE,
    config: options.Config = None,
    dataset: options.Datasets = None,
    since: options.Since = None,
    until: options.Until = None,
    policy: options.Policy = None,
    quiet: options.Quiet = False,
) -> None:
    """Draw downloads, windows, gaps and events over time.

    The file's ending says what it becomes: .html, .svg or .png.
    """
    from incident import findings, whole  # noqa: PLC0415 - loads Polars and DuckDB
    from incident.render import plots  # noqa: PLC0415 - loads Plotly

    kind = ".html" if output == STDOUT else output.suffix.lower()
    if kind not in plots.KINDS:
        raise UsageError(
            f'a timeline cannot be written as "{kind}"',
            where="--output",
            next_step=f"end it in {' or '.join(plots.KINDS)}",
        )
    check_free(output, force=force)
    with opening.asked(case, config, datasets=dataset, since=since, until=until, policy=policy, quiet=quiet) as asked:
        found = findings.case_finding(asked.con, asked.definition, **asked.choice)
        told = whole.chronology(asked.con, asked.definition, found.coverage, **asked.choice)
    _hand_over(plots.picture(found, kind, milestones=told.milestones), output, force=force, quiet=quiet)


def report(
    *,
    output: options.Output = Path("report.html"),
    force: options.Force = False,
    case: options.Case = options.CASE_FILE,
    config: options.Config = None,
    dataset: options.Datasets = None,
    since: options.Since = None,
    until: options.Until = None,
    policy: options.Policy = None,
    quiet: options.Quiet = False,
) -> None:
    """Write the report for counsel, as one HTML file."""
    from incident import model, store, whole  # noqa: PLC0415 - loads Polars and DuckDB
    from incident.render import report as reporting  # noqa: PLC0415 - loads Plotly and templates

    check_free(output, force=force)
    with opening.asked(case, config, datasets=dataset, since=since, until=until, policy=policy, quiet=quiet) as asked:
        found = whole.whole_finding(asked.con, asked.definition, own=asked.own, **asked.choice)
    rules = reporting.rules_of("\n".join(store.sql_text(step) for step in model.STEPS if isinstance(step, str)))
    _hand_over(reporting.html(found.case, rules=rules, whole=found), output, force=force, quiet=quiet)


def formats(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One format to show whole.", show_default=False)
    ] = None,
    *,
    check: Annotated[
        Path | None, typer.Option("--check", metavar="FILE", help="Prove a format page: read it and try its samples.")
    ] = None,
    explain: Annotated[
        Path | None,
        typer.Option(
            "--explain", metavar="LOGFILE", help="Show how a log's format is recognised, candidate by candidate."
        ),
    ] = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """List the log formats that are known, or show one."""
    from incident import formats as pages  # noqa: PLC0415 - not needed to print help
    from incident.render import jsonout, terminal  # noqa: PLC0415 - not needed to print help

    if sum(one is not None for one in (name, check, explain)) > 1:
        raise UsageError("NAME, --check and --explain ask for different things", where="formats", next_step="keep one")
    if check is not None:
        _check_page(check)
        return
    if explain is not None:
        _explain(explain, config, as_json=as_json)
        return
    known = pages.load(opening.definition_for(config, ()).formats)
    if name is not None and name not in known:
        raise UsageError(f'no format is called "{name}"', where="NAME", next_step=suggest(name, sorted(known)))
    shown = known if name is None else {name: known[name]}
    if as_json:
        print_json(jsonout.formats(shown))
    elif name is None:
        terminal.formats(terminal.console(), shown)
    else:
        terminal.format_page(terminal.console(), shown[name])


def _check_page(path: Path) -> None:
    from incident.formats import read_page  # noqa: PLC0415 - not needed to print help
    from incident.parse.check import check  # noqa: PLC0415 - loads Polars

    page = read_page(path)
    check(page)
    count = len(page.samples)
    sys.stdout.write(f"{path}: {page.name} holds, {count} {'sample' if count == 1 else 'samples'}\n")


def _explain(path: Path, config: Path | None, *, as_json: bool) -> None:
    from incident.explain import explain  # noqa: PLC0415 - loads Polars
    from incident.parse import Settings  # noqa: PLC0415 - not needed to print help
    from incident.parse.check import load_checked  # noqa: PLC0415 - loads Polars
    from incident.render import terminal, terminal_formats  # noqa: PLC0415 - not needed to print help

    found = explain(path, load_checked(opening.definition_for(config, ()).formats), Settings())
    if as_json:
        print_json({"items": [asdict(one) for one in found]})
        return
    for one in found:
        terminal_formats.explained(terminal.console(), one)


def _hand_over(page: str | bytes, output: Path, *, force: bool, quiet: bool) -> None:
    write(output, page, force=force)
    if not quiet and output != STDOUT:
        sys.stdout.write(f"wrote {output}\n")
