-- Figures by local hour, counted from raw events alone. Grain: one row a local hour on which something happened,
-- `shift` its offset from UTC in seconds. Parameters: site, first, last, bots, zone.
with
    hourly as (
        select
            toDate(timestamp, {zone:String}) as day,
            toHour(timestamp, {zone:String}) as hour,
            timeZoneOffset(toTimeZone(timestamp, {zone:String})) as shift,
            uniqExact(visitor_id) as visitors,
            countIf(name = 'page_view') as pageviews
        from events
        where site_id = {site:UInt32} and local_date between {first:Date} and {last:Date} and (not bot or {bots:Bool})
        group by day, hour, shift
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
            toDate(begun, {zone:String}) as day,
            toHour(begun, {zone:String}) as hour,
            timeZoneOffset(toTimeZone(begun, {zone:String})) as shift,
            count() as visits,
            countIf(bounce) as bounces,
            sum(duration) as seconds
        from visit
        group by day, hour, shift
    )
select
    day,
    hour,
    shift,
    hourly.visitors as visitors,
    visited.visits as visits,
    hourly.pageviews as pageviews,
    if(visits = 0, null, visited.bounces / visits) as bounce_rate,
    if(visits = 0, null, visited.seconds / visits) as visit_duration
from hourly
full join visited using (day, hour, shift)
order by day, hour, shift desc
