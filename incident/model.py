"""Applies a case definition: fills what the rules read, then runs sql/ in order.

Each step of sql/ is one select and becomes the table of its name. The result is kept in the case, under a key made of
everything it depends on, so that the next question starts from it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import groupby
from operator import itemgetter

import duckdb
import polars as pl

from incident import __version__, listing
from incident.agents import automated
from incident.matching import Matcher, match_targets, normalise_path
from incident.network import Networks, client_of, network_64, parse_address
from incident.records import CaseDefinition
from incident.sequences import Part, Seen, pair, start_overs
from incident.store import sql_text

TIERS = {"edge": 0, "origin": 2}

Step = str | Callable[[duckdb.DuckDBPyConnection, CaseDefinition], None]
"""A file of sql/, or the work on text and sequences between two of them."""


def apply(con: duckdb.DuckDBPyConnection, definition: CaseDefinition) -> None:
    """Bring the counting tables of the case in line with a definition; does nothing where they already are.

    In a case opened read-only the tables stand beside it in memory, and go with the connection.
    """
    if is_current(con, definition):
        return
    if _is_read_only(con):
        _put_in_front(con, "aside")
        con.execute("create table meta as select * from meta")
    con.begin()
    try:
        con.execute(sql_text("20_rules"))
        for step in STEPS:
            _take(con, step, definition)
        covered = _covered_key(con)
        if _meta(con, "covered") != covered:
            for name in COVERAGE_STEPS:
                _take(con, name, definition)
        _keep(con, definition, covered)
    except BaseException:
        con.rollback()
        raise
    con.commit()


def is_current(con: duckdb.DuckDBPyConnection, definition: CaseDefinition) -> bool:
    """Whether the case was counted last under this definition, by this version, from the evidence it holds now."""
    return _meta(con, "counted") == _key(con, definition)


def _meta(con: duckdb.DuckDBPyConnection, key: str) -> str | None:
    row = con.execute("select value from meta where key = ?", [key]).fetchone()
    return row[0] if row else None


def _keep(con: duckdb.DuckDBPyConnection, definition: CaseDefinition, covered: str) -> None:
    kept = [("counted", _key(con, definition)), ("covered", covered)]
    con.execute("delete from meta where key in ('counted', 'covered')")
    con.executemany("insert into meta values (?, ?)", kept)
    if definition.sha256 is not None and not _is_aside(con):
        con.execute(
            "insert or ignore into definition select ?, ?, coalesce(max(applied_no), 0) + 1 from definition",
            [definition.sha256, definition.text],
        )


def _is_read_only(con: duckdb.DuckDBPyConnection) -> bool:
    row = con.execute("select readonly from duckdb_databases() where database_name = current_database()").fetchall()
    return row == [(True,)]


def _is_aside(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the case's tables are hidden by others in memory, because it was opened read-only."""
    return con.execute("select current_database()").fetchall() == [("aside",)]


def _put_in_front(con: duckdb.DuckDBPyConnection, name: str) -> str:
    """Attach a database in memory whose tables hide those of the same name; return the search path as it was."""
    ((before,),) = con.execute("select current_setting('search_path')").fetchall()
    if not before:
        ((database,),) = con.execute("select current_database()").fetchall()
        before = f'"{database}".main'
    con.execute(f"attach ':memory:' as {name} (read_write)")
    con.execute(f"set search_path = '{name}.main,{before}'")
    return str(before)


def manifest_sha256(con: duckdb.DuckDBPyConnection) -> str:
    """SHA-256 over the path, hashes and status of every evidence item, sorted by path: what the case rests on."""
    rows = con.execute(
        "select path, sha256, content_sha256, status, lines, events, rejected, skipped from evidence order by all"
    ).fetchall()
    return hashlib.sha256(json.dumps(rows, ensure_ascii=True).encode()).hexdigest()


