-- Visits by what their first event said, from raw events. Grain: one row a value.
-- Parameters: site, first, last, bots, dimension (a name in `visits.first`), empty, limit.
with
    event as (
        select
            visit_date,
            visitor_id,
            visit_id,
            bot,
            name,
            interactive,
            timestamp,
            received_at,
            batch_seq,
            event_id,
            tupleElement(
                cast((
                    source, channel, referrer, utm_source, utm_medium, utm_campaign, utm_term, utm_content,
                    click_id_kind, country, device, browser, os, language, hostname
                ), 'Tuple(source String, channel String, referrer String, utm_source String, utm_medium String,
                    utm_campaign String, utm_term String, utm_content String, click_id_kind String, country String,
                    device String, browser String, os String, language String, hostname String)'),
                {dimension:String}
            ) as said
        from events
        where site_id = {site:UInt32}
            and visit_date between {first:Date} and {last:Date}
            and local_date between {first:Date} and {last:Date} + 2
    ),
    visit as (
        select
            visitor_id,
            argMin(said, arrival_order(timestamp, received_at, batch_seq, event_id)) as value,
            is_bounce(countIf(name = 'page_view'), countIf(interactive)) as bounce,
            dateDiff('millisecond', min(timestamp), max(timestamp)) / 1000 as duration
        from event
        group by visit_date, visitor_id, visit_id
        having not max(bot) or {bots:Bool}
    )
select
    value,
    uniqExact(visitor_id) as visitors,
    count() as visits,
    countIf(bounce) / visits as bounce_rate,
    sum(duration) / visits as visit_duration
from visit
where value != '' or {empty:Bool}
group by value
order by visitors desc, visits desc, value
limit {limit:UInt32}
