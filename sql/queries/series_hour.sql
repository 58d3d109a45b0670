-- Figures by local hour: visitors and page views from raw events, since no rollup holds hours; visits from visits.
-- Grain: one row a local hour on which something happened, `shift` its offset from UTC in seconds (an hour that
-- the clocks repeat is two). Parameters: site, first, last, bots, zone.
with
    hourly as (
        select
            toDate(timestamp, {zone:String}) as day,
            toHour(timestamp, {zone:String}) as hour,
            timeZoneOffset(toTimeZone(timestamp, {zone:String})) as shift,
            uniq(visitor_id) as visitors,
            countIf(name = 'page_view') as pageviews
        from events
        where site_id = {site:UInt32} and local_date between {first:Date} and {last:Date} and (not bot or {bots:Bool})
        group by day, hour, shift
    ),
    visited as (
        select
            toDate(started, {zone:String}) as day,
            toHour(started, {zone:String}) as hour,
            timeZoneOffset(toTimeZone(started, {zone:String})) as shift,
            count() as visits,
            countIf(bounce) as bounces,
            sum(duration) as seconds
        from visits_merged
        where site_id = {site:UInt32} and visit_date between {first:Date} and {last:Date} and (not bot or {bots:Bool})
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
