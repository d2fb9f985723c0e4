"""Hold what `incident summary --json` prints against what the oracle counts.

differences(json.loads(printed), count(case.items, case.definition)) == []
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SAME_KEYS = (
    "title",
    "records",
    "downloads",
    "downloads_full",
    "downloads_partial",
    "downloads_undetermined",
    "unique_ips",
    "requests",
    "buckets",
)


def microseconds(moment: str | None) -> int | None:
    """An ISO 8601 time as microseconds since 1970."""
    return None if moment is None else (datetime.fromisoformat(moment) - EPOCH) // timedelta(microseconds=1)


def span(seconds: float | None) -> int | None:
    """Seconds as microseconds."""
    return None if seconds is None else round(seconds * 1_000_000)


def window_of(printed: Mapping[str, Any]) -> dict[str, Any]:
    """A printed window in the oracle's words."""
    return {
        **{name: microseconds(printed[name]) for name in ("opened_after", "first_seen", "last_seen", "closed_by")},
        **{f"{name}_us": span(printed[f"{name}_seconds"]) for name in ("confirmed", "unavailable", "longest")},
        "interruptions": printed["interruptions"],
    }


def differences(printed: Mapping[str, Any], counted: Mapping[str, Any]) -> list[str]:
    """One line for each figure of a data set in which the tool and the oracle differ."""
    theirs = {one["dataset"]: one for one in printed["datasets"]}
    ours = {one["dataset"]: one for one in counted["datasets"]}
    if list(theirs) != list(ours):
        return [f"data sets: tool {list(theirs)}, oracle {list(ours)}"]
    found = []
    for name, one in ours.items():
        pairs = [(key, theirs[name][key], one[key]) for key in SAME_KEYS]
        pairs += [(key, microseconds(theirs[name][key]), one[key]) for key in ("first_download", "last_download")]
        windows = [window_of(window) for window in theirs[name]["windows"]]
        keys = set(windows[0]) if windows else set()
        pairs.append(("windows", windows, [{k: v for k, v in w.items() if k in keys} for w in one["windows"]]))
        found += [f"{name}.{key}: tool {tool}, oracle {oracle}" for key, tool, oracle in pairs if tool != oracle]
    return found
