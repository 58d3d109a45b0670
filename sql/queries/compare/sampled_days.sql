-- Which sampled events the days at work have. Grain: one row a site and day. Reads the table, or what raw events make
-- of it.
select site_id, local_date as day, sum(t.events) as n, sum(t.checksum) as mark
from sampled_days as t
where (site_id, local_date) in (select site_id, day from work_days)
group by site_id, day
