"""The whole site's events, not only the matching ones: who asked, and which outside page sent them.

Everything here works on distinct values, and leaves small tables in memory that sql/8… joins to the events.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import duckdb
import polars as pl

from incident.matching import normalise_path
from incident.network import Networks, client_of, network_64, parse_address
from incident.records import CaseDefinition
from incident.records_chronology import LineRef, OwnHost
from incident.store import sql_text

OWN_SHARE = 100
"""A logged host is the site's own from one in so many answered requests on; strangers send any Host they like."""
_URL = r"^(?i:[a-z][a-z0-9+.-]*)://(?:[^/?#@\\]*@)?(\[[0-9A-Fa-f:.]+\]|[\p{L}\p{N}._-]+)(?::\d*)?(/[^?#]*)?(?:[?#].*)?$"

Place = tuple[int, int]
"""(evidence_id, line_no) of an event."""


def take(con: duckdb.DuckDBPyConnection, step: str) -> None:
    """Make a file of sql/ a table in memory: an answer to a question, which the case does not keep."""
    con.execute(f"create or replace temp table {step.partition('_')[2]} as {sql_text(step)}")


def put(con: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    """Put a frame into a table in memory."""
    con.register("putting", frame)
    con.execute(f"create or replace temp table {table} as select * from putting")
    con.unregister("putting")


def put_rows(
    con: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Sequence[Any]], schema: Mapping[str, type[pl.DataType]]
) -> None:
    """Put rows into a table in memory."""
    put(con, table, pl.DataFrame(list(rows), schema=dict(schema), orient="row"))


