"""The case definition and the names of networks, as a responder would write them down."""

from __future__ import annotations

import json

from .holdings import COLLECTIONS
from .shapes import Collection
from .story import INTERNAL, LABELS, LOG_FORMAT, TRUSTED

HEAD = """\
# A made-up case, modelled on the course of a real one. Every address, name and figure is invented.

[case]
name = "2022 Firearms Dashboard"
matter = "Sample case"
timezone = "America/Los_Angeles"

[network]
trusted_proxies = {trusted}
internal = {internal}
labels = "networks.csv"

[[evidence]]
match = "edge/**"
vantage = "edge"

[[evidence]]
match = "origin/*"
vantage = "origin"
log_format = '{log_format}'
"""
TAIL = """
[policy]
session_gap = "10m"
repeat_within = "0s"
min_bytes = 3
max_interruption = "5m"
match_within = "5s"

[[event]]
time = 2022-06-27T12:05:00-07:00
label = "Dashboards switched to public"
source = "Change record (made up)"
kind = "published"

[[event]]
time = 2022-06-27T18:31:00-07:00
label = "Messages speak of names in the downloads"
source = "Interview 2 (made up)"
kind = "alerted"

[[event]]
time = 2022-06-27T18:50:00-07:00
label = "Site reported down"
source = "Monitoring message (made up)"
kind = "outage"

[[event]]
time = 2022-06-27T21:30:00-07:00
label = "Site brought back online"
source = "Interview 4 (made up)"
kind = "restored"

[[event]]
time = 2022-06-28T12:00:00-07:00
label = "Dashboards taken down"
source = "Change record (made up)"
kind = "taken_down"
"""


def definition() -> str:
    """Return the text of incident.toml."""
    head = HEAD.format(trusted=_strings(TRUSTED), internal=_strings(INTERNAL), log_format=LOG_FORMAT)
    return head + "".join(_dataset(each) for each in COLLECTIONS) + TAIL


def labels() -> str:
    """Return the text of networks.csv."""
    return "cidr,label\n" + "".join(f"{cidr},{label}\n" for cidr, label in LABELS)


def _dataset(collection: Collection) -> str:
    lines = [
        "",
        "[[dataset]]",
        f'name = "{collection.name}"',
        f'title = "{collection.title}"',
        f"paths = {_strings(collection.globs)}",
    ]
    if collection.records is not None:
        lines.append(f"records = {collection.records}")
    lines.append(f"fields = {_strings(collection.fields)}")
    declared = [f'"{thing.path}" = {thing.size}' for thing in collection.things if thing.basis == "declared"]
    if declared:
        lines.append(f"sizes = {{ {', '.join(declared)} }}")
    return "\n".join(lines) + "\n"


def _strings(texts: tuple[str, ...]) -> str:
    return "[" + ", ".join(json.dumps(text, ensure_ascii=False) for text in texts) + "]"
