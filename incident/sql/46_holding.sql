-- one row per (object, client) that holds a full copy: by one download, or put together from all it received
--
-- rule full-copy
-- A client holds a full copy where one of its downloads is full, or where the union of all ranges of one version that it
-- received over the whole window covers the object.
-- why: separate parts may assemble a copy (RFC 9110, 15.3.7.3: only parts of one version may be combined).
with placed as (
    select
        t.request_no, t.dataset_id, t.object_id, t.client_id, t.agent_id, t.size, t.first_byte,
        -- Where its bytes end in the object; what lies beyond the object's size adds nothing.
        case
            when t.first_byte + t.delivered_bytes > t.size then t.size
            else t.first_byte + t.delivered_bytes
        end as end_byte
    from transfer t
    where t.proven = 1 and t.size is not null and t.first_byte is not null
),
laid as (
    select
        placed.*,
        max(end_byte) over (
            partition by dataset_id, object_id, client_id, agent_id, size
            order by first_byte, end_byte, request_no
            rows between unbounded preceding and 1 preceding
        ) as held_to
    from placed
),
assembled as (
    select dataset_id, object_id, client_id, agent_id
    from laid
    group by dataset_id, object_id, client_id, agent_id, size
    having sum(
        case
            when end_byte <= first_byte or end_byte <= held_to then 0
            when held_to > first_byte then end_byte - held_to
            else end_byte - first_byte
        end
    ) >= size
)
select dataset_id, object_id, client_id, agent_id
from assembled
union
select dataset_id, object_id, client_id, agent_id
from attempt
where completeness = 'full'
