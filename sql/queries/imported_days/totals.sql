-- Imported totals of a period by value. Grain: one row a value. Parameters: site, dimension, first, last.
select value, sum(visitors) as visitors, sum(visits) as visits, sum(pageviews) as pageviews, sum(bounces) as bounces,
    sum(seconds) as seconds
from imported_days
where site_id = {site:UInt32} and dimension = {dimension:String} and day between {first:Date} and {last:Date}
group by value
order by value
