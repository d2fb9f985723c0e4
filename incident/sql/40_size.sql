-- one row per (object, size of a complete copy), with the basis of that size and the time in which it was seen
--
-- rule size-of-an-object
-- An object's size is the declared one; else the total of Content-Range or the content length of 200 responses; else
-- inferred: an exact body size delivered by 200 responses to at least three client addresses.
-- why: a size that three clients received in full is no coincidence of broken transfers; a compressed variant or a later
-- version has its own such size.
with transfer as (
    select r.*
    from request r
    join bucket b
        on b.request_no = r.request_no
    where b.bucket = 'counted'
),
declared as (
    select object_id, declared_size as size
    from object
    where declared_size is not null
),
observed as (
    select
        object_id,
        range_total as size,
        'content-range' as basis,
        started_us
    from transfer
    where status = 206 and range_total is not null
    union all
    select
        object_id,
        coalesce(content_length, range_total) as size,   -- some logs name the object's size on every line
        'content-length' as basis,
        started_us
    from transfer
    where status = 200 and coalesce(content_length, range_total) is not null
),
inferred as (
    select
        object_id,
        bytes_sent as size,
        min(started_us) as first_us,
        max(started_us) as last_us
    from transfer
    where status = 200 and size_kind = 'body_sent' and not aborted and bytes_sent is not null
    group by object_id, bytes_sent
    having count(distinct client_id) >= 3
)
select
    object_id,
    size,
    'declared' as basis,
    cast(null as bigint) as first_us,
    cast(null as bigint) as last_us
from declared
union all
select
    o.object_id,
    o.size,
    max(o.basis) as basis,
    min(o.started_us) as first_us,
    max(o.started_us) as last_us
from observed o
left join declared d
    on d.object_id = o.object_id
where d.object_id is null
group by o.object_id, o.size
union all
select
    i.object_id,
    i.size,
    'inferred' as basis,
    i.first_us,
    i.last_us
from inferred i
left join declared d
    on d.object_id = i.object_id
left join (select distinct object_id from observed) o
    on o.object_id = i.object_id
where d.object_id is null and o.object_id is null
