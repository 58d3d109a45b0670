-- The most visited pages, from raw events. Grain: one row a path. Parameters: site, first, last, bots, limit.
select
    path as page,
    uniqExact(visitor_id) as visitors,
    count() as pageviews
from events
where site_id = {site:UInt32}
    and local_date between {first:Date} and {last:Date}
    and (not bot or {bots:Bool})
    and name = 'page_view'
group by page
order by visitors desc, pageviews desc, page
limit {limit:UInt32}
