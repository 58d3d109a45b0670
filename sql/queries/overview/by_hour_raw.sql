-- Figures by local hour, counted from raw events alone. Grain: one row a local hour in which something
-- happened, by its start (0: see by_hour.sql). Parameters: site, first, last, bots, starts, until.
with
    hourly as (
        select
            local_hour(timestamp, {starts:Array(UInt32)}, {until:UInt32}) as start,
            uniqExact(visitor_id) as visitors,
            countIf(name = 'page_view') as pageviews
        from events
        where site_id = {site:UInt32} and local_date between {first:Date} and {last:Date} and (not bot or {bots:Bool})
        group by start
    ),
    visit as (
        select
            min(e.timestamp) as begun,
            is_bounce(countIf(e.name = 'page_view'), countIf(e.interactive)) as bounce,
            dateDiff('millisecond', begun, max(e.timestamp)) / 1000 as duration
        from events as e
        where site_id = {site:UInt32}
            and visit_date between {first:Date} and {last:Date}
            and local_date between {first:Date} and {last:Date} + 2
        group by visit_date, visitor_id, visit_id
        having not max(e.bot) or {bots:Bool}
    ),
    visited as (
        select
            local_hour(begun, {starts:Array(UInt32)}, {until:UInt32}) as start,
            count() as visits,
            countIf(bounce) as bounces,
            sum(duration) as seconds
        from visit
        group by start
    )
select
    start,
    hourly.visitors as visitors,
    visited.visits as visits,
    hourly.pageviews as pageviews,
    if(visits = 0, null, visited.bounces / visits) as bounce_rate,
    if(visits = 0, null, visited.seconds / visits) as visit_duration
from hourly
full join visited using start
order by start
