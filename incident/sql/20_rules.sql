-- What the counting rules read. The matcher fills these tables from the case definition before anything is counted.

-- one row: the thresholds in force; sensitivity is the same SQL with another row
create or replace table policy (
    name                varchar not null,
    session_gap_us      bigint not null,
    repeat_within_us    bigint not null,
    min_bytes           bigint not null,
    max_interruption_us bigint not null,
    match_within_us     bigint not null,
    every_transfer      boolean not null,   -- each transfer is a download of its own
    per_day             boolean not null,   -- one download per client, object and UTC day
    only_200            boolean not null,   -- only 200 responses are transfers
    full_only           boolean not null,   -- only full downloads are counted
    humans_only         boolean not null,   -- downloads by automated clients are not counted
    fold_ipv6           boolean not null,   -- an IPv6 client is its /64
    count_internal      boolean not null,   -- the organisation's own clients are counted too
    only_tier           integer             -- only what this tier logged; null: all
);

-- one row per data set
create or replace table dataset (
    dataset_id  integer not null,       -- in the order of the definition
    name        varchar not null,
    by_query    boolean not null        -- true: only requests whose query is in dataset_query belong to it
);

-- one row per (data set, method that fetches it)
create or replace table dataset_method (
    dataset_id integer not null,
    method     varchar not null
);

-- one row per (data set, host as logged, path as logged) that belongs together
create or replace table target (
    dataset_id integer not null,
    host       varchar not null,        -- '' where the log records none
    path       varchar not null,
    object_id  integer not null
);

-- one row per (data set, query that its pattern takes); '' stands for none
create or replace table dataset_query (
    dataset_id integer not null,
    query      varchar not null
);

-- one row per object: a normalised path within a data set
create or replace table object (
    object_id     integer not null,
    dataset_id    integer not null,
    path          varchar not null,
    declared_size bigint                -- bytes of a complete copy, as the definition declares it
);

-- one row per evidence item, as the definition sees it
create or replace table item (
    evidence_id     integer not null,
    item_order      integer not null,   -- by path and content, so that the order of ingest does not matter
    vantage         varchar not null,
    tier            integer not null,   -- 0 edge, 2 origin, 1 any other name: how far behind the client
    server          varchar,
    clock_offset_us bigint not null
);

-- one row per (peer, forwarded-for) seen: who the client is
create or replace table identity (
    peer_ip       varchar not null,     -- '' where the log records none
    forwarded_for varchar not null,
    client_id     integer not null,
    proxied       boolean not null      -- the peer is a trusted proxy
);

-- one row per client address
create or replace table client (
    client_id integer not null,
    client_ip varchar not null,
    internal  boolean not null,
    folded_id integer not null          -- the client that stands for its IPv6 /64; itself for IPv4
);

-- one row per user agent
create or replace table agent (
    agent_id   integer not null,
    user_agent varchar not null,        -- '' where there is none
    automated  boolean not null         -- on a published list of automated clients
);
