-- The case file: what was received, how it was read, and what it says.
-- Times are integer microseconds since 1970-01-01 UTC. NULL is "the log does not say".

-- one row per property of the case file itself
create table if not exists meta (
    key   varchar primary key,      -- 'schema_version', 'created_by'
    value varchar not null
);

-- one row per evidence item: a file as received, or one member of an archive
create table if not exists evidence (
    evidence_id     integer primary key,
    path            varchar not null,   -- relative to the ingested folder, "/" between parts
    root            varchar not null,   -- the folder that was ingested
    sha256          varchar,            -- of the file as received
    content_sha256  varchar,            -- of the decompressed bytes
    bytes           bigint,
    content_bytes   bigint,
    compression     varchar not null,
    format          varchar,            -- of most of its events
    detected_by     varchar,            -- why this format
    vantage         varchar,            -- the format page's own; the definition's [[evidence]] decides when counting
    server          varchar,            -- "apache" or "nginx" where the lines prove it; the definition's word comes first
    server_because  varchar,            -- the proof: what was seen, and in which line
    status          varchar not null,   -- ingested | repeat | truncated | unreadable | unrecognised
    problem         varchar,
    repeat_of       integer,            -- the item whose content this one repeats
    lines           bigint not null,    -- lines = events + rejected + skipped
    events          bigint not null,
    rejected        bigint not null,
    skipped         bigint not null,    -- blank lines, comments, headers
    first_ts_us     bigint,
    last_ts_us      bigint,
    settings        varchar not null,   -- the user's format, log_format and timezone for it, as JSON: what it was read with
    tool_version    varchar not null
);

-- one row per way in which lines of an item were read
create table if not exists reading (
    evidence_id integer not null,
    reading     smallint not null,
    format      varchar not null,
    fields      varchar,                -- the #Fields in force, or the directive
    ts_kind     varchar not null,       -- what the logged time stamps: start | end | unknown
    bytes_kind  varchar not null,       -- body_sent | total_sent | response_size | unknown
    range_kind  varchar,                -- where the range comes from: response | request
    zone        varchar,
    first_line  bigint not null,
    primary key (evidence_id, reading)
);

-- one row per parsed line
create table if not exists event (
    evidence_id    integer not null,
    reading        smallint not null,
    line_no        bigint not null,
    byte_offset    bigint not null,
    byte_length    integer not null,
    ts_us          bigint,             -- as logged, in UTC; the definition's clock_offset is added when counting
    duration_us    bigint,
    peer_ip        varchar,
    peer_port      integer,
    forwarded_for  varchar,
    user_name      varchar,
    method         varchar,
    host           varchar,
    path           varchar,
    query          varchar,
    protocol       varchar,
    status         smallint,
    bytes_sent     bigint,
    content_length bigint,
    range_start    bigint,
    range_end      bigint,
    range_total    bigint,
    content_type   varchar,
    referer        varchar,
    user_agent     varchar,
    cache_status   varchar,
    request_id     varchar,
    aborted        boolean,
    inner_hop      boolean,
    rest_hash      bigint
);

-- one row per line that no format could read: kept whole
create table if not exists reject (
    evidence_id integer not null,
    line_no     bigint not null,
    byte_offset bigint not null,
    byte_length integer not null,
    reason      varchar not null,
    raw         blob not null
);

-- one row per definition that was ever applied to the case
create table if not exists definition (
    sha256     varchar primary key,
    text       varchar not null,
    applied_no integer not null         -- counts from 1 in the order of first use
);
