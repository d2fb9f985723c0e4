"""What surrounds a count: coverage, chronology, sensitivity, clients, and the comparison of two cases."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from incident.cli import opening, options
from incident.cli.ask import print_json
from incident.errors import UsageError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from incident.records import CaseDefinition

CLIENTS_SHOWN = 25
LINES_SHOWN = 200

All = Annotated[bool, typer.Option("--all", help="Show everything, not only the first or the remarkable.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (coverage, chronology, sensitivity, clients, compare):
        app.command()(command)


def coverage(
    *,
    case: options.Case = options.CASE_FILE,
    config: options.Config = None,
    dataset: options.Datasets = None,
    since: options.Since = None,
    until: options.Until = None,
    policy: options.Policy = None,
    everything: All = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Say what the evidence covers and what it cannot show.

    Silences and how improbable they are, outages, missing and damaged items, clocks, what vendors do not promise; and
    which of it lies in an exposure window. --since and --until choose the counts, not the evidence.
    """
    from incident import findings  # noqa: PLC0415 - not needed to print help
    from incident.render import jsonout, terminal_coverage, terminal_parts  # noqa: PLC0415 - as above

    with opening.asked(
        case, config, datasets=dataset, since=since, until=until, policy=policy, quiet=quiet, undefined=True
    ) as asked:
        found = findings.case_finding(asked.con, asked.definition, **asked.choice)
    if found.coverage is None:
        raise AssertionError("a whole finding has its coverage")
    if as_json:
        print_json(jsonout.coverage(found, found.coverage))
    else:
        terminal_coverage.coverage(terminal_parts.console(), found, found.coverage, everything=everything)


