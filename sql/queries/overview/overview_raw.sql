-- Headline figures of a period and of the one before it, counted from raw events alone.
-- Grain: two rows, the period's own first. Parameters: site, first, last, previous_first, bots.
-- A visit ends at most 24 hours after it started, which can be two local days later where clocks change.
with
    daily as (
        select
            local_date >= {first:Date} as own,
            uniqExact(visitor_id) as visitors,
            countIf(name = 'page_view') as pageviews
        from events
        where site_id = {site:UInt32}
            and local_date between {previous_first:Date} and {last:Date}
            and (not bot or {bots:Bool})
        group by own
    ),
    visit as (
        select
            visit_date,
            is_bounce(countIf(e.name = 'page_view'), countIf(e.interactive)) as bounce,
            dateDiff('millisecond', min(e.timestamp), max(e.timestamp)) / 1000 as duration
        from events as e
        where site_id = {site:UInt32}
            and visit_date between {previous_first:Date} and {last:Date}
            and local_date between {previous_first:Date} and {last:Date} + 2
        group by visit_date, visitor_id, visit_id
        having not max(e.bot) or {bots:Bool}
    ),
    started as (
        select visit_date >= {first:Date} as own, count() as visits, countIf(bounce) as bounces, sum(duration) as seconds
        from visit
        group by own
    ),
    periods as (select arrayJoin([true, false]) as own)
select
    periods.own as own,
    daily.visitors as visitors,
    started.visits as visits,
    daily.pageviews as pageviews,
    if(visits = 0, null, pageviews / visits) as views_per_visit,
    if(visits = 0, null, started.bounces / visits) as bounce_rate,
    if(visits = 0, null, started.seconds / visits) as visit_duration
from periods
left join daily on daily.own = periods.own
left join started on started.own = periods.own
order by own desc
