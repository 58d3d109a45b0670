-- Figures by local hour: visitors and page views from raw events, since no rollup holds hours; visits from visits.
-- Grain: one row a local hour in which something happened, by its start (0: events whose local date lies in the period
-- and whose time does not). Parameters: site, first, last, bots, starts, until (see local_hour).
with
    hourly as (
        select
            local_hour(timestamp, {starts:Array(UInt32)}, {until:UInt32}) as start,
            uniq(visitor_id) as visitors,
            countIf(name = 'page_view') as pageviews
        from events
        where site_id = {site:UInt32} and local_date between {first:Date} and {last:Date} and (not bot or {bots:Bool})
        group by start
    ),
    visited as (
        select
            local_hour(started, {starts:Array(UInt32)}, {until:UInt32}) as start,
            count() as visits,
            countIf(bounce) as bounces,
            sum(duration) as seconds
        from visits_merged
        where site_id = {site:UInt32} and visit_date between {first:Date} and {last:Date} and (not bot or {bots:Bool})
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
