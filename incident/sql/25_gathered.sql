-- one row per (data set, event that belongs to it), with all its columns: counting goes over these only
--
-- rule data-set-match
-- An event belongs to a data set if its normalised path matches one of the data set's paths, its host (where the log
-- records one) is one of the data set's hosts, and its query fits the data set's query pattern, where it has one.
-- why: what the log does not record cannot be used to leave a request out.
select
    t.dataset_id,
    t.object_id,
    e.*
from event e
join target t
    on t.host = coalesce(e.host, '')
    and t.path = e.path
join dataset d
    on d.dataset_id = t.dataset_id
left join dataset_query q
    on q.dataset_id = t.dataset_id
    and q.query = coalesce(e.query, '')
where not d.by_query or q.query is not null
