"""Questions to a case: datasets, summary, windows, clients."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from incident.cli import opening, options

if TYPE_CHECKING:
    from incident.render.jsonout import Json

CLIENTS_SHOWN = 25


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (summary, datasets, windows, clients):
        app.command()(command)


def print_json(value: Json) -> None:
    """Print JSON on stdout."""
    from incident.render import jsonout  # noqa: PLC0415 - not needed to print help

    sys.stdout.write(jsonout.text(value))


def summary(
    *,
    case: options.Case = options.CASE_FILE,
    config: options.Config = None,
    dataset: options.Datasets = None,
    since: options.Since = None,
    until: options.Until = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Say what was downloaded, how often, by whom, and when.

    Without a case definition: what was ingested, and data sets to choose from.
    """
    from contextlib import closing  # noqa: PLC0415 - beside its one use

    from incident import findings, listing  # noqa: PLC0415 - not needed to print help
    from incident.render import jsonout, terminal  # noqa: PLC0415 - not needed to print help

    with closing(opening.open_case(case)) as con:
        definition = opening.definition_of(con, config, quiet=quiet)
        items = listing.evidence_items(con)
        proposing = not (definition.datasets or dataset)
        proposals = findings.propose_datasets(con) if proposing else ()
    if proposing:
        if as_json:
            print_json(jsonout.proposals(definition, items, proposals))
            return
        out = terminal.console()
        terminal.evidence(out, items, listing.totals(items), definition.timezone)
        terminal.proposals(out, proposals, definition.timezone)
        return
    found = opening.findings_of(case, config, datasets=dataset, since=since, until=until, quiet=True)
    if as_json:
        print_json(jsonout.summary(found))
    else:
        terminal.summary(terminal.console(), found, listing.totals(found.evidence))


def datasets(
    *,
    case: options.Case = options.CASE_FILE,
    config: options.Config = None,
    dataset: options.Datasets = None,
    since: options.Since = None,
    until: options.Until = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """List each data set's objects and their downloads."""
    from incident.render import jsonout, terminal  # noqa: PLC0415 - not needed to print help

    found = opening.findings_of(case, config, datasets=dataset, since=since, until=until, quiet=quiet)
    if as_json:
        print_json(jsonout.datasets(found))
    else:
        terminal.datasets(terminal.console(), found)


def windows(
    *,
    case: options.Case = options.CASE_FILE,
    config: options.Config = None,
    dataset: options.Datasets = None,
    since: options.Since = None,
    until: options.Until = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """List the exposure windows, bounded from both sides."""
    from incident.render import jsonout, terminal  # noqa: PLC0415 - not needed to print help

    found = opening.findings_of(case, config, datasets=dataset, since=since, until=until, quiet=quiet)
    if as_json:
        print_json(jsonout.windows(found))
    else:
        terminal.windows(terminal.console(), found)


def clients(
    *,
    case: options.Case = options.CASE_FILE,
    config: options.Config = None,
    dataset: options.Datasets = None,
    since: options.Since = None,
    until: options.Until = None,
    everyone: Annotated[
        bool, typer.Option("--all", help=f"Every address, not only the first {CLIENTS_SHOWN}.")
    ] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """List the client addresses and what each downloaded."""
    from incident.render import jsonout, terminal  # noqa: PLC0415 - not needed to print help

    found = opening.findings_of(case, config, datasets=dataset, since=since, until=until, quiet=quiet)
    if as_json:
        print_json(jsonout.clients(found))
    else:
        terminal.clients(terminal.console(), found, limit=None if everyone else CLIENTS_SHOWN)
