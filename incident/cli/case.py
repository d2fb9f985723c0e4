"""What a case is made of: init, ingest, evidence, rejects."""

from __future__ import annotations

import difflib
import shutil
import sys
import tempfile
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from incident.cli import opening, options
from incident.cli.ask import print_json
from incident.cli.output import note, write
from incident.definition import FILE_NAME, SERVERS, check_timezone
from incident.errors import EvidenceError, UsageError
from incident.records import CaseDefinition, EvidenceRule
from incident.strict_toml import suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from incident.records import EvidenceItem

NOT_WHOLE = 3
STDIN_NAME = "stdin.log"
FEW_ITEMS = 40


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (init, ingest, evidence, rejects):
        app.command()(command)


def init(
    *,
    output: options.Output = Path(FILE_NAME),
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a case definition to start from."""
    from incident.cli.starter import STARTER  # noqa: PLC0415 - its one use

    write(output, STARTER, force=force)
    if not quiet and output != Path("-"):
        typer.echo(f"wrote {output}; edit it, then: incident ingest PATH...")


def ingest(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH", help='Log files and folders of them; "-" is stdin.', show_default=False),
    ],
    *,
    case: options.Case = options.CASE_FILE,
    config: options.Config = None,
    format_name: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="The format of all items; `incident formats` lists them."),
    ] = None,
    log_format: Annotated[
        str | None,
        typer.Option(
            "--log-format", metavar="DIRECTIVE", help="A LogFormat or log_format directive, or httpd.conf, nginx.conf."
        ),
    ] = None,
    server: Annotated[
        str | None, typer.Option("--server", metavar="NAME", help="Which server wrote the lines: apache or nginx.")
    ] = None,
    tz: Annotated[
        str | None,
        typer.Option("--tz", metavar="ZONE", help="The zone of times that carry none, such as Europe/Berlin."),
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, metavar="N", help="How many threads to use.")
    ] = None,
    memory: Annotated[
        str | None, typer.Option("--memory", metavar="SIZE", help="How much memory the database may use, such as 4GB.")
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Read evidence into the case file. What is there already is not read twice."""
    with ExitStack() as stack:
        found = [stack.enter_context(_Stdin()) if path == "-" else Path(path) for path in _each_once(paths)]
        for path in found:
            if not path.exists():
                raise EvidenceError(
                    f"there is no {path}", where="PATH", next_step="check the spelling, or quote the name"
                )
        given = opening.definition_for(config, found)
        definition = _with_settings(given, format_name, log_format, server, tz)

        from incident import ingest as ingesting  # noqa: PLC0415 - loads Polars and DuckDB
        from incident import listing, store  # noqa: PLC0415 - as above
        from incident.cli import assumptions, progress  # noqa: PLC0415 - as above
        from incident.render import jsonout, terminal  # noqa: PLC0415 - as above
        from incident.words import counted  # noqa: PLC0415 - as above

        with progress.on_terminal(quiet=quiet) as bar:
            result = ingesting.ingest(case, found, definition, progress=bar, threads=threads, memory=memory)
    with closing(store.open_case(case, read_only=True)) as con:
        readings = listing.readings(con)
    items = result.items
    if as_json:
        print_json(jsonout.evidence(items))
    elif not quiet:
        _show_ingested(items, given.timezone)
        if result.unchanged:
            terminal.console().print(
                f"{counted(result.unchanged, 'item')} stood in the case already, and did not change"
            )
    if verbose:
        for item in items:
            note("detected", f"{item.path}: {item.format or 'no format'}, {item.detected_by or item.problem}")
    assumptions.tell(
        items, readings, "" if case == options.CASE_FILE else f" --case {case}", quiet=quiet, verbose=verbose
    )
    if not result.whole:
        raise typer.Exit(NOT_WHOLE)


def evidence(
    *,
    case: options.Case = options.CASE_FILE,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """List the evidence items and how each was read."""
    from incident import listing  # noqa: PLC0415 - not needed to print help
    from incident.render import jsonout, terminal  # noqa: PLC0415 - not needed to print help

    with closing(opening.open_case(case)) as con:
        definition = opening.definition_of(con, config, quiet=True)
        items = listing.as_defined(listing.evidence_items(con), definition)
    if as_json:
        print_json(jsonout.evidence(items))
    else:
        terminal.evidence(terminal.console(), items, listing.totals(items), definition.timezone)


def rejects(
    item: Annotated[
        str | None, typer.Argument(metavar="ITEM", help="The item whose lines to show.", show_default=False)
    ] = None,
    *,
    case: options.Case = options.CASE_FILE,
    everything: Annotated[bool, typer.Option("--all", help="Show the lines of every item.")] = False,
    as_json: options.Json = False,
) -> None:
    """List the lines that no format could read.

    How many of which item and why; with ITEM or --all, the lines themselves.
    """
    from incident import listing  # noqa: PLC0415 - not needed to print help
    from incident.render import jsonout, terminal  # noqa: PLC0415 - not needed to print help

    with closing(opening.open_case(case)) as con:
        if item is None and not everything:
            counts = listing.reject_counts(con)
            if as_json:
                print_json(jsonout.reject_counts(counts))
            else:
                terminal.reject_counts(terminal.console(), counts)
            return
        number = None if item is None else _item_named(item, listing.evidence_items(con)).evidence_id
        lines = listing.rejects(con, number)
        if as_json:
            print_json(jsonout.reject_lines(lines))
        else:
            terminal.reject_lines(sys.stdout, lines)


class _Stdin:
    """Keep stdin in a file of its own for as long as it is read, since evidence is read more than once."""

    def __enter__(self) -> Path:
        self._folder = tempfile.TemporaryDirectory(prefix="incident-")
        path = Path(self._folder.name) / STDIN_NAME
        with path.open("wb") as stream:
            shutil.copyfileobj(sys.stdin.buffer, stream)
        note("stdin-not-kept", "stdin is not kept after this run", "ingest a file where its lines must be shown again")
        return path

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


def _each_once(paths: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(paths))


def _with_settings(
    definition: CaseDefinition, format_name: str | None, log_format: str | None, server: str | None, tz: str | None
) -> CaseDefinition:
    """Lay the options over every [[evidence]] table: what is said for this run comes before what stands in the file."""
    if format_name and log_format:
        raise UsageError(
            "--format and --log-format both say how the lines read", where="--log-format", next_step="keep one"
        )
    if log_format and not set("%$\n") & set(log_format) and Path(log_format).is_file():
        # a server's configuration: the directive in use is taken from it
        log_format = Path(log_format).read_text(encoding="utf-8", errors="backslashreplace")
    if server is not None and server not in SERVERS:
        raise UsageError(f'no server is called "{server}"', where="--server", next_step=suggest(server, SERVERS))
    if tz is not None and (advice := check_timezone(tz)):
        raise UsageError(f'"{tz}" is no IANA time zone', where="--tz", next_step=advice)
    if format_name is not None:
        from incident import formats  # noqa: PLC0415 - loads pages and what reads them

        known = formats.load(definition.formats)
        if format_name not in known:
            raise UsageError(
                f'no format is called "{format_name}"', where="--format", next_step=suggest(format_name, sorted(known))
            )
    if not (format_name or log_format or server or tz):
        return definition
    rules = []
    for rule in (*definition.evidence, EvidenceRule(match="**")):
        said = replace(rule, server=server or rule.server, timezone=tz or rule.timezone)
        if format_name or log_format:
            said = replace(said, format=format_name, log_format=log_format)
        rules.append(said)
    return replace(definition, evidence=tuple(rules))


def _show_ingested(items: Sequence[EvidenceItem], zone: str) -> None:
    from incident import listing  # noqa: PLC0415 - not needed to print help
    from incident.render import terminal  # noqa: PLC0415 - not needed to print help

    out, total = terminal.console(), listing.totals(items)
    if len(items) <= FEW_ITEMS:
        terminal.evidence(out, items, total, zone)
    else:
        terminal.groups(out, listing.grouped(items), total, zone)


def _item_named(name: str, items: Sequence[EvidenceItem]) -> EvidenceItem:
    """Return the item of a path, or of the end of one where that fits a single item."""
    fitting = [one for one in items if one.path == name] or [one for one in items if one.path.endswith(f"/{name}")]
    if len(fitting) == 1:
        return fitting[0]
    paths = [one.path for one in items]
    if fitting:
        raise UsageError(
            f'"{name}" fits {len(fitting)} items', where="ITEM", next_step=" or ".join(one.path for one in fitting[:3])
        )
    near = difflib.get_close_matches(name, paths, n=1)
    raise UsageError(
        f'no item is called "{name}"',
        where="ITEM",
        next_step=f'did you mean "{near[0]}"?' if near else "incident evidence lists the items",
    )
