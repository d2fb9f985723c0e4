"""What the takers of one data set took of the others."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import duckdb

from incident import findings
from incident.network import label_of, load_labels
from incident.records import CaseDefinition
from incident.records_clients import Acquirer, Overlap, OverlapFinding
from incident.store import sql_text


def overlap(
    con: duckdb.DuckDBPyConnection,
    definition: CaseDefinition,
    *,
    since_us: int | None = None,
    until_us: int | None = None,
) -> OverlapFinding:
    """Addresses by the data sets they downloaded; `model.apply` came before."""
    findings.ask(con, since_us, until_us)
    names = [rule.name for rule in definition.datasets]
    labels = load_labels(definition.labels) if definition.labels else ()
    pairs = tuple(Overlap(*row) for row in con.execute(sql_text("860_overlap")).fetchall())
    rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for client_ip, *row in con.execute(sql_text("861_acquirer")).fetchall():
        rows[client_ip].append(tuple(row))
    downloaded = {number for of in rows.values() for number, *_ in of}
    acquirers = []
    for client_ip, of in rows.items():
        acquirers.append(
            Acquirer(
                client_ip=client_ip,
                label=label_of(client_ip.partition("/")[0], labels),
                datasets=tuple(names[row[0]] for row in of),
                downloads={names[row[0]]: row[1] for row in of},
                full_copies=tuple(names[row[0]] for row in of if row[4]),
                objects=sum(row[2] for row in of),
                automated=any(row[3] for row in of),
                first_us=min(row[5] for row in of),
                last_us=max(row[6] for row in of),
                everything=len(of) == len(downloaded),
            )
        )
    acquirers.sort(key=lambda each: (-len(each.datasets), -each.objects, -sum(each.downloads.values()), each.client_ip))
    objects = con.execute(
        "select count(distinct w.object_id) from download w cross join period p "
        "where (p.since_us is null or w.started_us >= p.since_us) and (p.until_us is null or w.started_us < p.until_us)"
    ).fetchall()[0][0]
    return OverlapFinding(
        datasets=tuple(names),
        overlaps=pairs,
        acquirers=tuple(acquirers),
        objects_downloaded=objects,
        addresses=len(acquirers),
        took_everything=sum(each.everything for each in acquirers),
    )
