"""What a case counts: summary, datasets, windows."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from incident.cli import opening, options
from incident.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from incident.render.jsonout import Json


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (summary, datasets, windows):
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
    policy: options.Policy = None,
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
    found = opening.findings_of(case, config, datasets=dataset, since=since, until=until, policy=policy, quiet=True)
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
    policy: options.Policy = None,
    overlap: Annotated[
        bool, typer.Option("--overlap", help="Instead: which addresses downloaded from several data sets.")
    ] = False,
    everyone: Annotated[bool, typer.Option("--all", help="With --overlap: every address, not only the first.")] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """List each data set's objects and their downloads."""
    if overlap:
        _overlap(case, config, dataset, (since, until), policy, everyone=everyone, as_json=as_json, quiet=quiet)
        return
    from incident.render import jsonout, terminal  # noqa: PLC0415 - not needed to print help

    found = opening.findings_of(case, config, datasets=dataset, since=since, until=until, policy=policy, quiet=quiet)
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
    policy: options.Policy = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """List the exposure windows, bounded from both sides."""
    from incident.render import jsonout, terminal  # noqa: PLC0415 - not needed to print help

    found = opening.findings_of(case, config, datasets=dataset, since=since, until=until, policy=policy, quiet=quiet)
    if as_json:
        print_json(jsonout.windows(found))
    else:
        terminal.windows(terminal.console(), found)


def _overlap(
    case: Path,
    config: Path | None,
    dataset: list[str] | None,
    period: tuple[str | None, str | None],
    policy: str | None,
    *,
    everyone: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    from incident import findings, model  # noqa: PLC0415 - not needed to print help
    from incident import overlap as overlapping  # noqa: PLC0415 - as above
    from incident.render import jsonout, terminal_clients, terminal_parts  # noqa: PLC0415 - as above

    if dataset:
        raise UsageError("an overlap is of all data sets", where="--dataset", next_step="leave it out with --overlap")
    with opening.asked(case, config, since=period[0], until=period[1], policy=policy, quiet=quiet) as asked:
        model.apply(asked.con, asked.definition)
        bare = findings.bare_finding(asked.con, asked.definition, **asked.period)
        found = overlapping.overlap(asked.con, asked.definition, **asked.period)
    if as_json:
        print_json(jsonout.answer(bare, found))
    else:
        limit = None if everyone else terminal_clients.ACQUIRERS_SHOWN
        terminal_clients.overlap(terminal_parts.console(), bare, found, limit=limit)
