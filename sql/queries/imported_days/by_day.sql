-- Imported totals of a period by day. Grain: one row a day. Parameters: site, first, last.
select day, sum(visitors) as visitors, sum(visits) as visits, sum(pageviews) as pageviews, sum(bounces) as bounces,
    sum(seconds) as seconds
from imported_days
where site_id = {site:UInt32} and dimension = '' and day between {first:Date} and {last:Date}
group by day
order by day
