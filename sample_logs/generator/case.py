"""The whole case: plan, items, definition and truth, and how they are written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .acquire import Download, Planner
from .bounds import place_bounds
from .definition import definition, labels
from .events import Ledger
from .files import Item, edge_items, origin_items
from .holdings import COLLECTIONS
from .others import Others, hiccups
from .pages import place_pages
from .people import cast
from .story import BLIP, BLIP_OBJECT, iso
from .truth import truth

NAME = "firearms_dashboard"


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that is written."""

    items: list[Item]
    downloads: list[Download]
    truth: dict[str, Any]

    def listing(self) -> Iterator[tuple[object, ...]]:
        """One row per intended download, in order of time."""
        for each in sorted(self.downloads, key=lambda d: (d.dataset, d.start, d.client.ip)):
            yield (
                each.dataset, each.thing, each.client.ip, each.client.agent or "", iso(each.start), iso(each.end),
                each.completeness, each.kind, len(each.events),
            )  # fmt: skip


def build() -> Case:
    """Plan the case, lay out its lines, count its truth."""
    ledger = Ledger()
    casts = cast()
    downloads: list[Download] = []
    place_bounds(ledger)
    for collection in COLLECTIONS:
        chosen, zones = hiccups(collection)
        zones.setdefault(BLIP_OBJECT, []).append(BLIP)
        planner = Planner(collection, casts[collection.name], ledger, zones)
        mine = planner.run()
        Others(collection, casts[collection.name], ledger, mine, zones).run(chosen)
        downloads += mine
    place_pages(ledger)
    items = edge_items(ledger) + origin_items(ledger)
    return Case(items, downloads, truth(ledger.events, downloads, items, ledger.tally))


def write(case: Case, folder: Path) -> None:
    """Write the case folder, which holds evidence and definition only, and the truth beside it."""
    for item in case.items:
        file = folder / NAME / item.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(item.data)
    (folder / NAME / "incident.toml").write_text(definition(), encoding="utf-8", newline="\n")
    (folder / NAME / "networks.csv").write_text(labels(), encoding="utf-8", newline="\n")
    (folder / "truth").mkdir(exist_ok=True)
    text = json.dumps(case.truth, indent=1, ensure_ascii=False) + "\n"
    (folder / "truth" / f"{NAME}.json").write_text(text, encoding="utf-8", newline="\n")
