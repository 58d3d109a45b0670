-- Which events the visits of the days at work were made of. Grain: one row a site and day. Reads the table, or what raw
-- events make of it.
select site_id, visit_date as day, sum(t.events) as n, sum(t.checksum) as mark
from visits as t
where (site_id, visit_date) in (select site_id, day from work_days)
group by site_id, day
