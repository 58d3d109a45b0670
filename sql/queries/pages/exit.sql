-- Pages on which visits ended, and the share of each page's views that were the last of a visit.
-- Grain: one row a path. Parameters: site, first, last, bots, limit.
-- Both are those of visits that started in the period and are no bot's: no rate is over 1. No rollup has page views by
-- the day of their visit, so they are counted from raw events.
with
    exit as (
        select exit_page as page, uniq(visitor_id) as visitors, count() as exits
        from visits_merged
        where site_id = {site:UInt32}
            and visit_date between {first:Date} and {last:Date}
            and (not bot or {bots:Bool})
            and pageviews > 0
        group by page
    ),
    flagged as (
        select visit_id
        from visits
        where site_id = {site:UInt32}
            and visit_date between {first:Date} and {last:Date}
            and bot
    ),
    viewed as (
        select path as page, count() as pageviews
        from events
        where site_id = {site:UInt32}
            and visit_date between {first:Date} and {last:Date}
            and local_date between {first:Date} and {last:Date} + 2
            and ({bots:Bool} or visit_id not in (select visit_id from flagged))
            and name = 'page_view'
        group by page
    )
select
    page,
    exit.visitors as visitors,
    exit.exits as exits,
    viewed.pageviews as pageviews,
    if(pageviews = 0, null, exits / pageviews) as exit_rate
from exit
left join viewed using page
order by exits desc, visitors desc, page
limit {limit:UInt32}
settings optimize_aggregation_in_order = 1
