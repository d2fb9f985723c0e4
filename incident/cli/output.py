"""Where the command line writes: results on stdout, everything said about them on stderr."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from incident.errors import OutputError

if TYPE_CHECKING:
    from incident.errors import IncidentError

STDOUT = Path("-")


def show_error(error: IncidentError) -> None:
    """Write an error to stderr; what it quotes of file names and log lines is made visible."""
    from incident.words import visible  # noqa: PLC0415 - seldom needed

    lines = "\n".join(visible(line) for line in str(error).split("\n"))
    sys.stderr.write(f"{lines}\n")


def note(slug: str, what: str, next_step: str | None = None, *, quiet: bool = False) -> None:
    """Write something the user should know to stderr; its slug has an entry in docs/messages.md."""
    if quiet:
        return
    from incident.words import visible  # noqa: PLC0415 - seldom needed

    sys.stderr.write(f"note[{slug}]: {visible(what)}\n")
    if next_step:
        sys.stderr.write(f"  next:  {visible(next_step)}\n")


def check_free(path: Path, *, force: bool) -> None:
    """Refuse an output that is there already, before any work is done for it.

    Raises:
        OutputError: it exists and --force was not given, or its folder does not exist.
    """
    if path == STDOUT:
        return
    if path.is_dir():
        raise OutputError(f"{path} is a folder", where="--output", next_step=f"name a file in it: {path / 'out'}")
    if path.exists() and not force:
        raise OutputError(
            f"{path} exists", where="--output", next_step="give --force to replace it, or another name with -o"
        )
    if not path.parent.is_dir():
        raise OutputError(f"there is no folder {path.parent}", where="--output", next_step=f"mkdir -p {path.parent}")


def write(path: Path, content: str | bytes, *, force: bool) -> None:
    """Write an output whole or not at all; "-" is stdout."""
    raw = content.encode() if isinstance(content, str) else content
    if path == STDOUT:
        sys.stdout.buffer.write(raw)
        return
    check_free(path, force=force)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(raw)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}", where="--output") from error
