"""The options that several commands share, each with one name, one help text and one default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CASE_FILE = Path("case.duckdb")

Case = Annotated[
    Path, typer.Option("--case", envvar="INCIDENT_CASE", metavar="FILE", help="The case file.", dir_okay=False)
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The case definition; else incident.toml in the current folder, else in the ingested folder.",
    ),
]
Datasets = Annotated[
    list[str] | None, typer.Option("--dataset", metavar="NAME", help="Only this data set; may be repeated.")
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Only from this time on, in the display zone unless it names one."),
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Only before this time; a date alone is its midnight.")
]
Policy = Annotated[
    str | None,
    typer.Option(
        "--policy", metavar="NAME", help="Count by another rule; `incident sensitivity` lists them, with their sources."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help='The file to write; "-" is stdout.')]
Force = Annotated[bool, typer.Option("--force", help="Replace the output if it exists.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes and no progress.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more about how it was done.")]
