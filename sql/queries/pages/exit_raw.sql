-- Pages on which visits ended, and the share of each page's views that were the last of a visit, from raw events.
-- Grain: one row a path. Parameters: site, first, last, bots, limit.
with
    visit as (
        select
            visitor_id,
            argMaxIf(e.path, arrival_order(e.timestamp, e.received_at, e.batch_seq, e.event_id), e.name = 'page_view') as page
        from events as e
        where site_id = {site:UInt32}
            and visit_date between {first:Date} and {last:Date}
            and local_date between {first:Date} and {last:Date} + 2
        group by visit_date, visitor_id, visit_id
        having (not max(e.bot) or {bots:Bool}) and countIf(e.name = 'page_view') > 0
    ),
    exit as (
        select page, uniqExact(visitor_id) as visitors, count() as exits from visit group by page
    ),
    flagged as (
        select visit_id
        from events
        where site_id = {site:UInt32}
            and visit_date between {first:Date} and {last:Date}
            and local_date between {first:Date} and {last:Date} + 2
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
