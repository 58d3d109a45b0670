-- Figures by local day, from rollups and visits. Grain: one row a day on which something happened.
-- Parameters: site, first, last, bots.
with
    daily as (
        select local_date as day, uniqMerge(d.visitors) as visitors, sumIf(d.events, d.name = 'page_view') as pageviews
        from daily_events as d
        where site_id = {site:UInt32} and local_date between {first:Date} and {last:Date} and (not bot or {bots:Bool})
        group by day
    ),
    started as (
        select visit_date as day, count() as visits, countIf(bounce) as bounces, sum(duration) as seconds
        from visits_merged
        where site_id = {site:UInt32} and visit_date between {first:Date} and {last:Date} and (not bot or {bots:Bool})
        group by day
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
