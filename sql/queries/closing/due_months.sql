-- Months whose rollups are to be closed, or closed again, each by its first day. Grain: one row a site and month.
-- Parameters: derived.
select r.site_id as site_id, r.month as day, r.batch_no as batch_no
from (
    select site_id, toStartOfMonth(day) as month, max(batch_no) as batch_no from revisions group by site_id, month
) as r
left join (select * from closings final where derived = {derived:String}) as c
    on c.site_id = r.site_id and c.day = r.month
where r.batch_no > c.batch_no
order by day, site_id