def dicts(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """Return the rows of a query by column name."""
    cursor = con.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def lines_of(con: duckdb.DuckDBPyConnection, places: Collection[Place]) -> Mapping[Place, LineRef]:
    """Return where each of some events stands, with its byte offset."""
    if not places:
        return {}
    put_rows(con, "wanted_line", sorted(set(places)), {"evidence_id": pl.Int32, "line_no": pl.Int64})
    rows = con.execute(
        "select e.evidence_id, e.line_no, v.path, e.byte_offset from wanted_line w "
        "join event e on e.evidence_id = w.evidence_id and e.line_no = w.line_no "
        "join evidence v on v.evidence_id = e.evidence_id order by e.evidence_id, e.line_no"
    ).fetchall()
    return {(number, line_no): LineRef(path, line_no, offset) for number, line_no, path, offset in rows}


def fill_identities(con: duckdb.DuckDBPyConnection, definition: CaseDefinition) -> None:
    """Fill `site_identity`: who the client of each (peer, forwarded-for) of all events is, and whether internal.

    `address` is the client's own address, `client_ip` what the policy counts it as.
    """
    trusted, internal = Networks(definition.trusted_proxies), Networks(definition.internal)
    frame = con.sql(
        "select coalesce(peer_ip, '') as peer_ip, coalesce(forwarded_for, '') as forwarded_for from event "
        "group by all order by all"
    ).pl()
    peers = frame["peer_ip"].unique().to_list() if trusted else []
    proxies = [peer for peer in peers if parse_address(peer) in trusted]
    behind = frame.filter(pl.col("peer_ip").is_in(proxies))
    # Behind any trusted proxy the chain alone decides; where it names nobody, the proxy itself remains.
    chains = {chain: client_of(proxies[0], chain, trusted)[0] for chain in behind["forwarded_for"].unique().to_list()}
    nobody = proxies[0] if proxies else None
    clients = [
        peer if (client := chains[chain]) is None or client == nobody else client for peer, chain in behind.iter_rows()
    ]
    named = pl.concat([
        frame.filter(~pl.col("peer_ip").is_in(proxies)).with_columns(
            pl.col("peer_ip").alias("address"), pl.lit(value=False).alias("proxied")
        ),
        behind.with_columns(
            pl.Series("address", clients, dtype=pl.String), pl.lit(value=True).alias("proxied")
        ),
    ])  # fmt: skip
    distinct = named["address"].unique().to_list() if internal or definition.policy.fold_ipv6 else []
    own = [address for address in distinct if internal and parse_address(address) in internal]
    folded = {address: network_64(address) or address for address in distinct if definition.policy.fold_ipv6}
    put(
        con,
        "site_identity",
        named.with_columns(
            # rule ipv6-network: where a policy folds IPv6, a client is its /64 network
            pl.col("address").replace(folded).alias("client_ip") if folded else pl.col("address").alias("client_ip"),
            pl.col("address").is_in(own).alias("internal"),
        ),
    )


def fill_referrers(con: duckdb.DuckDBPyConnection, definition: CaseDefinition) -> tuple[OwnHost, ...]:
    """Fill `outside_referer`: each Referer that names another site, and its host; return the site's own hosts.

    A Referer that is no URL with a host ("-", a search string, an attack) names nothing.
    """
    frame = con.sql("select referer, count(*) as lines from event where referer is not null group by referer").pl()
    url = pl.col("referer").str.strip_chars()
    frame = frame.with_columns(
        url.str.extract(_URL, 1).str.to_lowercase().str.strip_chars_end(".").alias("host"),
        url.str.extract(_URL, 2).fill_null("/").alias("path"),
    ).filter(pl.col("host").is_not_null() & (pl.col("host") != ""))
    own = _own_hosts(con, definition, frame)
    names = {_bare(each.host) for each in own}
    hosts = frame["host"].unique().to_list()
    outside = [host for host in hosts if _bare(host) not in names]
    put(con, "outside_referer", frame.filter(pl.col("host").is_in(outside)).select("referer", "host").sort("referer"))
    return own


def _bare(host: str) -> str:
    return host.removeprefix("www.")


def _own_hosts(con: duckdb.DuckDBPyConnection, definition: CaseDefinition, frame: pl.DataFrame) -> tuple[OwnHost, ...]:
    """The hosts that are the site's own: declared, logged, or (where logs record none) inferred from what was served.

    A page of the site refers to the site with its own path, which the logs served; other sites' pages are not here.
    """
    own = {host.lower(): "a host of a data set" for rule in definition.datasets for host in rule.hosts}
    answered = con.execute(
        "select host, count(*) as lines from event where status between 200 and 399 group by host order by all"
    ).fetchall()
    named = sum(lines for host, lines in answered if host)
    for host, lines in answered:
        if host and lines * OWN_SHARE >= named:
            own.setdefault(host, "the logs answer for it")
    if any(not host for host, _ in answered):
        for host in _hosts_of_served_pages(con, frame):
            own.setdefault(host, "its referring pages are pages that the logs served")
        if not own and frame.height:
            ranked = (
                frame.group_by("host")
                .agg(pl.col("lines").sum(), (pl.col("path") == "/").all().alias("root"))
                .sort("lines", "host", descending=[True, False])
            )
            host, lines, root = ranked.row(0)
            if root and 2 * lines > ranked["lines"].sum():
                own[host] = "more than half of all referrers name its first page"
    return tuple(OwnHost(host, own[host]) for host in sorted(own))


def _hosts_of_served_pages(con: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> list[str]:
    pages = frame["path"].unique().to_list()
    normal = {page: normalise_path(page) for page in pages if page != "/"}
    put_rows(con, "referring_page", [(page,) for page in sorted(set(normal.values()))], {"path": pl.String})
    served = {
        path
        for (path,) in con.execute(
            "select distinct p.path from referring_page p join event e on e.path = p.path "
            "where e.status between 200 and 299 or e.status = 304"
        ).fetchall()
    }
    here = [page for page, path in normal.items() if path in served]
    of_host = frame.group_by("host").agg(
        pl.col("lines").sum(), pl.col("lines").filter(pl.col("path").is_in(here)).sum().alias("served")
    )
    found: list[str] = of_host.filter(2 * pl.col("served") >= pl.col("lines"))["host"].sort().to_list()
    return found
