-- The most visited pages, from the rollup. Grain: one row a path. Parameters: site, first, last, bots, limit.
select
    path as page,
    uniqMerge(p.visitors) as visitors,
    sum(p.pageviews) as pageviews
from daily_pages as p
where site_id = {site:UInt32} and local_date between {first:Date} and {last:Date} and (not bot or {bots:Bool})
group by page
order by visitors desc, pageviews desc, page
limit {limit:UInt32}
