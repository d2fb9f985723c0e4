-- one row per (object, client) that holds a full copy: by one download, or put together from all it received
--
-- rule full-copy
-- A client holds a full copy where one of its downloads is full, or where the union of all ranges of one version that it
-- received over the whole window covers the object.
-- why: separate parts may assemble a copy (RFC 9110, 15.3.7.3: only parts of one version may be combined).
with laid as (
    select
        t.dataset_id, t.object_id, t.client_id, t.agent_id, t.size, t.first_byte, t.delivered_bytes,
        max(t.first_byte + t.delivered_bytes) over (
            partition by t.dataset_id, t.object_id, t.client_id, t.agent_id, t.size
            order by t.first_byte, t.first_byte + t.delivered_bytes, t.request_no
            rows between unbounded preceding and 1 preceding
        ) as held_to
    from transfer t
    where t.proven = 1 and t.size is not null and t.first_byte is not null
),
assembled as (
    select dataset_id, object_id, client_id, agent_id
    from laid
    group by dataset_id, object_id, client_id, agent_id, size
    having sum(
        case
            when held_to is null or held_to <= first_byte then delivered_bytes
            when held_to >= first_byte + delivered_bytes then 0
            else first_byte + delivered_bytes - held_to
        end
    ) >= size
)
select dataset_id, object_id, client_id, agent_id
from assembled
union
select dataset_id, object_id, client_id, agent_id
from attempt
where completeness = 'full'
