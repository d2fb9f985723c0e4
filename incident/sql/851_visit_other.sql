-- one row per (client address, path) asked for in a visit that took data, the five most frequent of each address
--
-- rule other-lines
-- What else an address asked for around its downloads: lines that match no data set, in visits in which it took data.
with taking as (
    select client_ip, visit_no
    from visit_line
    group by client_ip, visit_no
    having max(took) = 1
),
other as (
    select l.client_ip, coalesce(l.path, '') as path, count(*) as lines
    from visit_line l
    join taking t
        on t.client_ip = l.client_ip
        and t.visit_no = l.visit_no
    where l.matched = 0
    group by l.client_ip, coalesce(l.path, '')
),
ranked as (
    select
        other.*,
        row_number() over (partition by client_ip order by lines desc, path) as place,
        sum(lines) over (partition by client_ip) as other_lines
    from other
),
visits as (
    select client_ip, count(*) as visits
    from taking
    group by client_ip
)
select
    v.client_ip,
    v.visits,
    cast(coalesce(r.other_lines, 0) as bigint) as other_lines,
    r.path,
    r.lines
from visits v
left join ranked r
    on r.client_ip = v.client_ip
    and r.place <= 5
order by v.client_ip, r.place