def _key(con: duckdb.DuckDBPyConnection, definition: CaseDefinition) -> str:
    # Where the definition lies and how it was worded do not count; what it says does.
    said = asdict(replace(definition, path=None, text="", sha256=None, labels=None, geoip=(), events=()))
    parts = [__version__, manifest_sha256(con), json.dumps(said, sort_keys=True, default=str)]
    parts += [sql_text(step) for step in ("20_rules", *STEPS, *COVERAGE_STEPS) if isinstance(step, str)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _covered_key(con: duckdb.DuckDBPyConnection) -> str:
    """What the coverage tables depend on: the evidence and the clocks, not the data sets."""
    clocks = con.execute("select evidence_id, clock_offset_us from item order by all").fetchall()
    parts = [__version__, manifest_sha256(con), json.dumps(clocks), *(sql_text(step) for step in COVERAGE_STEPS)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _take(con: duckdb.DuckDBPyConnection, step: Step, definition: CaseDefinition) -> None:
    if isinstance(step, str):
        con.execute(f"create or replace table {step.partition('_')[2]} as {sql_text(step)}")
    else:
        step(con, definition)


def _fill(con: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    con.register("filling", frame)
    con.execute(f"insert into {table} select * from filling")
    con.unregister("filling")


def _fill_policy(con: duckdb.DuckDBPyConnection, definition: CaseDefinition) -> None:
    row = pl.DataFrame([asdict(definition.policy)], schema_overrides={"only_tier": pl.Int32})
    con.execute("delete from policy")
    _fill(con, "policy", row)


def _fill_items(con: duckdb.DuckDBPyConnection, definition: CaseDefinition) -> None:
    items = listing.as_defined(listing.evidence_items(con), definition)
    offsets = listing.clock_offsets(items, definition)
    in_order = sorted(items, key=lambda item: (item.path, item.content_sha256 or "", item.evidence_id))
    rows = [
        (
            item.evidence_id,
            order,
            item.vantage or "origin",
            TIERS.get(item.vantage or "origin", 1),
            item.server,
            offsets[item.evidence_id],
        )
        for order, item in enumerate(in_order)
    ]
    schema = {
        "evidence_id": pl.Int32,
        "item_order": pl.Int32,
        "vantage": pl.String,
        "tier": pl.Int32,
        "server": pl.String,
        "clock_offset_us": pl.Int64,
    }
    _fill(con, "item", pl.DataFrame(rows, schema=schema, orient="row"))


def _fill_targets(con: duckdb.DuckDBPyConnection, definition: CaseDefinition) -> None:
    rules = definition.datasets
    matchers = [Matcher.of(number, rule) for number, rule in enumerate(rules)]
    _fill(
        con,
        "dataset",
        pl.DataFrame(
            [(number, rule.name, rule.query is not None) for number, rule in enumerate(rules)],
            schema={"dataset_id": pl.Int32, "name": pl.String, "by_query": pl.Boolean},
            orient="row",
        ),
    )
    _fill(
        con,
        "dataset_method",
        pl.DataFrame(
            [(number, method) for number, rule in enumerate(rules) for method in rule.methods],
            schema={"dataset_id": pl.Int32, "method": pl.String},
            orient="row",
        ),
    )
    objects: dict[tuple[int, str], int] = {}
    targets: list[tuple[int, str, str, int]] = []
    if matchers:
        distinct = con.execute("select distinct host, path from event where path is not null order by all").fetchall()
        for number, host, path, normal in match_targets(matchers, distinct):
            object_id = objects.setdefault((number, normal), len(objects))
            targets.append((number, host or "", path, object_id))
    sizes = {
        (number, normalise_path(path)): size for number, rule in enumerate(rules) for path, size in rule.sizes.items()
    }
    _fill(
        con,
        "object",
        pl.DataFrame(
            [(object_id, number, path, sizes.get((number, path))) for (number, path), object_id in objects.items()],
            schema={"object_id": pl.Int32, "dataset_id": pl.Int32, "path": pl.String, "declared_size": pl.Int64},
            orient="row",
        ),
    )
    _fill(
        con,
        "target",
        pl.DataFrame(
            targets,
            schema={"dataset_id": pl.Int32, "host": pl.String, "path": pl.String, "object_id": pl.Int32},
            orient="row",
        ),
    )
    queries: list[tuple[int, str]] = []
    if any(matcher.query for matcher in matchers):
        distinct = con.execute(
            "select distinct coalesce(e.query, '') from event e join target t "
            "on t.path = e.path and t.host = coalesce(e.host, '') order by all"
        ).fetchall()
        queries = [
            (matcher.number, query)
            for matcher in matchers
            if matcher.query
            for (query,) in distinct
            if matcher.query.search(query)
        ]
    _fill(
        con,
        "dataset_query",
        pl.DataFrame(queries, schema={"dataset_id": pl.Int32, "query": pl.String}, orient="row"),
    )


def _fill_identities(con: duckdb.DuckDBPyConnection, definition: CaseDefinition) -> None:
    trusted, internal = Networks(definition.trusted_proxies), Networks(definition.internal)
    clients: dict[str, int] = {}
    identities: list[tuple[str, str, int, bool]] = []
    for peer, chain in con.execute(
        "select distinct coalesce(peer_ip, ''), coalesce(forwarded_for, '') from gathered order by all"
    ).fetchall():
        client, proxied = client_of(peer, chain, trusted)
        identities.append((peer, chain, clients.setdefault(client or "", len(clients)), proxied))
    networks: dict[str, int] = {}
    folded: dict[str, int] = {}
    for text, number in clients.items():
        network = network_64(text)
        folded[text] = number if network is None else networks.setdefault(network, len(clients) + len(networks))
    _fill(
        con,
        "identity",
        pl.DataFrame(
            identities,
            schema={"peer_ip": pl.String, "forwarded_for": pl.String, "client_id": pl.Int32, "proxied": pl.Boolean},
            orient="row",
        ),
    )
    _fill(
        con,
        "client",
        pl.DataFrame(
            [
                (number, text, bool(internal) and parse_address(text) in internal, folded[text])
                for text, number in clients.items()
            ]
            + [(number, text, False, number) for text, number in networks.items()],
            schema={"client_id": pl.Int32, "client_ip": pl.String, "internal": pl.Boolean, "folded_id": pl.Int32},
            orient="row",
        ),
    )


def _fill_agents(con: duckdb.DuckDBPyConnection, _: CaseDefinition) -> None:
    distinct = con.execute("select distinct coalesce(user_agent, '') from gathered order by all").fetchall()
    agents = [agent for (agent,) in distinct]
    _fill(
        con,
        "agent",
        pl.DataFrame(
            {"agent_id": list(range(len(agents))), "user_agent": agents, "automated": automated(agents)},
            schema={"agent_id": pl.Int32, "user_agent": pl.String, "automated": pl.Boolean},
        ),
    )


def _fill_pairing(con: duckdb.DuckDBPyConnection, definition: CaseDefinition) -> None:
    """Pair behind-the-proxy requests with what a vantage nearer to the client logged of them, tier by tier."""
    same = con.execute("select tier, origin_no, edge_no from same_id order by all").fetchall()
    pairs: list[tuple[int, int]] = [(origin, edge) for _, origin, edge in same]
    decided = dict(pairs)
    spoken_for = {(tier, edge) for tier, _, edge in same}
    rows = con.execute(
        "select group_no, request_no, tier, proxied, started_us, ended_us, method from seen "
        "order by group_no, request_no"
    ).fetchall()
    for _, group in groupby(rows, key=itemgetter(0)):
        tiers: dict[int, list[Seen]] = {}
        behind: dict[int, list[Seen]] = {}
        for _, request_no, tier, proxied, started_us, ended_us, method in group:
            if request_no in decided:
                continue
            side = behind if proxied and tier > 0 else tiers
            side.setdefault(tier, []).append(Seen(request_no, started_us, ended_us, method))
        nearer = tiers.get(0, [])
        for tier in (1, 2):
            waiting = behind.get(tier, [])
            free = [seen for seen in nearer if (tier, seen.request_no) not in spoken_for]
            found = list(pair(free, waiting, definition.policy.match_within_us))
            pairs += found
            absorbed = {origin for origin, _ in found}
            # What no nearer vantage stands for may itself stand for a request further behind.
            nearer = nearer + tiers.get(tier, []) + [seen for seen in waiting if seen.request_no not in absorbed]
    con.execute("create or replace table pairing (origin_no bigint not null, edge_no bigint not null)")
    _fill(con, "pairing", pl.DataFrame(pairs, schema={"origin_no": pl.Int64, "edge_no": pl.Int64}, orient="row"))


def _fill_start_overs(con: duckdb.DuckDBPyConnection, _: CaseDefinition) -> None:
    rows: Sequence[tuple[int, int, int | None, int | None, int | None]] = con.execute(
        "select part_of, request_no, first_byte, last_byte, size from part order by part_of, position"
    ).fetchall()
    begins = list(start_overs(Part(*row) for row in rows))
    con.execute("create or replace table start_over (request_no bigint not null)")
    _fill(con, "start_over", pl.DataFrame({"request_no": begins}, schema={"request_no": pl.Int64}))


STEPS: tuple[Step, ...] = (
    _fill_policy,
    _fill_items,
    _fill_targets,
    "25_gathered",
    _fill_identities,
    _fill_agents,
    "26_request",
    "31_duplicate",
    "32_same_id",
    "32_seen",
    _fill_pairing,
    "33_bucket",
    "40_size",
    "41_transfer",
    "42_session",
    "43_part",
    _fill_start_overs,
    "44_member",
    "45_attempt",
    "46_holding",
    "47_download",
    "50_observation",
    "51_stretch",
    "52_object_window",
    "53_unavailable",
    "54_reachable",
    "55_exposure_window",
    "56_confirmed",
    "57_interruption",
)
COVERAGE_STEPS = ("27_minute", "28_address", "29_untimed")
"""One pass over all events for what `coverage` asks; made anew only where the evidence or its clocks changed."""

LAST_OF_DOWNLOADS = "47_download"


@contextmanager
def counted_otherwise(
    con: duckdb.DuckDBPyConnection, definition: CaseDefinition, *, since: str
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The downloads as another policy counts them, `definition.policy`: the same SQL, run from step `since` on.

    Inside the context each table of the case that the policy changes is hidden by one in memory; the case stays.
    """
    before = _put_in_front(con, "otherwise")
    try:
        con.execute("create table policy as select * from policy limit 0")
        _fill_policy(con, definition)
        for step in STEPS[STEPS.index(since) : STEPS.index(LAST_OF_DOWNLOADS) + 1]:
            _take(con, step, definition)
        yield con
    finally:
        con.execute(f"set search_path = '{before}'")
        con.execute("detach otherwise")
