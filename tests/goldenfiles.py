"""Golden files: what the tool shows, kept beside the tests and read by people in every diff.

`make golden` rewrites them (it sets INCIDENT_GOLDEN=rewrite); nothing else does.
"""

import os
from pathlib import Path


def check(path: Path, shown: str) -> None:
    """Compare with the golden file, or rewrite it when asked to."""
    if os.environ.get("INCIDENT_GOLDEN") == "rewrite":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert path.is_file(), f"{path.name} is not there yet: make golden writes it"
    assert shown == path.read_text(encoding="utf-8")