def chronology(
    *,
    case: options.Case = options.CASE_FILE,
    config: options.Config = None,
    dataset: options.Datasets = None,
    since: options.Since = None,
    until: options.Until = None,
    policy: options.Policy = None,
    everything: All = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Reconstruct what happened when.

    From the logs, with the line that shows it, and as declared, with who declared it; what the logs hold against a
    declared event; and how word spread.
    """
    from incident import findings, model, whole  # noqa: PLC0415 - not needed to print help
    from incident.render import jsonout, terminal_parts, terminal_story  # noqa: PLC0415 - as above

    with opening.asked(
        case, config, datasets=dataset, since=since, until=until, policy=policy, quiet=quiet, undefined=True
    ) as asked:
        model.apply(asked.con, asked.definition)
        bare = findings.bare_finding(asked.con, asked.definition, **asked.period)
        found = whole.chronology(asked.con, asked.definition, **asked.choice)
    if as_json:
        print_json(jsonout.answer(bare, found))
    else:
        terminal_story.chronology(terminal_parts.console(), bare, found, everything=everything)


def sensitivity(
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
    """Count by every other defensible rule.

    Each is named by its source, and the lowest and the highest are named. --policy marks the rule in force.
    """
    from incident import findings, model  # noqa: PLC0415 - not needed to print help
    from incident import sensitivity as rules  # noqa: PLC0415 - as above
    from incident.render import jsonout, terminal_parts, terminal_story  # noqa: PLC0415 - as above

    with opening.asked(case, config, datasets=dataset, since=since, until=until, policy=policy, quiet=quiet) as asked:
        model.apply(asked.con, asked.definition)
        bare = findings.bare_finding(asked.con, asked.definition, **asked.period)
        found = rules.sensitivity_finding(asked.con, asked.definition, own=asked.own, **asked.choice)
    if as_json:
        print_json(jsonout.answer(bare, found))
    else:
        terminal_story.sensitivity(terminal_parts.console(), bare, found)


def clients(
    *,
    address: Annotated[
        str | None,
        typer.Option("--ip", metavar="ADDRESS", help="All that the case holds of one address or network."),
    ] = None,
    case: options.Case = options.CASE_FILE,
    config: options.Config = None,
    dataset: options.Datasets = None,
    since: options.Since = None,
    until: options.Until = None,
    policy: options.Policy = None,
    everyone: Annotated[
        bool,
        typer.Option("--all", help=f"All of it, not only the first {CLIENTS_SHOWN} addresses or {LINES_SHOWN} lines."),
    ] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """List the client addresses and what each downloaded.

    With --ip, all that the case holds of one address or network, line by line.
    """
    from incident import clients as addresses  # noqa: PLC0415 - not needed to print help
    from incident import findings, model  # noqa: PLC0415 - as above
    from incident.render import jsonout, terminal_clients, terminal_parts  # noqa: PLC0415 - as above

    if address is not None:
        if dataset or since or until:
            given = "--dataset" if dataset else "--since" if since else "--until"
            raise UsageError("a dossier is of the whole case", where=given, next_step="leave it out with --ip")
        _dossier(address, case, config, policy, everything=everyone or as_json, as_json=as_json, quiet=quiet)
        return
    with opening.asked(case, config, datasets=dataset, since=since, until=until, policy=policy, quiet=quiet) as asked:
        model.apply(asked.con, asked.definition)
        bare = findings.bare_finding(asked.con, asked.definition, **asked.period)
        found = addresses.clients_finding(asked.con, asked.definition, **asked.choice)
    if as_json:
        print_json(jsonout.answer(bare, found))
    else:
        limit = None if everyone else CLIENTS_SHOWN
        terminal_clients.clients(terminal_parts.console(), bare, found, limit=limit)


def _dossier(
    address: str, case: Path, config: Path | None, policy: str | None, *, everything: bool, as_json: bool, quiet: bool
) -> None:
    from incident import dossier, findings, model  # noqa: PLC0415 - not needed to print help
    from incident.render import jsonout, terminal_clients, terminal_parts  # noqa: PLC0415 - as above

    dossier.network_named(address)
    with opening.asked(case, config, policy=policy, quiet=quiet, undefined=True) as asked:
        model.apply(asked.con, asked.definition)
        bare = findings.bare_finding(asked.con, asked.definition)
        most = None if everything else LINES_SHOWN
        found = dossier.dossier(asked.con, asked.definition, address, most=most)
    if as_json:
        print_json(jsonout.answer(bare, found))
    else:
        terminal_clients.dossier(terminal_parts.console(), bare, found)


def compare(
    one: Annotated[Path, typer.Argument(metavar="A", help="A case file.", show_default=False)],
    other: Annotated[
        Path, typer.Argument(metavar="B", help="Another, or the same to compare two definitions.", show_default=False)
    ],
    *,
    config_a: Annotated[Path | None, typer.Option("--config-a", metavar="FILE", help="The definition for A.")] = None,
    config_b: Annotated[Path | None, typer.Option("--config-b", metavar="FILE", help="The definition for B.")] = None,
    policy: options.Policy = None,
    everything: All = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Say what differs between two cases, and why.

    Which figures moved from A to B, by how much, and which evidence items and lines moved them. A and B may be one
    case under two definitions.
    """
    from incident import compare as comparing  # noqa: PLC0415 - not needed to print help
    from incident.render import jsonout, terminal_compare, terminal_parts  # noqa: PLC0415 - as above

    with ExitStack() as stack:
        con_a = stack.enter_context(closing(opening.open_case(one)))
        same = other.exists() and one.samefile(other)
        con_b = con_a if same else stack.enter_context(closing(opening.open_case(other)))
        said_a = _definition(con_a, config_a, policy, "--config-a", quiet=quiet)
        said_b = _definition(con_b, config_b, policy, "--config-b", quiet=quiet)
        if as_json or everything:
            found = comparing.compare(con_a, said_a, con_b, said_b)
        else:
            found = comparing.compare(con_a, said_a, con_b, said_b, most=terminal_compare.SHOWN)
    if as_json:
        print_json(jsonout.comparison(found))
    else:
        terminal_compare.comparison(terminal_parts.console(), found, said_b.timezone, everything=everything)


def _definition(
    con: DuckDBPyConnection, config: Path | None, policy: str | None, option: str, *, quiet: bool
) -> CaseDefinition:
    from incident import sensitivity as rules  # noqa: PLC0415 - DuckDB loads only where a case is opened

    definition = opening.definition_of(con, config, quiet=quiet)
    if not definition.datasets:
        raise UsageError(
            "no data set is defined, so there is nothing to compare",
            where=str(definition.path) if definition.path else option,
            next_step=f"name a case definition with {option}",
        )
    return definition if policy is None else replace(definition, policy=rules.policy_named(policy, definition.policy))
