-- Pages on which visits began, from raw events. Grain: one row a path. Parameters: site, first, last, bots, limit.
with visit as (
    select
        visitor_id,
        argMinIf(e.path, arrival_order(e.timestamp, e.received_at, e.batch_seq, e.event_id), e.name = 'page_view') as page,
        is_bounce(countIf(e.name = 'page_view'), countIf(e.interactive)) as bounce,
        dateDiff('millisecond', min(e.timestamp), max(e.timestamp)) / 1000 as duration
    from events as e
    where site_id = {site:UInt32}
        and visit_date between {first:Date} and {last:Date}
        and local_date between {first:Date} and {last:Date} + 2
    group by visit_date, visitor_id, visit_id
    having (not max(e.bot) or {bots:Bool}) and countIf(e.name = 'page_view') > 0
)
select
    page,
    uniqExact(visitor_id) as visitors,
    count() as visits,
    countIf(bounce) / visits as bounce_rate,
    sum(duration) / visits as visit_duration
from visit
group by page
order by visits desc, visitors desc, page
limit {limit:UInt32}
