-- Figures by local day, counted from raw events alone. Grain: one row a day on which something happened.
-- Parameters: site, first, last, bots.
with
    daily as (
        select local_date as day, uniqExact(visitor_id) as visitors, countIf(name = 'page_view') as pageviews
        from events
        where site_id = {site:UInt32} and local_date between {first:Date} and {last:Date} and (not bot or {bots:Bool})
        group by day
    ),
    visit as (
        select
            visit_date as day,
            is_bounce(countIf(e.name = 'page_view'), countIf(e.interactive)) as bounce,
            dateDiff('millisecond', min(e.timestamp), max(e.timestamp)) / 1000 as duration
        from events as e
        where site_id = {site:UInt32}
            and visit_date between {first:Date} and {last:Date}
            and local_date between {first:Date} and {last:Date} + 2
        group by visit_date, visitor_id, visit_id
        having not max(e.bot) or {bots:Bool}
    ),
    started as (
        select day, count() as visits, countIf(bounce) as bounces, sum(duration) as seconds from visit group by day
    )
select
    day,
    daily.visitors as visitors,
    started.visits as visits,
    daily.pageviews as pageviews,
    if(visits = 0, null, started.bounces / visits) as bounce_rate,
    if(visits = 0, null, started.seconds / visits) as visit_duration
from daily
full join started using day
order by day
