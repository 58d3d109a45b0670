-- Headline figures of a period and of the one before it, from rollups and visits.
-- Grain: two rows, the period's own first. Parameters: site, first, last, previous_first, bots.
-- Visitors and page views belong to the day of the event, visits to the day on which they started.
with
    daily as (
        select
            local_date >= {first:Date} as own,
            uniqMerge(d.visitors) as visitors,
            sumIf(d.events, d.name = 'page_view') as pageviews
        from daily_events as d
        where site_id = {site:UInt32}
            and local_date between {previous_first:Date} and {last:Date}
            and (not bot or {bots:Bool})
        group by own
    ),
    started as (
        select
            visit_date >= {first:Date} as own,
            count() as visits,
            countIf(bounce) as bounces,
            sum(duration) as seconds
        from visits_merged
        where site_id = {site:UInt32}
            and visit_date between {previous_first:Date} and {last:Date}
            and (not bot or {bots:Bool})
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
