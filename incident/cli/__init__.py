"""The command line. The only place where an error becomes an exit code.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but some evidence could not be read whole, 4 verification found a
difference; 130 interrupted, 141 whoever read the output went away.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from incident import __version__
from incident.cli.ask import register as register_questions
from incident.cli.case import register as register_case
from incident.cli.inquire import register as register_inquiries
from incident.cli.output import show_error
from incident.cli.show import register as register_outputs
from incident.errors import IncidentError

INTERRUPTED = 130
READER_GONE = 141


class Commands(TyperGroup):
    """The group of all commands, which turns what a user can meet into a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except IncidentError as error:
            show_error(error)
            raise typer.Exit(error.exit_code) from error
        except BrokenPipeError as error:
            # the interpreter flushes once more at its end; let that go nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(READER_GONE) from error
        except KeyboardInterrupt as error:
            sys.stderr.write("\ninterrupted: nothing half done is in the case file\n")
            raise typer.Exit(INTERRUPTED) from error
        return result

    def list_commands(self, ctx: Any) -> list[str]:
        """List the commands in the order of the work, which is that of their registration."""
        del ctx
        return list(self.commands)


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(asked: bool) -> None:  # noqa: FBT001 - Typer calls it with the option's value
    if asked:
        typer.echo(f"incident {__version__}")
        raise typer.Exit


@app.callback()
def incident(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """From a folder of access logs to what was downloaded, by how many addresses, and when.

    Start with `incident ingest logs/`, then `incident summary`. A case is one file, case.duckdb in the current
    folder unless --case names another; what counts as a data set stands in incident.toml, which
    `incident init` writes to start from.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but some evidence could not be read whole,
    4 verification found a difference.
    """
    del version


register_case(app)
register_questions(app)
register_inquiries(app)
register_outputs(app)


def main() -> None:
    """Run `incident`."""
    app(prog_name="incident")
